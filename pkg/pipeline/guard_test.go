package pipeline_test

import (
	"testing"

	"github.com/mom-router/mom/pkg/pipeline"
)

func TestGuardState(t *testing.T) {
	found := func(name string, g pipeline.Guarded) pipeline.Step {
		out := pipeline.Outcome{Finding: g}
		if g.Blocked {
			out.Verdict, out.Reply = pipeline.Block, &pipeline.Reply{Status: 403}
		}
		return pipeline.Step{Stage: says(name, out)}
	}
	broken := func(name string, open bool) pipeline.Step {
		return pipeline.Step{Stage: fails(name, errBroken), FailOpen: open}
	}
	names, jailbreak, pii := []string{"jailbreak", "pii"}, pipeline.Guarded{Jailbreak: true, Confidence: 0.9}, pipeline.Guarded{PII: []string{"PERSON"}}
	for name, tt := range map[string]struct {
		stages []string
		steps  []pipeline.Step
		want   string
	}{
		"no stage guards":                            {nil, []pipeline.Step{found("route", pipeline.Guarded{})}, pipeline.GuardOff},
		"nothing was found":                          {names, []pipeline.Step{found("jailbreak", pipeline.Guarded{}), found("pii", pipeline.Guarded{})}, pipeline.GuardOK},
		"a jailbreak that only is to be flagged":     {names, []pipeline.Step{found("jailbreak", jailbreak), found("pii", jailbreak)}, pipeline.GuardFlagged},
		"personal data that only is to be flagged":   {names, []pipeline.Step{found("jailbreak", pipeline.Guarded{}), found("pii", pii)}, pipeline.GuardFlagged},
		"what is harmful only":                       {names[:1], []pipeline.Step{found("jailbreak", pipeline.Guarded{Harmful: true})}, pipeline.GuardFlagged},
		"the first of two blocks":                    {names, []pipeline.Step{found("jailbreak", pipeline.Guarded{Jailbreak: true, Blocked: true})}, pipeline.GuardBlocked},
		"one failed and was passed over":             {names, []pipeline.Step{broken("jailbreak", true), found("pii", pipeline.Guarded{})}, pipeline.GuardDegraded},
		"the last failed and was passed over":        {names, []pipeline.Step{found("jailbreak", jailbreak), broken("pii", true)}, pipeline.GuardDegraded},
		"one failed and the other blocks":            {names, []pipeline.Step{broken("jailbreak", true), found("pii", pipeline.Guarded{PII: []string{"US_SSN"}, Blocked: true})}, pipeline.GuardBlocked},
		"one failed, which ended the request":        {names, []pipeline.Step{broken("jailbreak", false), found("pii", pipeline.Guarded{})}, pipeline.GuardError},
		"another stage failed, which is not a guard": {names[:1], []pipeline.Step{found("jailbreak", pipeline.Guarded{}), broken("brain", true)}, pipeline.GuardOK},
	} {
		p, err := pipeline.New(tt.steps...)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := p.Run(t.Context(), &pipeline.Request{})
		if got := pipeline.GuardState(d.Trail, tt.stages); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
