package extproctest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/mom-router/mom/extproc/extproctest"
	"google.golang.org/protobuf/types/known/durationpb"
)

type stream = extprocv3.ExternalProcessor_ProcessServer

var chat = []byte(`{"model":"MoM","messages":[{"role":"user","content":"2+2?"}]}`)

// plain is a chat request, and streaming asks for the response's body.
var plain = extproctest.Request{Body: chat}

func streaming(_ stream, r *extprocv3.ProcessingResponse) {
	if r.GetResponseHeaders() != nil {
		r.ModeOverride = &extprocfilterv3.ProcessingMode{ResponseBodyMode: extprocfilterv3.ProcessingMode_STREAMED}
	}
}

// asks asks for the response's body in a mode, and lengthens answers each of its chunks by a longer one.
func asks(mode extprocfilterv3.ProcessingMode_BodySendMode) func(stream, *extprocv3.ProcessingResponse) {
	return func(_ stream, r *extprocv3.ProcessingResponse) {
		if r.GetResponseHeaders() != nil {
			r.ModeOverride = &extprocfilterv3.ProcessingMode{ResponseBodyMode: mode}
		}
	}
}

func lengthens(_ stream, r *extprocv3.ProcessingResponse) {
	if b := r.GetResponseBody(); b != nil {
		b.Response = &extprocv3.CommonResponse{BodyMutation: &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: []byte("longer than before")}}}
	}
}

// onBody tampers with the verdict only.
func onBody(f func(*extprocv3.ProcessingResponse, *extprocv3.CommonResponse)) func(stream, *extprocv3.ProcessingResponse) {
	return func(_ stream, r *extprocv3.ProcessingResponse) {
		if b := r.GetRequestBody(); b.GetResponse().GetBodyMutation() != nil {
			f(r, b.Response)
		}
	}
}

// adds puts one more header into the verdict.
func adds(o *corev3.HeaderValueOption) func(stream, *extprocv3.ProcessingResponse) {
	return onBody(func(_ *extprocv3.ProcessingResponse, c *extprocv3.CommonResponse) {
		c.HeaderMutation.SetHeaders = append(c.HeaderMutation.SetHeaders, o)
	})
}

// at runs f for messages of which is returns true.
func at(is func(*extprocv3.ProcessingRequest) bool, f func(stream) (bool, error)) func(stream, *extprocv3.ProcessingRequest) (bool, error) {
	return func(s stream, m *extprocv3.ProcessingRequest) (bool, error) {
		if !is(m) {
			return false, nil
		}
		return f(s)
	}
}

func isHeaders(m *extprocv3.ProcessingRequest) bool  { return m.GetRequestHeaders() != nil }
func isBody(m *extprocv3.ProcessingRequest) bool     { return m.GetRequestBody() != nil }
func isResponse(m *extprocv3.ProcessingRequest) bool { return m.GetResponseHeaders() != nil }
func isAnswer(m *extprocv3.ProcessingRequest) bool   { return m.GetResponseBody() != nil }
func isUnknown(m *extprocv3.ProcessingRequest) bool  { return m.Request == nil }

func silent(stream) (bool, error) { return true, nil }
func stops(stream) (bool, error)  { return true, errStop }
func fails(stream) (bool, error)  { return true, errors.New("broken") }
func sends(r *extprocv3.ProcessingResponse) func(stream) (bool, error) {
	return func(s stream) (bool, error) { return false, s.Send(r) }
}

func waits(stream stream) (bool, error) {
	<-stream.Context().Done()
	return true, stream.Context().Err()
}

// row is a server, what is asked of it, and what comes of it.
type row struct {
	server  router
	req     extproctest.Request
	answer  extproctest.Response
	set     func(*extproctest.Settings)
	outcome extproctest.Outcome
	status  int
	rule    string // the one violation
}

func trailerMode(s *extproctest.Settings) {
	s.Mode.RequestTrailerMode = extprocfilterv3.ProcessingMode_SEND
}

func short(s *extproctest.Settings) { s.MessageTimeout = 50 * time.Millisecond }

var (
	answered = extproctest.Response{Body: []byte(`{"choices":[]}`)}
	events   = extproctest.Response{Body: []byte("data: [DONE]\n\n"), Headers: [][2]string{{"content-type", "text/event-stream"}}}
)

func TestABreachIsSeen(t *testing.T) {
	stuck := make(chan struct{})
	said := false
	for name, tt := range map[string]row{
		"R1 the headers are answered as a body": {
			rule: "R1", req: plain, outcome: extproctest.Failed, status: 503,
			server: router{before: at(isHeaders, sends(bodyReply(nil)))},
		},
		"R2 the body is answered twice": {
			rule: "R2", req: plain, answer: answered, outcome: extproctest.Failed, status: 503,
			server: router{before: at(isBody, sends(bodyReply(chat)))},
		},
		"R2 the response headers are answered twice": {
			rule: "R2", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{before: at(isResponse, sends(responseReply()))},
		},
		"R3 a header has value instead of raw_value": {
			rule: "R3", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: adds(&corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: "x-mom-domain", Value: "math"}})},
		},
		"R3 the decision has value instead of raw_value, and nobody is asked": {
			rule: "R3", req: plain, outcome: extproctest.Undecided, status: 503,
			server: router{tamper: onBody(func(_ *extprocv3.ProcessingResponse, c *extprocv3.CommonResponse) {
				h := c.HeaderMutation.SetHeaders[0].Header
				h.Value, h.RawValue = string(h.RawValue), nil
			})},
		},
		"R3 a header has both": {
			rule: "R3", req: plain, outcome: extproctest.Failed, status: 503,
			server: router{tamper: adds(&corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: "x-mom-domain", Value: "a", RawValue: []byte("a")}})},
		},
		"R4 append_action": {
			rule: "R4", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: adds(&corev3.HeaderValueOption{
				Header:       &corev3.HeaderValue{Key: "x-mom-domain", RawValue: []byte("a")},
				AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
			})},
		},
		"R5 an upper-case name": {
			rule: "R5", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: adds(header("X-Mom-Domain", "math"))},
		},
		"R5 a line break in a value": {
			rule: "R5", req: plain, outcome: extproctest.Failed, status: 503,
			server: router{tamper: adds(header("x-mom-cot", "a\nb"))},
		},
		"R6 :authority is set": {
			rule: "R6", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: adds(header(":authority", "evil.test"))},
		},
		"R6 x-envoy-* is set": {
			rule: "R6", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: adds(header("x-envoy-max-retries", "9"))},
		},
		"R6 a credential is set": {
			rule: "R6", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: adds(header("authorization", "Bearer x"))},
		},
		"R6 host is removed": {
			rule: "R6", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: onBody(func(_ *extprocv3.ProcessingResponse, c *extprocv3.CommonResponse) {
				c.HeaderMutation.RemoveHeaders = []string{"host"}
			})},
		},
		"R7 content-length is the old one": {
			rule: "R7", req: plain, outcome: extproctest.Failed, status: 503,
			server: router{tamper: onBody(func(_ *extprocv3.ProcessingResponse, c *extprocv3.CommonResponse) {
				c.HeaderMutation.SetHeaders = c.HeaderMutation.SetHeaders[:2]
			})},
		},
		"R7 a buffered answer grows under its old length": {
			rule: "R7", req: plain, answer: answered, outcome: extproctest.Failed, status: 503,
			server: router{linger: true, tamper: func(s stream, r *extprocv3.ProcessingResponse) {
				asks(extprocfilterv3.ProcessingMode_BUFFERED)(s, r)
				lengthens(s, r)
			}},
		},
		"R7 a streamed answer grows under its old length": {
			rule: "R7", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{linger: true, tamper: func(s stream, r *extprocv3.ProcessingResponse) {
				streaming(s, r)
				lengthens(s, r)
			}},
		},
		"R8 clear_route_cache without a header mutation": {
			rule: "R8", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: func(_ stream, r *extprocv3.ProcessingResponse) {
				if h := r.GetRequestHeaders(); h != nil {
					h.Response.ClearRouteCache = true
				}
			}},
		},
		"R8 clear_route_cache in the response": {
			rule: "R8", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: func(_ stream, r *extprocv3.ProcessingResponse) {
				if h := r.GetResponseHeaders(); h != nil {
					h.Response.ClearRouteCache = true
				}
			}},
		},
		"R8 a decision that leaves the old route": {
			rule: "R8", req: plain, outcome: extproctest.Undecided, status: 503,
			server: router{tamper: onBody(func(_ *extprocv3.ProcessingResponse, c *extprocv3.CommonResponse) { c.ClearRouteCache = false })},
		},
		"R9 a stream of events is to be buffered": {
			rule: "R9", req: plain, answer: events, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: asks(extprocfilterv3.ProcessingMode_BUFFERED)},
		},
		"R9 the response is to be buffered in part": {
			rule: "R9", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: asks(extprocfilterv3.ProcessingMode_BUFFERED_PARTIAL)},
		},
		"R9 a mode that is not on the list": {
			rule: "R9", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{linger: true, tamper: func(_ stream, r *extprocv3.ProcessingResponse) {
				if r.GetResponseHeaders() != nil {
					r.ModeOverride = &extprocfilterv3.ProcessingMode{ResponseBodyMode: extprocfilterv3.ProcessingMode_STREAMED, ResponseTrailerMode: extprocfilterv3.ProcessingMode_SEND}
				}
			}},
		},
		"R9 a mode in a body reply": {
			rule: "R9", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: onBody(func(r *extprocv3.ProcessingResponse, _ *extprocv3.CommonResponse) {
				r.ModeOverride = &extprocfilterv3.ProcessingMode{ResponseBodyMode: extprocfilterv3.ProcessingMode_STREAMED}
			})},
		},
		"R10 a namespace that nobody declared": {
			rule: "R10", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: onBody(func(r *extprocv3.ProcessingResponse, _ *extprocv3.CommonResponse) {
				r.DynamicMetadata.Fields["mom.secret"] = r.DynamicMetadata.Fields["mom.stats"]
			})},
		},
		"R10 a namespace that is no struct": {
			rule: "R10", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: onBody(func(r *extprocv3.ProcessingResponse, _ *extprocv3.CommonResponse) {
				r.DynamicMetadata.Fields["mom.stats"] = metadata(map[string]any{"s": "route"}).Fields["s"]
			})},
		},
		"R10 a decision without a plan": {
			rule: "R10", req: plain, outcome: extproctest.Forwarded, status: 503,
			server: router{tamper: onBody(func(r *extprocv3.ProcessingResponse, _ *extprocv3.CommonResponse) {
				delete(r.DynamicMetadata.Fields, "mom.route")
			})},
		},
		"R10 fewer lists of splices than groups": {
			rule: "R10", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: onBody(func(r *extprocv3.ProcessingResponse, _ *extprocv3.CommonResponse) {
				r.DynamicMetadata.Fields["mom.tiers"] = metadata(map[string]any{"t": map[string]any{"edits": []any{[]any{}}}}).Fields["t"]
			})},
		},
		"R10 a splice behind the end of the body": {
			rule: "R10", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: onBody(func(r *extprocv3.ProcessingResponse, _ *extprocv3.CommonResponse) {
				r.DynamicMetadata.Fields["mom.tiers"] = metadata(map[string]any{"t": map[string]any{"edits": []any{[]any{}, []any{[]any{9999, 1, "x"}}}}}).Fields["t"]
			})},
		},
		"R11 silence": {
			rule: "R11", req: plain, set: short, outcome: extproctest.Failed, status: 504,
			server: router{before: at(isBody, silent)},
		},
		"R11 two extensions": {
			rule: "R11", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{before: at(isBody, func(s stream) (bool, error) {
				r := &extprocv3.ProcessingResponse{OverrideMessageTimeout: durationpb.New(time.Second)}
				return false, errors.Join(s.Send(r), s.Send(r))
			})},
		},
		"R11 an extension over the bound": {
			rule: "R11", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{before: at(isBody, sends(&extprocv3.ProcessingResponse{OverrideMessageTimeout: durationpb.New(time.Hour)}))},
		},
		"R12 a reply after the immediate response": {
			rule: "R12", outcome: extproctest.Immediate, status: 400,
			server: router{before: at(isHeaders, func(s stream) (bool, error) {
				return true, errors.Join(s.Send(refusal()), s.Send(headersReply()), errStop)
			})},
		},
		"R12 an error after the immediate response": {
			rule: "R12", outcome: extproctest.Immediate, status: 400,
			server: router{before: at(isHeaders, func(s stream) (bool, error) {
				return true, errors.Join(s.Send(refusal()), errors.New("broken"))
			})},
		},
		"R13 an empty POST is left waiting for its body": {
			rule: "R13", outcome: extproctest.Undecided, status: 503,
			server: router{before: at(isHeaders, func(s stream) (bool, error) { return true, s.Send(headersReply()) })},
		},
		"R13 an empty POST gets no reply": {
			rule: "R13", set: short, outcome: extproctest.Failed, status: 504,
			server: router{before: at(isHeaders, silent)},
		},
		"R13 CONNECT is let through": {
			rule: "R13", req: extproctest.Request{Method: "CONNECT"}, outcome: extproctest.Failed, status: 504,
			server: router{before: at(isHeaders, func(s stream) (bool, error) { return true, s.Send(headersReply()) })},
		},
		"R13 an upgrade is let through": {
			rule: "R13", req: extproctest.Request{Method: "GET", Headers: [][2]string{{"Upgrade", "websocket"}}}, outcome: extproctest.Failed, status: 504,
			server: router{before: at(isHeaders, func(s stream) (bool, error) { return true, s.Send(headersReply()) })},
		},
		"R14 a local reply first is an error": {
			rule: "R14", req: extproctest.Request{LocalReply: extproctest.LocalReply{At: extproctest.Opened, Status: 403}}, outcome: extproctest.Failed, status: 503,
			server: router{before: at(isResponse, fails)},
		},
		"R14 a local reply first is replaced": {
			rule: "R14", req: extproctest.Request{LocalReply: extproctest.LocalReply{At: extproctest.Opened, Status: 403}}, outcome: extproctest.Immediate, status: 400,
			server: router{before: at(isResponse, func(s stream) (bool, error) { return true, errors.Join(s.Send(refusal()), errStop) })},
		},
		"R15 a body that does not end the stream is waited for": {
			rule: "R15", req: extproctest.Request{Body: chat, Trailers: true}, set: short, outcome: extproctest.Failed, status: 504,
			server: router{before: at(isBody, silent)},
		},
		"R16 a cancelled stream that goes on": {
			rule: "R16", req: extproctest.Request{Body: chat, CancelAt: extproctest.BodySent}, outcome: extproctest.Cancelled,
			set:    func(s *extproctest.Settings) { s.ReturnWithin = 50 * time.Millisecond },
			server: router{before: at(isBody, func(stream) (bool, error) { <-stuck; return true, errStop })},
		},
		"R16 a cancelled stream that complains": {
			rule: "R16", req: extproctest.Request{Body: chat, CancelAt: extproctest.BodySent}, outcome: extproctest.Cancelled,
			server: router{before: at(isBody, func(s stream) (bool, error) {
				_, _ = waits(s)
				return true, errors.New("classifier: stopped")
			})},
		},
		"R17 a repeated end is an error": {
			rule: "R17", req: extproctest.Request{Body: chat, Odd: extproctest.EndAgain}, answer: answered, outcome: extproctest.Failed, status: 503,
			server: router{before: second(isBody, fails)},
		},
		"R17 a repeated end is processed again": {
			rule: "R17", req: extproctest.Request{Body: chat, Odd: extproctest.EndAgainPending}, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{before: second(isBody, func(s stream) (bool, error) { return true, s.Send(bodyReply(chat)) })},
		},
		"R18 a local reply meanwhile gets no answer": {
			rule: "R18", req: extproctest.Request{Body: chat, LocalReply: extproctest.LocalReply{At: extproctest.BodySent, Status: 408}}, set: short, outcome: extproctest.Failed, status: 504,
			server: router{before: at(isResponse, silent)},
		},
		"R19 an unknown message is an error": {
			rule: "R19", req: extproctest.Request{Body: chat, Odd: extproctest.UnknownMessages}, outcome: extproctest.Failed, status: 503,
			server: router{before: at(isUnknown, fails)},
		},
		"R19 an unknown message is answered": {
			rule: "R19", req: extproctest.Request{Body: chat, Odd: extproctest.UnknownMessages}, outcome: extproctest.Failed, status: 503,
			server: router{before: at(isUnknown, func(s stream) (bool, error) { return true, s.Send(&extprocv3.ProcessingResponse{}) })},
		},
		"R20 a chunk is left unanswered": {
			rule: "R20", req: plain, answer: answered, set: short, outcome: extproctest.Failed, status: 504,
			server: router{linger: true, tamper: streaming, before: at(isAnswer, silent)},
		},
		"R20 a chunk is answered by an immediate response": {
			rule: "R20", req: plain, answer: answered, outcome: extproctest.Failed, status: 503,
			server: router{linger: true, tamper: streaming, before: at(isAnswer,
				func(s stream) (bool, error) { return true, errors.Join(s.Send(refusal()), errStop) })},
		},
		"R20 a buffered answer is left unanswered": {
			rule: "R20", req: plain, answer: answered, set: short, outcome: extproctest.Failed, status: 504,
			server: router{linger: true, tamper: asks(extprocfilterv3.ProcessingMode_BUFFERED), before: at(isAnswer, silent)},
		},
		"R21 more than 60 KiB": {
			rule: "R21", req: plain, outcome: extproctest.Failed, status: 503,
			server: router{tamper: adds(header("x-mom-cot", strings.Repeat("x", 61<<10)))},
		},
		"R22 nil instead of an answer to the headers": {
			rule: "R22", req: plain, outcome: extproctest.Unguarded, status: 503,
			server: router{before: at(isHeaders, stops)},
		},
		"R22 nil instead of the verdict": {
			rule: "R22", req: plain, outcome: extproctest.Unguarded, status: 503,
			server: router{before: at(isBody, stops)},
		},
		"R22 nil before the response headers": {
			rule: "R22", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{before: at(isResponse, stops)},
		},
		"R22 the stream stays open after the response headers": {
			rule: "R22", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			set:    func(s *extproctest.Settings) { s.ReturnWithin = 50 * time.Millisecond },
			server: router{linger: true},
		},
		"R23 trailers are answered as a body": {
			rule: "R23", req: extproctest.Request{Body: chat, Trailers: true}, set: trailerMode, outcome: extproctest.Failed, status: 503,
			server: router{before: at(func(m *extprocv3.ProcessingRequest) bool { return m.GetRequestTrailers() != nil },
				func(s stream) (bool, error) { return true, s.Send(bodyReply(nil)) })},
		},
		"R0 a header is changed with a chunk": {
			rule: "R0", req: plain, answer: extproctest.Response{Body: []byte("x")}, outcome: extproctest.Forwarded, status: 200,
			server: router{linger: true, tamper: func(s stream, r *extprocv3.ProcessingResponse) {
				streaming(s, r)
				if b := r.GetResponseBody(); b != nil && b.Response == nil {
					b.Response = &extprocv3.CommonResponse{}
				}
				if b := r.GetResponseBody(); b != nil && !said {
					said = true
					b.Response.HeaderMutation = &extprocv3.HeaderMutation{SetHeaders: []*corev3.HeaderValueOption{header("x-mom-guard", "ok")}}
				}
			}},
		},
		"R0 CONTINUE_AND_REPLACE": {
			rule: "R0", req: plain, answer: answered, outcome: extproctest.Forwarded, status: 200,
			server: router{tamper: onBody(func(_ *extprocv3.ProcessingResponse, c *extprocv3.CommonResponse) {
				c.Status = extprocv3.CommonResponse_CONTINUE_AND_REPLACE
			})},
		},
		"R0 an immediate response without details": {
			rule: "R0", outcome: extproctest.Immediate, status: 400,
			server: router{tamper: func(_ stream, r *extprocv3.ProcessingResponse) { r.GetImmediateResponse().Details = "" }},
		},
	} {
		t.Run(name, func(t *testing.T) {
			envoy := extproctest.Start(t, &tt.server, func(s *extproctest.Settings) {
				s.Collect = true
				if tt.set != nil {
					tt.set(s)
				}
			})
			res := envoy.Do(t.Context(), tt.req, func(extproctest.Upstream) extproctest.Response { return tt.answer })
			if len(res.Violations) != 1 || !strings.HasPrefix(res.Violations[0], tt.rule+": ") {
				t.Errorf("violations %q, want one of %s", res.Violations, tt.rule)
			}
			if res.Outcome != tt.outcome || res.Status != tt.status {
				t.Errorf("%v %d, want %v %d", res.Outcome, res.Status, tt.outcome, tt.status)
			}
			if tt.answer.Body == nil && len(res.Attempts) > 0 {
				t.Errorf("%d attempts at backends, want none", len(res.Attempts))
			}
		})
	}
	close(stuck)
}

// second runs f for the second message of which is returns true.
func second(is func(*extprocv3.ProcessingRequest) bool, f func(stream) (bool, error)) func(stream, *extprocv3.ProcessingRequest) (bool, error) {
	n := 0
	return at(func(m *extprocv3.ProcessingRequest) bool {
		if is(m) {
			n++
		}
		return is(m) && n == 2
	}, f)
}

// crowded lets a limited number of streams through at a time.
type crowded struct {
	router
	places chan struct{}
}

func (s *crowded) Process(stream stream) error {
	select {
	case s.places <- struct{}{}:
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
	defer func() { <-s.places }()
	return s.router.Process(stream)
}

func TestR24ABoundOnStreamsIsSeen(t *testing.T) {
	// Eight streams have to be answered within it, on a busy machine too.
	patient := func(s *extproctest.Settings) { s.MessageTimeout, s.Collect = time.Second, true }
	envoy := extproctest.Start(t, &crowded{places: make(chan struct{}, 8)}, patient)
	res := envoy.Together(t.Context(), 16, func(int) extproctest.Request { return plain }, nil)
	if len(res) != 16 || len(res[0].Violations) != 1 || !strings.HasPrefix(res[0].Violations[0], "R24: 8 of 16") {
		t.Errorf("violations %q, want R24 for 8 of 16", res[0].Violations)
	}
}
