package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/pipeline"
)

// stage is a Stage made of a function, which is all the runner can see of any stage.
type stage struct {
	name string
	run  func(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error)
}

func (s stage) Name() string { return s.name }

func (s stage) Run(ctx context.Context, r *pipeline.Request, t pipeline.Trail) (pipeline.Outcome, error) {
	return s.run(ctx, r, t)
}

func says(name string, out pipeline.Outcome) stage {
	return stage{name, func(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) { return out, nil }}
}

func fails(name string, err error) stage {
	return stage{name, func(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
		// A stage that fails may still have filled its outcome; none of it may count.
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: &pipeline.Reply{Status: 403}, Finding: finding("half")}, err
	}}
}

type finding string

var errBroken = errors.New("broken")

func TestRun(t *testing.T) {
	refusal := &pipeline.Reply{Status: 403}
	waits := stage{"waits", func(ctx context.Context, _ *pipeline.Request, _ pipeline.Trail) (pipeline.Outcome, error) {
		<-ctx.Done()
		return pipeline.Outcome{}, ctx.Err()
	}}
	panics := stage{"panics", func(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
		panic("the prompt was: secret")
	}}
	for name, tt := range map[string]struct {
		steps   []pipeline.Step
		verdict pipeline.Verdict
		finding finding // the latest one
		ran     string  // the stages that have a line in the trail
		err     error
	}{
		"no steps go on": {},
		"a zero outcome goes on to the next stage": {
			steps: []pipeline.Step{{Stage: says("a", pipeline.Outcome{})}, {Stage: says("b", pipeline.Outcome{Finding: finding("b")})}}, finding: "b", ran: "a b"},
		"the latest finding of a type wins": {
			steps:   []pipeline.Step{{Stage: says("a", pipeline.Outcome{Finding: finding("a")})}, {Stage: says("b", pipeline.Outcome{Finding: finding("b")})}},
			finding: "b", ran: "a b"},
		"a block ends the journey": {
			steps:   []pipeline.Step{{Stage: says("a", pipeline.Outcome{Verdict: pipeline.Block, Reply: refusal})}, {Stage: says("b", pipeline.Outcome{})}},
			verdict: pipeline.Block, ran: "a"},
		"an answer ends the journey": {
			steps:   []pipeline.Step{{Stage: says("a", pipeline.Outcome{Verdict: pipeline.Answer, Reply: refusal})}, {Stage: says("b", pipeline.Outcome{})}},
			verdict: pipeline.Answer, ran: "a"},
		"a failure stops the request": {
			steps: []pipeline.Step{{Stage: fails("a", errBroken)}, {Stage: says("b", pipeline.Outcome{})}}, ran: "a", err: errBroken},
		"a failure that may be passed over is, and what the stage said does not count": {
			steps: []pipeline.Step{{Stage: fails("a", errBroken), FailOpen: true}, {Stage: says("b", pipeline.Outcome{})}}, ran: "a b"},
		"a stage that is too slow stops the request": {
			steps: []pipeline.Step{{Stage: waits, Timeout: time.Millisecond}}, ran: "waits", err: context.DeadlineExceeded},
		"a slow stage that may fail is passed over": {
			steps: []pipeline.Step{{Stage: waits, Timeout: time.Millisecond, FailOpen: true}, {Stage: says("b", pipeline.Outcome{Finding: finding("b")})}}, finding: "b", ran: "waits b"},
		"a block without a reply is an error": {
			steps: []pipeline.Step{{Stage: says("a", pipeline.Outcome{Verdict: pipeline.Block})}}, ran: "a", err: pipeline.ErrOutcome},
		"a reply that nobody asked for is an error": {
			steps: []pipeline.Step{{Stage: says("a", pipeline.Outcome{Reply: refusal})}}, ran: "a", err: pipeline.ErrOutcome},
		"an unknown verdict is an error": {
			steps: []pipeline.Step{{Stage: says("a", pipeline.Outcome{Verdict: 9, Reply: refusal})}}, ran: "a", err: pipeline.ErrOutcome},
		"a panic that may be passed over is": {
			steps: []pipeline.Step{{Stage: panics, FailOpen: true}, {Stage: says("b", pipeline.Outcome{})}}, ran: "panics b"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := pipeline.New(tt.steps...)
			if err != nil {
				t.Fatal(err)
			}
			d, err := p.Run(t.Context(), &pipeline.Request{})
			if !errors.Is(err, tt.err) || (err != nil) != (tt.err != nil) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if d.Verdict != tt.verdict || (d.Reply != nil) != (tt.verdict != pipeline.Continue) {
				t.Errorf("verdict %v with reply %v, want %v", d.Verdict, d.Reply, tt.verdict)
			}
			var ran []string
			for _, e := range d.Trail.Entries() {
				ran = append(ran, e.Stage)
			}
			if got := strings.Join(ran, " "); got != tt.ran {
				t.Errorf("ran %q, want %q", got, tt.ran)
			}
			if got, _ := pipeline.Find[finding](d.Trail); got != tt.finding {
				t.Errorf("finding %q, want %q", got, tt.finding)
			}
		})
	}
}

func TestAPanicIsAnErrorThatHidesItsValue(t *testing.T) {
	p, err := pipeline.New(pipeline.Step{Stage: stage{"a", func(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
		panic("the prompt was: secret")
	}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(t.Context(), &pipeline.Request{})
	var stageErr *pipeline.StageError
	var panicErr *pipeline.PanicError
	if !errors.As(err, &stageErr) || stageErr.Stage != "a" || !errors.As(err, &panicErr) || len(panicErr.Stack) == 0 {
		t.Fatalf("error %#v, want a StageError of a around a PanicError with a stack", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error %q holds the panic's value", err)
	}
}

func TestACancelledRequestIsOverWhateverTheStepSays(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := pipeline.New(pipeline.Step{FailOpen: true, Stage: stage{"a", func(ctx context.Context, _ *pipeline.Request, _ pipeline.Trail) (pipeline.Outcome, error) {
		cancel()
		return pipeline.Outcome{}, ctx.Err()
	}}}, pipeline.Step{Stage: says("b", pipeline.Outcome{})})
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Run(ctx, &pipeline.Request{})
	if !errors.Is(err, context.Canceled) || len(d.Trail.Entries()) != 1 {
		t.Errorf("error %v after %d stages, want canceled after 1", err, len(d.Trail.Entries()))
	}
}

func TestNewRefuses(t *testing.T) {
	for name, steps := range map[string][]pipeline.Step{
		"a step without a stage": {{}},
		"a stage without a name": {{Stage: says("", pipeline.Outcome{})}},
		"two stages of one name": {{Stage: says("a", pipeline.Outcome{})}, {Stage: says("a", pipeline.Outcome{})}},
		"a timeout below zero":   {{Stage: says("a", pipeline.Outcome{}), Timeout: -1}},
	} {
		if _, err := pipeline.New(steps...); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestAStageKeepsTheTrailItWasGiven(t *testing.T) {
	var kept pipeline.Trail
	keeps := stage{"keeps", func(_ context.Context, _ *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
		kept = trail
		return pipeline.Outcome{}, nil
	}}
	p, err := pipeline.New(pipeline.Step{Stage: fails("a", errBroken), FailOpen: true}, pipeline.Step{Stage: keeps}, pipeline.Step{Stage: says("z", pipeline.Outcome{})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(t.Context(), &pipeline.Request{}); err != nil {
		t.Fatal(err)
	}
	if len(kept.Entries()) != 1 || !errors.Is(kept.Failed("a"), errBroken) || kept.Failed("z") != nil {
		t.Errorf("the stage's trail changed after it ran: %v", kept.Entries())
	}
}

// A run allocates the trail and nothing a stage did not ask for; with time limits, a context a step.
func TestAllocations(t *testing.T) {
	p, err := pipeline.New(pipeline.Step{Stage: says("a", pipeline.Outcome{})}, pipeline.Step{Stage: says("b", pipeline.Outcome{})})
	if err != nil {
		t.Fatal(err)
	}
	req, ctx := &pipeline.Request{}, context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = p.Run(ctx, req) }); n > 1 {
		t.Errorf("%v allocations a run, want at most 1", n)
	}
}

func BenchmarkRun(b *testing.B) {
	steps := []pipeline.Step{{Stage: says("guard", pipeline.Outcome{}), Timeout: time.Second}, {Stage: says("recall", pipeline.Outcome{}), Timeout: time.Second}, {Stage: says("route", pipeline.Outcome{})}}
	p, err := pipeline.New(steps...)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Run(context.Background(), &pipeline.Request{})
	}
}
