package route_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
)

// guardian leaves what a guard found.
type guardian struct{ found pipeline.Guarded }

func (guardian) Name() string { return "pii" }

func (g guardian) Run(context.Context, *pipeline.Request, pipeline.Trail) (pipeline.Outcome, error) {
	return pipeline.Outcome{Finding: g.found}, nil
}

func TestNoBackendGetsWhatItMayNotSee(t *testing.T) {
	at := func(kind string, start int) pipeline.Redaction {
		return pipeline.Redaction{Replacement: pipeline.Replacement{Start: start, End: start + 3, With: fmt.Sprintf("[%s_%d]", kind, start)}, Kind: kind}
	}
	bars := func(d pipeline.Redaction) pipeline.Redaction {
		d.Barred = true
		return d
	}
	sees := func(kinds ...string) func(string) bool {
		return func(kind string) bool { return slices.Contains(kinds, kind) || slices.Contains(kinds, "all") }
	}
	mail, name, card := at("EMAIL_ADDRESS", 1), at("PERSON", 5), at("CREDIT_CARD", 9)
	both := name
	both.Replacement = mail.Replacement
	lost := bars(pipeline.Redaction{Replacement: pipeline.Replacement{Ref: -1}, Kind: "EMAIL_ADDRESS"})
	for name, tt := range map[string]struct {
		local, near func(string) bool // hosted may see nothing
		model       string
		text        string
		found       []pipeline.Redaction
		want        string // decision: models; what is replaced; or the kinds it is refused for
	}{
		"a model that may see all of it gets it as it is":          {local: sees("all"), model: "local", found: []pipeline.Redaction{mail, name}, want: "explicit: local;"},
		"one that may see some gets the rest redacted":             {local: sees("PERSON"), model: "local", found: []pipeline.Redaction{mail, name}, want: "explicit: local; [EMAIL_ADDRESS_1]"},
		"one that may see nothing gets nothing of it":              {model: "hosted", found: []pipeline.Redaction{mail, name}, want: "explicit: hosted; [EMAIL_ADDRESS_1] [PERSON_5]"},
		"one that nobody knows gets nothing of it":                 {local: sees("all"), model: "unknown", found: []pipeline.Redaction{mail}, want: "explicit: unknown; [EMAIL_ADDRESS_1]"},
		"one that nobody knows does not get what is barred":        {local: sees("all"), model: "unknown", found: []pipeline.Redaction{bars(card)}, want: "refused for CREDIT_CARD"},
		"a named model that may not see what is barred is refused": {local: sees("all"), model: "hosted", found: []pipeline.Redaction{mail, bars(card)}, want: "refused for CREDIT_CARD"},
		"a named model that may gets it":                           {local: sees("CREDIT_CARD"), model: "local", found: []pipeline.Redaction{mail, bars(card)}, want: "explicit: local; [EMAIL_ADDRESS_1]"},
		"a plan is redacted for the one that may see the least":    {local: sees("all"), found: []pipeline.Redaction{mail, name}, want: "default: local near hosted; [EMAIL_ADDRESS_1] [PERSON_5]"},
		"what all may see stays": {local: sees("all"), near: sees("PERSON"), text: "an integral", found: []pipeline.Redaction{mail, name},
			want: "numbers: near local; [EMAIL_ADDRESS_1]"},
		"a tier that may not see what is barred is left out":     {local: sees("all"), near: sees("CREDIT_CARD"), found: []pipeline.Redaction{mail, bars(card)}, want: "default: local near; [EMAIL_ADDRESS_1]"},
		"what only those left may see is not redacted":           {local: sees("all"), found: []pipeline.Redaction{mail, bars(card)}, want: "default: local;"},
		"the second choice becomes the first":                    {local: sees("all"), text: "an integral", found: []pipeline.Redaction{bars(card)}, want: "numbers: local;"},
		"a decision of none that may is as if it did not hold":   {local: sees("all"), text: "a contract", found: []pipeline.Redaction{bars(card)}, want: "default: local;"},
		"where none may it is refused":                           {local: sees("PERSON"), near: sees("EMAIL_ADDRESS"), found: []pipeline.Redaction{bars(mail), bars(at("PERSON", 5)), bars(at("PERSON", 8))}, want: "refused for EMAIL_ADDRESS, PERSON"},
		"what was found where it cannot be replaced is barred":   {local: sees("EMAIL_ADDRESS"), found: []pipeline.Redaction{lost, name}, want: "default: local; [PERSON_5]"},
		"two kinds of the same bytes are replaced once":          {found: []pipeline.Redaction{mail, both}, want: "default: local near hosted; [EMAIL_ADDRESS_1]"},
		"who may see one of two kinds of the same bytes may not": {local: sees("EMAIL_ADDRESS"), model: "local", found: []pipeline.Redaction{mail, both}, want: "explicit: local; [EMAIL_ADDRESS_1]"},
	} {
		t.Run(name, func(t *testing.T) {
			c := route.Config{
				Backends:    []route.Backend{{Name: "local", Cluster: "l", Sees: tt.local}, {Name: "near", Cluster: "n", Sees: tt.near}, {Name: "hosted", Cluster: "h"}},
				Passthrough: "legacy",
				Decisions: []route.Decision{
					{Name: "numbers", When: compile(t, `domain == "math"`), Choice: route.Choice{Models: []string{"near", "local"}}},
					{Name: "law", When: compile(t, `domain == "law"`), Choice: route.Choice{Models: []string{"hosted", "near"}}},
				},
				Default: route.Choice{Models: []string{"local", "near", "hosted"}},
				Refuse: func(_ *pipeline.Request, found pipeline.Guarded, kinds []string) pipeline.Outcome {
					found.Blocked = true
					return pipeline.Outcome{Verdict: pipeline.Block, Reply: &pipeline.Reply{Status: 403}, Finding: found, Note: "refused for " + strings.Join(kinds, ", ")}
				},
			}
			c.Reader = reads(t, words)
			router, err := route.New(c)
			if err != nil {
				t.Fatal(err)
			}
			p, err := pipeline.New(pipeline.Step{Stage: guardian{pipeline.Guarded{PII: []string{"EMAIL_ADDRESS"}, Redactions: tt.found}}}, pipeline.Step{Stage: router})
			if err != nil {
				t.Fatal(err)
			}
			req := ask("hello " + tt.text)
			if tt.model != "" {
				req.Model, req.Alias = tt.model, pipeline.Named
			}
			before := slices.Clone(tt.found)
			for range 2 { // plans are shared
				d, err := p.Run(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				entries := d.Trail.Entries()
				got := entries[len(entries)-1].Outcome.Note
				if plan, ok := pipeline.Find[pipeline.Plan](d.Trail); ok {
					got = plan.Decision + ":"
					for _, tier := range plan.Tiers {
						got += " " + tier.Model
					}
					got += ";"
					for _, r := range plan.Replacements {
						got += " " + r.With
					}
				} else if found, _ := pipeline.Find[pipeline.Guarded](d.Trail); !found.Blocked || d.Verdict != pipeline.Block {
					t.Errorf("%v, blocked: %t", d.Verdict, found.Blocked)
				}
				if got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			}
			if !slices.Equal(before, tt.found) {
				t.Error("the finding was changed")
			}
		})
	}
}

func TestWhatNobodyCanRefuseIsAnError(t *testing.T) {
	router, err := route.New(example(t))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Step{Stage: guardian{pipeline.Guarded{Redactions: []pipeline.Redaction{{Kind: "PERSON", Barred: true}}}}}, pipeline.Step{Stage: router})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := p.Run(t.Context(), ask("hello")); err == nil {
		t.Errorf("%+v", d)
	}
}

func TestAPlanThatWasCutIsWholeForTheNext(t *testing.T) {
	c := example(t)
	c.Backends[1].Sees = func(string) bool { return true }
	router, err := route.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range []pipeline.Guarded{{Redactions: []pipeline.Redaction{{Kind: "PERSON", Barred: true}}}, {}} {
		p, err := pipeline.New(pipeline.Step{Stage: guardian{found}}, pipeline.Step{Stage: router})
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Run(t.Context(), ask("hello"))
		if err != nil {
			t.Fatal(err)
		}
		want := []pipeline.Tier{small, large}
		if len(found.Redactions) > 0 {
			want = want[1:]
		}
		if plan, _ := pipeline.Find[pipeline.Plan](d.Trail); !cmp.Equal(want, plan.Tiers) {
			t.Errorf("%+v", plan)
		}
	}
}
