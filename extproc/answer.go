package extproc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"go.uber.org/zap"
)

// answer is what becomes of the body of the response. The zero answer is handed on by Envoy alone.
type answer struct {
	request   *pipeline.Request  // that it answers; nil when nobody reads it
	restore   *chat.Placeholders // of the request as it was forwarded
	keep      *pipeline.Request  // that it answers, where it may be given again; nil when not
	gathered  *chat.Collector    // of what may be given again
	tier      int                // of the plan, that answered
	text      *chat.Answer       // nil: the body is not asked for
	screening chat.Screening     // nil: nobody reads it
	buffered  bool               // Envoy waits for all of it, so that another may still be given in its place
	seen      bool               // some of it came
	ended     bool               // the client has got an end of ours; what still comes is dropped
}

// wanted says whether the body of the response will be asked for, if it can be read.
func (w *answer) wanted() bool { return w.request != nil || w.restore != nil || w.keep != nil }

// expect notes what the answer to a request will be read for.
func (x *exchange) expect(req *pipeline.Request, plan *pipeline.Plan) {
	if x.gateway.Screen != nil {
		x.answer.request = req
	}
	if x.gateway.Restore {
		x.answer.restore = chat.NewPlaceholders(req, plan.Replacements)
	}
	if x.gateway.Memory != nil && x.memory.State == pipeline.RecallMiss && plan.Degraded == "" {
		x.answer.keep = req
	}
}

// blocks says whether an answer that was not read must not be handed on.
func (x *exchange) blocks() bool { return x.answer.request != nil && x.gateway.Screen.Blocks() }

// response answers the response headers. It asks for the body where that is to be read: else this is the last reply we owe, and the client's answer no
// longer depends on this process.
func (x *exchange) response(a *ask) (done bool) {
	x.answer.tier = answeredBy(a, x.plan)
	x.heard(a, x.answer.tier)
	head := readAnswerHead(a)
	if head.succeeded && x.gateway.Choices != nil {
		x.gateway.Choices.Answered(x.request, x.plan, x.answer.tier)
	}
	if x.answer.tier > 0 || !head.readable { // the answer of a fallback is not what was meant
		x.answer.keep = nil
		x.release()
	}
	switch {
	case !x.answer.wanted() || a.end || !head.succeeded:
		x.gateway.annotate(&x.out, a, x.plan, x.guarded, x.memory, nil, "")
		return true
	case !head.readable && x.blocks():
		x.log.Warn("an answer that cannot be read is refused", zap.String("request_id", x.id))
		x.instead(unreadable(), statGuardUnread)
		return true
	case !head.readable:
		output := ""
		if x.answer.request != nil {
			output = statGuardUnread
		}
		x.gateway.annotate(&x.out, a, x.plan, x.guarded, x.memory, nil, output)
		return true
	}
	var reader func() chat.Reader
	if x.answer.request != nil {
		x.answer.screening = x.gateway.Screen.Open(x.answer.request)
		reader = x.answer.screening.Reader
	}
	if reader != nil || x.answer.restore != nil {
		x.answer.text = chat.NewAnswer(head.form, x.answer.restore, reader)
	}
	if x.answer.keep != nil {
		x.answer.gathered = chat.NewCollector(head.form, chat.MaxAnswer)
	}
	// Only while Envoy holds the headers can an answer become a 403. It waits for one that is whole anyway; a stream must flow.
	x.answer.buffered = head.form == chat.Whole && x.blocks()
	x.at = atAnswer
	mode, removes := uint64(bodyModeStreamed), []string{"content-length"}
	if x.answer.buffered {
		mode, removes = bodyModeBuffered, nil
	}
	if x.answer.text == nil { // it stays as it is
		removes = nil
	}
	x.gateway.annotate(&x.out, a, x.plan, x.guarded, x.memory, removes, "")
	writeMode(&x.out, mode)
	return false
}

// chunk answers a chunk of the response's body.
func (x *exchange) chunk(ctx context.Context, a *ask) (done bool) {
	w := &x.answer
	w.seen = true
	last := a.end || w.buffered
	if w.ended {
		x.handOn(a, nil, "")
		return last
	}
	ctx, cancel := context.WithTimeout(ctx, x.gateway.limit())
	defer cancel()
	if w.gathered != nil {
		w.gathered.Write(a.body)
	}
	if w.text == nil {
		if last {
			x.remember(ctx)
		}
		x.handOn(a, a.body, "")
		return last
	}
	out, err := w.text.Write(ctx, a.body)
	if err == nil && last {
		out = slices.Clone(out)
		var rest []byte
		rest, err = w.text.Close(ctx)
		out = append(out, rest...)
	}
	output := ""
	switch {
	case err != nil:
		return x.stopped(a, out, err, last)
	case last:
		if output = x.output(); output == "" || output == pipeline.GuardOK {
			x.remember(ctx)
		}
	}
	x.handOn(a, out, output)
	return last
}

// stopped is the end of an answer that was found to hold what it must not, or that could not be read; out is what may still be handed on. Where nothing
// blocks, it passes as it is.
func (x *exchange) stopped(a *ask, out []byte, err error, last bool) (done bool) {
	w, output := &x.answer, x.output()
	var withheld *chat.Withheld
	found := errors.As(err, &withheld)
	if !found {
		x.log.Warn("an answer could not be read", zap.String("request_id", x.id), zap.Error(err))
	}
	if !x.blocks() {
		x.handOn(a, append(slices.Clone(out), w.text.GiveUp()...), output)
		return last
	}
	if !found {
		output = pipeline.GuardError
	}
	if !w.buffered {
		w.ended = true
		x.handOn(a, append(slices.Clone(out), w.text.End()...), output)
		return last
	}
	switch {
	case found:
		x.instead(withheld.Reply, output)
	case errors.Is(err, context.DeadlineExceeded):
		x.instead(unavailable("guard_timeout", "The answer could not be checked in time, so it was not handed on."), output)
	case errors.Is(err, chat.ErrAnswerTooLong):
		x.instead(unreadable(), output)
	default:
		x.instead(unavailable("guard_unavailable", "The answer could not be checked just now, so it was not handed on."), output)
	}
	return true
}

// panicked answers a message about the body in whose handling something of ours broke.
func (x *exchange) panicked(a *ask) (done bool) {
	x.answer.ended = true
	switch {
	case x.answer.buffered:
		x.instead(unavailable("internal_error", "The gateway met an error of its own; the answer was not handed on."), pipeline.GuardError)
		return true
	case a.kind != askResponseBody:
		plain(&x.out, a)
		return true
	}
	// What it held back is lost with it, so the stream ends here. No part of it can be trusted to write that end.
	x.handOn(a, chat.NewAnswer(chat.Events, nil, nil).End(), pipeline.GuardError)
	return a.end
}

// output is the answer's state for the counters, "" when nobody reads it.
func (x *exchange) output() string {
	if x.answer.screening == nil {
		return ""
	}
	found, failed := x.answer.screening.Found()
	switch {
	case found.Blocked:
		return guarded{state: pipeline.GuardBlocked, found: found}.stat()
	case failed:
		return pipeline.GuardError
	case found.Flagged():
		return pipeline.GuardFlagged
	}
	return pipeline.GuardOK
}

// handOn answers a chunk with what is handed on of it, and of those before.
func (x *exchange) handOn(a *ask, out []byte, output string) {
	r := &x.out
	r.grow(len(out) + 256)
	body := r.open(replyResponseBody)
	common := r.open(responseCommon)
	if !bytes.Equal(out, a.body) {
		if x.answer.buffered { // Envoy refuses a length that is not that of the body
			r.headers(commonHeaders, nil, []string{"content-length"})
		}
		mutation := r.open(commonBody)
		if len(out) == 0 {
			r.integer(bodyClear, 1)
		} else {
			r.bytes(bodyBytes, out)
		}
		r.close(mutation)
	}
	r.close(common)
	r.close(body)
	if output != "" {
		writeOutput(r, output)
	}
}

// instead gives the client a reply of ours in place of the answer.
func (x *exchange) instead(p *pipeline.Reply, output string) {
	sets := slices.DeleteFunc(x.gateway.reasons(x.plan, x.answer.tier, x.guarded, x.memory), func(h header) bool { return h.name == headerGuard })
	if x.gateway.Expose == ExposeAll && x.answer.screening != nil {
		if found, _ := x.answer.screening.Found(); found.Blocked {
			sets = append(sets, guarded{state: pipeline.GuardBlocked, found: found}.headers()...)
		}
	}
	writeImmediate(&x.out, p, sets)
	if output != "" {
		writeOutput(&x.out, output)
	}
}

func unreadable() *pipeline.Reply {
	return chat.ErrorReply(502, "server_error", "answer_unreadable", "", "The answer is of a kind or length that cannot be checked, so it was not handed on.", nil)
}

// writeOutput tells the counters what the answer was; the other keys of their namespace stay.
func writeOutput(r *reply, state string) {
	metadata := r.open(replyMetadata)
	o := r.object(nsStats)
	r.textEntry("output", state)
	r.endObject(o)
	r.close(metadata)
}

// writeMode asks for the response's body. Envoy compares all fields of a mode_override with its list, so all are spelled out.
func writeMode(r *reply, responseBody uint64) {
	mode := r.open(replyMode)
	r.integer(modeRequestHeaders, headerModeSend)
	r.integer(modeResponseHeaders, headerModeSend)
	r.integer(modeResponseBody, responseBody)
	r.integer(modeRequestTrailers, headerModeSkip)
	r.integer(modeResponseTrailers, headerModeSkip)
	r.close(mode)
}

// answerHead is what the headers of a response say of its body.
type answerHead struct {
	succeeded bool
	form      chat.Form
	readable  bool // it is of a form that we read, plain, and not too long by its own word
}

func readAnswerHead(a *ask) answerHead {
	h := answerHead{readable: true}
	types := 0
	for _, f := range a.headers {
		value := strings.ToLower(strings.TrimSpace(string(f.value)))
		switch string(f.name) {
		case ":status":
			h.succeeded = len(value) == 3 && value[0] == '2'
		case "content-encoding":
			h.readable = h.readable && (value == "" || value == "identity")
		case "content-length":
			n, err := strconv.Atoi(value)
			h.readable = h.readable && err == nil && (n <= chat.MaxAnswer || h.form == chat.Events)
		case "content-type":
			types++
			media, _, _ := strings.Cut(value, ";")
			switch strings.TrimSpace(media) {
			case "text/event-stream":
				h.form = chat.Events
			case "application/json":
			default:
				h.readable = false
			}
		}
	}
	h.readable = h.readable && types == 1
	return h
}

// limit is the time for one decision, or for one chunk of an answer.
func (g *Gateway) limit() time.Duration {
	if g.Timeout == 0 {
		return defaultTimeout
	}
	return g.Timeout
}
