package extproctest

import (
	"slices"
	"strconv"
	"strings"

	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/proto"
)

func common(m *extprocv3.ProcessingResponse) *extprocv3.CommonResponse {
	switch r := m.GetResponse().(type) {
	case *extprocv3.ProcessingResponse_RequestHeaders:
		return r.RequestHeaders.GetResponse()
	case *extprocv3.ProcessingResponse_ResponseHeaders:
		return r.ResponseHeaders.GetResponse()
	case *extprocv3.ProcessingResponse_RequestBody:
		return r.RequestBody.GetResponse()
	case *extprocv3.ProcessingResponse_ResponseBody:
		return r.ResponseBody.GetResponse()
	}
	return nil
}

// check holds a reply against the rules that need no more than the reply, and takes over its metadata and its mode.
func (p *play) check(m *extprocv3.ProcessingResponse, pending kind) {
	p.merge(m.GetDynamicMetadata())
	if m.ModeOverride != nil {
		p.override(m, pending)
	}
	if len(m.TypedDynamicMetadata) > 0 || m.RequestDrain || m.RequestDrainRequests || m.RequestDrainResponses || m.ServerWindowUpdate != nil {
		p.violate("R0", "the reply to %s uses a field that the filter does not read", pending)
	}
	c := common(m)
	if c.GetStatus() != extprocv3.CommonResponse_CONTINUE {
		p.violate("R0", "the reply to %s has status %v, which discards the body that was judged", pending, c.GetStatus())
	}
	if c.GetTrailers() != nil {
		p.violate("R0", "the reply to %s carries trailers, which Envoy does not read there", pending)
	}
	if b := c.GetBodyMutation(); b != nil && (b.GetStreamedResponse() != nil || pending == requestHeaders || pending == responseHeaders) {
		p.violate("R0", "the reply to %s carries a body mutation that Envoy does not apply there", pending)
	}
	if c.GetClearRouteCache() {
		switch h := c.GetHeaderMutation(); {
		case pending != requestHeaders && pending != requestBody:
			p.violate("R8", "clear_route_cache in the reply to %s", pending)
		case len(h.GetSetHeaders())+len(h.GetRemoveHeaders()) == 0:
			p.violate("R8", "clear_route_cache without a header mutation is ignored")
		}
	}
}

// override resolves a mode_override as the filter does: body modes are literal, an unset header or trailer mode keeps the filter's own.
func (p *play) override(m *extprocv3.ProcessingResponse, pending kind) {
	if kindOf(m) == immediate || pending != requestHeaders && pending != responseHeaders {
		p.violate("R9", "mode_override in the reply to %s", pending)
		return
	}
	switch kind, _ := p.shown.get("content-type"); m.ModeOverride.ResponseBodyMode {
	case extprocfilterv3.ProcessingMode_BUFFERED_PARTIAL:
		p.violate("R9", "mode_override buffers a part of the response: the rest passes unseen")
		return
	case extprocfilterv3.ProcessingMode_BUFFERED:
		if kind != "application/json" {
			p.violate("R9", "mode_override buffers a response of type %q: it is held to its end, and over the limit it is lost", kind)
			return
		}
	}
	want := proto.CloneOf(m.ModeOverride)
	keep := func(mode *extprocfilterv3.ProcessingMode_HeaderSendMode, filter extprocfilterv3.ProcessingMode_HeaderSendMode) {
		if *mode == extprocfilterv3.ProcessingMode_DEFAULT {
			*mode = filter
		}
	}
	keep(&want.RequestTrailerMode, p.set.Mode.RequestTrailerMode)
	keep(&want.ResponseHeaderMode, p.set.Mode.ResponseHeaderMode)
	keep(&want.ResponseTrailerMode, p.set.Mode.ResponseTrailerMode)
	for _, allowed := range p.set.Overrides {
		want.RequestHeaderMode = allowed.RequestHeaderMode // not compared
		if proto.Equal(want, allowed) {
			p.mode = want
			return
		}
	}
	p.violate("R9", "mode_override {%v} is none of allowed_override_modes", m.ModeOverride)
}

// take applies a reply of the request's direction. It reports whether the request goes on.
func (p *play) take(m *extprocv3.ProcessingResponse, pending kind) bool {
	p.check(m, pending)
	if kindOf(m) == immediate {
		p.verdict = true
		if p.tunnel() && m.GetImmediateResponse().GetStatus().GetCode() < 400 {
			p.violate("R13", "a tunnel was answered %d, want a refusal", m.GetImmediateResponse().GetStatus().GetCode())
		}
		p.immediate(m.GetImmediateResponse())
		return false
	}
	c := common(m)
	if pending == requestTrailers {
		return true
	}
	head, ok := p.mutate(ofRequest, p.head, c.GetHeaderMutation())
	if !ok {
		p.fail(503, "ext_proc_error_invalid_header_mutation")
		p.close("R2")
		return false
	}
	p.head = head
	b := c.GetBodyMutation()
	if pending == requestBody && b != nil {
		p.body = slices.Clone(b.GetBody()) // nil for clear_body
	}
	if n, there := p.head.get("content-length"); there && n != strconv.Itoa(len(p.body)) {
		if n != "" { // else R3 has said so
			p.violate("R7", "content-length is %s, the body has %d bytes", n, len(p.body))
		}
		p.fail(503, "mismatch_between_content_length_and_the_length_of_the_mutated_body")
		p.close("R2")
		return false
	}
	h := c.GetHeaderMutation()
	decides := slices.ContainsFunc(fieldsOf(h), func(f field) bool { return f.name == "x-mom-decision" && f.value == "route" })
	switch {
	case c.GetClearRouteCache() && len(h.GetSetHeaders())+len(h.GetRemoveHeaders()) > 0:
		p.decided = p.route()
	case decides && !c.GetClearRouteCache():
		p.violate("R8", "x-mom-decision is set without clear_route_cache: the old route stays")
	}
	return true
}

func fieldsOf(m *extprocv3.HeaderMutation) fields {
	var f fields
	for _, o := range m.GetSetHeaders() {
		f = append(f, field{o.GetHeader().GetKey(), string(o.GetHeader().GetRawValue())})
	}
	return f
}

// immediate ends the request with the server's own answer, after which nothing may come.
func (p *play) immediate(r *extprocv3.ImmediateResponse) {
	code := int(r.GetStatus().GetCode())
	if code < 200 {
		if code == 0 {
			p.violate("R0", "an ImmediateResponse without a status is a 200")
		}
		code = 200
	}
	head, _ := p.mutate(ofReply, nil, r.GetHeaders())
	if n, ok := head.get("content-length"); ok && n != "" && n != strconv.Itoa(len(r.GetBody())) {
		p.violate("R7", "content-length of the ImmediateResponse is %s, its body has %d bytes", n, len(r.GetBody()))
	}
	if _, ok := head.get("content-type"); !ok && len(r.GetBody()) > 0 {
		head = head.with("content-type", "text/plain")
	}
	body := r.GetBody()
	if !strings.HasPrefix(r.GetDetails(), "mom_") {
		p.violate("R0", "an ImmediateResponse without details mom_… is rewritten by local_reply_config")
		body = localReply(code).body
	}
	if strings.ContainsAny(r.GetDetails(), " \t\r\n") {
		p.violate("R0", "details %q hold white space, which Envoy replaces", r.GetDetails())
	}
	p.res.Outcome, p.res.Status, p.res.Details = Immediate, code, r.GetDetails()
	p.res.Headers, p.res.Body = head.with("content-length", strconv.Itoa(len(body))).http(), body

	_ = p.stream.CloseSend()
	p.settle("R12")
	if err := p.failure(); err != nil {
		p.violate("R12", "Process returned %v after an ImmediateResponse, want nil", err)
	}
	p.hangUp()
}
