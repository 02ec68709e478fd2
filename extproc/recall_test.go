package extproc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
)

// clean is a guard that finds nothing, but names in a prompt that says "name".
type clean struct{}

func (clean) Name() string { return "pii" }

func (clean) Run(_ context.Context, req *pipeline.Request, _ pipeline.Trail) (pipeline.Outcome, error) {
	var found pipeline.Guarded
	if strings.Contains(strings.Join(req.LastUser(), ""), "name") {
		found.PII = []string{"PERSON"}
	}
	return pipeline.Outcome{Finding: found}, nil
}

// shelf is a memory, or one on fire.
type shelf struct {
	recall.Store
	fails bool
}

func (s *shelf) Get(ctx context.Context, k recall.Key) (recall.Entry, bool, error) {
	if s.fails {
		return recall.Entry{}, false, errors.New("no shelf")
	}
	return s.Store.Get(ctx, k)
}

func (s *shelf) Put(ctx context.Context, k recall.Key, e recall.Entry) error {
	if s.fails {
		return errors.New("no shelf")
	}
	return s.Store.Put(ctx, k, e)
}

// withMemory is an Envoy before a gateway that has one.
func withMemory(t *testing.T, edits ...func(*extproc.Gateway, *recall.Config, *shelf)) *extproctest.Envoy {
	t.Helper()
	return withMemoryBehind(t, func(*extproctest.Settings) {}, edits...)
}

// withMemoryBehind is withMemory with settings of Envoy's own.
func withMemoryBehind(t *testing.T, set func(*extproctest.Settings), edits ...func(*extproc.Gateway, *recall.Config, *shelf)) *extproctest.Envoy {
	t.Helper()
	store, err := memory.New(memory.Limits{Bytes: 1 << 20, TenantBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{Store: store}
	return extproctest.Start(t, server(t, planner{}, func(g *extproc.Gateway) {
		c := recall.Config{Store: s, Shared: true, TTL: time.Hour, Guards: []string{"pii"}}
		g.Guards = c.Guards
		g.Parser.Ask = true
		for _, edit := range edits {
			edit(g, &c, s)
		}
		r, err := recall.New(c)
		if err != nil {
			t.Fatal(err)
		}
		g.Memory = r
		if g.Runner, err = pipeline.New(pipeline.Step{Stage: clean{}}, pipeline.Step{Stage: r, FailOpen: true}, pipeline.Step{Stage: planner{}}); err != nil {
			t.Fatal(err)
		}
	}), set)
}

var (
	asEvents = [2]string{"content-type", "text/event-stream"}
	asJSON   = [2]string{"content-type", "application/json"}
)

func TestAnAnswerIsGivenAgain(t *testing.T) {
	streamed := bytes.Replace(say("hello"), []byte(`"model"`), []byte(`"stream": true, "model"`), 1)
	for name, tt := range map[string]struct {
		first  []byte
		answer extproctest.Response
	}{
		"a completion":                    {say("hello"), extproctest.Response{Body: whole("Hi. How are you?"), Headers: [][2]string{asJSON}}},
		"a stream":                        {streamed, extproctest.Response{Body: sse("Hi. ", "How", " are you?"), Headers: [][2]string{asEvents}}},
		"a stream in bytes":               {streamed, extproctest.Response{Body: sse("Hi. ", "How", " are you?"), Headers: [][2]string{asEvents}, Cut: 1}},
		"one whose end is an empty chunk": {streamed, extproctest.Response{Body: sse("Hi. ", "How", " are you?"), Headers: [][2]string{asEvents, {"transfer-encoding", "chunked"}}, Cut: 30}},
	} {
		t.Run(name, func(t *testing.T) {
			envoy := withMemory(t)
			answer := func(extproctest.Upstream) extproctest.Response { return tt.answer }
			res := envoy.Do(t.Context(), post(tt.first), answer)
			if res.Outcome != extproctest.Forwarded || res.Headers.Get("x-mom-cache") != "miss" || !bytes.Equal(res.Body, tt.answer.Body) {
				t.Fatalf("the first: %v, cache %q, %s", res.Outcome, res.Headers.Get("x-mom-cache"), res.Body)
			}
			if got := res.Metadata["mom.stats"]["cache"]; got != "miss" {
				t.Errorf("cache %v", got)
			}
			if !strings.Contains(res.Headers.Get("x-vllm-semantic-router-cot"), "*MISS*") {
				t.Errorf("the trail is %s", res.Headers.Get("x-vllm-semantic-router-cot"))
			}
			again := envoy.Do(t.Context(), post(say("hello")), answer)
			if again.Outcome != extproctest.Immediate || again.Status != 200 || len(again.Attempts) != 0 {
				t.Fatalf("again: %v %d, %d attempts", again.Outcome, again.Status, len(again.Attempts))
			}
			if !bytes.Contains(again.Body, []byte(`"content":"Hi. How are you?"`)) || again.Headers.Get("content-type") != "application/json" {
				t.Errorf("again: %s", again.Body)
			}
			stream := envoy.Do(t.Context(), post(streamed), answer)
			if text, finish := spoken(t, stream.Body); text != "Hi. How are you?" || finish != "stop" || stream.Headers.Get("content-type") != "text/event-stream" {
				t.Errorf("as a stream: %q, %q", text, finish)
			}
			for _, r := range []extproctest.Result{again, stream} {
				for name, want := range map[string]string{"x-mom-cache": "hit", "x-vsr-cache-hit": "true", "x-mom-model": "small", "age": "0", "x-mom-guard": "ok"} {
					if got := r.Headers.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				if !strings.Contains(r.Headers.Get("x-vllm-semantic-router-cot"), "*HIT*") {
					t.Errorf("the trail is %s", r.Headers.Get("x-vllm-semantic-router-cot"))
				}
				want := map[string]any{"decision": "answer", "domain": "none", "model": "small", "requested": "mom", "guard": "ok", "cache": "hit"}
				delete(r.Metadata["mom.stats"], "router_ms")
				if diff := cmp.Diff(want, map[string]any(r.Metadata["mom.stats"])); diff != "" {
					t.Errorf("stats (-want +got)\n%s", diff)
				}
			}
		})
	}
}

func TestAnswersThatAreNotKept(t *testing.T) {
	json := func(body []byte) extproctest.Response {
		return extproctest.Response{Body: body, Headers: [][2]string{asJSON}}
	}
	tenants := func(g *extproc.Gateway, c *recall.Config, _ *shelf) {
		g.Tenant, c.Shared = extproc.Tenant{Header: "x-tenant"}, false
	}
	for name, tt := range map[string]struct {
		request extproctest.Request
		answer  func(extproctest.Upstream) extproctest.Response
		edit    func(*extproc.Gateway, *recall.Config, *shelf)
		cache   string
		read    bool // the answer passes through us
	}{
		"one that was cut": {request: post(say("hello")), answer: func(extproctest.Upstream) extproctest.Response {
			return json(bytes.Replace(whole("Hi"), []byte("stop"), []byte("length"), 1))
		}, cache: "miss", read: true},
		"an error": {request: post(say("hello")), answer: func(extproctest.Upstream) extproctest.Response {
			return extproctest.Response{Status: 400, Body: whole("Hi"), Headers: [][2]string{asJSON}}
		}, cache: "miss"},
		"a stream that ends early": {request: post(say("hello")), answer: func(extproctest.Upstream) extproctest.Response {
			return extproctest.Response{Body: bytes.TrimSuffix(sse("Hi"), []byte("data: [DONE]\n\n")), Headers: [][2]string{asEvents}}
		}, cache: "miss", read: true},
		"one whose end is never told": {request: post(say("hello")), answer: func(extproctest.Upstream) extproctest.Response {
			return extproctest.Response{Body: sse("Hi"), Headers: [][2]string{asEvents}, Trailers: true}
		}, cache: "miss", read: true},
		"one of another type": {request: post(say("hello")), answer: func(extproctest.Upstream) extproctest.Response {
			return extproctest.Response{Body: whole("Hi"), Headers: [][2]string{{"content-type", "text/plain"}}}
		}, cache: "miss"},
		"a fallback's": {request: post(say("hello")), answer: func(u extproctest.Upstream) extproctest.Response {
			if u.Attempt == 1 {
				return extproctest.Response{Status: 503}
			}
			return json(whole("Hi"))
		}, cache: "miss"},
		"one to a name":                  {request: post(say("my name")), cache: "bypass"},
		"one that was not to be":         {request: post(say("hello"), [2]string{"cache-control", "max-age=0, no-store"}), cache: "bypass"},
		"one to nobody":                  {request: post(say("hello")), edit: tenants, cache: "bypass"},
		"one to two tenants":             {request: post(say("hello"), [2]string{"x-tenant", "a"}, [2]string{"x-tenant", "b"}), edit: tenants, cache: "bypass"},
		"one to a tenant without end":    {request: post(say("hello"), [2]string{"x-tenant", strings.Repeat("a", 257)}), edit: tenants, cache: "bypass"},
		"one to a model that was named":  {request: post(bytes.Replace(say("hello"), []byte("MoM"), []byte("small"), 1))},
		"one where the shelf is on fire": {request: post(say("hello")), edit: func(_ *extproc.Gateway, _ *recall.Config, s *shelf) { s.fails = true }},
		"one that a screen found something in": {request: post(say("hello")), answer: func(extproctest.Upstream) extproctest.Response { return json(whole("this is barred")) },
			edit: func(g *extproc.Gateway, _ *recall.Config, _ *shelf) { g.Screen = screener{} }, cache: "miss", read: true},
		"one that a screen could not read": {request: post(say("hello")), answer: func(extproctest.Upstream) extproctest.Response { return json(whole("this is broken")) },
			edit: func(g *extproc.Gateway, _ *recall.Config, _ *shelf) { g.Screen = screener{} }, cache: "miss", read: true},
	} {
		t.Run(name, func(t *testing.T) {
			var edits []func(*extproc.Gateway, *recall.Config, *shelf)
			if tt.edit != nil {
				edits = append(edits, tt.edit)
			}
			envoy := withMemory(t, edits...)
			answer := tt.answer
			if answer == nil {
				answer = func(extproctest.Upstream) extproctest.Response { return json(whole("Hi")) }
			}
			for i := range 2 {
				res := envoy.Do(t.Context(), tt.request, answer)
				if res.Outcome != extproctest.Forwarded || res.Headers.Get("x-mom-cache") != tt.cache {
					t.Fatalf("request %d: %v, cache %q, want %q", i, res.Outcome, res.Headers.Get("x-mom-cache"), tt.cache)
				}
				read := false
				for _, r := range res.Replies {
					read = read || r.ModeOverride != nil
				}
				if read != tt.read {
					t.Errorf("request %d: the answer passes through us: %v", i, read)
				}
			}
		})
	}
}

func TestTenantsAreAnsweredApart(t *testing.T) {
	envoy := withMemory(t, func(g *extproc.Gateway, c *recall.Config, _ *shelf) {
		g.Tenant, c.Shared = extproc.Tenant{Header: "x-tenant"}, false
	})
	n := 0
	answer := func(extproctest.Upstream) extproctest.Response {
		n++
		return extproctest.Response{Body: whole(fmt.Sprint("answer ", n)), Headers: [][2]string{asJSON}}
	}
	for _, c := range []struct{ tenant, cache, text string }{
		{"a", "miss", "answer 1"}, {"b", "miss", "answer 2"}, {"a", "hit", "answer 1"}, {"b", "hit", "answer 2"}, {"A", "miss", "answer 3"},
	} {
		res := envoy.Do(t.Context(), post(say("hello"), [2]string{"x-tenant", c.tenant}), answer)
		if res.Headers.Get("x-mom-cache") != c.cache || !bytes.Contains(res.Body, []byte(c.text)) {
			t.Errorf("tenant %s: %s %s, want %s %s", c.tenant, res.Headers.Get("x-mom-cache"), res.Body, c.cache, c.text)
		}
	}
}

// Whose answer it is stands where Envoy wrote it; what the client says of itself changes nothing.
func TestTenantsAreToldApartByWhatEnvoyVerified(t *testing.T) {
	const jwt, san = "envoy.filters.http.jwt_authn", "connection.uri_san_peer_certificate"
	claims := func(sub string) extproctest.Request {
		r := post(say("hello"), [2]string{"x-tenant", "a"}, [2]string{"x-jwt-sub", "a"})
		r.Metadata = map[string]map[string]any{jwt: {"jwt_payload": map[string]any{"sub": sub}}}
		r.Attributes = map[string]any{san: sub}
		return r
	}
	for name, by := range map[string]extproc.Tenant{
		"a claim":       {Namespace: jwt, Path: []string{"jwt_payload", "sub"}},
		"a certificate": {Attribute: san},
	} {
		t.Run(name, func(t *testing.T) {
			envoy := withMemoryBehind(t, func(s *extproctest.Settings) { s.Forwarded, s.Attributes = []string{jwt}, []string{san} },
				func(g *extproc.Gateway, c *recall.Config, _ *shelf) { g.Tenant, c.Shared = by, false })
			n := 0
			answer := func(extproctest.Upstream) extproctest.Response {
				n++
				return extproctest.Response{Body: whole(fmt.Sprint("answer ", n)), Headers: [][2]string{asJSON}}
			}
			for _, c := range []struct {
				request     extproctest.Request
				cache, text string
			}{
				{claims("a"), "miss", "answer 1"}, {claims("b"), "miss", "answer 2"}, {claims("a"), "hit", "answer 1"}, {claims("b"), "hit", "answer 2"},
				{post(say("hello"), [2]string{"x-tenant", "a"}), "bypass", "answer 3"},
			} {
				res := envoy.Do(t.Context(), c.request, answer)
				if res.Headers.Get("x-mom-cache") != c.cache || !bytes.Contains(res.Body, []byte(c.text)) {
					t.Errorf("%v: %s %s, want %s %s", c.request.Metadata, res.Headers.Get("x-mom-cache"), res.Body, c.cache, c.text)
				}
			}
		})
	}
}

// An answer whose screen finds nothing is kept; it was read by both.
func TestAScreenedAnswerIsKept(t *testing.T) {
	envoy := withMemory(t, func(g *extproc.Gateway, _ *recall.Config, _ *shelf) { g.Screen = screener{block: true} })
	answer := func(extproctest.Upstream) extproctest.Response {
		return extproctest.Response{Body: whole("all is well"), Headers: [][2]string{asJSON}}
	}
	for _, want := range []string{"miss", "hit"} {
		if res := envoy.Do(t.Context(), post(say("hello")), answer); res.Headers.Get("x-mom-cache") != want || res.Status != 200 {
			t.Errorf("%d, cache %q, want %q", res.Status, res.Headers.Get("x-mom-cache"), want)
		}
	}
}

// A chat client asks for an answer and, at the same time, for a title: the same words of the user under another system message. Both are on their way at
// once, both are kept, and neither ever gets the other's answer.
func TestATitleAndItsQuestionAtOnce(t *testing.T) {
	const title = `{"model":"MoM","max_tokens":24,"messages":[{"role":"system","content":"Name this chat in three words."},{"role":"user","content":"Why is the sky blue?"}]}`
	const question = `{"model":"MoM","messages":[{"role":"user","content":"Why is the sky blue?"}]}`
	texts := []string{"It scatters.", "Blue Sky Talk"}
	envoy := withMemory(t)
	asks := func(i int) extproctest.Request { return post([]byte([]string{question, title}[i])) }
	for round, want := range []string{"miss", "hit", "hit"} {
		answers := envoy.Together(t.Context(), 2, asks, func(i int, _ extproctest.Upstream) extproctest.Response {
			return extproctest.Response{Body: whole(texts[i]), Headers: [][2]string{asJSON}}
		})
		for i, res := range answers {
			if cache := res.Headers.Get("x-mom-cache"); cache != want || !bytes.Contains(res.Body, []byte(texts[i])) || bytes.Contains(res.Body, []byte(texts[1-i])) {
				t.Errorf("round %d: %s got %s from a %s, want a %s", round, []string{"the question", "the title"}[i], res.Body, cache, want)
			}
		}
	}
}

// A request that has ended keeps nobody waiting, however it ended.
func TestAnEndIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		request extproctest.Request
		answer  extproctest.Response
	}{
		"by an answer that is kept":     {post(say("hello")), extproctest.Response{Body: whole("Hi"), Headers: [][2]string{asJSON}}},
		"by an answer that is not kept": {post(say("hello")), extproctest.Response{Body: whole("Hi"), Headers: [][2]string{{"content-type", "text/plain"}}}},
		"by an answer that was cut":     {post(say("hello")), extproctest.Response{Body: bytes.TrimSuffix(sse("Hi"), []byte("data: [DONE]\n\n")), Headers: [][2]string{asEvents}}},
		"by an error of all backends":   {post(say("hello")), extproctest.Response{Status: 503}},
		"by a client that went away": {extproctest.Request{Body: say("hello"), CancelAt: extproctest.BodyAnswered},
			extproctest.Response{Body: whole("Hi"), Headers: [][2]string{asJSON}}},
		"by a client that went away from a stream": {extproctest.Request{Body: say("hello"), CancelAt: extproctest.AnswerBegun},
			extproctest.Response{Body: sse("Hi", " you"), Headers: [][2]string{asEvents}, Cut: 20}},
	} {
		t.Run(name, func(t *testing.T) {
			var gateway *extproc.Gateway
			envoy := withMemory(t, func(g *extproc.Gateway, _ *recall.Config, _ *shelf) { gateway = g })
			envoy.Do(t.Context(), tt.request, func(extproctest.Upstream) extproctest.Response { return tt.answer })
			body, fault := gateway.Parser.ParseFrom(pipeline.Caller{}, "id", say("hello"))
			if fault != nil {
				t.Fatal(fault.Code)
			}
			d, err := gateway.Runner.Run(t.Context(), body.Request)
			if err != nil {
				t.Fatal(err)
			}
			if found, _ := pipeline.Find[pipeline.Recalled](d.Trail); found.State == pipeline.RecallMiss && found.Lease == 0 {
				t.Errorf("the next one had to wait: %+v", found)
			}
		})
	}
}

func TestADecisionThatKeepsNothingIsPassedOver(t *testing.T) {
	envoy := withMemory(t, func(_ *extproc.Gateway, c *recall.Config, _ *shelf) {
		c.Decisions = map[recall.Decision]time.Duration{{Name: "default"}: 0}
	})
	for range 2 {
		res := envoy.Do(t.Context(), post(say("hello")), func(extproctest.Upstream) extproctest.Response {
			return extproctest.Response{Body: whole("Hi"), Headers: [][2]string{asJSON}}
		})
		if cache, why := res.Headers.Get("x-mom-cache"), res.Metadata["mom.stats"]["cache_why"]; cache != "bypass" || why != "decision" {
			t.Errorf("cache %q for %v", cache, why)
		}
	}
}
