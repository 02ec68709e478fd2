package guard_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret stands in texts that may be refused, and in nothing that comes back.
const secret = "xyzzy"

var classes = []string{"benign", "jailbreak", "harmful"}

// reader knows an attack by the word override and harm by the word poison, with the probability p.
func reader(p float32) classifiertest.Words {
	return classifiertest.Words{Classes: classes, Label: map[string]string{"override": "jailbreak", "poison": "harmful"}, P: p, Any: "benign"}
}

// counter counts what a classifier is asked, in passes of windows of the size of the models' in English, and keeps the texts.
type counter struct {
	classifiers.Classifier
	mu     sync.Mutex
	passes int
	texts  []string
}

// passes counts windows of 126 tokens that go on by 62, at four bytes a token.
func passes(text string) int { return 1 + max(0, len(text)-4*126+4*62-1)/(4*62) }

func (c *counter) Passes(text string) (int, error) { return passes(text), nil }

func (c *counter) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	c.mu.Lock()
	c.passes += passes(text)
	c.texts = append(c.texts, text)
	c.mu.Unlock()
	return c.Classifier.Classify(ctx, text)
}

// asked returns the texts since it was last called, sorted.
func (c *counter) asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	texts := c.texts
	c.texts = nil
	slices.Sort(texts)
	return texts
}

// odd answers every text with what a function says.
type odd func(ctx context.Context, text string) ([]float32, error)

func (odd) Labels() []string { return classes }

func (o odd) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	p, err := o(ctx, text)
	return classifiers.Scores{P: p, Passes: 1}, err
}

func user(texts ...string) pipeline.Message { return pipeline.Message{Role: "user", Texts: texts} }

func says(role, text string) pipeline.Message {
	return pipeline.Message{Role: role, Texts: []string{text}}
}

func chat(messages ...pipeline.Message) *pipeline.Request {
	return &pipeline.Request{ID: "r1", Model: "MoM", Alias: pipeline.MoM, Messages: messages}
}

func jailbreak(t testing.TB, c guard.JailbreakConfig) *guard.Jailbreak {
	t.Helper()
	if c.User == nil {
		c.User = reader(0.995)
	}
	if c.Document == nil {
		c.Document = c.User
	}
	if c.Thresholds == (guard.Thresholds{}) {
		c.Thresholds = guard.Thresholds{User: 0.9, Document: 0.9, Instructions: 0.99}
	}
	j, err := guard.NewJailbreak(c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// run runs one stage as a pipeline does.
func run(t testing.TB, s pipeline.Stage, req *pipeline.Request) (pipeline.Decision, pipeline.Guarded, error) {
	t.Helper()
	p, err := pipeline.New(pipeline.Step{Stage: s})
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Run(t.Context(), req)
	g, _ := pipeline.Find[pipeline.Guarded](d.Trail)
	return d, g, err
}

// said is a decision in one line: the verdict, the status and the reason of a reply.
func said(d pipeline.Decision) string {
	if d.Reply == nil {
		return d.Verdict.String()
	}
	return fmt.Sprint(d.Verdict, " ", d.Reply.Status, " ", d.Reply.Details)
}
