package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Pipeline runs its steps in order. Build it with New; it is immutable and safe for concurrent use.
type Pipeline struct{ steps []Step }

// New checks the steps and returns them as a Pipeline. It refuses a step without a stage, a negative timeout and two stages of one name.
func New(steps ...Step) (*Pipeline, error) {
	names := make(map[string]bool, len(steps))
	for i, s := range steps {
		switch {
		case s.Stage == nil:
			return nil, fmt.Errorf("step %d has no stage", i)
		case s.Stage.Name() == "":
			return nil, fmt.Errorf("step %d: its stage has no name", i)
		case names[s.Stage.Name()]:
			return nil, fmt.Errorf("step %d: a second stage named %q", i, s.Stage.Name())
		case s.Timeout < 0:
			return nil, fmt.Errorf("step %d (%s): timeout %v is negative", i, s.Stage.Name(), s.Timeout)
		}
		names[s.Stage.Name()] = true
	}
	return &Pipeline{steps: append([]Step(nil), steps...)}, nil
}

// StageError says which stage stopped a request. Its text holds no request text as long as the stages' errors hold none.
type StageError struct {
	Stage string
	Err   error
}

func (e *StageError) Error() string { return e.Stage + ": " + e.Err.Error() }

// Unwrap returns the stage's own error.
func (e *StageError) Unwrap() error { return e.Err }

// PanicError is a stage's panic, caught. Error leaves the panic's value out, since it may hold prompt text; Stack is for the log.
type PanicError struct{ Stack []byte }

func (e *PanicError) Error() string { return "panic" }

// ErrOutcome is returned for an outcome that contradicts itself: a Block or Answer without a reply, or a Continue with one.
var ErrOutcome = errors.New("verdict and reply contradict each other")

// Run hands req through the steps until one ends the journey. The error is ctx's own, or a *StageError of a step that does not fail open;
// the Decision then holds the trail up to there and must not be acted on.
func (p *Pipeline) Run(ctx context.Context, req *Request) (Decision, error) {
	d := Decision{Trail: Trail{entries: make([]Entry, 0, len(p.steps))}}
	for _, s := range p.steps {
		if err := ctx.Err(); err != nil {
			return d, err
		}
		start := time.Now()
		out, err := run(ctx, s, req, d.Trail)
		if err != nil {
			out = Outcome{}
		}
		// The slice has room for every step, so this append never moves it, and a stage that kept its Trail never sees the new line.
		d.Trail = Trail{entries: append(d.Trail.entries, Entry{Stage: s.Stage.Name(), Outcome: out, Err: err, Took: time.Since(start)})}
		if err != nil {
			// A request that was itself cancelled is over, whatever the step's rule says.
			if ctx.Err() != nil {
				return d, ctx.Err()
			}
			if !s.FailOpen {
				return d, &StageError{Stage: s.Stage.Name(), Err: err}
			}
			continue
		}
		if out.Verdict != Continue {
			d.Verdict, d.Reply = out.Verdict, out.Reply
			return d, nil
		}
	}
	return d, nil
}

// run is one step: its time limit, its recovery, and the check of what it said.
func run(ctx context.Context, s Step, req *Request, trail Trail) (out Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = Outcome{}, &PanicError{Stack: debug.Stack()}
		}
	}()
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Timeout)
		defer cancel()
	}
	out, err = s.Stage.Run(ctx, req, trail)
	if err != nil {
		return Outcome{}, err
	}
	if out.Verdict > Answer || (out.Verdict == Continue) != (out.Reply == nil) {
		return Outcome{}, ErrOutcome
	}
	return out, nil
}
