package extproctest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// kind names a message's member of the oneof.
type kind string

const (
	requestHeaders   kind = "request_headers"
	requestBody      kind = "request_body"
	requestTrailers  kind = "request_trailers"
	responseHeaders  kind = "response_headers"
	responseBody     kind = "response_body"
	responseTrailers kind = "response_trailers"
	immediate        kind = "immediate_response"
	noKind           kind = "no kind"
	foreign          kind = "a kind this Envoy does not know"
)

func kindOf(m *extprocv3.ProcessingResponse) kind {
	switch m.GetResponse().(type) {
	case *extprocv3.ProcessingResponse_RequestHeaders:
		return requestHeaders
	case *extprocv3.ProcessingResponse_RequestBody:
		return requestBody
	case *extprocv3.ProcessingResponse_RequestTrailers:
		return requestTrailers
	case *extprocv3.ProcessingResponse_ResponseHeaders:
		return responseHeaders
	case *extprocv3.ProcessingResponse_ResponseBody:
		return responseBody
	case *extprocv3.ProcessingResponse_ResponseTrailers:
		return responseTrailers
	case *extprocv3.ProcessingResponse_ImmediateResponse:
		return immediate
	case nil:
		return noKind
	}
	return foreign
}

// open starts the stream and its reader.
func (p *play) open(e *Envoy) error {
	p.handler = &handler{read: make(chan struct{}, 4096), done: make(chan struct{})}
	w := e.watched
	w.mu.Lock()
	w.last++
	p.id = strconv.Itoa(w.last)
	w.handlers[p.id] = p.handler
	w.mu.Unlock()
	p.forget = func() {
		w.mu.Lock()
		delete(w.handlers, p.id)
		w.mu.Unlock()
	}

	// The stream outlives the client's context by the moment in which the play notes why it ended.
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(context.WithoutCancel(p.client), idKey, p.id))
	p.cancel = cancel
	stream, err := e.upstream.Process(ctx)
	if err != nil {
		cancel()
		return err
	}
	p.stream = stream
	p.in = make(chan *extprocv3.ProcessingResponse, 16)
	go func() {
		defer close(p.in)
		for {
			m, err := stream.Recv()
			if err != nil {
				p.end = err
				return
			}
			select {
			case p.in <- m:
			case <-ctx.Done():
				p.end = ctx.Err()
				return
			}
		}
	}()
	return nil
}

// send hands one message to the server. An error is not looked at: it means that the stream has ended, and the next await says how.
func (p *play) send(m *extprocv3.ProcessingRequest) {
	if p.res.Messages == 0 {
		m.ProtocolConfig = &extprocv3.ProtocolConfiguration{RequestBodyMode: p.mode.RequestBodyMode, ResponseBodyMode: p.mode.ResponseBodyMode}
	}
	p.forward(m)
	if p.req.Odd&UnknownMessages != 0 {
		future := &extprocv3.ProcessingRequest{}
		future.ProtoReflect().SetUnknown([]byte{0xfa, 0x3e, 0x01, 'x'}) // field 1007, one byte
		for _, odd := range []*extprocv3.ProcessingRequest{{}, future} {
			_ = p.stream.Send(odd)
			p.res.Messages++
		}
	}
	_ = p.stream.Send(m)
	p.res.Messages++
}

// forward adds what the filter is told to forward: metadata to every message, attributes of the request to the first one of its own direction.
func (p *play) forward(m *extprocv3.ProcessingRequest) {
	for _, ns := range p.set.Forwarded {
		if fields, ok := p.req.Metadata[ns]; ok {
			if m.MetadataContext == nil {
				m.MetadataContext = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{}}
			}
			m.MetadataContext.FilterMetadata[ns] = p.structOf(fields)
		}
	}
	if len(p.set.Attributes) == 0 || p.attributed || m.GetRequestHeaders() == nil && m.GetRequestBody() == nil && m.GetRequestTrailers() == nil {
		return
	}
	p.attributed = true
	shown := map[string]any{}
	for _, name := range p.set.Attributes {
		if v, ok := p.req.Attributes[name]; ok {
			shown[name] = v
		}
	}
	m.Attributes = map[string]*structpb.Struct{"envoy.filters.http.ext_proc": p.structOf(shown)}
}

// structOf is what the test wrote down; a value that no Struct can hold is a fault of the test.
func (p *play) structOf(fields map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(fields)
	if err != nil {
		p.violate("R0", "what the request brings is no Struct: %v", err)
	}
	return s
}

// await returns the reply to a pending message of one of the kinds, or an ImmediateResponse. nil means that the play is over, and that the
// result says why.
func (p *play) await(pending ...kind) *extprocv3.ProcessingResponse {
	timer := time.NewTimer(p.set.MessageTimeout)
	defer timer.Stop()
	extended := false
	for {
		select {
		case <-p.client.Done():
			p.res.Outcome = Cancelled
			p.hangUp()
			return nil
		case <-timer.C:
			p.violate(p.or("R11"), "no reply to %s within %v", names(pending), p.set.MessageTimeout)
			p.fail(504, "ext_proc_error_per-message_timeout_exceeded")
			p.hangUp()
			return nil
		case m, ok := <-p.in:
			if !ok {
				p.ended(pending)
				return nil
			}
			p.res.Replies = append(p.res.Replies, m)
			got := kindOf(m)
			switch {
			case m.OverrideMessageTimeout != nil:
				d := m.OverrideMessageTimeout.AsDuration()
				switch {
				case extended:
					p.violate("R11", "a second override_message_timeout while %s is pending", names(pending))
				case d < time.Millisecond || d > p.set.MaxMessageTimeout:
					p.violate("R11", "override_message_timeout %v is not within [1ms, %v]", d, p.set.MaxMessageTimeout)
				case got != noKind || m.DynamicMetadata != nil || m.ModeOverride != nil:
					p.violate("R11", "the rest of a reply with override_message_timeout is ignored")
				default:
					timer.Reset(d)
				}
				extended = true
			case got == immediate || slices.Contains(pending, got):
				p.answered = got
				return m
			case got == requestBody && p.repeated:
				p.repeated = false
				if r := m.GetRequestBody().GetResponse(); proto.Size(r) > 0 || m.DynamicMetadata != nil {
					p.violate("R17", "the repeated end of stream was processed again")
				}
			default:
				rule := "R1"
				if got == p.answered {
					rule = "R2"
				}
				p.violate(p.or(rule), "got %s while %s is pending", got, names(pending))
				p.fail(503, "ext_proc_error_spurious_message")
				p.hangUp()
				return nil
			}
		}
	}
}

func names(pending []kind) string {
	s := make([]string, len(pending))
	for i, k := range pending {
		s[i] = string(k)
	}
	return strings.Join(s, " or ")
}
