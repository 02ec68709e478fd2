// Package route is the stage that chooses: Brain reads the domain of a prompt, Router turns it into a plan of backends by the configured
// decisions. Named models get a plan of one, untouched; unknown names are refused. Of what the guard found, no backend gets what it may not see.
//
// It knows models only by the contract of package classifiers and backends only by name. It never edits bytes (a plan says which fields are to
// be set), never talks to a backend, and never puts text of a user into a finding, a note or an error.
package route

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
)

// StageBrain and StageRoute are the names of the two stages in the trail.
const (
	StageBrain = "brain"
	StageRoute = "route"
)

// Domain is the finding of Brain.
type Domain struct {
	Label       string  // one of the classifier's labels, also when it is not sure
	Probability float64 // [0, 1]
	Sure        bool    // Probability reached the threshold
}

// Brain is the stage that reads the domain of the last user turn. It leaves a Domain, or nothing: for a request that names its model, and
// for one without any user text, there is no question to ask.
type Brain struct {
	classifier classifiers.Classifier
	threshold  float64
}

// NewBrain returns a Brain that is sure from the given probability on, within [0, 1].
func NewBrain(c classifiers.Classifier, threshold float64) (*Brain, error) {
	if !(threshold >= 0 && threshold <= 1) {
		return nil, fmt.Errorf("threshold %v is not within [0, 1]", threshold)
	}
	return &Brain{classifier: c, threshold: threshold}, nil
}

// Name returns StageBrain.
func (b *Brain) Name() string { return StageBrain }

// errProbabilities stands for an answer that cannot be compared; NaN, for one, is below every threshold and above none.
var errProbabilities = errors.New("the classifier's answer holds no probabilities of its labels")

// Run classifies the last user turn. Errors are the classifier's.
func (b *Brain) Run(ctx context.Context, req *pipeline.Request, _ pipeline.Trail) (pipeline.Outcome, error) {
	if req.Alias != pipeline.MoM {
		return pipeline.Outcome{}, nil
	}
	text := strings.Join(req.LastUser(), "\n")
	if strings.TrimSpace(text) == "" {
		return pipeline.Outcome{}, nil
	}
	scores, err := b.classifier.Classify(ctx, excerpt(text))
	if err != nil {
		return pipeline.Outcome{}, fmt.Errorf("classify the last user turn: %w", err)
	}
	labels := b.classifier.Labels()
	if len(scores.P) != len(labels) || len(labels) == 0 {
		return pipeline.Outcome{}, errProbabilities
	}
	for _, p := range scores.P {
		if !(p >= 0 && p <= 1) {
			return pipeline.Outcome{}, errProbabilities
		}
	}
	i, p := scores.Top()
	d := Domain{Label: labels[i], Probability: float64(p), Sure: float64(p) >= b.threshold}
	return pipeline.Outcome{Finding: d, Note: fmt.Sprintf("%s %.3f, sure: %t", d.Label, d.Probability, d.Sure)}, nil
}

// part is how much of each end of a long turn is read, in bytes: together about one pass of the model.
const part = 2 << 10

// excerpt returns text, or its two ends when it is longer than both parts. A chat client puts the documents of a turn before the question, a
// person often pastes them after it: the question stands at one of the ends, and the middle would only cost passes. No rune is cut.
func excerpt(text string) string {
	if len(text) <= 2*part {
		return text
	}
	head, tail := part, len(text)-part
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + "\n" + text[tail:]
}
