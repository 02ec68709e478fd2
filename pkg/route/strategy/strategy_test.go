package strategy_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/load"
	"github.com/mom-router/mom/pkg/route/omni"
	"github.com/mom-router/mom/pkg/route/signal"
	"github.com/mom-router/mom/pkg/route/strategy"
)

var (
	domains = classifiertest.Words{
		Classes: []string{"math", "law", "other"}, Label: map[string]string{"integral": "math", "contract": "law"}, Any: "other", P: 0.9,
	}
	levels = classifiertest.Words{Classes: []string{"easy", "hard"}, Label: map[string]string{"prove": "hard"}, Any: "easy", P: 0.9}
	broken = classifiertest.Words{Classes: []string{"easy", "hard"}, Any: "easy", Err: errors.New("no model")}
)

// axes are texts as vectors: one axis a word.
type axes []string

func (a axes) Dim() int { return len(a) }

func (a axes) Embed(_ context.Context, text string) ([]float32, error) {
	v, sum := make([]float32, len(a)), 0.0
	for i, word := range a {
		n := float64(strings.Count(text, word))
		v[i] = float32(n)
		sum += n * n
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(max(sum, 1)))
	}
	return v, nil
}

func (a axes) Windows(ctx context.Context, text string) ([][]float32, error) {
	v, err := a.Embed(ctx, text)
	return [][]float32{v}, err
}

func reader(t testing.TB, domain, difficulty classifiers.Classifier) *signal.Reader {
	t.Helper()
	r, err := signal.NewReader(t.Context(), signal.Config{
		Domain: domain, Difficulty: difficulty, Embedder: axes{"refund", "order", "proof", "lemma"},
		Similarity: []signal.Exemplars{
			{Name: "support", Texts: []string{"order", "refund order", "refund"}}, {Name: "proofs", Texts: []string{"proof", "proof lemma"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func request(text string) *pipeline.Request {
	return &pipeline.Request{ID: "r1", Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "user", Texts: []string{text}}}}
}

var models = []strategy.Model{
	{Name: "small", Price: &strategy.Price{Input: 0.1, Output: 0.1}, Quality: strategy.Quality{"math": 0.2, "law": 0.6, "": 0.5}},
	{Name: "large", Price: &strategy.Price{Input: 1, Output: 1}, Quality: strategy.Quality{"math": 0.7, "law": 0.65, "": 0.75}},
	{Name: "jurist", Price: &strategy.Price{Input: 2, Output: 2}, Quality: strategy.Quality{"law": 0.9, "": 0.3}},
}

func decision() strategy.Decision {
	return strategy.Decision{Name: "d", Models: slices.Clone(models), Exemplars: []string{"support", "proofs"}}
}

func make1(t testing.TB, name string, s strategy.Settings, d strategy.Decision) strategy.Strategy {
	t.Helper()
	out, err := strategy.New(name, s, d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOrders(t *testing.T) {
	knob := func(q float64) strategy.Settings { return strategy.Settings{"quality": q} }
	votes := strategy.Settings{"votes": map[string]any{"support": "small", "proofs": "large"}}
	few := strategy.Settings{"votes": map[string]any{"support": "small", "proofs": "large"}, "nearest": 1.0}
	for _, tt := range []struct {
		name       string
		strategy   string
		settings   strategy.Settings
		difficulty classifiers.Classifier
		text       string
		want       string
	}{
		{"no name keeps the order", "", nil, nil, "an integral", "small large jurist"},
		{"first keeps the order", "first", nil, nil, "an integral", "small large jurist"},
		{"the best at mathematics", "domain", nil, nil, "an integral", "large jurist small"},
		{"the best at law", "domain", nil, nil, "a contract", "jurist large small"},
		{"the best at what the table does not name", "domain", nil, nil, "a poem", "large small jurist"},
		{"without a text of a user, the mean of what is not named", "domain", nil, nil, " ", "large small jurist"},
		{"no wish for quality is the cheapest", "cost-quality", knob(0), levels, "prove an integral", "small large jurist"},
		{"nothing but quality is the best", "cost-quality", knob(1), levels, "prove a contract", "jurist large small"},
		{"a gap of half is worth the price", "cost-quality", knob(0.6), nil, "an integral", "large small jurist"},
		{"a gap of a tenth is not", "cost-quality", knob(0.6), nil, "a contract", "small large jurist"},
		{"an easy question has a smaller gap", "cost-quality", knob(0.55), levels, "an integral", "small large jurist"},
		{"the nearest vote for theirs", "similarity", votes, nil, "refund my order", "small large jurist"},
		{"the others' nearest for theirs", "similarity", votes, nil, "a proof of a lemma", "large small jurist"},
		{"what is near nothing keeps the order", "similarity", votes, nil, "hello", "small large jurist"},
		{"one vote decides where one counts", "similarity", few, nil, "proof proof order", "large small jurist"},
		{"without a text nobody votes", "similarity", votes, nil, " ", "small large jurist"},
	} {
		s := make1(t, tt.strategy, tt.settings, decision())
		set := reader(t, domains, tt.difficulty).Read(request(tt.text))
		candidates := []string{"small", "large", "jurist"}
		got, err := s.Order(t.Context(), strategy.Asked{Signals: set, Candidates: candidates})
		if err != nil || strings.Join(got.Models, " ") != tt.want {
			t.Errorf("%s: %v (%s), %v; want %s", tt.name, got.Models, got.Why, err, tt.want)
		}
		if candidates[0] != "small" || candidates[1] != "large" {
			t.Errorf("%s changed the candidates: %v", tt.name, candidates)
		}
	}
}

func TestOnlyCandidatesAreOrdered(t *testing.T) {
	set := reader(t, domains, levels).Read(request("a contract"))
	for name, settings := range map[string]strategy.Settings{
		"first": nil, "domain": nil, "cost-quality": nil, "latency": nil,
		"similarity": {"votes": map[string]any{"support": "jurist"}}, "weighted": {"weights": map[string]any{"jurist": 1.0}},
	} {
		got, err := make1(t, name, settings, decision()).Order(t.Context(), strategy.Asked{Signals: set, Candidates: []string{"large", "small"}})
		slices.Sort(got.Models)
		if diff := cmp.Diff([]string{"large", "small"}, got.Models); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

func TestHarderIsWorse(t *testing.T) {
	s := make1(t, "cost-quality", strategy.Settings{"answer": 1000.0}, decision())
	why := func(difficulty classifiers.Classifier, most int) string {
		req := request("an integral") // seven tokens with what a message costs
		req.Needs.MaxTokens = most
		got, err := s.Order(t.Context(), strategy.Asked{Signals: reader(t, domains, difficulty).Read(req), Candidates: []string{"large"}})
		if err != nil {
			t.Fatal(err)
		}
		return got.Why
	}
	// 0.9 * 0.7 + 0.05 * 0.65 + 0.05 * 0.75 = 0.7; its odds of 7/3, times and through the odds of the difficulty, which are 9: 21/22 and 7/34.
	hard := classifiertest.Words{Classes: []string{"easy", "hard"}, Any: "hard", P: 0.9}
	for name, tt := range map[string]struct{ got, want string }{
		"a middling prompt":              {why(nil, 0), "large 0.700 for $0.001007"},
		"an easy one":                    {why(levels, 0), "large 0.955 for $0.001007"},
		"a hard one":                     {why(hard, 0), "large 0.206 for $0.001007"},
		"an answer that may not be long": {why(nil, 93), "large 0.700 for $0.000100"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", name, tt.got, tt.want)
		}
	}
}

func TestSignalsThatFail(t *testing.T) {
	failing := classifiertest.Words{Classes: []string{"math", "law", "other"}, Any: "other", Err: errors.New("no model")}
	for name, r := range map[string]*signal.Reader{"domain": reader(t, failing, nil), "cost-quality": reader(t, domains, broken)} {
		var of *signal.Error
		_, err := make1(t, name, nil, decision()).Order(t.Context(), strategy.Asked{Signals: r.Read(request("x")), Candidates: []string{"large", "small"}})
		if !errors.As(err, &of) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWeights(t *testing.T) {
	settings := func(small, large, jurist float64, by string) strategy.Settings {
		return strategy.Settings{"weights": map[string]any{"small": small, "large": large, "jurist": jurist}, "by": by}
	}
	r := reader(t, nil, nil)
	order := func(s strategy.Strategy, req *pipeline.Request) []string {
		got, err := s.Order(t.Context(), strategy.Asked{Signals: r.Read(req), Candidates: []string{"small", "large", "jurist"}})
		if err != nil {
			t.Fatal(err)
		}
		return got.Models
	}
	const n = 20000
	canary, wider := make1(t, "weighted", settings(90, 10, 0, "request"), decision()), make1(t, "weighted", settings(80, 20, 0, "request"), decision())
	elsewhere := decision()
	elsewhere.Name = "e"
	other := make1(t, "weighted", settings(90, 10, 0, "request"), elsewhere)
	count, moved, both := 0, 0, 0
	for i := range n {
		req := request("same text")
		req.ID = fmt.Sprint("request-", i)
		a, b := order(canary, req), order(wider, req)
		if a[2] != "jurist" {
			t.Fatalf("a weight of nothing comes last: %v", a)
		}
		if !slices.Equal(a, order(canary, req)) {
			t.Fatalf("%s was ordered in two ways", req.ID)
		}
		if a[0] == "large" {
			count++
			if b[0] != "large" {
				moved++
			}
			if order(other, req)[0] == "large" {
				both++
			}
		}
	}
	if share := float64(count) / n; math.Abs(share-0.1) > 0.007 {
		t.Errorf("the canary gets %.4f of the requests, want 0.1", share)
	}
	if moved > 0 {
		t.Errorf("%d requests left the canary when it got more weight", moved)
	}
	if share := float64(both) / float64(count); math.Abs(share-0.1) > 0.03 {
		t.Errorf("of one decision's canaries %.3f are another's too, want 0.1: each has its own", share)
	}

	by := make1(t, "weighted", settings(50, 50, 0, "conversation"), decision())
	first := map[string]int{}
	for i := range 200 {
		opening := request(fmt.Sprint("hello ", i))
		later := request(fmt.Sprint("hello ", i))
		later.ID = "r2"
		later.Messages = append(later.Messages, pipeline.Message{Role: "assistant", Texts: []string{"hi"}}, pipeline.Message{Role: "user", Texts: []string{"and now?"}})
		a, b := order(by, opening), order(by, later)
		if a[0] != b[0] {
			t.Fatalf("conversation %d changed its model: %v, %v", i, a, b)
		}
		first[a[0]]++
		named := request("one")
		named.Caller.Headers = map[string]string{"x-session-id": fmt.Sprint(i)}
		renamed := request("two")
		renamed.Caller.Headers = named.Caller.Headers
		if order(by, named)[0] != order(by, renamed)[0] {
			t.Fatalf("session %d has two models", i)
		}
	}
	if first["small"] < 70 || first["large"] < 70 {
		t.Errorf("half of the conversations each: %v", first)
	}
}

func TestLatency(t *testing.T) {
	objective := strategy.Settings{"first_byte": "500ms", "percentile": 90.0}
	told := func(l *load.Load, name string, n int, took time.Duration, failed bool) {
		for range n {
			l.Told(name, took, failed)
		}
	}
	for _, tt := range []struct {
		name     string
		settings strategy.Settings
		seen     func(l *load.Load)
		want     string
	}{
		{"of which nothing is known keep the order", objective, func(*load.Load) {}, "small large jurist"},
		{"those that keep the objective keep the order", objective, func(l *load.Load) {
			told(l, "small", 20, 400*time.Millisecond, false)
			told(l, "large", 20, 100*time.Millisecond, false)
		}, "small large jurist"},
		{"one that does not comes last", objective, func(l *load.Load) { told(l, "small", 20, 2*time.Second, false) }, "large jurist small"},
		{"one in ten may be slower", objective, func(l *load.Load) {
			told(l, "small", 18, 100*time.Millisecond, false)
			told(l, "small", 2, 9*time.Second, false)
			told(l, "large", 17, 100*time.Millisecond, false)
			told(l, "large", 3, 9*time.Second, false)
		}, "small jurist large"},
		{"a few slow answers say nothing", objective, func(l *load.Load) { told(l, "small", 9, 2*time.Second, false) }, "small large jurist"},
		{"one that fails comes behind one that is slow", objective, func(l *load.Load) {
			told(l, "small", 20, 0, true)
			told(l, "large", 20, 9*time.Second, false)
		}, "jurist large small"},
		{"one that answers nobody is not tried by more and more", objective, func(l *load.Load) {
			for range 10 {
				l.Sent("small")
			}
		}, "large jurist small"},
		{"without an objective the fastest", nil, func(l *load.Load) {
			told(l, "small", 20, 900*time.Millisecond, false)
			told(l, "large", 20, 300*time.Millisecond, false)
			told(l, "jurist", 20, 600*time.Millisecond, false)
		}, "large jurist small"},
		{"where many wait already another is faster", nil, func(l *load.Load) {
			told(l, "small", 20, 900*time.Millisecond, false)
			told(l, "large", 20, 300*time.Millisecond, false)
			told(l, "jurist", 20, 600*time.Millisecond, false)
			for range 3 {
				l.Sent("large")
			}
		}, "jurist small large"},
	} {
		d := decision()
		d.Load = load.New("small", "large", "jurist")
		tt.seen(d.Load)
		got, err := make1(t, "latency", tt.settings, d).Order(t.Context(), strategy.Asked{Candidates: []string{"small", "large", "jurist"}})
		if err != nil || strings.Join(got.Models, " ") != tt.want {
			t.Errorf("%s: %v (%s), %v; want %s", tt.name, got.Models, got.Why, err, tt.want)
		}
	}
}

func TestOmni(t *testing.T) {
	status := 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"choices":[{"message":{"content":"{\"route\": \"law\"}"}}]}`))
	}))
	t.Cleanup(s.Close)
	router, err := omni.New(omni.Config{URL: s.URL, Model: "arch", Timeout: time.Minute, Routes: []omni.Route{{Name: "law", Models: []string{"jurist", "elsewhere", "large"}}}})
	if err != nil {
		t.Fatal(err)
	}
	d := decision()
	d.Omni = router
	by := make1(t, "omni", nil, d)
	asked := strategy.Asked{Signals: reader(t, nil, nil).Read(request("a contract")), Candidates: []string{"small", "large", "jurist"}}
	got, err := by.Order(t.Context(), asked)
	if diff := cmp.Diff(strategy.Choice{Models: []string{"jurist", "large", "small"}, Why: "route law"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	status = 500
	var reason *omni.Error
	if _, err := by.Order(t.Context(), asked); !errors.As(err, &reason) {
		t.Errorf("a language model that fails: %v", err)
	}
}

func TestSettings(t *testing.T) {
	bare := strategy.Decision{Models: []strategy.Model{{Name: "small"}}}
	for name, tt := range map[string]struct {
		strategy string
		settings strategy.Settings
		decision strategy.Decision
		want     string
	}{
		"a strategy that is none":           {"best", nil, decision(), `no strategy is named "best"; there are first, weighted, domain, cost-quality, similarity, latency, omni`},
		"first with settings":               {"first", strategy.Settings{"a": 1.0}, decision(), "a: this strategy has no settings"},
		"a key that is none":                {"cost-quality", strategy.Settings{"qualities": 1.0}, decision(), "qualities: unknown key; there are quality, answer"},
		"a knob beyond its end":             {"cost-quality", strategy.Settings{"quality": 1.5}, decision(), "quality: must be a number within 0..1"},
		"a knob of text":                    {"cost-quality", strategy.Settings{"quality": "high"}, decision(), "quality: must be a number within 0..1"},
		"two faults":                        {"cost-quality", nil, bare, "model \"small\" has no quality\nmodel \"small\" has no price"},
		"a domain without quality":          {"domain", nil, bare, `model "small" has no quality`},
		"no weights":                        {"weighted", nil, decision(), "weights: is needed: a mapping of models to numbers"},
		"weights that are a list":           {"weighted", strategy.Settings{"weights": []any{1.0}}, decision(), "weights: must be a mapping of models to numbers"},
		"a weight of nobody":                {"weighted", strategy.Settings{"weights": map[string]any{"tiny": 1.0, "small": 1.0}}, decision(), `weights.tiny: "tiny" is none of small, large, jurist`},
		"a weight below nothing":            {"weighted", strategy.Settings{"weights": map[string]any{"small": -1.0, "large": 1.0}}, decision(), "weights.small: must be a number within 0..1e+06"},
		"weights of nothing":                {"weighted", strategy.Settings{"weights": map[string]any{"small": 0.0}}, decision(), "weights: all of them are 0"},
		"a key by nothing known":            {"weighted", strategy.Settings{"weights": map[string]any{"small": 1.0}, "by": "moon"}, decision(), "by: must be one of conversation, request"},
		"a time without a unit":             {"latency", strategy.Settings{"first_byte": 500.0}, decision(), "first_byte: must be a time within 1ms..10m0s, such as 800ms"},
		"half a vote":                       {"similarity", strategy.Settings{"votes": map[string]any{"support": "small"}, "nearest": 1.5}, decision(), "nearest: must be a whole number"},
		"a vote for nobody":                 {"similarity", strategy.Settings{"votes": map[string]any{"support": "tiny"}}, decision(), "votes.support: must be one of the decision's models"},
		"a vote of a set that nobody named": {"similarity", strategy.Settings{"votes": map[string]any{"jokes": "small"}}, decision(), `votes.jokes: "jokes" is none of support, proofs`},
		"omni with nobody to ask":           {"omni", nil, decision(), "the file has no section omni that says whom to ask"},
	} {
		_, err := strategy.New(tt.strategy, tt.settings, tt.decision)
		var faults strategy.Faults
		if !errors.As(err, &faults) || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if got := strategy.Asks("cost-quality"); !slices.Equal(got, []string{"domain", "difficulty"}) || strategy.Asks("first") != nil || strategy.Asks("") != nil {
		t.Errorf("%v", got)
	}
}
