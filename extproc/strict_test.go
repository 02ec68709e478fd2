package extproc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"go.uber.org/zap"
)

// secret stands in every prompt and may be seen by backends alone.
const secret = "hunter2"

// planner is the whole pipeline of these tests: what the prompt says, it does.
type planner struct{ entered chan struct{} }

func (planner) Name() string { return "planner" }

func (s planner) Run(ctx context.Context, req *pipeline.Request, _ pipeline.Trail) (pipeline.Outcome, error) {
	out, err := s.plan(ctx, req)
	if p, ok := out.Finding.(pipeline.Plan); ok && req.Alias != pipeline.Named {
		p.By = pipeline.ByMoM
		if p.Degraded != "" {
			p.By = pipeline.ByFallback
		}
		out.Finding = p
	}
	return out, err
}

func (s planner) plan(ctx context.Context, req *pipeline.Request) (pipeline.Outcome, error) {
	tier := func(model string) pipeline.Tier {
		return pipeline.Tier{Model: model, Cluster: model + "-cluster", Edits: []pipeline.Edit{chat.SetModel(model)}}
	}
	if req.Alias == pipeline.Named {
		switch req.Model {
		case "small", "large":
			return pipeline.Outcome{Finding: pipeline.Plan{Decision: "explicit", Tiers: []pipeline.Tier{{Model: req.Model, Cluster: req.Model + "-cluster"}}}}, nil
		}
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: chat.ErrorReply(404, "invalid_request_error", "model_not_found", "model", "No model of this name is served here.", nil)}, nil
	}
	prompt := strings.Join(req.LastUser(), " ")
	switch {
	case strings.Contains(prompt, "fail"):
		return pipeline.Outcome{}, errors.New("no brain")
	case strings.Contains(prompt, "panic"):
		panic("prompt: " + prompt)
	case strings.Contains(prompt, "wait"):
		if s.entered != nil {
			s.entered <- struct{}{}
		}
		<-ctx.Done()
		return pipeline.Outcome{}, ctx.Err()
	case strings.Contains(prompt, "planless"):
		return pipeline.Outcome{}, nil
	case strings.Contains(prompt, "block"):
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: chat.ErrorReply(403, "content_policy_violation", "jailbreak_detected", "messages", "Refused.", nil)}, nil
	case strings.Contains(prompt, "answer"):
		return pipeline.Outcome{Verdict: pipeline.Answer, Reply: &pipeline.Reply{
			Status: 200, Body: []byte(`{"choices":[]}`), Details: "mom_answer",
			Headers: map[string]string{"content-type": "application/json"},
		}}, nil
	case strings.Contains(prompt, "degraded"):
		return pipeline.Outcome{Finding: pipeline.Plan{Decision: "default", Degraded: "brain_error", Tiers: []pipeline.Tier{tier("small")}}}, nil
	case strings.Contains(prompt, "odd names"):
		return pipeline.Outcome{Finding: pipeline.Plan{Decision: "déci\nsion", Domain: "mäth", Tiers: []pipeline.Tier{{Model: "grün\x00", Cluster: "small-cluster"}}}}, nil
	case strings.Contains(prompt, "integral"):
		large := tier("large")
		large.Reasoning, large.Edits = pipeline.On, append(large.Edits, pipeline.Edit{Field: "reasoning_effort", JSON: `"high"`})
		return pipeline.Outcome{Finding: pipeline.Plan{Decision: "hard-math", Domain: "math", Tiers: []pipeline.Tier{large, tier("small")}}}, nil
	}
	return pipeline.Outcome{Finding: pipeline.Plan{Decision: "default", Domain: "other", Tiers: []pipeline.Tier{tier("small"), tier("large")}}}, nil
}

// server is the real one with the planner behind it.
func server(t testing.TB, s planner, edits ...func(*extproc.Gateway)) *extproc.Server {
	t.Helper()
	p, err := pipeline.New(pipeline.Step{Stage: s})
	if err != nil {
		t.Fatal(err)
	}
	g := &extproc.Gateway{
		Parser:   &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM, "auto": pipeline.MoM}},
		Runner:   p,
		Models:   []extproc.Model{{ID: "MoM", Description: "chooses"}, {ID: "small", Context: 2048}, {ID: "large"}},
		Backends: map[string]bool{"small": true, "large": true},
		Domains:  map[string]bool{"math": true, "other": true},
	}
	for _, edit := range edits {
		edit(g)
	}
	srv := extproc.NewServer(zap.NewNop())
	srv.Use(g)
	return srv
}

// say is a chat request to MoM.
func say(prompt string) []byte {
	return fmt.Appendf(nil, `{"model": "MoM",  "messages":[{"role":"user","content":%q}], "seed":1.0}`, secret+" "+prompt)
}

func post(body []byte, headers ...[2]string) extproctest.Request {
	return extproctest.Request{Body: body, Headers: headers}
}

// tried writes attempts as "cluster:model cluster:model".
func tried(t *testing.T, attempts []extproctest.Upstream) string {
	t.Helper()
	out := make([]string, 0, len(attempts))
	for _, u := range attempts {
		var body struct{ Model string }
		if err := json.Unmarshal(u.Body, &body); err != nil {
			t.Errorf("attempt %d got %d bytes that are not JSON: %v", u.Attempt, len(u.Body), err)
		}
		if got := u.Headers.Get("content-length"); got != "" && got != strconv.Itoa(len(u.Body)) {
			t.Errorf("attempt %d got content-length %s for %d bytes", u.Attempt, got, len(u.Body))
		}
		out = append(out, u.Cluster+":"+body.Model)
	}
	return strings.Join(out, " ")
}

// strict is one case: what is sent, what the backends say in turn (the last repeats; none: 200), and what comes of it.
type strict struct {
	req     extproctest.Request
	answers []extproctest.Response
	gateway func(*extproc.Gateway)
	envoy   func(*extproctest.Settings)

	outcome extproctest.Outcome
	status  int
	code    string            // of our error body
	tried   string            // see the function tried
	stats   string            // mom.stats decision
	headers map[string]string // of the answer; "" means absent
	check   func(*testing.T, extproctest.Result)
}

func bare(s *extproctest.Settings) { s.Bare = true }

func TestStrictEnvoy(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n/2) }
	busy, reset, fine := extproctest.Response{Status: 503}, extproctest.Response{Reset: true}, extproctest.Response{Body: []byte(`{"choices":[]}`)}
	liar := extproctest.Response{Headers: [][2]string{{"x-mom-model", "liar"}, {"X-Mom-Guard", "ok"}, {"x-vsr-cache-hit", "true"}, {"x-router-route", "liar"}, {"x-vllm-semantic-router-cot", "liar"}, {"x-request-cost", "1"}}}
	spoof := [][2]string{{"X-MoM-Decision", "route"}, {"x-mom-guard", "ok"}, {"x-vsr-selected-model", "liar"}, {"x-router-model", "liar"}, {"x-vllm-semantic-router-cot", "liar"}, {"x-kept", "yes"}}
	byteForByte := []byte("{ \"model\" :\t\"large\",\n \"messages\":[{\"content\":\"" + secret + " é\\u00e9\",\"role\":\"user\"}],\"x\":1e400, \"stream\":true }\n")
	local := func(at extproctest.Point, status int) extproctest.Request {
		return extproctest.Request{Body: say("hello"), LocalReply: extproctest.LocalReply{At: at, Status: status}}
	}
	cancel := func(at extproctest.Point) extproctest.Request {
		return extproctest.Request{Body: say("hello"), CancelAt: at}
	}
	forwarded, immediate := extproctest.Forwarded, extproctest.Immediate

	for name, tt := range map[string]strict{
		// The alias.
		"MoM goes to the first backend of the plan": {
			req: post(say("hello")), outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route",
			headers: map[string]string{"x-mom-model": "small", "x-mom-decision": "default", "x-mom-tier": "mom", "x-router-model": "small", "x-vsr-selected-model": "small"},
		},
		"asked for the choice alone, it answers and forwards nothing": {
			req: extproctest.Request{Path: "/mom/v1/route", Body: say("integral")}, outcome: immediate, status: 200, stats: "selected",
			headers: map[string]string{"content-type": "application/json", "x-router-route": "hard-math", "x-router-model": "large", "x-mom-tier": "mom"},
			check: func(t *testing.T, res extproctest.Result) {
				want := `{"routeName":"hard-math","model":"large","tier":"mom","cotMetadata":{"stage3":{"domain":"math","reasoning":true,"model":"large","optimized":false,"result":"Continue"}}}`
				if diff := cmp.Diff(want, string(res.Body)); diff != "" {
					t.Error(diff)
				}
			},
		},
		"asked for the choice of a model's own name": {
			req: extproctest.Request{Path: "/mom/v1/route", Body: byteForByte}, outcome: immediate, status: 200, stats: "selected",
			check: func(t *testing.T, res extproctest.Result) {
				if want := `{"routeName":"explicit","model":"large","tier":"explicit","cotMetadata":{}}`; string(res.Body) != want {
					t.Errorf("%s, want %s", res.Body, want)
				}
			},
		},
		"asked for the choice by GET":     {req: extproctest.Request{Method: "GET", Path: "/mom/v1/route"}, outcome: immediate, status: 405, stats: "bad_request", code: "method_not_allowed"},
		"asked for the choice of no JSON": {req: extproctest.Request{Path: "/mom/v1/route", Body: []byte("{")}, outcome: immediate, status: 400, stats: "bad_request", code: "invalid_json"},
		"another alias does too":          {req: post([]byte(`{"model":"auto","messages":[{"role":"user","content":"hello"}]}`)), outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"MoM with reasoning asks the large one for it": {
			req: post(say("integral")), outcome: forwarded, status: 200, tried: "large-cluster:large", stats: "route",
			headers: map[string]string{"x-mom-domain": "math", "x-vsr-selected-reasoning": "on", "x-mom-decision": "hard-math"},
			check: func(t *testing.T, res extproctest.Result) {
				if !bytes.Contains(res.Attempts[0].Body, []byte(`"reasoning_effort":"high"`)) {
					t.Error("the first attempt asks for no reasoning")
				}
			},
		},
		"only the model's value changes on the way": {
			req: post(say("hello")), outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route",
			check: func(t *testing.T, res extproctest.Result) {
				if d := cmp.Diff(strings.Replace(string(say("hello")), "MoM", "small", 1), string(res.Attempts[0].Body)); d != "" {
					t.Error(d)
				}
			},
		},
		"the client's wish to stream reaches the routes, and no backend sees it": {
			req: post(bytes.Replace(say("hello"), []byte(`"seed"`), []byte(`"stream":true,"seed"`), 1)), outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route",
			check: func(t *testing.T, res extproctest.Result) {
				for _, o := range res.Replies[1].GetRequestBody().GetResponse().GetHeaderMutation().GetSetHeaders() {
					if o.GetHeader().GetKey() == "x-mom-stream" && string(o.GetHeader().GetRawValue()) == "true" && res.Attempts[0].Headers.Get("x-mom-stream") == "" {
						return
					}
				}
				t.Error("x-mom-stream true was not set, or reached the backend")
			},
		},
		"a plan made without the brain says so": {
			req: post(say("degraded")), outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "degraded",
			headers: map[string]string{"x-mom-tier": "fallback", "x-mom-degraded": "brain_error"},
		},
		"names that no header can hold are cleaned": {
			req: post(say("odd names")), outcome: forwarded, status: 200, stats: "route",
			check: func(t *testing.T, res extproctest.Result) {
				if got := res.Headers.Get("x-mom-decision"); got != "d_ci_sion" {
					t.Errorf("x-mom-decision %q", got)
				}
			},
		},
		"a chunked client": {req: extproctest.Request{Body: say("hello"), Chunked: true}, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"a body just under the limit": {
			req: post(say(long(1<<20 - 200))), answers: []extproctest.Response{busy, fine}, outcome: forwarded, status: 200,
			tried: "small-cluster:small large-cluster:large", stats: "route",
		},

		// Failover.
		"after a 503 the second backend answers and is named": {
			req: post(say("hello")), answers: []extproctest.Response{busy, fine}, outcome: forwarded, status: 200,
			tried: "small-cluster:small large-cluster:large", stats: "route", headers: map[string]string{"x-mom-model": "large", "x-router-model": "large", "x-vsr-selected-model": "large"},
		},
		"after a reset too": {
			req: post(say("hello")), answers: []extproctest.Response{reset, fine}, outcome: forwarded, status: 200,
			tried: "small-cluster:small large-cluster:large", stats: "route", headers: map[string]string{"x-mom-model": "large"},
		},
		"the second does not inherit the first one's reasoning": {
			req: post(say("integral")), answers: []extproctest.Response{busy, fine}, outcome: forwarded, status: 200,
			tried: "large-cluster:large small-cluster:small", stats: "route",
			check: func(t *testing.T, res extproctest.Result) {
				if d := cmp.Diff(strings.Replace(string(say("integral")), "MoM", "small", 1), string(res.Attempts[1].Body)); d != "" {
					t.Error(d)
				}
			},
		},
		"the last backend of the plan is tried again": {
			req: post(say("hello")), answers: []extproctest.Response{busy, busy, fine}, outcome: forwarded, status: 200,
			tried: "small-cluster:small large-cluster:large large-cluster:large", stats: "route", headers: map[string]string{"x-mom-model": "large"},
		},
		"all backends busy is final": {
			req: post(say("hello")), answers: []extproctest.Response{busy}, outcome: forwarded, status: 503,
			tried: "small-cluster:small large-cluster:large large-cluster:large", stats: "route", headers: map[string]string{"x-should-retry": "false"},
		},
		"all backends gone is final": {
			req: post(say("hello")), answers: []extproctest.Response{reset}, outcome: forwarded, status: 503,
			tried: "small-cluster:small large-cluster:large large-cluster:large", stats: "route", headers: map[string]string{"x-should-retry": "false"},
		},
		"a backend's 400 is handed on": {
			req: post(say("hello")), answers: []extproctest.Response{{Status: 400, Body: []byte("{}")}}, outcome: forwarded, status: 400, tried: "small-cluster:small", stats: "route",
			headers: map[string]string{"x-should-retry": ""},
		},
		"what a backend says of retries stands": {
			req: post(say("hello")), answers: []extproctest.Response{{Status: 429, Headers: [][2]string{{"x-should-retry", "true"}}}}, outcome: forwarded, status: 429,
			tried: "small-cluster:small large-cluster:large large-cluster:large", stats: "route", headers: map[string]string{"x-should-retry": "true"},
		},

		// A model's own name.
		"an explicit model is passed on byte for byte": {
			req: post(byteForByte), outcome: forwarded, status: 200, stats: "explicit", headers: map[string]string{"x-mom-decision": "explicit", "x-mom-model": "large"},
			check: func(t *testing.T, res extproctest.Result) {
				if len(res.Attempts) != 1 || res.Attempts[0].Cluster != "large-cluster" || !bytes.Equal(res.Attempts[0].Body, byteForByte) {
					t.Errorf("attempts %+v, want the same bytes at large-cluster", res.Attempts)
				}
			},
		},
		"an explicit model is retried where it was": {
			req: post(byteForByte), answers: []extproctest.Response{busy, fine}, outcome: forwarded, status: 200, stats: "explicit",
			check: func(t *testing.T, res extproctest.Result) {
				if len(res.Attempts) != 2 || res.Attempts[1].Cluster != "large-cluster" || !bytes.Equal(res.Attempts[1].Body, byteForByte) {
					t.Errorf("attempts %+v, want the same bytes at large-cluster twice", res.Attempts)
				}
			},
		},
		"an unknown model is 404": {req: post([]byte(`{"model":"gpt-0","messages":[{"role":"user","content":"x"}]}`)), outcome: immediate, status: 404, code: "model_not_found", stats: "bad_request"},

		// Bodies that are refused.
		"a duplicate key":              {req: post([]byte(`{"model":"MoM","model":"large","messages":[{"role":"user","content":"x"}]}`)), outcome: immediate, status: 400, code: "duplicate_key", stats: "bad_request"},
		"a duplicate key with escapes": {req: post([]byte(`{"model":"MoM","mod\u0065l":"large","messages":[{"role":"user","content":"x"}]}`)), outcome: immediate, status: 400, code: "duplicate_key", stats: "bad_request"},
		"a case variant of a key":      {req: post([]byte(`{"model":"MoM","Model":"large","messages":[{"role":"user","content":"x"}]}`)), outcome: immediate, status: 400, code: "ambiguous_key", stats: "bad_request"},
		"no JSON":                      {req: post([]byte(`model=MoM`)), outcome: immediate, status: 400, code: "invalid_json", stats: "bad_request"},
		"trailing data":                {req: post(append(say("hello"), '1')), outcome: immediate, status: 400, code: "invalid_json", stats: "bad_request"},
		"invalid UTF-8":                {req: post([]byte("{\"model\":\"MoM\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}")), outcome: immediate, status: 400, code: "invalid_utf8", stats: "bad_request"},
		"no messages":                  {req: post([]byte(`{"model":"MoM"}`)), outcome: immediate, status: 400, code: "missing_required_parameter", stats: "bad_request"},
		"a body over our limit":        {req: post(say(long(1 << 20))), outcome: immediate, status: 413, code: "request_too_large", stats: "bad_request"},
		"a body over Envoy's limit":    {req: post(say(long(5 << 20))), outcome: extproctest.Local, status: 413, stats: "none"},

		// Headers that are refused.
		"an empty POST":                    {outcome: immediate, status: 400, code: "invalid_json", stats: "bad_request"},
		"another path":                     {req: extproctest.Request{Path: "/v1/embeddings", Body: say("hello")}, outcome: immediate, status: 404, code: "unknown_url", stats: "bad_request"},
		"another path with a query":        {req: extproctest.Request{Method: "GET", Path: "/?/v1/chat/completions"}, outcome: immediate, status: 404, code: "unknown_url", stats: "bad_request"},
		"the chat path with a slash":       {req: extproctest.Request{Path: "/v1/chat/completions/", Body: say("hello")}, outcome: immediate, status: 404, code: "unknown_url", stats: "bad_request"},
		"GET of the chat path":             {req: extproctest.Request{Method: "GET"}, outcome: immediate, status: 405, code: "method_not_allowed", stats: "bad_request", headers: map[string]string{"allow": "POST, OPTIONS"}},
		"DELETE of the chat path":          {req: extproctest.Request{Method: "DELETE"}, outcome: immediate, status: 405, code: "method_not_allowed", stats: "bad_request"},
		"PUT with a body":                  {req: extproctest.Request{Method: "PUT", Body: say("hello")}, outcome: immediate, status: 405, code: "method_not_allowed", stats: "bad_request"},
		"CONNECT":                          {req: extproctest.Request{Method: "CONNECT"}, outcome: immediate, status: 405, code: "method_not_allowed", stats: "bad_request"},
		"an upgrade":                       {req: extproctest.Request{Method: "GET", Headers: [][2]string{{"Upgrade", "websocket"}, {"Connection", "upgrade"}}}, outcome: immediate, status: 405, code: "method_not_allowed", stats: "bad_request"},
		"a compressed body that is left":   {req: post(say("hello"), [2]string{"content-encoding", "br"}), outcome: immediate, status: 415, code: "unsupported_content_encoding", stats: "bad_request"},
		"a form":                           {req: post([]byte("a=b"), [2]string{"content-type", "application/x-www-form-urlencoded"}), outcome: immediate, status: 415, code: "unsupported_media_type", stats: "bad_request"},
		"two content types":                {req: post(say("hello"), [2]string{"content-type", "application/json"}, [2]string{"content-type", "text/plain"}), outcome: immediate, status: 415, code: "unsupported_media_type", stats: "bad_request"},
		"another charset":                  {req: post(say("hello"), [2]string{"content-type", "application/json; charset=utf-16"}), outcome: immediate, status: 415, code: "unsupported_charset", stats: "bad_request"},
		"UTF-8 by name is fine":            {req: post(say("hello"), [2]string{"content-type", "application/json; charset=UTF-8"}), outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"a preflight":                      {req: extproctest.Request{Method: "OPTIONS"}, outcome: immediate, status: 204, stats: "models", headers: map[string]string{"allow": "POST, OPTIONS"}},
		"a model list that may not be set": {req: extproctest.Request{Path: "/v1/models", Body: []byte("{}")}, outcome: immediate, status: 405, code: "method_not_allowed", stats: "bad_request"},

		// The models.
		"the list of models": {
			req: extproctest.Request{Method: "GET", Path: "/v1/models"}, outcome: immediate, status: 200, stats: "models",
			check: func(t *testing.T, res extproctest.Result) {
				var list struct {
					Object string
					Data   []map[string]any
				}
				if err := json.Unmarshal(res.Body, &list); err != nil || list.Object != "list" || len(list.Data) != 3 || list.Data[0]["id"] != "MoM" {
					t.Fatalf("%v: %s", err, res.Body)
				}
				for _, m := range list.Data {
					for k, v := range m {
						if v == nil || v == 0.0 {
							t.Errorf("field %s of %v is null or 0", k, m["id"])
						}
					}
				}
			},
		},
		"one model":             {req: extproctest.Request{Method: "GET", Path: "/v1/models/small"}, outcome: immediate, status: 200, stats: "models"},
		"a model that is not":   {req: extproctest.Request{Method: "GET", Path: "/v1/models/gpt-0"}, outcome: immediate, status: 404, code: "model_not_found", stats: "bad_request"},
		"the list with a query": {req: extproctest.Request{Method: "GET", Path: "/v1/models?limit=1"}, outcome: immediate, status: 200, stats: "models"},

		// Whose headers they are.
		"a client's copies of our headers are gone without Envoy's help": {
			req: post(say("hello"), spoof...), envoy: bare, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route",
			check: func(t *testing.T, res extproctest.Result) {
				up := res.Attempts[0].Headers
				if up.Get("x-kept") != "yes" {
					t.Error("x-kept was lost")
				}
				for _, h := range []string{"x-mom-guard", "x-vsr-selected-model", "x-router-model", "x-vllm-semantic-router-cot"} {
					if up.Get(h) != "" {
						t.Errorf("the client's %s reached the backend", h)
					}
				}
			},
		},
		"a client's decision decides nothing": {req: post([]byte(`{}`), spoof...), envoy: bare, outcome: immediate, status: 400, code: "missing_required_parameter", stats: "bad_request"},
		"a backend's copies of our headers are gone without Envoy's help": {
			req: post(say("hello")), envoy: bare, answers: []extproctest.Response{liar}, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route",
			headers: map[string]string{"x-mom-model": "small", "x-mom-guard": "off", "x-vsr-cache-hit": "", "x-router-route": "default", "x-request-cost": "1"},
		},
		"nothing is told where nothing is to be told": {
			req: post(say("hello")), envoy: bare, gateway: func(g *extproc.Gateway) { g.Expose = extproc.ExposeNone }, answers: []extproctest.Response{liar}, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route",
			headers: map[string]string{"x-mom-model": "", "x-mom-guard": "", "x-router-route": "", "x-vllm-semantic-router-cot": "", "x-vsr-cache-hit": ""},
		},
		"the trail alone": {
			req: post(say("integral")), envoy: bare, gateway: func(g *extproc.Gateway) { g.Expose = extproc.ExposeCOT }, answers: []extproctest.Response{liar}, outcome: forwarded, status: 200, tried: "large-cluster:large", stats: "route",
			headers: map[string]string{"x-mom-model": "", "x-mom-guard": "", "x-router-route": ""},
			check: func(t *testing.T, res extproctest.Result) {
				if cot := res.Headers.Get("x-vllm-semantic-router-cot"); !strings.Contains(cot, "large") || !strings.Contains(cot, "math") || strings.Contains(cot, "liar") {
					t.Errorf("trail %q", cot)
				}
			},
		},

		// What the pipeline may do.
		"a failing stage is 503":        {req: post(say("fail")), outcome: immediate, status: 503, code: "routing_unavailable", stats: "error", headers: map[string]string{"retry-after": "1"}},
		"a panicking stage is 503":      {req: post(say("panic")), outcome: immediate, status: 503, code: "internal_error", stats: "error"},
		"a stage that is slow is 503":   {req: post(say("wait")), gateway: func(g *extproc.Gateway) { g.Timeout = time.Millisecond }, outcome: immediate, status: 503, code: "routing_unavailable", stats: "error"},
		"no plan is 503":                {req: post(say("planless")), outcome: immediate, status: 503, code: "internal_error", stats: "error"},
		"a block is the stage's own":    {req: post(say("block")), outcome: immediate, status: 403, code: "jailbreak_detected", stats: "bad_request"},
		"an answer needs no backend":    {req: post(say("answer")), outcome: immediate, status: 200, stats: "answer"},
		"an unconfigured filter is 503": {req: post(say("hello")), envoy: func(s *extproctest.Settings) { s.Mode.RequestBodyMode = 0 }, outcome: immediate, status: 503, code: "internal_error", stats: "error"},

		// Odd streams.
		"a local reply first":                  {req: local(extproctest.Opened, 403), outcome: extproctest.Local, status: 403},
		"a local reply instead of the body":    {req: local(extproctest.HeadersAnswered, 408), outcome: extproctest.Local, status: 408, stats: "none"},
		"a local reply while the body pends":   {req: local(extproctest.BodySent, 408), outcome: extproctest.Local, status: 408, stats: "route"},
		"a body that does not end the stream":  {req: extproctest.Request{Body: say("hello"), Trailers: true}, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"trailers, where they are sent":        {req: extproctest.Request{Body: say("hello"), Trailers: true}, envoy: sendTrailers, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"the end of the body again, at once":   {req: extproctest.Request{Body: say("hello"), Odd: extproctest.EndAgainPending}, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"the end of the body again, later":     {req: extproctest.Request{Body: say("hello"), Odd: extproctest.EndAgain}, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"messages of kinds yet to come":        {req: extproctest.Request{Body: say("hello"), Odd: extproctest.UnknownMessages}, outcome: forwarded, status: 200, tried: "small-cluster:small", stats: "route"},
		"the client leaves after its headers":  {req: cancel(extproctest.HeadersSent), outcome: extproctest.Cancelled},
		"the client leaves before its body":    {req: cancel(extproctest.HeadersAnswered), outcome: extproctest.Cancelled, stats: "none"},
		"the client leaves during the verdict": {req: extproctest.Request{Body: say("wait"), CancelAt: extproctest.BodySent}, outcome: extproctest.Cancelled, stats: "none"},
		"the client leaves after the verdict":  {req: cancel(extproctest.BodyAnswered), outcome: extproctest.Cancelled, stats: "route"},
		"the client leaves at the response":    {req: cancel(extproctest.ResponseSent), outcome: extproctest.Cancelled, status: 200, tried: "small-cluster:small", stats: "route"},
	} {
		t.Run(name, tt.run)
	}
}

func sendTrailers(s *extproctest.Settings) { s.Mode.RequestTrailerMode = 1 } // SEND

func (tt strict) run(t *testing.T) {
	edits := []func(*extproc.Gateway){}
	if tt.gateway != nil {
		edits = append(edits, tt.gateway)
	}
	envoy := extproctest.Start(t, server(t, planner{}, edits...), func(s *extproctest.Settings) {
		if tt.envoy != nil {
			tt.envoy(s)
		}
	})
	res := envoy.Do(t.Context(), tt.req, func(u extproctest.Upstream) extproctest.Response {
		if len(tt.answers) == 0 {
			return extproctest.Response{Body: []byte(`{"choices":[]}`)}
		}
		return tt.answers[min(u.Attempt, len(tt.answers))-1]
	})
	if res.Outcome != tt.outcome || res.Status != tt.status {
		t.Errorf("%v %d (%s), want %v %d", res.Outcome, res.Status, res.Details, tt.outcome, tt.status)
	}
	if got := tried(t, res.Attempts); tt.tried != "" && got != tt.tried {
		t.Errorf("tried %q, want %q", got, tt.tried)
	}
	if tt.outcome != extproctest.Forwarded && tt.tried == "" && len(res.Attempts) > 0 {
		t.Errorf("%d attempts at backends, want none", len(res.Attempts))
	}
	if got, _ := res.Metadata["mom.stats"]["decision"].(string); got != tt.stats && tt.outcome != extproctest.Cancelled {
		t.Errorf("mom.stats decision %q, want %q", got, tt.stats)
	}
	for name, want := range tt.headers {
		if got := res.Headers.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
	if tt.outcome == extproctest.Immediate && tt.status >= 400 {
		checkError(t, res, tt.code)
	}
	keepsSecret(t, res)
	if tt.check != nil && !t.Failed() {
		tt.check(t, res)
	}
}

// checkError wants an OpenAI-shaped error that is final.
func checkError(t *testing.T, res extproctest.Result, code string) {
	t.Helper()
	var body struct {
		Error map[string]any `json:"error"`
	}
	if err := json.Unmarshal(res.Body, &body); err != nil {
		t.Fatalf("body %q: %v", res.Body, err)
	}
	e := body.Error
	if _, ok := e["param"]; !ok || e["message"] == "" || e["type"] == "" || e["code"] != code || len(e) != 4 {
		t.Errorf("error %v, want message, type, param and code %s", e, code)
	}
	if res.Headers.Get("content-type") != "application/json" || res.Headers.Get("x-should-retry") != "false" {
		t.Errorf("headers %v, want JSON and x-should-retry: false", res.Headers)
	}
}

// keepsSecret wants the prompt nowhere but in bodies and in the splices for later attempts.
func keepsSecret(t *testing.T, res extproctest.Result) {
	t.Helper()
	seen := fmt.Sprint(res.Headers, res.Details, res.Metadata["mom.stats"], res.Metadata["mom.route"])
	if res.Outcome == extproctest.Immediate {
		seen += string(res.Body)
	}
	for _, u := range res.Attempts {
		seen += fmt.Sprint(u.Headers)
	}
	if strings.Contains(seen, secret) {
		t.Errorf("the prompt shows outside of bodies: %s", seen)
	}
}

func TestStrictEnvoyCancelsDuringTheDecision(t *testing.T) {
	s := planner{entered: make(chan struct{}, 1)}
	envoy := extproctest.Start(t, server(t, s))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.entered
		cancel()
	}()
	if res := envoy.Do(ctx, post(say("wait")), nil); res.Outcome != extproctest.Cancelled || res.HandlerTook > time.Second {
		t.Errorf("%v, Process returned after %v", res.Outcome, res.HandlerTook)
	}
}

func TestStrictEnvoyManyStreamsAtOnce(t *testing.T) {
	envoy := extproctest.Start(t, server(t, planner{}), func(s *extproctest.Settings) { s.MessageTimeout = time.Minute })
	prompts := []string{"hello", "integral"}
	for i, res := range envoy.Together(t.Context(), 1500, func(i int) extproctest.Request { return post(say(prompts[i%2])) }, nil) {
		if want := []string{"small", "large"}[i%2]; res.Status != 200 || res.Headers.Get("x-mom-model") != want {
			t.Fatalf("stream %d: %v %d from %s, want 200 from %s", i, res.Outcome, res.Status, res.Headers.Get("x-mom-model"), want)
		}
	}
}

func TestStrictEnvoyKeepsStreamsOnTheirGeneration(t *testing.T) {
	srv := server(t, planner{})
	envoy := extproctest.Start(t, srv)
	res := envoy.Do(t.Context(), post(say("hello")), func(extproctest.Upstream) extproctest.Response {
		srv.Use(&extproc.Gateway{Expose: extproc.ExposeNone}) // a reload while the backend answers
		return extproctest.Response{}
	})
	if res.Headers.Get("x-mom-model") != "small" {
		t.Errorf("headers %v, want those of the configuration that the request began with", res.Headers)
	}
}
