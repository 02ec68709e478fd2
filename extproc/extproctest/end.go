package extproctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ended judges a stream that ended while a message was pending.
func (p *play) ended(pending []kind) {
	switch {
	case p.client.Err() != nil:
		p.res.Outcome = Cancelled
	case errors.Is(p.end, io.EOF) && !p.verdict:
		p.violate("R22", "Process returned nil before the verdict, while %s is pending: the request passes unguarded", names(pending))
		p.fail(503, "no_healthy_upstream")
		p.res.Outcome = Unguarded
	case errors.Is(p.end, io.EOF):
		p.violate(p.or("R22"), "Process returned nil while %s is pending", names(pending))
	default:
		if p.blame != "" {
			p.violate(p.blame, "Process returned %v while %s is pending", p.end, names(pending))
		}
		p.fail(503, fmt.Sprintf("ext_proc_error_gRPC_error_%d", status.Code(p.end)))
	}
	p.hangUp()
}

// settle waits for the stream to end by the server's own hand and counts every further reply against rule.
func (p *play) settle(rule string) (ended bool) {
	timer := time.NewTimer(p.set.ReturnWithin)
	defer timer.Stop()
	said := false
	for {
		select {
		case m, ok := <-p.in:
			if !ok {
				return true
			}
			p.res.Replies = append(p.res.Replies, m)
			switch got := kindOf(m); {
			case got == p.owed:
				p.owed = ""
			case got == requestBody && p.repeated:
				p.repeated = false
			case !said:
				p.violate(rule, "got %s, which nothing asked for", got)
				said = true
			}
		case <-p.client.Done():
			return true
		case <-timer.C:
			return false
		}
	}
}

// owesNothing is the moment after the last reply: the server must end the stream, and with nil.
func (p *play) owesNothing() {
	switch ended := p.settle(p.or("R2")); {
	case !ended:
		p.violate("R22", "the stream is still open %v after the last reply owed", p.set.ReturnWithin)
	case p.end != nil && !errors.Is(p.end, io.EOF) && p.client.Err() == nil:
		p.violate("R22", "Process returned %v after the last reply owed, want nil", p.end)
	}
	p.hangUp()
}

// close is Envoy's end of the stream: further replies count against rule. The server may return whatever a processor may whose peer is gone.
func (p *play) close(rule string) {
	_ = p.stream.CloseSend()
	p.settle(rule)
	p.hangUp()
}

// hangUp resets the stream, once.
func (p *play) hangUp() {
	if p.gone.IsZero() {
		p.gone = time.Now()
		p.cancel()
	}
}

// leave ends the play: the handler must return soon, and for a good reason.
func (p *play) leave() {
	p.hangUp()
	for range p.in { // the reader must be gone too
	}
	if !within(p.handler.done, p.set.ReturnWithin) {
		if p.handler.begun() {
			p.violate("R16", "Process is still running %v after its stream is gone", p.set.ReturnWithin)
		}
		return
	}
	p.forget()
	p.res.HandlerErr = p.handler.err
	p.res.HandlerTook = max(0, p.handler.when.Sub(p.gone))
	if p.res.Outcome == Cancelled && p.handler.err != nil && status.Code(p.handler.err) != codes.Canceled && !errors.Is(p.handler.err, context.Canceled) {
		p.violate("R16", "Process returned %v for a cancelled stream, want nil or Canceled", p.handler.err)
	}
}

// reached reports whether the play goes on behind this point. Where the client goes away, it waits until the server has read what was sent.
func (p *play) reached(at Point) bool {
	if p.req.CancelAt != at {
		return true
	}
	timer := time.NewTimer(p.set.MessageTimeout)
	defer timer.Stop()
	for range p.res.Messages {
		select {
		case <-p.handler.read:
		case <-p.handler.done:
		case <-timer.C:
			p.violate("R11", "the server has not read all of %d messages within %v", p.res.Messages, p.set.MessageTimeout)
		}
	}
	p.res.Outcome = Cancelled
	p.hangUp()
	return false
}

// failure is the error that the server has ended its stream with, nil when it did not, or when its peer had gone before.
func (p *play) failure() error {
	select {
	case _, open := <-p.in:
		if open || p.client.Err() != nil || errors.Is(p.end, io.EOF) {
			return nil
		}
		return p.end
	default:
		return nil
	}
}
