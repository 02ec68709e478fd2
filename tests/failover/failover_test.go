// Package failover_test is what becomes of a request when its backends fail, one row a failure, through the real Envoy and the real mom: what each
// backend was asked, what Envoy counted, and what the client got. docs/fallbacks.md shows the same rows, and is compared with them.
package failover_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

var update = flag.Bool("update", false, "write the table into docs/fallbacks.md")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(stack.Main(m))
}

const patience = 20 * time.Second // for one request; far above any limit in the files under test

// example is the file that the page shows, without the models that read a prompt: what fails here are backends.
func example(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(stack.Root(t), "deploy/examples/fallbacks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data) + "guard: {enabled: false}\nbrain: off\n"
}

// impatient lets one attempt last a second: the shipped file gives a whole generation its time.
func impatient(yaml string) string {
	return strings.NewReplacer("per_try_timeout: 600s", "per_try_timeout: 1s", "per_try_timeout: 30s", "per_try_timeout: 1s").Replace(yaml)
}

// row is one failure and what it must come to.
type row struct {
	name         string
	small, large []stack.Step // what they do, one step a request; nil answers
	dies         bool         // the first backend, once the client has the beginning of its answer
	gone         []string     // backends that refuse the connection
	clusters     [2]string    // other clusters in the plan, "" for none
	want         seen
}

// seen is what is to be seen of one request.
type seen struct {
	client   string // the status, and the answer or the code of the error
	model    string // in x-mom-model and the trail; the two of x-router-model and x-vsr-selected-model must say the same
	attempts string // that Envoy made, by its response header
	small    string // the model names that the first backend's body had, in order
	large    string
	sent     int64 // requests that Envoy counted at the two clusters, whole or refused
	cut      int64 // answers that it counted as cut
}

func rows() []row {
	const small, larger = "small-model", "larger-model"
	second := seen{"200 from large", larger, "2", small, larger, 2, 0}
	return []row{
		{name: "nothing", want: seen{"200 from small", small, "1", small, "", 1, 0}},
		{name: "the first refuses the connection", gone: []string{"small"}, want: seen{"200 from large", larger, "2", "", larger, 2, 0}},
		{name: "the first resets the connection", small: []stack.Step{stack.Reset}, want: second},
		{name: "the first answers 500", small: []stack.Step{stack.Status(500)}, want: second},
		{name: "the first answers 503", small: []stack.Step{stack.Status(503)}, want: second},
		{name: "the first answers 429", small: []stack.Step{stack.Status(429)}, want: second},
		{name: "the first says nothing in time", small: []stack.Step{stack.Hang}, want: second},
		{name: "the first answers 400, the client's fault", small: []stack.Step{stack.Status(400)}, want: seen{"400 scripted", small, "1", small, "", 1, 0}},
		{name: "the first dies in mid-answer", dies: true, want: seen{"200 and half an answer", small, "1", small, "", 1, 1}},
		{name: "both answer 503", small: []stack.Step{stack.Status(503)}, large: []stack.Step{stack.Status(503)}, want: seen{"503 scripted", larger, "3", small, larger + " " + larger, 3, 0}},
		{name: "the second answers 429, then it works", small: []stack.Step{stack.Status(503)}, large: []stack.Step{stack.Status(429), answer("large")}, want: seen{"200 from large", larger, "3", small, larger + " " + larger, 3, 0}},
		{name: "both refuse the connection", gone: []string{"small", "large"}, want: seen{"503 gateway_error", larger, "3", "", "", 3, 0}},
		{name: "both say nothing in time", small: []stack.Step{stack.Hang}, large: []stack.Step{stack.Hang}, want: seen{"504 gateway_error", larger, "3", small, larger + " " + larger, 3, 0}},
		{name: "Envoy does not know the first cluster", clusters: [2]string{"nowhere", ""}, want: seen{"503 gateway_error", small, "", "", "", 0, 0}},
		{name: "the first answers 503, Envoy does not know the second cluster", small: []stack.Step{stack.Status(503)}, clusters: [2]string{"", "nowhere"}, want: seen{"503 gateway_error", larger, "2", small, "", 1, 0}},
	}
}

// answer says who it is from, as a stream where one was asked for.
func answer(name string) stack.Step {
	return func(w http.ResponseWriter, r *http.Request, got stack.Received) {
		if strings.Contains(string(got.Body), `"stream":true`) {
			stack.Stream("from "+name)(w, r, got)
			return
		}
		stack.Answer("from "+name)(w, r, got)
	}
}

// die sends the beginning of an answer, and is gone once it is told to.
func die(now <-chan struct{}) stack.Step {
	return func(w http.ResponseWriter, r *http.Request, got stack.Received) {
		media, text := "application/json", `{"choices":[{"message":{"content":"from`
		if strings.Contains(string(got.Body), `"stream":true`) {
			media, text = "text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\"from\"}}]}\n\n"
		}
		w.Header().Set("content-type", media)
		_, _ = io.WriteString(w, text)
		w.(http.Flusher).Flush()
		select {
		case <-now:
			panic(http.ErrAbortHandler) // the chunks have no end then
		case <-r.Context().Done():
		}
	}
}

// TestFailover walks through the table, each row streamed and not: what becomes of them is the same.
func TestFailover(t *testing.T) {
	config := example(t)
	s := stack.Start(t, stack.Options{Config: config, Envoy: impatient})
	var table strings.Builder
	table.WriteString("| what fails | the client gets | `x-mom-model` | attempts | the first was asked for | the second was asked for | answers cut |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows() {
		if r.clusters != [2]string{} {
			other := config
			for i, from := range []string{"cluster: small,", "cluster: large,"} {
				if r.clusters[i] != "" {
					other = strings.Replace(other, from, "cluster: "+r.clusters[i]+",", 1)
				}
			}
			reload(t, s, other)
		}
		for _, form := range []string{"whole", "streamed"} {
			t.Run(r.name+", "+form, func(t *testing.T) {
				if got := run(t, s, r, form == "streamed"); got != r.want {
					t.Errorf("got  %+v\nwant %+v", got, r.want)
				}
			})
		}
		w := r.want
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s | %d |\n", r.name, w.client, dash(w.model), dash(w.attempts), dash(w.small), dash(w.large), w.cut)
		if r.clusters != [2]string{} {
			reload(t, s, config)
		}
	}
	compare(t, table.String())
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// reload makes mom read a file, and returns once it has.
func reload(t *testing.T, s *stack.Stack, config string) {
	t.Helper()
	const line = "configuration reloaded"
	before := strings.Count(s.MoM.Log(t), line)
	s.Write(t, "mom.yaml", config)
	stack.Until(t, patience, "mom has read the file", func() error {
		if strings.Count(s.MoM.Log(t), line) == before {
			return errors.New("no new line " + line)
		}
		return nil
	})
}

const (
	sentStats  = "^cluster.(small|large).upstream_(rq_total|cx_connect_fail)$"
	endedStats = "^mom_router.requests"
	cutStats   = "^mom_router.cut"
)

// run plays a row and says what was to be seen of it.
func run(t *testing.T, s *stack.Stack, r row, stream bool) seen {
	t.Helper()
	for _, b := range []struct {
		backend *stack.Backend
		steps   []stack.Step
	}{{s.Small, r.small}, {s.Large, r.large}} {
		if b.steps == nil {
			b.steps = []stack.Step{answer(b.backend.Name)}
		}
		b.backend.Play(b.steps...)
		if slices.Contains(r.gone, b.backend.Name) {
			b.backend.Down(t)
			defer b.backend.Up(t)
		}
	}
	begun := make(chan struct{})
	if r.dies {
		s.Small.Play(die(begun))
	}
	sent, ended, cut := s.Stats(t, sentStats), total(s.Stats(t, endedStats)), total(s.Stats(t, cutStats))
	got := ask(t, s, stream, begun)
	stack.Until(t, patience, "Envoy counts the request", func() error {
		if n := total(s.Stats(t, endedStats)); n != ended+1 {
			return fmt.Errorf("%d more", n-ended)
		}
		return nil
	})
	now := s.Stats(t, sentStats)
	got.sent = total(now) - total(sent)
	got.cut = total(s.Stats(t, cutStats)) - cut
	got.small, got.large = models(s.Small), models(s.Large)
	return got
}

func total(stats map[string]int64) (n int64) {
	for v := range maps.Values(stats) {
		n += v
	}
	return n
}

func models(b *stack.Backend) string {
	var names []string
	for _, r := range b.Received() {
		names = append(names, r.Model())
	}
	return strings.Join(names, " ")
}

// ask sends one request and says what the client sees. It closes begun when the answer begins.
func ask(t *testing.T, s *stack.Stack, stream bool, begun chan<- struct{}) seen {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	body := fmt.Sprintf(`{"model":"MoM","stream":%t,"messages":[{"role":"user","content":"hi"}]}`, stream)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("content-type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	_, err = io.ReadFull(resp.Body, first)
	close(begun)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	says := "an answer that nobody gave"
	switch {
	case err != nil:
		says = "and half an answer"
	case strings.Contains(string(text), "from small"):
		says = "from small"
	case strings.Contains(string(text), "from large"):
		says = "from large"
	case strings.Contains(string(text), `"message":"scripted"`):
		says = "scripted"
	case strings.Contains(string(text), `"code":"gateway_error"`):
		says = "gateway_error"
	}
	h := resp.Header
	model := h.Get("x-mom-model")
	for _, name := range []string{"x-router-model", "x-vsr-selected-model"} {
		if got := h.Get(name); got != model {
			t.Errorf("%s is %q, and x-mom-model %q", name, got, model)
		}
	}
	if trail := h.Get("x-vllm-semantic-router-cot"); !strings.Contains(trail, "🥷 *"+model+"*") {
		t.Errorf("the trail does not name %s: %s", model, trail)
	}
	if tier := h.Get("x-mom-tier"); tier != "mom" || h.Get("x-mom-degraded") != "" {
		t.Errorf("tier %q, degraded %q: it is not the decision that failed", tier, h.Get("x-mom-degraded"))
	}
	if final := h.Get("x-should-retry"); (resp.StatusCode >= 500 || resp.StatusCode == 429) != (final == "false") {
		t.Errorf("status %d with x-should-retry %q", resp.StatusCode, final)
	}
	return seen{client: fmt.Sprint(resp.StatusCode, " ", says), model: model, attempts: h.Get("x-envoy-attempt-count")}
}

// compare holds the page to the table.
func compare(t *testing.T, table string) {
	t.Helper()
	path := filepath.Join(stack.Root(t), "docs/fallbacks.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- matrix -->\n", "<!-- end -->\n"
	head, rest, found := strings.Cut(string(data), begin)
	shown, tail, ended := strings.Cut(rest, end)
	switch {
	case !found || !ended:
		t.Fatalf("%s has no place for the table", path)
	case shown == table:
	case *update:
		if err := os.WriteFile(path, []byte(head+begin+table+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table in %s is another; `go test ./tests/failover -update` writes it", path)
	}
}
