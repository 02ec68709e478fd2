// Package classifiers is the contract between the stages and the small models that read text for them. Implementations live below it, one
// folder a kind; stages import this package and never them.
//
// It holds no model, loads nothing and imports neither native code nor any other room.
package classifiers

import (
	"context"
	"errors"
)

// ErrTooLong is returned for a text that needs more work than a model is allowed to do for one text. No implementation cuts a text instead.
var ErrTooLong = errors.New("text is too long for this model")

// ErrBusy is returned when a model's bounded queue is full: the caller may shed the request or do without the model.
var ErrBusy = errors.New("model queue is full")

// A Classifier puts a text into one of a fixed set of classes. Safe for concurrent use.
type Classifier interface {
	// Labels returns the classes in a fixed order, at least two, without repeats. The caller must not change the slice.
	Labels() []string
	// Classify judges the whole text, by windows where it is longer than one pass. The empty text is valid; invalid UTF-8 is an error.
	// Errors: ErrTooLong, ErrBusy, the context's own, or the model's; none of them holds any of the text.
	Classify(ctx context.Context, text string) (Scores, error)
}

// Scores is a classifier's answer.
type Scores struct {
	// P holds one probability in [0, 1] for each label, in the order of Labels, together 1.
	P []float32
	// Passes is the number of forward passes the answer cost.
	Passes int
}

// Top returns the index of the largest probability and the probability. The first wins a tie. It panics on empty Scores.
func (s Scores) Top() (int, float32) {
	best := 0
	for i, p := range s.P {
		if p > s.P[best] {
			best = i
		}
	}
	return best, s.P[best]
}
