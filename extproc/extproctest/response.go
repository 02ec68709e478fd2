package extproctest

import (
	"net/http"
	"strconv"

	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// response is an answer on its way to the client.
type response struct {
	status   int
	head     fields
	body     []byte
	cut      int
	trailers bool
}

// Headers returns the headers without the pseudo header.
func (r *response) Headers() http.Header { return r.head.http() }

// localReply is an error as Envoy's local_reply_config writes it.
func localReply(code int) *response {
	const body = `{"error":{"message":"The request could not be processed by the gateway.","type":"server_error","param":null,"code":"gateway_error"}}`
	return &response{status: code, body: []byte(body), head: fields{
		{":status", strconv.Itoa(code)}, {"content-type", "application/json"}, {"content-length", strconv.Itoa(len(body))},
	}}
}

// respond is the response's way through the filter to the client.
func (p *play) respond(r *response, attrs map[string]*structpb.Struct) {
	p.deliver(r)
	if p.mode.ResponseHeaderMode == extprocfilterv3.ProcessingMode_SKIP {
		p.close(p.or("R2"))
		return
	}
	p.sendResponse(r, attrs)
	if !p.reached(ResponseSent) {
		return
	}
	if m := p.await(responseHeaders); m != nil {
		p.finish(m, r)
	}
}

func (p *play) sendResponse(r *response, attrs map[string]*structpb.Struct) {
	p.deliver(r)
	p.shown = r.head
	p.send(&extprocv3.ProcessingRequest{Attributes: attrs, Request: &extprocv3.ProcessingRequest_ResponseHeaders{
		ResponseHeaders: &extprocv3.HttpHeaders{Headers: r.head.proto(), EndOfStream: len(r.body) == 0 && !r.trailers},
	}})
}

// deliver is what the client gets as things stand.
func (p *play) deliver(r *response) {
	if s, ok := r.head.get(":status"); ok {
		if n, err := strconv.Atoi(s); err == nil {
			r.status = n
		}
	}
	p.res.Status, p.res.Headers, p.res.Body = r.status, r.Headers(), r.body
}

// finish takes the reply to response_headers and plays what is left of the response.
func (p *play) finish(m *extprocv3.ProcessingResponse, r *response) {
	local := p.res.Outcome == Local
	if kindOf(m) == immediate && p.blame != "" {
		p.violate(p.blame, "response_headers was answered by an ImmediateResponse, want CONTINUE")
	}
	p.check(m, responseHeaders)
	if kindOf(m) == immediate {
		p.immediate(m.GetImmediateResponse())
		return
	}
	head, ok := p.mutate(ofResponse, r.head, m.GetResponseHeaders().GetResponse().GetHeaderMutation())
	if !ok {
		p.fail(503, "ext_proc_error_invalid_header_mutation")
		p.close("R2")
		return
	}
	r.head = head
	p.deliver(r)
	trailers := p.mode.ResponseTrailerMode == extprocfilterv3.ProcessingMode_SEND && r.trailers
	mode := p.mode.ResponseBodyMode
	none := len(r.body) == 0 && !r.trailers
	switch {
	case mode == extprocfilterv3.ProcessingMode_STREAMED && !none && !p.streamed(r),
		mode == extprocfilterv3.ProcessingMode_BUFFERED && !none && !p.buffered(r),
		trailers && !p.responseTrailers():
		return
	}
	switch {
	case local, p.violated("R9"):
		// Of a local reply nothing hangs on the stream; and who asked in vain for the body still waits for it.
		p.close(p.or("R2"))
	case mode == extprocfilterv3.ProcessingMode_STREAMED && (none || r.trailers && !trailers):
		p.close(p.or("R2")) // a body was asked for and there is none, or its end is never told
	default:
		p.owesNothing()
	}
}

// streamed streams the body through the server, in the chunks that the response wants to be cut into, and an empty one at the end, unless trailers are
// that.
func (p *play) streamed(r *response) bool {
	outer := p.blame
	p.blame = p.or("R20")
	rest, out := r.body, []byte(nil)
	for last := false; !last; {
		chunk := rest
		if r.cut > 0 {
			chunk = rest[:min(r.cut, len(rest))]
		}
		rest = rest[len(chunk):]
		last = len(chunk) == 0 || r.trailers && len(rest) == 0
		p.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{
			ResponseBody: &extprocv3.HttpBody{Body: chunk, EndOfStream: last && !r.trailers},
		}})
		m := p.await(responseBody)
		if m == nil {
			return false
		}
		p.check(m, responseBody)
		if kindOf(m) == immediate {
			p.violate("R20", "an ImmediateResponse after the response headers resets the client's stream")
			p.fail(503, "ext_proc_error_immediate_response_in_body")
			p.close("R12")
			return false
		}
		c := m.GetResponseBody().GetResponse()
		if h := c.GetHeaderMutation(); len(h.GetSetHeaders())+len(h.GetRemoveHeaders()) > 0 {
			p.violate("R0", "a header mutation in the reply to a chunk is ignored: the headers are gone")
		}
		out = append(out, mutated(chunk, c.GetBodyMutation())...)
		r.body = out
		p.deliver(r)
		if !p.reached(AnswerBegun) {
			return false
		}
	}
	if n, ok := r.head.get("content-length"); ok && n != strconv.Itoa(len(out)) {
		p.violate("R7", "content-length of the response is %q, its body has %d bytes", n, len(out))
	}
	p.blame = outer
	return true
}

func mutated(chunk []byte, m *extprocv3.BodyMutation) []byte {
	switch {
	case m == nil:
		return chunk
	case m.GetClearBody():
		return nil
	}
	return m.GetBody()
}

// buffered shows the server the whole body while the headers wait, so that its reply may still be another answer.
func (p *play) buffered(r *response) bool {
	if len(r.body) > p.set.BodyLimit {
		p.fail(500, "response_payload_too_large")
		p.close("R2")
		return false
	}
	outer := p.blame
	p.blame = p.or("R20")
	p.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{
		ResponseBody: &extprocv3.HttpBody{Body: r.body, EndOfStream: !r.trailers},
	}})
	m := p.await(responseBody)
	if m == nil {
		return false
	}
	p.blame = outer
	p.check(m, responseBody)
	if kindOf(m) == immediate {
		p.immediate(m.GetImmediateResponse())
		return false
	}
	c := m.GetResponseBody().GetResponse()
	head, ok := p.mutate(ofResponse, r.head, c.GetHeaderMutation())
	if !ok {
		p.fail(503, "ext_proc_error_invalid_header_mutation")
		p.close("R2")
		return false
	}
	r.head, r.body = head, mutated(r.body, c.GetBodyMutation())
	if n, ok := r.head.get("content-length"); ok && n != strconv.Itoa(len(r.body)) {
		p.violate("R7", "content-length of the response is %q, its body has %d bytes", n, len(r.body))
		p.fail(503, "mismatch_between_content_length_and_the_length_of_the_mutated_body")
		p.close("R2")
		return false
	}
	p.deliver(r)
	return true
}

func (p *play) responseTrailers() bool {
	outer := p.blame
	p.blame = p.or("R23")
	p.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseTrailers{
		ResponseTrailers: &extprocv3.HttpTrailers{Trailers: fields{{"x-checksum", "1"}}.proto()},
	}})
	m := p.await(responseTrailers)
	if m == nil {
		return false
	}
	p.check(m, responseTrailers)
	p.blame = outer
	return true
}
