package extproc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/classifiers/pattern"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const aCard = "4111 1111 1111 1111"

// reader is the model of these tests: override is an attack, poison is harmful, and some words make it fail in a way of their own.
type reader struct{ classifiertest.Words }

func (r reader) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	nan := float32(math.NaN())
	switch {
	case strings.Contains(text, "broken"):
		return classifiers.Scores{}, errors.New("no model")
	case strings.Contains(text, "slow"):
		<-ctx.Done()
		return classifiers.Scores{}, ctx.Err()
	case strings.Contains(text, "nan"):
		return classifiers.Scores{P: []float32{nan, nan, nan}}, nil
	case strings.Contains(text, "labels"):
		return classifiers.Scores{P: []float32{1, 0}}, nil
	case strings.Contains(text, "panic"):
		panic(text)
	}
	return r.Words.Classify(ctx, text)
}

// Passes is a pass for every hundred bytes.
func (reader) Passes(text string) (int, error) { return 1 + len(text)/100, nil }

// names finds nothing: the recognisers beside it find what there is.
type names struct{}

func (names) Labels() []string { return []string{"PERSON"} }

func (names) Tag(_ context.Context, text string) ([]classifiers.Span, error) {
	if strings.Contains(text, "nameless") {
		return nil, errors.New("no tagger")
	}
	return nil, nil
}

// rules say how the guard of a test is set.
type rules struct{ flag, harmful, refusal, open bool }

// guardedServer is the real one with both guards before the planner, and what it logs.
func guardedServer(t testing.TB, r rules, edits ...func(*extproc.Gateway)) (*extproc.Server, *observer.ObservedLogs) {
	t.Helper()
	model := reader{classifiertest.Words{Classes: []string{"benign", "jailbreak", "harmful"}, Label: map[string]string{"override": "jailbreak", "poison": "harmful"}, P: 0.998, Any: "benign"}}
	limits := guard.Limits{Counter: model, MaxWindows: 20, BlockUnscannable: true, Refusal: r.refusal}
	jailbreak, err := guard.NewJailbreak(guard.JailbreakConfig{
		User: model, Document: model, Thresholds: guard.Thresholds{User: 0.9, Document: 0.9, Instructions: 0.99},
		Block: !r.flag, BlockHarmful: r.harmful, Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := guard.NewPolicy("standard", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	pii, err := guard.NewPII(guard.PIIConfig{Tagger: pattern.Beside(names{}), Policy: policy, FlagFrom: 0.6, BlockFrom: 0.8, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Step{Stage: jailbreak, Timeout: 20 * time.Millisecond, FailOpen: r.open}, pipeline.Step{Stage: pii}, pipeline.Step{Stage: planner{}})
	if err != nil {
		t.Fatal(err)
	}
	g := &extproc.Gateway{
		Parser:   &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}},
		Runner:   p,
		Guards:   []string{guard.StageJailbreak, guard.StagePII},
		Backends: map[string]bool{"small": true, "large": true},
		Domains:  map[string]bool{"math": true, "other": true},
	}
	for _, edit := range edits {
		edit(g)
	}
	core, logs := observer.New(zap.DebugLevel)
	srv := extproc.NewServer(zap.New(core))
	srv.Use(g)
	return srv, logs
}

func TestGuard(t *testing.T) {
	const stage1 = "🛡️ ***Stage 1 - Prompt Guard***: "
	cot := func(g *extproc.Gateway) { g.Expose = extproc.ExposeCOT }
	none := func(g *extproc.Gateway) { g.Expose = extproc.ExposeNone }
	spoof := [][2]string{{"x-mom-guard", "ok"}}
	named := func(prompt string) []byte { return bytes.Replace(say(prompt), []byte("MoM"), []byte("large"), 1) }
	stream := func(prompt string) []byte {
		return bytes.Replace(say(prompt), []byte(`"seed"`), []byte(`"stream":true,"seed"`), 1)
	}
	for name, tt := range map[string]struct {
		body    []byte
		rules   rules
		gateway func(*extproc.Gateway)
		status  int
		code    string // of an error
		stats   string // decision and guard
		headers map[string]string
		trail   string // what the trail has after its title; "" for none
	}{
		"a harmless request passes": {
			body: say("hello"), status: 200, stats: "route ok", headers: map[string]string{"x-mom-guard": "ok", "x-mom-model": "small"},
			trail: stage1 + "✅ *No Jailbreak* → ✅ *No PII* → 💯 ***Continue*** → 🧠 ***Stage 3 - Smart Routing***: 📂 *other* → 🥷 *small* → 💯 ***Continue***",
		},
		"a harmless request to a named model too": {
			body: named("hello"), status: 200, stats: "explicit ok", headers: map[string]string{"x-mom-guard": "ok", "x-mom-decision": "explicit"},
			trail: stage1 + "✅ *No Jailbreak* → ✅ *No PII* → 💯 ***Continue***",
		},
		"an attack is 403": {
			body: say("override"), status: 403, code: "jailbreak_detected", stats: "bad_request blocked_jailbreak",
			headers: map[string]string{"x-mom-guard": "blocked", "x-vsr-jailbreak-blocked": "true", "x-vsr-pii-violation": "", "x-mom-model": ""},
			trail:   stage1 + "🚨 *Jailbreak Detected, Confidence: 0.998* → ✅ *No PII* → ❌ ***BLOCKED***",
		},
		"an attack on a named model too": {
			body: named("override"), status: 403, code: "jailbreak_detected", stats: "bad_request blocked_jailbreak", headers: map[string]string{"x-mom-guard": "blocked"},
			trail: stage1 + "🚨 *Jailbreak Detected, Confidence: 0.998* → ✅ *No PII* → ❌ ***BLOCKED***",
		},
		"an attack on a model nobody has too": {
			body: bytes.Replace(say("override"), []byte("MoM"), []byte("gpt-0"), 1), status: 403, code: "jailbreak_detected", stats: "bad_request blocked_jailbreak",
			trail: stage1 + "🚨 *Jailbreak Detected, Confidence: 0.998* → ✅ *No PII* → ❌ ***BLOCKED***",
		},
		"a model nobody has, asked without one": {
			body: bytes.Replace(say("hello"), []byte("MoM"), []byte("gpt-0"), 1), status: 404, code: "model_not_found", stats: "bad_request ok", headers: map[string]string{"x-mom-guard": ""},
		},
		"a card number is 403": {
			body: say(aCard), status: 403, code: "pii_detected", stats: "bad_request blocked_pii",
			headers: map[string]string{"x-mom-guard": "blocked", "x-vsr-jailbreak-blocked": "", "x-vsr-pii-violation": "true"},
			trail:   stage1 + "✅ *No Jailbreak* → 🚨 *PII Detected* → ❌ ***BLOCKED***",
		},
		"an address of mail is flagged": {
			body: say("mail ann@mail.example.com"), status: 200, stats: "route flagged", headers: map[string]string{"x-mom-guard": "flagged", "x-vsr-pii-violation": ""},
			trail: stage1 + "✅ *No Jailbreak* → 🚨 *PII Detected* → 💯 ***Continue*** → 🧠 ***Stage 3 - Smart Routing***: 📂 *other* → 🥷 *small* → 💯 ***Continue***",
		},
		"an attack may be flagged": {
			body: say("override"), rules: rules{flag: true}, status: 200, stats: "route flagged", headers: map[string]string{"x-mom-guard": "flagged", "x-vsr-jailbreak-blocked": ""},
			trail: stage1 + "🚨 *Jailbreak Detected, Confidence: 0.998* → ✅ *No PII* → 💯 ***Continue*** → 🧠 ***Stage 3 - Smart Routing***: 📂 *other* → 🥷 *small* → 💯 ***Continue***",
		},
		"a flagged attack with a card number is blocked for that": {
			body: say("override " + aCard), rules: rules{flag: true}, status: 403, code: "pii_detected", stats: "bad_request blocked_pii",
			headers: map[string]string{"x-vsr-jailbreak-blocked": "", "x-vsr-pii-violation": "true"},
			trail:   stage1 + "🚨 *Jailbreak Detected, Confidence: 0.998* → 🚨 *PII Detected* → ❌ ***BLOCKED***",
		},
		"what is harmful is flagged": {
			body: say("poison"), status: 200, stats: "route flagged", headers: map[string]string{"x-mom-guard": "flagged"},
			trail: stage1 + "✅ *No Jailbreak* → ✅ *No PII* → 💯 ***Continue*** → 🧠 ***Stage 3 - Smart Routing***: 📂 *other* → 🥷 *small* → 💯 ***Continue***",
		},
		"what is harmful may be blocked, and the trail has no words for it": {
			body: say("poison"), rules: rules{harmful: true}, status: 403, code: "harmful_request", stats: "bad_request blocked_harmful", headers: map[string]string{"x-mom-guard": "blocked"},
		},
		"a request over the limit is 413": {
			body: say(strings.Repeat("long ", 500)), status: 413, code: "prompt_too_long", stats: "bad_request blocked_unread", headers: map[string]string{"x-mom-guard": "blocked"},
		},
		"an image may be refused": {
			body:   []byte(`{"model":"MoM","messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}]}`),
			status: 403, code: "unscannable_content", stats: "bad_request blocked_unread", headers: map[string]string{"x-mom-guard": "blocked"},
		},
		"the trail alone tells of a block": {
			body: say("override"), gateway: cot, status: 403, code: "jailbreak_detected", stats: "bad_request blocked_jailbreak",
			headers: map[string]string{"x-mom-guard": "", "x-vsr-jailbreak-blocked": ""},
			trail:   stage1 + "🚨 *Jailbreak Detected, Confidence: 0.998* → ✅ *No PII* → ❌ ***BLOCKED***",
		},
		"nothing tells of a block but the error": {
			body: say("override"), gateway: none, status: 403, code: "jailbreak_detected", stats: "bad_request blocked_jailbreak",
			headers: map[string]string{"x-mom-guard": "", "x-vsr-jailbreak-blocked": ""},
		},

		// The forms of a block.
		"a refusal is a completion": {
			body: say("override"), rules: rules{refusal: true}, status: 200, stats: "bad_request blocked_jailbreak",
			headers: map[string]string{"x-mom-guard": "blocked", "x-vsr-jailbreak-blocked": "true", "content-type": "application/json"},
			trail:   stage1 + "🚨 *Jailbreak Detected, Confidence: 0.998* → ✅ *No PII* → ❌ ***BLOCKED***",
		},
		"a refusal of a stream is one": {
			body: stream(aCard), rules: rules{refusal: true}, status: 200, stats: "bad_request blocked_pii",
			headers: map[string]string{"x-mom-guard": "blocked", "content-type": "text/event-stream"},
			trail:   stage1 + "✅ *No Jailbreak* → 🚨 *PII Detected* → ❌ ***BLOCKED***",
		},
		"what is too long is an error all the same": {
			body: stream(strings.Repeat("long ", 500)), rules: rules{refusal: true}, status: 413, code: "prompt_too_long", stats: "bad_request blocked_unread",
		},

		// Failures.
		"a guard that fails is 503":                      {body: say("broken"), status: 503, code: "guard_unavailable", stats: "error error", headers: map[string]string{"retry-after": "1", "x-mom-guard": ""}},
		"a guard that fails for a named model is 503":    {body: named("broken"), status: 503, code: "guard_unavailable", stats: "error error"},
		"the last guard that fails is 503":               {body: say("nameless"), status: 503, code: "guard_unavailable", stats: "error error"},
		"a guard that is too slow is 503":                {body: say("slow"), status: 503, code: "guard_timeout", stats: "error error", headers: map[string]string{"retry-after": "1"}},
		"a request whose time ends within a guard is":    {body: say("slow"), gateway: func(g *extproc.Gateway) { g.Timeout = time.Millisecond }, status: 503, code: "guard_timeout", stats: "error error"},
		"an answer that is no number is 503":             {body: say("nan"), status: 503, code: "guard_unavailable", stats: "error error"},
		"an answer for other labels is 503":              {body: say("labels"), status: 503, code: "guard_unavailable", stats: "error error"},
		"a guard that panics is 503":                     {body: say("panic"), status: 503, code: "internal_error", stats: "error error"},
		"another stage that fails is no fault of theirs": {body: say("fail"), status: 503, code: "routing_unavailable", stats: "error ok"},
		"a guard that may fail is passed over": {
			body: say("broken"), rules: rules{open: true}, status: 200, stats: "route degraded", headers: map[string]string{"x-mom-guard": "degraded", "x-mom-degraded": ""},
			trail: "🧠 ***Stage 3 - Smart Routing***: 📂 *other* → 🥷 *small* → 💯 ***Continue***",
		},
		"one that is too slow is passed over too": {
			body: say("slow"), rules: rules{open: true}, status: 200, stats: "route degraded", headers: map[string]string{"x-mom-guard": "degraded"},
			trail: "🧠 ***Stage 3 - Smart Routing***: 📂 *other* → 🥷 *small* → 💯 ***Continue***",
		},
		"when one may fail the other still blocks": {
			body: say("broken " + aCard), rules: rules{open: true}, status: 403, code: "pii_detected", stats: "bad_request blocked_pii",
			headers: map[string]string{"x-mom-guard": "blocked", "x-vsr-pii-violation": "true"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var edits []func(*extproc.Gateway)
			if tt.gateway != nil {
				edits = append(edits, tt.gateway)
			}
			srv, logs := guardedServer(t, tt.rules, edits...)
			res := extproctest.Start(t, srv).Do(t.Context(), post(tt.body, spoof...), func(extproctest.Upstream) extproctest.Response {
				return extproctest.Response{Headers: [][2]string{{"x-mom-guard", "liar"}}, Body: []byte(`{"choices":[]}`)}
			})
			wantTried := tt.status == 200 && !tt.rules.refusal
			if res.Status != tt.status || (len(res.Attempts) > 0) != wantTried {
				t.Errorf("%d (%s) after %d attempts, want %d", res.Status, res.Details, len(res.Attempts), tt.status)
			}
			if tt.code != "" {
				checkError(t, res, tt.code)
			}
			for name, want := range tt.headers {
				if got := res.Headers.Get(name); got != want {
					t.Errorf("header %s is %q, want %q", name, got, want)
				}
			}
			want := ""
			if tt.trail != "" {
				want = "🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → " + tt.trail
			}
			if got := res.Headers.Get("x-vllm-semantic-router-cot"); got != want {
				t.Errorf("trail\n%q, want\n%q", got, want)
			}
			stats := res.Metadata["mom.stats"]
			if got := fmt.Sprint(stats["decision"], " ", stats["guard"]); got != tt.stats {
				t.Errorf("mom.stats %q, want %q", got, tt.stats)
			}
			if tt.rules.refusal && res.Status == 200 {
				checkRefusal(t, res)
			}
			keepsSecret(t, res)
			for _, l := range logs.All() {
				if said := fmt.Sprint(l.Message, l.ContextMap()); strings.Contains(said, secret) || strings.Contains(said, "1111") {
					t.Errorf("the log overheard it: %s", said)
				}
			}
			if n := logs.FilterMessage("stage passed over").Len(); strings.HasSuffix(tt.stats, "degraded") && n != 1 {
				t.Errorf("a stage was passed over, and that is logged %d times", n)
			}
		})
	}
}

// checkRefusal wants one completion, or the same in events, that ends for content_filter.
func checkRefusal(t *testing.T, res extproctest.Result) {
	t.Helper()
	type completion struct {
		ID, Object, Model string
		Created           int64
		Choices           []struct {
			Message, Delta struct{ Role, Content string }
			FinishReason   *string `json:"finish_reason"`
		}
	}
	chunks := []string{string(res.Body)}
	if res.Headers.Get("content-type") == "text/event-stream" {
		body, ok := strings.CutSuffix(string(res.Body), "\n\ndata: [DONE]\n\n")
		if !ok {
			t.Fatalf("events that do not end in [DONE]: %q", res.Body)
		}
		chunks = strings.Split(body, "\n\n")
	}
	said, role, end := "", "", ""
	for _, chunk := range chunks {
		var c completion
		if err := json.Unmarshal([]byte(strings.TrimPrefix(chunk, "data: ")), &c); err != nil || len(c.Choices) != 1 || c.ID == "" || c.Created == 0 || c.Model != "MoM" {
			t.Fatalf("%q: %v", chunk, err)
		}
		ch := c.Choices[0]
		said, role = said+ch.Message.Content+ch.Delta.Content, role+ch.Message.Role+ch.Delta.Role
		if ch.FinishReason != nil {
			end += *ch.FinishReason
		}
	}
	if !strings.HasPrefix(said, "The request was blocked") || role != "assistant" || end != "content_filter" {
		t.Errorf("says %q as %q, ends for %q", said, role, end)
	}
}

func TestWithoutAGuardTheHeadersSaySo(t *testing.T) {
	res := extproctest.Start(t, server(t, planner{})).Do(t.Context(), post(say("override")), nil)
	if got, stat := res.Headers.Get("x-mom-guard"), res.Metadata["mom.stats"]["guard"]; got != "off" || stat != "off" || strings.Contains(res.Headers.Get("x-vllm-semantic-router-cot"), "Stage 1") {
		t.Errorf("x-mom-guard %q, mom.stats guard %v, headers %v", got, stat, res.Headers)
	}
}
