package extproc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
)

// screener reads answers by words: barred may not be in one, broken cannot be read, slow takes for ever, boom breaks us. Where it blocks it holds back the
// last bytes of each text.
type screener struct{ block bool }

const screenerLag = 6

func (s screener) Blocks() bool { return s.block }

func (s screener) Open(req *pipeline.Request) chat.Screening {
	if !strings.Contains(strings.Join(req.LastUser(), ""), secret) {
		panic("not the request that is answered")
	}
	return &screened{screener: s}
}

type screened struct {
	screener
	found  pipeline.Guarded
	failed bool
}

func (s *screened) Found() (pipeline.Guarded, bool) { return s.found, s.failed }
func (s *screened) Reader() chat.Reader             { return &screenedText{of: s} }

type screenedText struct {
	of   *screened
	text []byte
}

func (r *screenedText) Read(ctx context.Context, more []byte, last bool) (int, error) {
	r.text = append(r.text, more...)
	var err error
	switch text := string(r.text); {
	case strings.Contains(text, "barred"):
		r.of.found.PII, r.of.found.Blocked = []string{"CREDIT_CARD"}, r.of.block
		err = &chat.Withheld{Reply: chat.ErrorReply(403, "content_policy_violation", "pii_detected", "", "The answer was blocked.", nil)}
	case strings.Contains(text, "broken"):
		r.of.failed, err = true, errors.New("no model")
	case strings.Contains(text, "slow"):
		<-ctx.Done()
		r.of.failed, err = true, ctx.Err()
	case strings.Contains(text, "boom"):
		panic("the answer: " + text)
	}
	switch {
	case !r.of.block:
		return len(r.text), nil
	case err != nil:
		return 0, err
	case last:
		return len(r.text), nil
	}
	return max(0, len(r.text)-screenerLag), nil
}

// redactor is a plan under which the secret of the prompt goes as [PASSWORD_1].
type redactor struct{}

func (redactor) Name() string { return "redactor" }

func (redactor) Run(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
	return pipeline.Outcome{Finding: pipeline.Plan{Decision: "default", Tiers: []pipeline.Tier{{Model: "small", Cluster: "small-cluster", Edits: []pipeline.Edit{chat.SetModel("small")}}},
		Replacements: []pipeline.Replacement{{Start: 0, End: len(secret), With: "[PASSWORD_1]"}}}}, nil
}

func sse(words ...string) []byte {
	var out bytes.Buffer
	for _, w := range words {
		fmt.Fprintf(&out, `data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"small","choices":[{"index":0,"delta":{"content":%q},"finish_reason":null}]}`+"\n\n", w)
	}
	out.WriteString(`data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"small","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n")
	return out.Bytes()
}

func whole(text string) []byte {
	return fmt.Appendf(nil, `{"id":"c1","object":"chat.completion","created":7,"model":"small","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}]}`+"\n", text)
}

// spoken is what the official client reads of a stream: what was said, and why it ended.
func spoken(t *testing.T, body []byte) (text, finish string) {
	t.Helper()
	if !bytes.HasSuffix(body, []byte("\n\ndata: [DONE]\n\n")) || bytes.Count(body, []byte("[DONE]")) != 1 {
		t.Errorf("the stream does not end in one [DONE]: %q", body)
	}
	stream := ssestream.NewStream[openai.ChatCompletionChunk](ssestream.NewDecoder(&http.Response{
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}), nil)
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			text, finish = text+c.Delta.Content, finish+c.FinishReason
		}
	}
	if err := stream.Err(); err != nil {
		t.Errorf("the official client fails: %v", err)
	}
	return text, finish
}

// read is one case of an answer that somebody wants to read: who, what it is, and what comes of it.
type read struct {
	screen  chat.Screen
	restore bool
	answer  extproctest.Response

	outcome extproctest.Outcome // Forwarded when 0
	status  int                 // 200 when 0
	code    string              // of our error in its place
	same    bool                // the client gets the backend's bytes
	text    string              // else, of a stream, what the client reads
	finish  string              // and why it ended
	body    string              // or, of JSON, the body
	output  any                 // mom.stats output; nil: nobody read
	mode    string              // asked for: STREAMED, BUFFERED or nothing
}

func TestAnswersAreRead(t *testing.T) {
	events := func(body []byte, cut int) extproctest.Response {
		return extproctest.Response{Body: body, Cut: cut, Headers: [][2]string{{"content-type", "text/event-stream; charset=utf-8"}, {"transfer-encoding", "chunked"}}}
	}
	with := func(r extproctest.Response, name, value string) extproctest.Response {
		r.Headers = append([][2]string{{name, value}}, r.Headers...)
		return r
	}
	trailers := func(r extproctest.Response) extproctest.Response { r.Trailers = true; return r }
	json := func(body []byte) extproctest.Response {
		return extproctest.Response{Body: body, Headers: [][2]string{{"content-type", "application/json"}}}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(whole("fine"))
	_ = z.Close()
	zipped := with(json(packed.Bytes()), "content-encoding", "gzip")
	long := whole(strings.Repeat("x", chat.MaxAnswer))
	block, flag := screener{block: true}, screener{}

	for name, tt := range map[string]read{
		"a clean stream is what it was":             {screen: block, answer: events(sse("all", " is", " well"), 0), same: true, output: "ok", mode: "STREAMED"},
		"in bytes":                                  {screen: block, answer: events(sse("all", " is", " well"), 1), same: true, output: "ok", mode: "STREAMED"},
		"with trailers":                             {screen: block, answer: trailers(events(sse("all", " is", " well"), 50)), same: true, mode: "STREAMED"}, // its end is never told
		"with a length":                             {screen: block, answer: extproctest.Response{Body: sse("all is well"), Headers: [][2]string{{"content-type", "text/event-stream"}}}, same: true, output: "ok", mode: "STREAMED"},
		"a stream ends at a hit":                    {screen: block, answer: events(sse("this is fine", ", this is bar", "red and", " never seen"), 33), text: "this is fine", finish: "content_filter", output: "blocked_pii", mode: "STREAMED"},
		"at a hit in its last words":                {screen: block, answer: events(sse("so far so good", " and more", " barred"), 0), text: "so far so good", finish: "content_filter", output: "blocked_pii", mode: "STREAMED"},
		"a stream ends where it cannot be read":     {screen: block, answer: events(sse("this is fine", ", this is bro", "ken"), 0), text: "this is fine", finish: "content_filter", output: "error", mode: "STREAMED"},
		"where we run out of time":                  {screen: block, answer: events(sse("this is fine", ", this is", " slow"), 0), text: "this is fine", finish: "content_filter", output: "error", mode: "STREAMED"},
		"where we break":                            {screen: block, answer: events(sse("boom"), 0), finish: "content_filter", output: "error", mode: "STREAMED"},
		"an event that never ends":                  {screen: block, answer: events(append(sse("x")[:160], long...), 0), finish: "content_filter", output: "error", mode: "STREAMED"},
		"an error in a stream":                      {screen: block, answer: events([]byte("data: {\"error\":{\"message\":\"out of memory\"}}\n\n"), 0), same: true, output: "ok", mode: "STREAMED"},
		"a clean completion is what it was":         {screen: block, answer: json(whole("all is well")), same: true, output: "ok", mode: "BUFFERED"},
		"with trailers too":                         {screen: block, answer: trailers(json(whole("all is well"))), same: true, output: "ok", mode: "BUFFERED"},
		"a completion becomes a 403":                {screen: block, answer: json(whole("this is barred")), outcome: extproctest.Immediate, status: 403, code: "pii_detected", output: "blocked_pii", mode: "BUFFERED"},
		"one that cannot be read a 503":             {screen: block, answer: json(whole("this is broken")), outcome: extproctest.Immediate, status: 503, code: "guard_unavailable", output: "error", mode: "BUFFERED"},
		"one that takes too long a 503":             {screen: block, answer: json(whole("this is slow")), outcome: extproctest.Immediate, status: 503, code: "guard_timeout", output: "error", mode: "BUFFERED"},
		"one that breaks us a 503":                  {screen: block, answer: json(whole("boom")), outcome: extproctest.Immediate, status: 503, code: "internal_error", output: "error", mode: "BUFFERED"},
		"half a completion is read as text":         {screen: block, answer: json([]byte(`{"choices":[{"message":{"content":"barr` + `ed`)), outcome: extproctest.Immediate, status: 403, code: "pii_detected", output: "blocked_pii", mode: "BUFFERED"},
		"a compressed answer is refused":            {screen: block, answer: zipped, outcome: extproctest.Immediate, status: 502, code: "answer_unreadable", output: "blocked_unread"},
		"one of another type":                       {screen: block, answer: with(json(nil), "content-type", "text/plain"), same: true},
		"one of another type that holds something":  {screen: block, answer: extproctest.Response{Body: []byte("barred"), Headers: [][2]string{{"content-type", "text/plain"}}}, outcome: extproctest.Immediate, status: 502, code: "answer_unreadable", output: "blocked_unread"},
		"one that is too long by its own word":      {screen: block, answer: json(long), outcome: extproctest.Immediate, status: 502, code: "answer_unreadable", output: "blocked_unread"},
		"one that is too long and does not say so":  {screen: block, answer: with(json(long), "transfer-encoding", "chunked"), outcome: extproctest.Immediate, status: 502, code: "answer_unreadable", output: "error", mode: "BUFFERED"},
		"an error of the backend's is not read":     {screen: block, answer: extproctest.Response{Status: 400, Body: whole("barred")}, status: 400, same: true},
		"flagged, a stream passes":                  {screen: flag, answer: events(sse("this", " is barred", " and seen"), 9), same: true, output: "flagged", mode: "STREAMED"},
		"flagged, a completion passes":              {screen: flag, answer: json(whole("this is barred")), same: true, output: "flagged", mode: "STREAMED"},
		"what cannot be read passes and is counted": {screen: flag, answer: events(sse("this is broken", " and slow"), 0), same: true, output: "error", mode: "STREAMED"},
		"what is compressed passes and is counted":  {screen: flag, answer: zipped, same: true, output: "blocked_unread"},
		"what is too long passes and is counted":    {screen: flag, answer: with(json(long), "transfer-encoding", "chunked"), same: true, output: "ok", mode: "STREAMED"},
		"a stream gets its values back":             {restore: true, answer: events(sse("It is [PASS", "WORD_", "1], is it?"), 21), text: "It is " + secret + ", is it?", finish: "stop", mode: "STREAMED"},
		"a completion gets its values back":         {restore: true, answer: json(whole("It is [PASSWORD_1].")), body: string(whole("It is " + secret + ".")), mode: "STREAMED"},
		"one with trailers does":                    {restore: true, answer: trailers(json(whole("It is [PASSWORD_1]."))), body: string(whole("It is " + secret + ".")), mode: "STREAMED"},
		"one that is also read does":                {screen: block, restore: true, answer: json(whole("It is [PASSWORD_1].")), body: string(whole("It is " + secret + ".")), output: "ok", mode: "BUFFERED"},
		"a stream that is also read does":           {screen: block, restore: true, answer: events(sse("It is [PASS", "WORD_", "1], is it?"), 0), text: "It is " + secret + ", is it?", finish: "stop", output: "ok", mode: "STREAMED"},
		"a compressed answer does not":              {restore: true, answer: zipped, same: true},
		"one that is too long to restore passes":    {restore: true, answer: with(json(long), "transfer-encoding", "chunked"), same: true, mode: "STREAMED"},
		"nobody asked":                              {answer: json(whole("barred")), same: true},
		"an answer of nothing":                      {screen: block, answer: extproctest.Response{Status: 204}, status: 204, same: true},
		"a placeholder where nothing is to be got":  {restore: false, answer: json(whole("[PASSWORD_1]")), same: true},
		"a stream in lines that end in CR":          {screen: block, answer: events(bytes.ReplaceAll(sse("all is well"), []byte("\n"), []byte("\r")), 5), same: true, output: "ok", mode: "STREAMED"},
		"one choice ends, another goes on, a hit":   {screen: block, answer: events(append(bytes.TrimSuffix(sse("fine and well"), []byte("data: [DONE]\n\n")), bytes.ReplaceAll(sse("barred"), []byte(`"index":0`), []byte(`"index":1`))...), 0), text: "fine and well", finish: "stopcontent_filter", output: "blocked_pii", mode: "STREAMED"},
	} {
		t.Run(name, func(t *testing.T) {
			run, err := pipeline.New(pipeline.Step{Stage: redactor{}})
			if err != nil {
				t.Fatal(err)
			}
			envoy := extproctest.Start(t, server(t, planner{}, func(g *extproc.Gateway) {
				g.Runner, g.Screen, g.Restore = run, tt.screen, tt.restore
				if strings.Contains(string(tt.answer.Body), "slow") {
					g.Timeout = 50e6 // 50 ms
				}
			}))
			res := envoy.Do(t.Context(), post(say("hello"), [2]string{"Accept-Encoding", "gzip"}), func(extproctest.Upstream) extproctest.Response { return tt.answer })
			status := tt.status
			if status == 0 {
				status = 200
			}
			outcome := tt.outcome
			if outcome == 0 {
				outcome = extproctest.Forwarded
			}
			if res.Outcome != outcome || res.Status != status {
				t.Fatalf("%v %d (%s), want %v %d", res.Outcome, res.Status, res.Details, outcome, status)
			}
			if got := res.Metadata["mom.stats"]["output"]; got != tt.output {
				t.Errorf("output %v, want %v", got, tt.output)
			}
			if res.Metadata["mom.stats"]["decision"] != "route" || res.Metadata["mom.stats"]["model"] != "small" {
				t.Errorf("stats %v", res.Metadata["mom.stats"])
			}
			mode := ""
			for _, r := range res.Replies {
				if r.ModeOverride != nil {
					mode = r.ModeOverride.ResponseBodyMode.String()
				}
			}
			if mode != tt.mode {
				t.Errorf("mode %q, want %q", mode, tt.mode)
			}
			if got := res.Attempts[0].Headers.Get("accept-encoding"); (got == "") != (tt.screen != nil || tt.restore) {
				t.Errorf("the backend may answer in %q", got)
			}
			switch {
			case tt.code != "":
				checkError(t, res, tt.code)
				if bytes.Contains(res.Body, []byte("this is")) {
					t.Errorf("the answer shows in %s", res.Body)
				}
				if got, want := res.Headers.Get("x-mom-guard"), map[bool]string{true: "blocked"}[tt.status == 403]; got != want || res.Headers.Get("x-mom-model") != "small" {
					t.Errorf("headers %v", res.Headers)
				}
			case tt.same:
				if diff := cmp.Diff(string(tt.answer.Body), string(res.Body)); diff != "" {
					t.Errorf("(-sent +got)\n%.500s", diff)
				}
			case tt.body != "":
				if diff := cmp.Diff(tt.body, string(res.Body)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			default:
				if text, finish := spoken(t, res.Body); text != tt.text || finish != tt.finish {
					t.Errorf("%q, ended for %q; want %q, %q", text, finish, tt.text, tt.finish)
				}
			}
		})
	}
}

// What is clear goes at once: a stream of which the end is far must not wait for it.
func TestAnAnswerFlowsWhileItIsRead(t *testing.T) {
	envoy := extproctest.Start(t, server(t, planner{}, func(g *extproc.Gateway) { g.Screen = screener{block: true} }))
	body := sse("one two three", " four five", " six seven", " eight nine", " ten")
	event := bytes.Index(body, []byte("\n\n")) + 2
	res := envoy.Do(t.Context(), post(say("hello")), func(extproctest.Upstream) extproctest.Response {
		return extproctest.Response{Body: body, Cut: event, Headers: [][2]string{{"content-type", "text/event-stream"}}}
	})
	sent, got, behind := 0, 0, 0
	for _, r := range res.Replies {
		if r.GetResponseBody() == nil {
			continue
		}
		sent = min(sent+event, len(body))
		if b := r.GetResponseBody().GetResponse().GetBodyMutation(); b != nil {
			got += len(b.GetBody())
		} else {
			got += event
		}
		behind = max(behind, sent-got)
	}
	if !bytes.Equal(res.Body, body) || behind > 3*event {
		t.Errorf("up to %d bytes waited, %d are three events", behind, 3*event)
	}
}

func TestTheClientLeavesInMidAnswer(t *testing.T) {
	for _, screen := range []chat.Screen{screener{block: true}, screener{}} {
		envoy := extproctest.Start(t, server(t, planner{}, func(g *extproc.Gateway) { g.Screen = screen }))
		res := envoy.Do(t.Context(), extproctest.Request{Body: say("hello"), CancelAt: extproctest.AnswerBegun}, func(extproctest.Upstream) extproctest.Response {
			return extproctest.Response{Body: sse("one", "two"), Cut: 20, Headers: [][2]string{{"content-type", "text/event-stream"}}}
		})
		if res.Outcome != extproctest.Cancelled || res.HandlerErr != nil {
			t.Errorf("%v, %v", res.Outcome, res.HandlerErr)
		}
	}
}
