package route_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/omni"
	"github.com/mom-router/mom/pkg/route/strategy"
)

// backwards is a strategy that turns the order round, or fails.
type backwards struct{ err error }

func (b backwards) Order(_ context.Context, a strategy.Asked) (strategy.Choice, error) {
	var c strategy.Choice
	for _, m := range a.Candidates {
		c.Models = append([]string{m}, c.Models...)
	}
	c.Why = "the last is first"
	return c, b.err
}

// tried are the models of the plan, in order, or the code of the refusal.
func tried(t *testing.T, d pipeline.Decision) string {
	t.Helper()
	if d.Verdict == pipeline.Block {
		var body struct{ Error struct{ Code string } }
		if err := json.Unmarshal(d.Reply.Body, &body); err != nil || d.Reply.Status != 400 {
			t.Errorf("%d %s: %v", d.Reply.Status, d.Reply.Body, err)
		}
		return body.Error.Code
	}
	p, _ := pipeline.Find[pipeline.Plan](d.Trail)
	var names []string
	for _, tier := range p.Tiers {
		names = append(names, tier.Model)
	}
	return strings.Join(names, " ")
}

func TestOnlyBackendsThatFitAreTried(t *testing.T) {
	config := func() route.Config {
		return route.Config{
			Backends: []route.Backend{
				{Name: "short", Cluster: "a", Context: 100},
				{Name: "plain", Cluster: "b", Context: 1000, Lacks: route.Lacks{Tools: true, Images: true, JSON: true}},
				{Name: "all", Cluster: "c", Context: 500},
			},
			Decisions: []route.Decision{{Name: "numbers", When: compile(t, `domain == "math"`), Choice: route.Choice{Models: []string{"short"}}}},
			Default:   route.Choice{Models: []string{"plain", "all"}},
		}
	}
	long := func(tokens int) string { return " " + strings.Repeat("abc ", tokens) }
	for _, tt := range []struct {
		name  string
		text  string
		needs pipeline.Needs
		want  string
	}{
		{"a short prompt goes where it was decided", "integral", pipeline.Needs{}, "short"},
		{"a longer one goes by the default", "integral" + long(200), pipeline.Needs{}, "plain all"},
		{"the default, too, without what is too small", "hello" + long(700), pipeline.Needs{}, "plain"},
		{"more than anybody holds is refused", "hello" + long(2000), pipeline.Needs{}, "context_length_exceeded"},
		{"tools need one that has them", "hello", pipeline.Needs{Tools: 1}, "all"},
		{"images need one that sees", "hello", pipeline.Needs{Images: 1}, "all"},
		{"JSON needs one that promises it", "hello", pipeline.Needs{JSON: true}, "all"},
		{"who has tools is too small", "hello" + long(700), pipeline.Needs{Tools: 1}, "unsupported_parameter"},
		{"who sees is too small", "hello" + long(700), pipeline.Needs{Images: 1}, "unsupported_content"},
	} {
		req := ask(tt.text)
		req.Needs = tt.needs
		if got := tried(t, decide(t, config(), words, req)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	named := ask("hello" + long(2000))
	named.Model, named.Alias = "short", pipeline.Named
	if got := tried(t, decide(t, config(), words, named)); got != "short" {
		t.Errorf("who names a model gets its own answer: %s", got)
	}
	d := decide(t, config(), words, ask("the secret word"+long(2000)))
	if strings.Contains(string(d.Reply.Body), "secret") || d.Reply.Headers["x-should-retry"] != "false" {
		t.Errorf("%v %s", d.Reply.Headers, d.Reply.Body)
	}
}

func TestStrategies(t *testing.T) {
	for _, tt := range []struct {
		name           string
		by             backwards
		want, degraded string
		note           string
	}{
		{"the strategy's order is the plan's", backwards{}, "large small", "", "the last is first"},
		{"one that fails leaves the order, visibly", backwards{errors.New("no")}, "small large", route.StrategyError, ""},
		{"a language model that fails says how", backwards{&omni.Error{Reason: omni.Late}}, "small large", omni.Late, ""},
	} {
		c := example(t)
		c.Decisions = nil
		c.Default.Strategy = tt.by
		d := decide(t, c, words, ask("hello"))
		p, _ := pipeline.Find[pipeline.Plan](d.Trail)
		note := d.Trail.Entries()[0].Outcome.Note
		if got := tried(t, d); got != tt.want || p.Degraded != tt.degraded || p.By != pipeline.ByMoM || !strings.Contains(note, tt.note) {
			t.Errorf("%s: %s, %q by %s (%s)", tt.name, got, p.Degraded, p.By, note)
		}
		if lost := d.Trail.Entries()[0].Outcome.Lost; (lost != nil) != (tt.by.err != nil) {
			t.Errorf("%s: lost %v", tt.name, lost)
		}
		// The plans of the router are shared: the next request must find them as they were.
		if diff := cmp.Diff([]string{"small", "large"}, c.Default.Models); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestTiersOfDeciding(t *testing.T) {
	status, asked := 200, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Messages []struct{ Content string }
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		asked = body.Messages[0].Content
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"choices":[{"message":{"content":"{\"route\": \"lawyer\"}"}}]}`))
	}))
	t.Cleanup(s.Close)
	unsure, failing := words, words
	unsure.P, failing.Err = 0.4, errors.New("no model")
	for _, tt := range []struct {
		name   string
		brain  classifiers.Classifier
		alias  pipeline.Alias
		status int
		ask    bool // also where the brain is unsure
		want   pipeline.Plan
		asks   bool
	}{
		{"what the decisions can tell nobody else is asked", words, pipeline.MoM, 200, true,
			pipeline.Plan{Decision: "numbers", By: pipeline.ByMoM, Domain: "math"}, false},
		{"where the brain fails omni decides", failing, pipeline.MoM, 200, false,
			pipeline.Plan{Decision: "lawyer", By: pipeline.ByOmni, Degraded: route.BrainError}, true},
		{"where both fail the default is taken", failing, pipeline.MoM, 500, false,
			pipeline.Plan{Decision: "default", By: pipeline.ByFallback, Degraded: route.BrainError}, true},
		{"an unsure brain takes the default", unsure, pipeline.MoM, 200, false,
			pipeline.Plan{Decision: "default", By: pipeline.ByFallback, Degraded: route.BrainUnsure}, false},
		{"or asks omni where that is wanted", unsure, pipeline.MoM, 200, true,
			pipeline.Plan{Decision: "lawyer", By: pipeline.ByOmni, Degraded: route.BrainUnsure}, true},
		{"who asks for omni gets it, and nothing is degraded", failing, pipeline.Omni, 200, false,
			pipeline.Plan{Decision: "lawyer", By: pipeline.ByOmni}, true},
		{"or the default where it fails, and says how", words, pipeline.Omni, 500, false,
			pipeline.Plan{Decision: "default", By: pipeline.ByFallback, Degraded: omni.Failed}, true},
		{"or where it refuses", words, pipeline.Omni, 401, false,
			pipeline.Plan{Decision: "default", By: pipeline.ByFallback, Degraded: omni.Refused}, true},
	} {
		router, err := omni.New(omni.Config{
			URL: s.URL, Model: "arch", Timeout: time.Minute, Routes: []omni.Route{{Name: "lawyer", Description: "law", Models: []string{"large", "small"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		status, asked = tt.status, ""
		c := example(t)
		c.Omni, c.Unsure = router, tt.ask
		req := ask("an integral")
		req.Alias = tt.alias
		d := decide(t, c, tt.brain, req)
		got, _ := pipeline.Find[pipeline.Plan](d.Trail)
		tiers := got.Tiers
		got.Tiers = nil
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
		if (asked != "") != tt.asks {
			t.Errorf("%s: omni was asked: %t", tt.name, asked != "")
		}
		if got.Decision == "lawyer" && (len(tiers) != 2 || tiers[0].Model != "large") {
			t.Errorf("%s: %v", tt.name, tiers)
		}
	}
	// What must not be seen is not sent, and where nobody knows its place nobody is asked.
	c := example(t)
	c.Backends[0].Sees = func(string) bool { return true }
	var err error
	if c.Omni, err = omni.New(omni.Config{URL: s.URL, Model: "arch", Timeout: time.Minute, Routes: []omni.Route{{Name: "lawyer", Models: []string{"small"}}}}); err != nil {
		t.Fatal(err)
	}
	router, err := route.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []pipeline.Ref{0, -1} {
		status, asked = 200, ""
		req := ask("I am Ann.")
		req.Alias = pipeline.Omni
		found := pipeline.Guarded{Redactions: []pipeline.Redaction{{Kind: "PERSON", Replacement: pipeline.Replacement{Ref: ref, Start: 5, End: 8, With: "[PERSON_1]"}, Barred: ref < 0}}}
		p, err := pipeline.New(pipeline.Step{Stage: finds{found}}, pipeline.Step{Stage: router})
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Run(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		plan, _ := pipeline.Find[pipeline.Plan](d.Trail)
		switch {
		case ref == 0 && (strings.Contains(asked, "Ann") || !strings.Contains(asked, "I am [PERSON_1].")):
			t.Errorf("omni was shown a name: %s", asked)
		case ref < 0 && (asked != "" || plan.Degraded != omni.Barred):
			t.Errorf("omni was asked %q; %+v", asked, plan)
		}
	}
}

// finds is a guard that found something.
type finds struct{ found pipeline.Guarded }

func (finds) Name() string { return "pii" }

func (f finds) Run(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
	return pipeline.Outcome{Finding: f.found}, nil
}

func TestAKeptChoiceIsNotOrderedAgain(t *testing.T) {
	sticky, err := route.NewSticky(false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := route.New(route.Config{
		Backends: []route.Backend{{Name: "a", Cluster: "a"}, {Name: "b", Cluster: "b"}}, Sticky: sticky,
		Default: route.Choice{Models: []string{"a", "b"}, Strategy: backwards{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := &pipeline.Request{Alias: pipeline.MoM, Needs: pipeline.Needs{Tools: 1}, Messages: []pipeline.Message{turn("user", "what is the weather")}}
	plan := func(want string) pipeline.Plan {
		t.Helper()
		out, err := r.Run(t.Context(), req, pipeline.Trail{})
		if err != nil {
			t.Fatal(err)
		}
		if told(out) != "default: "+want {
			t.Errorf("%s, want %s", told(out), want)
		}
		return out.Finding.(pipeline.Plan)
	}
	first := plan("b a")
	sticky.Answered(req, &first, 1)
	req.Messages = append(req.Messages, turn("assistant", ""), turn("tool", "rain"))
	if kept := plan("a b"); kept.By != pipeline.ByMoM {
		t.Errorf("kept by %q", kept.By)
	}
	req.Alias = pipeline.Omni
	plan("b a") // who asks for the language model is not given what was kept
}
