package extproc

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	extprocfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// place is where a stream stands. Before atResponse no verdict was given, and the stream must not end with nil.
type place uint8

const (
	atHeaders  place = iota // waiting for the request headers
	atBody                  // waiting for the request body
	atResponse              // the verdict is given; waiting for the response headers
)

// exchange is one stream: one HTTP request and its response.
type exchange struct {
	gateway *Gateway
	log     *zap.Logger
	at      place
	id      string // Envoy's request id
	plan    *pipeline.Plan
}

// errUndecided ends a stream that had no verdict. An error, never nil: nil would tell Envoy to go on without us.
var errUndecided = status.Error(codes.Canceled, "the stream ended before the verdict")

// Process serves one HTTP request. It returns nil only after the verdict was sent, and right after the last reply it owes: a stream that
// stayed open would tie the client's answer to this process.
func (s *Server) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	g := s.gateway.Load()
	if g == nil {
		return status.Error(codes.Unavailable, "not ready")
	}
	x := &exchange{gateway: g, log: s.log}
	for {
		m, err := stream.Recv()
		if err != nil {
			return x.ended(err)
		}
		if m.GetObservabilityMode() {
			return status.Error(codes.FailedPrecondition, "observability_mode ignores verdicts; remove it from the filter")
		}
		out, done, err := x.handle(stream.Context(), m)
		if err != nil {
			return err
		}
		if out == nil {
			continue
		}
		if err := stream.Send(out.message()); err != nil {
			return x.ended(err)
		}
		if done {
			return nil
		}
	}
}

// ended is what a broken or finished stream means: nothing of note after the verdict, an error before it.
func (x *exchange) ended(err error) error {
	if x.at != atResponse {
		return errUndecided
	}
	if errors.Is(err, io.EOF) || status.Code(err) == codes.Canceled {
		return nil
	}
	return err
}

// handle answers one message. out nil: the message wants none. done: that was the last reply we owe.
func (x *exchange) handle(ctx context.Context, m *extprocv3.ProcessingRequest) (out *reply, done bool, err error) {
	defer func() {
		if recover() == nil {
			return
		}
		// The panic's value is left out: it may hold text of the prompt.
		x.log.Error("panic in the stream", zap.String("request_id", x.id), zap.ByteString("stack", debug.Stack()))
		out, done, err = plain(m), false, nil
		if x.at != atResponse {
			out, done = x.refuse(internalError())
		}
	}()
	switch r := m.Request.(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		if x.at == atHeaders {
			out, done = x.headers(m, r.RequestHeaders)
			return out, done, nil
		}
	case *extprocv3.ProcessingRequest_RequestBody:
		switch x.at {
		case atBody:
			return x.body(ctx, r.RequestBody.GetBody())
		case atHeaders: // a filter that skips the headers drops header mutations in body replies: the plan would never arrive
			out, done = x.refuse(misconfigured())
			return out, done, nil
		case atResponse: // a repeated end of stream; the verdict stands
		}
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		if x.at == atResponse {
			return x.gateway.annotate(m, r.ResponseHeaders.GetHeaders(), x.plan), true, nil
		}
		// Before the verdict this is a local reply of Envoy (413, 408, another filter): nothing was forwarded.
	}
	return plain(m), false, nil
}

func (x *exchange) headers(m *extprocv3.ProcessingRequest, h *extprocv3.HttpHeaders) (*reply, bool) {
	head := readHead(h.GetHeaders(), h.GetEndOfStream())
	x.id = head.id
	if p := m.GetProtocolConfig(); p != nil && p.GetRequestBodyMode() != extprocfilterv3.ProcessingMode_BUFFERED {
		x.log.Error("the filter's request_body_mode must be BUFFERED", zap.Stringer("mode", p.GetRequestBodyMode()))
		return x.refuse(misconfigured())
	}
	if reply := x.gateway.door(head); reply != nil {
		return x.refuse(reply)
	}
	x.at = atBody
	return passOn(h.GetHeaders()), false
}

// refuse is the end: a reply of ours instead of a backend's.
func (x *exchange) refuse(r *pipeline.Reply) (*reply, bool) {
	x.at = atResponse
	return immediate(r, replied(r, statModels), 0), true
}

func (x *exchange) body(ctx context.Context, raw []byte) (*reply, bool, error) {
	start := time.Now()
	body, fault := x.gateway.Parser.Parse(x.id, raw)
	if fault != nil {
		out, done := x.refuse(fault.Reply())
		return out, done, nil
	}
	limit := x.gateway.Timeout
	if limit == 0 {
		limit = defaultTimeout
	}
	runCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := x.gateway.Runner.Run(runCtx, body.Request)
	took := time.Since(start)
	if err != nil {
		if ctx.Err() != nil {
			return nil, false, errUndecided // the client is gone
		}
		out, done := x.refuse(x.failure(err))
		return out, done, nil
	}
	x.warn(d.Trail)
	if d.Verdict != pipeline.Continue {
		x.at = atResponse
		return immediate(d.Reply, replied(d.Reply, statAnswer), took), true, nil
	}
	plan, ok := pipeline.Find[pipeline.Plan](d.Trail)
	if !ok || len(plan.Tiers) == 0 || len(plan.Tiers) > MaxTiers {
		x.log.Error("the pipeline ended without a usable plan", zap.String("request_id", x.id))
		out, done := x.refuse(internalError())
		return out, done, nil
	}
	s := x.gateway.stats(body.Request, &plan)
	x.log.Debug("decided", zap.String("request_id", x.id), zap.String("decision", plan.Decision), zap.String("domain", s.domain),
		zap.String("model", s.model), zap.Int("tiers", len(plan.Tiers)), zap.Int("bytes", len(raw)), zap.Duration("took", took))
	out := forward(body, &plan, s, took)
	x.plan, x.at = &plan, atResponse
	return out, false, nil
}

// failure says what a pipeline error means to the client, and says the cause in the log.
func (x *exchange) failure(err error) *pipeline.Reply {
	fields := []zap.Field{zap.String("request_id", x.id), zap.Error(err)}
	var panicked *pipeline.PanicError
	if errors.As(err, &panicked) {
		x.log.Error("panic in a stage", append(fields, zap.ByteString("stack", panicked.Stack))...)
		return internalError()
	}
	x.log.Warn("no decision", fields...)
	return unavailable("routing_unavailable", "The request could not be routed just now.")
}

// warn logs the stages that failed and were passed over; the logger samples, so that a broken model does not flood the log.
func (x *exchange) warn(t pipeline.Trail) {
	for _, e := range t.Entries() {
		if e.Err != nil {
			x.log.Warn("stage passed over", zap.String("stage", e.Stage), zap.String("request_id", x.id), zap.Error(e.Err))
		}
	}
}

func unavailable(code, message string) *pipeline.Reply {
	return chat.ErrorReply(503, "server_error", code, "", message, map[string]string{"retry-after": "1"})
}

func internalError() *pipeline.Reply {
	return unavailable("internal_error", "The gateway met an error of its own; the request was not forwarded.")
}

func misconfigured() *pipeline.Reply {
	return unavailable("internal_error", "The gateway's filter is misconfigured; the request was not forwarded.")
}
