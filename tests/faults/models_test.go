package faults_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/classifiers/pattern"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
)

const (
	secret  = "xyzzy"               // stands in every prompt, and in nothing that is logged or answered
	trigger = "faulty"              // the text that holds it meets the fault
	attack  = "override"            // what the classifier of these tests takes for an attack
	card    = "4111 1111 1111 1111" // what the recognisers know
)

// deed is what a model does with a text before it reads it. An error is its answer.
type deed func(ctx context.Context, text string) error

func fails(err error) deed { return func(context.Context, string) error { return err } }

// waits is a model that needs longer than it has.
func waits(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// panics with the text: what became of it must be seen nowhere.
func panics(_ context.Context, text string) error { panic(text) }

// windowBytes is how much the models of these tests read at once.
const windowBytes = 200

// met does the deed to every window of a text that holds the trigger, and returns the first error, as the contract of the models wants it.
func met(ctx context.Context, d deed, text string) (hit bool, err error) {
	for d != nil && text != "" {
		n := min(windowBytes, len(text))
		if strings.Contains(text[:n], trigger) {
			hit = true
			if err := d(ctx, text[:n]); err != nil {
				return hit, err
			}
		}
		text = text[n:]
	}
	return hit, nil
}

// classifier knows an attack by one word. What it is told to answer it answers to texts that meet the fault.
type classifier struct {
	does   deed
	answer []float32
	wrong  bool // answer, though it be nil
}

var words = classifiertest.Words{Classes: []string{"benign", "jailbreak", "harmful"}, Label: map[string]string{attack: "jailbreak"}, P: 0.998, Any: "benign"}

func (classifier) Labels() []string { return words.Labels() }

func (c classifier) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	hit, err := met(ctx, c.does, text)
	if err != nil {
		return classifiers.Scores{}, err
	}
	if hit && c.wrong {
		return classifiers.Scores{P: c.answer, Passes: 1}, nil
	}
	return words.Classify(ctx, text)
}

// tagger finds nothing by itself: the recognisers beside it find what there is.
type tagger struct {
	does  deed
	spans []classifiers.Span
}

func (tagger) Labels() []string { return []string{"PERSON"} }

func (g tagger) Tag(ctx context.Context, text string) ([]classifiers.Span, error) {
	hit, err := met(ctx, g.does, text)
	if err != nil || !hit {
		return nil, err
	}
	return g.spans, nil
}

// counter is a tokenizer: a pass for every window, unless it fails.
type counter struct{ does deed }

func (c counter) Passes(text string) (int, error) {
	if _, err := met(context.Background(), c.does, text); err != nil {
		return 0, err
	}
	return 1 + len(text)/windowBytes, nil
}

// setup is a gateway with both guards and the real router. What it names fails; the zero value works.
type setup struct {
	classifier classifiers.Classifier // nil is one that works
	tagger     classifiers.Tagger     // nil is one that works
	bare       bool                   // no recognisers beside the tagger
	miscounts  map[string]deed        // by guard: what its tokenizer does instead of counting
	windows    int                    // max_windows; 0 is no bound
	open       string                 // the guard whose fail_mode is open; "both", "" for none
	limit      time.Duration          // of each guard; 0 is none of its own
	whole      time.Duration          // for the whole decision; 0 is the default
	off        bool                   // no guard at all
	redact     []string               // kinds of personal data
	brain      classifiers.Classifier
}

// built is a gateway and its stages.
type built struct {
	*extproc.Gateway
	stages []pipeline.Stage
}

func build(t *testing.T, s setup) built {
	t.Helper()
	if s.classifier == nil {
		s.classifier = classifier{}
	}
	if s.tagger == nil {
		s.tagger = tagger{}
	}
	if !s.bare {
		s.tagger = pattern.Beside(s.tagger)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	limits := func(name string) guard.Limits {
		return guard.Limits{Counter: counter{s.miscounts[name]}, MaxWindows: s.windows}
	}
	jailbreak, err := guard.NewJailbreak(guard.JailbreakConfig{
		User: s.classifier, Document: s.classifier, Thresholds: guard.Thresholds{User: 0.9, Document: 0.9, Instructions: 0.95}, Block: true,
		Limits: limits(guard.StageJailbreak),
	})
	must(err)
	apart := map[string]guard.Action{}
	for _, kind := range s.redact {
		apart[kind] = guard.Redact
	}
	policy, err := guard.NewPolicy("standard", apart, nil)
	must(err)
	pii, err := guard.NewPII(guard.PIIConfig{Tagger: s.tagger, Policy: policy, FlagFrom: 0.45, BlockFrom: 0.8, Limits: limits(guard.StagePII)})
	must(err)
	backends := []route.Backend{{Name: "small-model", Cluster: "small"}, {Name: "larger-model", Cluster: "large"}}
	conditions, err := route.NewCompiler(signal.Names{})
	must(err)
	maths, err := conditions.Compile(`domain == "math"`)
	must(err)
	reader, err := signal.NewReader(t.Context(), signal.Config{Domain: s.brain, Sure: 0.6})
	must(err)
	router, err := route.New(route.Config{
		Aliases: []string{"MoM"}, Backends: backends, Default: route.Choice{Models: []string{"small-model", "larger-model"}}, Reader: reader,
		Decisions: []route.Decision{{Name: "maths", When: maths, Choice: route.Choice{Models: []string{"larger-model", "small-model"}}}},
	})
	must(err)
	var steps []pipeline.Step
	g := &extproc.Gateway{
		Parser: &chat.Parser{Aliases: map[string]pipeline.Alias{"MoM": pipeline.MoM}}, Timeout: s.whole,
		Backends: map[string]bool{"small-model": true, "larger-model": true}, Domains: map[string]bool{},
	}
	if !s.off {
		for _, stage := range []pipeline.Stage{jailbreak, pii} {
			steps = append(steps, pipeline.Step{Stage: stage, Timeout: s.limit, FailOpen: s.open == stage.Name() || s.open == "both"})
			g.Guards = append(g.Guards, stage.Name())
		}
	}
	run, err := pipeline.New(append(steps, pipeline.Step{Stage: router})...)
	must(err)
	g.Runner = run
	return built{g, []pipeline.Stage{jailbreak, pii}}
}

type object = map[string]any

func turn(role, text string) object { return object{"role": role, "content": text} }

// body is a chat request of these messages.
func body(messages ...object) string {
	text, err := json.Marshal(object{"model": "MoM", "messages": messages})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}

// say is one turn of the user. Every prompt holds the secret.
func say(text string) string { return body(turn("user", text+" "+secret)) }
