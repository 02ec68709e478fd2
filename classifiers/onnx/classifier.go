package onnx

import (
	"context"
	"fmt"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
)

// A Classifier is the view of a trunk that puts texts into classes. Safe for concurrent use until the trunk is closed.
type Classifier struct {
	trunk    *Trunk
	manifest *catalog.Manifest
	at       int // of its output
	sigmoid  bool
}

var _ classifiers.Classifier = (*Classifier)(nil)

// Classifier makes the view of a domain, difficulty or jailbreak model that has the trunk's graph, tokenizer and windows. Of a jailbreak model,
// role says who speaks: catalog.RoleUser or RoleDocument. For all others it is empty.
func (t *Trunk) Classifier(e *catalog.Entry, role string) (*Classifier, error) {
	c, err := t.classifier(&e.Manifest, role)
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", e.Name, err)
	}
	return c, nil
}

func (t *Trunk) classifier(m *catalog.Manifest, role string) (*Classifier, error) {
	if err := t.fits(m, "domain", "difficulty", "jailbreak"); err != nil {
		return nil, err
	}
	c := &Classifier{trunk: t, manifest: m, sigmoid: m.Task == "difficulty"}
	output, width := m.Output, len(m.Labels)
	if m.Task == "jailbreak" {
		output = m.Outputs[role]
	}
	if output == "" || (role != "") != (m.Task == "jailbreak") {
		return nil, fmt.Errorf("task %s has no role %q", m.Task, role)
	}
	if c.sigmoid {
		width = 1
	}
	var err error
	c.at, err = t.place(output, false, width, "float32 [batch, labels]")
	return c, err
}

// Labels returns the manifest's labels.
func (c *Classifier) Labels() []string { return c.manifest.Labels }

// Classify judges each window and joins the probabilities.
func (c *Classifier) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	sum := newAggregate(c.manifest.Aggregate, len(c.manifest.Labels))
	p := make([]float64, len(c.manifest.Labels))
	passes, err := c.trunk.called(ctx, c.manifest, text, reading{windows: c.trunk.opt.MaxWindows}, func(_ encoding, w window) error {
		if err := c.probabilities(p, w.floats[c.at]); err != nil {
			return err
		}
		sum.add(p)
		return nil
	})
	if err != nil {
		return classifiers.Scores{}, err
	}
	return classifiers.Scores{P: sum.result(), Passes: passes}, nil
}

// A Passage is the bytes [Start, End) of a text, which are one window, with the probabilities of the labels in it.
type Passage struct {
	Start, End int
	P          []float32
}

// Passages judges each window by itself, in order, for those who ask which part of a text a verdict is about. Neighbours overlap. A text that was just
// classified costs no pass. Errors are those of Classify.
func (c *Classifier) Passages(ctx context.Context, text string) ([]Passage, error) {
	var out []Passage
	p := make([]float64, len(c.manifest.Labels))
	_, err := c.trunk.called(ctx, c.manifest, text, reading{windows: c.trunk.opt.MaxWindows, places: true}, func(e encoding, w window) error {
		if err := c.probabilities(p, w.floats[c.at]); err != nil {
			return err
		}
		one := Passage{P: make([]float32, len(p))}
		for i := range p {
			one.P[i] = float32(p[i])
		}
		if w.from < w.to {
			one.Start, _ = e.place(w.from)
			_, one.End = e.place(w.to - 1)
		}
		out = append(out, one)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *Classifier) probabilities(p []float64, logits []float32) error {
	if c.sigmoid { // sigmoid(x) is the second of softmax(0, x)
		return softmax(p, []float32{0, logits[0]}, c.manifest.Temperature)
	}
	return softmax(p, logits, c.manifest.Temperature)
}
