package extproc

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// place is where a stream stands. Before atResponse no verdict was given, and the stream must not end with nil.
type place uint8

const (
	atHeaders  place = iota // waiting for the request headers
	atBody                  // waiting for the request body
	atResponse              // the verdict is given; waiting for the response headers
	atAnswer                // waiting for more of the response's body
)

// exchange is one stream: one HTTP request and its response.
type exchange struct {
	gateway *Gateway
	log     *zap.Logger
	at      place
	id      string // Envoy's request id
	plan    *pipeline.Plan
	caller  pipeline.Caller
	selects bool // the client wants to know the choice, not to have it made
	guarded guarded
	memory  pipeline.Recalled
	answer  answer
	request *pipeline.Request // that was forwarded
	wait    wait
	out     reply // of the message being handled; its memory serves all of them
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
	x := &exchange{gateway: g, log: s.log, out: reply{b: make([]byte, 0, 2<<10)}}
	defer x.release()
	defer x.left()
	for {
		var m emptypb.Empty // a message without fields keeps all of them unread, as bytes
		if err := stream.RecvMsg(&m); err != nil {
			return x.ended(err)
		}
		a, err := read(m.ProtoReflect().GetUnknown())
		if err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		if a.observed {
			return status.Error(codes.FailedPrecondition, "observability_mode ignores verdicts; remove it from the filter")
		}
		x.out.b = x.out.b[:0]
		done, err := x.handle(stream.Context(), &a)
		if err != nil {
			return err
		}
		if len(x.out.b) == 0 {
			continue
		}
		if err := stream.SendMsg(x.out.message()); err != nil {
			return x.ended(err)
		}
		if done {
			return nil
		}
	}
}

// ended is what a broken or finished stream means: nothing of note after the verdict, an error before it.
func (x *exchange) ended(err error) error {
	if x.at < atResponse {
		return errUndecided
	}
	if x.at == atAnswer && !x.answer.seen {
		// Envoy ignores an override that is not on its list, silently: `mom check --envoy` tells.
		x.log.Warn("nothing came of an answer that was to be read; are the modes in allowed_override_modes?", zap.String("request_id", x.id))
	}
	if errors.Is(err, io.EOF) || status.Code(err) == codes.Canceled {
		return nil
	}
	return err
}

// handle writes the answer to one message, or none. done: that was the last reply we owe.
func (x *exchange) handle(ctx context.Context, a *ask) (done bool, err error) {
	defer func() {
		if recover() == nil {
			return
		}
		// The panic's value is left out: it may hold text of the prompt.
		x.log.Error("panic in the stream", zap.String("request_id", x.id), zap.ByteString("stack", debug.Stack()))
		x.out.b = x.out.b[:0]
		done, err = false, nil
		switch x.at {
		case atAnswer:
			done = x.panicked(a)
		case atResponse:
			plain(&x.out, a)
		default:
			done = x.refuse(internalError())
		}
	}()
	switch a.kind {
	case askRequestHeaders:
		if x.at == atHeaders {
			return x.headers(ctx, a), nil
		}
	case askRequestBody:
		switch x.at {
		case atBody:
			return x.body(ctx, a.body)
		case atHeaders: // a filter that skips the headers drops header mutations in body replies: the plan would never arrive
			return x.refuse(misconfigured()), nil
		case atResponse, atAnswer: // a repeated end of stream; the verdict stands
		}
	case askResponseHeaders:
		if x.at == atResponse {
			return x.response(a), nil
		}
		// Before the verdict this is a local reply of Envoy (413, 408, another filter): nothing was forwarded.
	case askResponseBody:
		if x.at == atAnswer {
			return x.chunk(ctx, a), nil
		}
	case askResponseTrailers:
		plain(&x.out, a)
		return x.at == atAnswer, nil
	}
	plain(&x.out, a)
	return false, nil
}

// headers answers what can be answered without the body, and else waits for it.
func (x *exchange) headers(ctx context.Context, a *ask) (done bool) {
	head := readHead(a)
	x.id = head.id
	x.caller = x.gateway.caller(head, a)
	if x.selects = head.path == pathSelect; x.selects {
		x.caller.NoStore = true // an answer given before is no choice
	}
	policy, known := x.gateway.policy(ctx)
	if !known {
		x.log.Error("an Envoy route selects a policy that is not configured", zap.String("metadata", metadataPolicy))
		return x.refuse(misconfigured())
	}
	x.caller.Policy = policy
	if a.stated && a.mode != bodyModeBuffered {
		x.log.Error("the filter's request_body_mode must be BUFFERED", zap.Uint64("mode", a.mode))
		return x.refuse(misconfigured())
	}
	if reply := x.gateway.door(head); reply != nil {
		return x.refuse(reply)
	}
	x.at = atBody
	passOn(&x.out, a.headers)
	return false
}

// refuse is the end: a reply of ours instead of a backend's.
func (x *exchange) refuse(r *pipeline.Reply) (done bool) {
	x.at = atResponse
	immediate(&x.out, r, nil, replied(r, statModels, statGuardUnknown), 0)
	return true
}

// undecided is the end of a request that the pipeline could not decide about.
func (x *exchange) undecided(r *pipeline.Reply, guard string, took time.Duration) (done bool) {
	x.at = atResponse
	immediate(&x.out, r, nil, replied(r, statError, guard), took)
	return true
}

// body decides.
func (x *exchange) body(ctx context.Context, raw []byte) (done bool, err error) {
	start := time.Now()
	body, fault := x.gateway.Parser.ParseFrom(x.caller, x.id, raw)
	if fault != nil {
		return x.refuse(fault.Reply()), nil
	}
	runCtx, cancel := context.WithTimeout(ctx, x.gateway.limit())
	defer cancel()
	d, err := x.gateway.Runner.Run(runCtx, body.Request)
	took := time.Since(start)
	x.memory, _ = pipeline.Find[pipeline.Recalled](d.Trail)
	if err != nil {
		if ctx.Err() != nil {
			return false, errUndecided // the client is gone
		}
		reply, guard := x.failure(err, d.Trail)
		return x.undecided(reply, guard, took), nil
	}
	x.warn(d.Trail)
	x.guarded = x.gateway.guarded(d.Trail)
	if d.Verdict == pipeline.Answer && x.memory.State == pipeline.RecallHit {
		x.at = atResponse
		immediate(&x.out, d.Reply, x.gateway.remembered(x.guarded, x.memory), x.gateway.hit(x.guarded, x.memory), took)
		return true, nil
	}
	if d.Verdict != pipeline.Continue {
		x.at = atResponse
		otherwise := statAnswer
		if d.Verdict == pipeline.Block { // also in the form of an answer
			otherwise = statBadRequest
		}
		immediate(&x.out, d.Reply, x.gateway.told(x.guarded), replied(d.Reply, otherwise, x.guarded.stat()), took)
		return true, nil
	}
	plan, ok := pipeline.Find[pipeline.Plan](d.Trail)
	if !ok || len(plan.Tiers) == 0 || len(plan.Tiers) > MaxTiers {
		x.log.Error("the pipeline ended without a usable plan", zap.String("request_id", x.id))
		return x.undecided(internalError(), x.guarded.stat(), took), nil
	}
	x.passOver(&plan)
	s := x.gateway.stats(body.Request, &plan, x.guarded.stat())
	s.cache = recalled(x.memory)
	if x.selects {
		s.cache = cacheStats{}
		return x.selected(&plan, s, took), nil
	}
	x.log.Debug("decided", zap.String("request_id", x.id), zap.String("decision", plan.Decision), zap.String("domain", s.domain),
		zap.String("model", s.model), zap.Int("tiers", len(plan.Tiers)), zap.Int("bytes", len(raw)), zap.Duration("took", took))
	x.expect(body.Request, &plan)
	forward(&x.out, body, &plan, s, took, x.answer.wanted())
	x.plan, x.request, x.at = &plan, body.Request, atResponse
	x.sent()
	return false, nil
}

// failure says what a pipeline error means to the client and to the counter of the guard, and says the cause in the log.
func (x *exchange) failure(err error, t pipeline.Trail) (reply *pipeline.Reply, guard string) {
	guard = x.gateway.guarded(t).stat()
	unguarded, is := x.gateway.guardFailed(err, t)
	if is {
		guard = pipeline.GuardError
	}
	fields := []zap.Field{zap.String("request_id", x.id), zap.Error(err)}
	var panicked *pipeline.PanicError
	if errors.As(err, &panicked) {
		x.log.Error("panic in a stage", append(fields, zap.ByteString("stack", panicked.Stack))...)
		return internalError(), guard
	}
	x.log.Warn("no decision", fields...)
	if is {
		return unguarded, guard
	}
	return unavailable("routing_unavailable", "The request could not be routed just now."), guard
}

// warn logs the stages that failed and were passed over; the logger samples, so that a broken model does not flood the log.
func (x *exchange) warn(t pipeline.Trail) {
	for _, e := range t.Entries() {
		if e.Err != nil {
			x.log.Warn("stage passed over", zap.String("stage", e.Stage), zap.String("request_id", x.id), zap.Error(e.Err))
		}
		if e.Outcome.Lost != nil {
			x.log.Warn("stage did without", zap.String("stage", e.Stage), zap.String("request_id", x.id), zap.Error(e.Outcome.Lost))
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
