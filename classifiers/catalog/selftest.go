package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/mom-router/mom/classifiers"
)

// SelfTest runs the manifest's samples through c and returns every one that came out wrong. A model is not to be served before it passes. Of a
// model that is told who speaks, use SelfTestRole.
func SelfTest(ctx context.Context, m *Manifest, c classifiers.Classifier) error {
	return SelfTestRole(ctx, m, "", c)
}

// SelfTestRole runs the samples of one role through the classifier for that role.
func SelfTestRole(ctx context.Context, m *Manifest, role string, c classifiers.Classifier) error {
	if got := c.Labels(); !slices.Equal(got, m.Labels) {
		return fmt.Errorf("%s: self-test: labels are %q, the manifest says %q", m.Name, got, m.Labels)
	}
	return samples(m, role, func(s Sample) error {
		scores, err := c.Classify(ctx, s.Text)
		if err != nil {
			return err
		}
		if len(scores.P) != len(m.Labels) {
			return fmt.Errorf("%d probabilities for %d labels", len(scores.P), len(m.Labels))
		}
		// Written so that a NaN fails.
		if top, p := scores.Top(); m.Labels[top] != s.Label || !(float64(p) >= s.MinProbability) {
			return fmt.Errorf("got %s at %.3f, want %s at %.3f or more", m.Labels[top], p, s.Label, s.MinProbability)
		}
		return nil
	})
}

// SelfTestTagger does what SelfTest does for a pii model: each sample's span must be found whole, under its label.
func SelfTestTagger(ctx context.Context, m *Manifest, t classifiers.Tagger) error {
	if got := t.Labels(); !slices.Equal(got, m.Types()) {
		return fmt.Errorf("%s: self-test: labels are %q, the manifest says %q", m.Name, got, m.Types())
	}
	return samples(m, "", func(s Sample) error {
		spans, err := t.Tag(ctx, s.Text)
		if err != nil {
			return err
		}
		for _, span := range spans {
			if span.Label == s.Label && s.Text[span.Start:span.End] == s.Span && float64(span.P) >= s.MinProbability {
				return nil
			}
		}
		return fmt.Errorf("%d spans, none is the %s at %.3f or more", len(spans), s.Label, s.MinProbability)
	})
}

// SelfTestEmbedder does what SelfTest does for a similarity model: each sample's text must be closer to near than to far.
func SelfTestEmbedder(ctx context.Context, m *Manifest, e classifiers.Embedder) error {
	return samples(m, "", func(s Sample) error {
		var v [3][]float32
		for i, text := range []string{s.Text, s.Near, s.Far} {
			var err error
			if v[i], err = e.Embed(ctx, text); err != nil {
				return err
			}
			if len(v[i]) != e.Dim() {
				return fmt.Errorf("a vector of %d, want %d", len(v[i]), e.Dim())
			}
		}
		if near, far := dot(v[0], v[1]), dot(v[0], v[2]); !(near > far) {
			return fmt.Errorf("%.3f to near, %.3f to far", near, far)
		}
		return nil
	})
}

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// samples gathers the faults of the samples of a role.
func samples(m *Manifest, role string, try func(Sample) error) error {
	var faults []error
	tried := 0
	for i, s := range m.SelfTest {
		if s.Role != role {
			continue
		}
		tried++
		if err := try(s); err != nil {
			faults = append(faults, fmt.Errorf("self_test[%d]: %w", i, err))
		}
	}
	if tried == 0 {
		faults = append(faults, fmt.Errorf("no sample is for the role %q", role))
	}
	return join(m.Name+": self-test", faults)
}
