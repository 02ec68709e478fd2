package extproctest

import (
	"context"
	"fmt"
	"strings"
	"time"

	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// play is one request on its way through the filter.
type play struct {
	set    *Settings
	client context.Context
	req    Request
	ask    func(Upstream) Response
	res    Result

	id      string
	handler *handler
	forget  func()
	stream  extprocv3.ExternalProcessor_ProcessClient
	cancel  context.CancelFunc
	in      chan *extprocv3.ProcessingResponse // closed when the stream has ended
	end     error                              // set before in is closed
	gone    time.Time                          // when Envoy let go of the stream

	mode       *extprocfilterv3.ProcessingMode // in force, after overrides
	head       fields                          // the request's headers, after mutations
	body       []byte
	shown      fields // the response's headers as the server was shown them
	attributed bool   // the request's attributes were sent
	decided    bool   // the route now in force leads to backends
	verdict    bool   // the server has said what becomes of the request
	answered   kind   // of the last reply that was asked for
	repeated   bool   // an end of stream was repeated and may be answered
	blame      string // the rule that the odd thing now under test belongs to
	owed       kind   // a reply that may still come after the play has lost interest in it
}

func (p *play) violate(rule, format string, args ...any) {
	p.res.Violations = append(p.res.Violations, rule+": "+fmt.Sprintf(format, args...))
}

func (p *play) violated(rule string) bool {
	for _, v := range p.res.Violations {
		if strings.HasPrefix(v, rule+":") {
			return true
		}
	}
	return false
}

// or is the rule under test, or the general one.
func (p *play) or(rule string) string {
	if p.blame != "" {
		return p.blame
	}
	return rule
}

// fail is an error reply of Envoy's own to the client.
func (p *play) fail(code int, details string) {
	p.res.Outcome, p.res.Status, p.res.Details = Failed, code, details
	r := localReply(code)
	p.res.Headers, p.res.Body = r.Headers(), r.body
}

// run is the whole way. Each leg returns false when it was the last.
func (p *play) run() {
	if p.req.Odd&UnknownMessages != 0 {
		p.blame = "R19"
	}
	endStream := p.arrive()
	if p.req.LocalReply.At == Opened {
		p.local("R14")
		return
	}
	if !p.requestHeaders(endStream) || !endStream && !p.requestBody() || !p.requestTrailers() {
		return
	}
	p.verdict = true
	p.proxy()
}

func (p *play) requestHeaders(endStream bool) bool {
	if p.mode.RequestHeaderMode == extprocfilterv3.ProcessingMode_SKIP {
		return true
	}
	tunnel := p.tunnel()
	if (endStream || tunnel) && p.blame == "" {
		p.blame = "R13"
	}
	p.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{
		RequestHeaders: &extprocv3.HttpHeaders{Headers: p.head.proto(), EndOfStream: endStream},
	}})
	if !p.reached(HeadersSent) {
		return false
	}
	m := p.await(requestHeaders)
	if m == nil || !p.take(m, requestHeaders) {
		return false
	}
	if tunnel {
		p.violate("R13", "a tunnel (CONNECT or upgrade) was not refused in the headers reply: it hangs")
		p.fail(504, "stream_idle_timeout")
		p.close("R2")
		return false
	}
	if p.blame == "R13" {
		if !p.decided {
			p.violate("R13", "a request without a body was neither answered nor decided by its headers reply")
		}
		p.blame = ""
	}
	if !p.reached(HeadersAnswered) {
		return false
	}
	if p.req.LocalReply.At == HeadersAnswered {
		p.local("R18")
		return false
	}
	if len(p.body) > p.set.BodyLimit {
		p.req.LocalReply = LocalReply{At: HeadersAnswered, Status: 413}
		p.res.Details = "request_payload_too_large"
		p.local("R18")
		return false
	}
	return true
}

func (p *play) requestBody() bool {
	if p.mode.RequestBodyMode == extprocfilterv3.ProcessingMode_NONE {
		return true
	}
	if p.req.Trailers && p.blame == "" {
		p.blame = "R15"
		defer func() { p.blame = "" }()
	}
	// BUFFERED: one message. With trailers behind it, it does not end the stream, and yet it is the body.
	p.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestBody{
		RequestBody: &extprocv3.HttpBody{Body: p.body, EndOfStream: !p.req.Trailers},
	}})
	if !p.reached(BodySent) {
		return false
	}
	if p.req.LocalReply.At == BodySent {
		p.localMeanwhile()
		return false
	}
	if p.req.Odd&EndAgainPending != 0 {
		p.repeatEnd()
	}
	m := p.await(requestBody)
	if m == nil || !p.take(m, requestBody) {
		return false
	}
	if !p.reached(BodyAnswered) {
		return false
	}
	if p.req.Odd&EndAgain != 0 {
		p.repeatEnd()
	}
	return true
}

// repeatEnd sends an empty chunk that ends the stream once more. It may be ignored or answered by a bare CONTINUE.
func (p *play) repeatEnd() {
	p.blame, p.repeated = "R17", true
	p.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{EndOfStream: true}}})
}

func (p *play) requestTrailers() bool {
	if !p.req.Trailers || p.mode.RequestTrailerMode != extprocfilterv3.ProcessingMode_SEND {
		return true
	}
	if p.blame == "" {
		p.blame = "R23"
		defer func() { p.blame = "" }()
	}
	p.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestTrailers{
		RequestTrailers: &extprocv3.HttpTrailers{Trailers: fields{{"x-checksum", "1"}}.proto()},
	}})
	m := p.await(requestTrailers)
	return m != nil && p.take(m, requestTrailers)
}

// local is an answer by Envoy or another filter: the server sees response_headers only, and its verdict is not wanted any more.
func (p *play) local(rule string) {
	if p.blame == "" {
		p.blame = rule
	}
	p.verdict = true
	p.res.Outcome = Local
	p.respond(localReply(p.req.LocalReply.Status), nil)
}

// localMeanwhile is a local reply while the body is pending: both messages are answered, in whichever order.
func (p *play) localMeanwhile() {
	p.blame, p.verdict, p.owed = "R18", true, responseHeaders
	r := localReply(p.req.LocalReply.Status)
	p.res.Outcome = Local
	p.sendResponse(r, nil)
	first := p.await(requestBody, responseHeaders)
	switch {
	case first == nil:
	case kindOf(first) == responseHeaders:
		p.owed = requestBody
		p.finish(first, r)
	case p.take(first, requestBody): // an ImmediateResponse ends it all
		p.owed = ""
		if m := p.await(responseHeaders); m != nil {
			p.finish(m, r)
		}
	default:
		p.res.Outcome = Local
		p.deliver(r)
	}
}

// attributes are what response_attributes sends along with the response headers.
func attributes(cluster string, attempt int) map[string]*structpb.Struct {
	return map[string]*structpb.Struct{"envoy.filters.http.ext_proc": {Fields: map[string]*structpb.Value{
		"xds.cluster_name":               structpb.NewStringValue(cluster),
		"upstream.request_attempt_count": structpb.NewNumberValue(float64(attempt)),
	}}}
}
