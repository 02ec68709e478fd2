package route_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
)

// counted counts the texts that a classifier is shown.
type counted struct {
	classifiers.Classifier
	n int
}

func (c *counted) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	c.n++
	return c.Classifier.Classify(ctx, text)
}

func routerOf(t testing.TB, domain classifiers.Classifier, whens ...string) *route.Router {
	t.Helper()
	compiler, err := route.NewCompiler(signal.Names{Domains: words.Classes, Keywords: []string{"legal"}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := signal.NewReader(t.Context(), signal.Config{Domain: domain, Sure: 0.5, Keywords: []signal.Keywords{{Name: "legal", Words: []string{"contract", "lawyer"}}}})
	if err != nil {
		t.Fatal(err)
	}
	c := route.Config{Backends: []route.Backend{{Name: "small", Cluster: "c"}}, Default: route.Choice{Models: []string{"small"}}, Reader: reader}
	for i, when := range whens {
		condition, err := compiler.Compile(when)
		if err != nil {
			t.Fatal(err)
		}
		c.Decisions = append(c.Decisions, route.Decision{Name: "d" + strconv.Itoa(i), When: condition, Choice: route.Choice{Models: []string{"small"}}})
	}
	r, err := route.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestExplain(t *testing.T) {
	unsure, failing := words, words
	unsure.P, failing.Err = 0.4, errors.New("no model")
	whens := []string{`keyword.legal && turns > 3`, `domain == "law" || tokens > 1000 && json`, `true`}
	for _, tt := range []struct {
		name, text string
		domain     classifiers.Classifier
		want       string
	}{
		{"the first that holds wins, and no signal is asked for that it does not need", "a contract", words,
			`[{domain "law"} {turns 1} {keyword.legal true}] d0 false [{keyword.legal true} {turns > 3 false}] d1 true [{domain == "law" true} {tokens > 1000 not needed} {json not needed}] d2 not reached [] winner d1 the first whose condition holds`},
		{"a later one wins", "hello", words,
			`[{domain "other"} {keyword.legal false} {tokens 6}] d0 false [{keyword.legal false} {turns > 3 not needed}] d1 false [{domain == "law" false} {tokens > 1000 false} {json not needed}] d2 true [] winner d2 the first whose condition holds`},
		{"a domain that is not sure", "hello", unsure,
			`[{domain "other" 0.400: the domain is below the threshold} {keyword.legal false} {tokens 6}] d0 false [{keyword.legal false} {turns > 3 not needed}] d1 the domain is below the threshold [{domain == "law" the domain is below the threshold} {tokens > 1000 false} {json not needed}] d2 not reached [] winner default the condition of d1 could not be told: the domain is below the threshold`},
		{"a model that fails", "hello", failing,
			`[{domain domain: no model} {keyword.legal false} {tokens 6}] d0 false [{keyword.legal false} {turns > 3 not needed}] d1 domain: no model [{domain == "law" domain: no model} {tokens > 1000 false} {json not needed}] d2 not reached [] winner default the condition of d1 could not be told: domain: no model`},
	} {
		x, err := routerOf(t, tt.domain, whens...).Explain(t.Context(), ask(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		signals := map[string]string{}
		got := "["
		for _, name := range []string{"domain", "turns", "keyword.legal", "tokens"} {
			for _, s := range x.Signals {
				if s.Name == name {
					signals[name] = s.Value
					if got != "[" {
						got += " "
					}
					got += fmt.Sprint(s)
				}
			}
		}
		got += "]"
		for _, d := range x.Decisions {
			got += fmt.Sprintf(" %s %s %v", d.Name, d.Value, d.Parts)
		}
		got += " winner " + x.Winner + " " + x.Why
		if diff := cmp.Diff(tt.want, got); diff != "" || len(signals) != len(x.Signals) {
			t.Errorf("%s: %v (-want +got)\n%s", tt.name, x.Signals, diff)
		}
	}
}

func TestADecisionThatNeedsNoModelAsksNone(t *testing.T) {
	c := &counted{Classifier: words}
	r := routerOf(t, c, `keyword.legal`, `domain == "math"`)
	for text, want := range map[string]int{"a contract": 0, "an integral": 1} {
		c.n = 0
		if _, err := r.Run(t.Context(), ask(text), pipeline.Trail{}); err != nil || c.n != want {
			t.Errorf("%s: %d readings, want %d, %v", text, c.n, want, err)
		}
	}
}

// fifty are conditions of which only the last holds for "an integral".
func fifty() []string {
	var whens []string
	for i := range 49 {
		whens = append(whens, [...]string{
			`domain == "law" && confidence > 0.8`, `domain in ["law", "other"]`, `keyword.legal && turns > 2`, `tokens > 1000 || images > 0`, `header["x-plan"] == "pro" && !json`,
		}[i%5])
	}
	return append(whens, `domain == "math" && confidence > 0.5`)
}

// TestFiftyDecisionsAllocateNothing: what a request allocates is its signals and its trail, however many decisions there are.
func TestFiftyDecisionsAllocateNothing(t *testing.T) {
	if racing {
		t.Skip("the race detector lets pools forget")
	}
	req := ask("an integral")
	cost := func(whens ...string) float64 {
		r := routerOf(t, words, whens...)
		return testing.AllocsPerRun(200, func() {
			if out, err := r.Run(t.Context(), req, pipeline.Trail{}); err != nil || out.Finding.(pipeline.Plan).Decision == "default" {
				t.Error(out, err)
			}
		})
	}
	// One of each kind asks for every signal that the fifty ask for.
	five, all := cost(append(fifty()[:5:5], fifty()[49])...), cost(fifty()...)
	if all > five {
		t.Errorf("fifty decisions allocate %v times, six that ask for the same signals %v", all, five)
	}
	t.Logf("%v allocations, of which the plan, the note and the signals are all", all)
}

// BenchmarkDecisions is the whole stage, the signals included. Six decisions ask for the same signals as fifty, so that the difference is what 44 cost
// to evaluate. On a machine that is busy the time of the processor tells more than the clock's.
func BenchmarkDecisions(b *testing.B) {
	for name, whens := range map[string][]string{"6": append(fifty()[:5:5], fifty()[49]), "50": fifty()} {
		b.Run(name, func(b *testing.B) {
			r, req := routerOf(b, words, whens...), ask("an integral")
			b.ReportAllocs()
			before := processor(b)
			for b.Loop() {
				if out, err := r.Run(b.Context(), req, pipeline.Trail{}); err != nil || out.Finding.(pipeline.Plan).Decision == "default" {
					b.Fatal(out, err)
				}
			}
			b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processor returns the time that this process had a processor, in nanoseconds.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
