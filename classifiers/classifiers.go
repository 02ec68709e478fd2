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
	// Passes is the number of forward passes the answer cost: fewer than the text has windows where an earlier or concurrent call, maybe of
	// another view of the same model, has paid for some.
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

// A Tagger finds the spans of a text that are of a kind it knows. Safe for concurrent use.
type Tagger interface {
	// Labels returns the kinds of spans in a fixed order, at least one, without repeats. The caller must not change the slice.
	Labels() []string
	// Tag reads the whole text, by windows where it is longer than one pass, and returns its spans in order, without overlaps, none for the
	// empty text. Invalid UTF-8 is an error. Errors are those of Classify.
	Tag(ctx context.Context, text string) ([]Span, error)
}

// A Span is the part [Start, End) of a text, in bytes, both at code points, never empty.
type Span struct {
	Label      string  // one of the Tagger's
	P          float32 // probability in [0, 1], the mean over the span's tokens
	Start, End int
}

// An Embedder turns a text into a vector, so that texts of like meaning are close. Safe for concurrent use.
type Embedder interface {
	// Dim returns the length of every vector, at least 2.
	Dim() int
	// Embed returns a vector of length 1 (L2) that is the caller's own: the dot product of two is their cosine. A text longer than one pass is
	// ErrTooLong, since a vector for a part of it would stand for texts that differ in the rest. Errors are otherwise those of Classify.
	Embed(ctx context.Context, text string) ([]float32, error)
}

// A Counter tells what a text would cost before anybody pays for it. Safe for concurrent use.
type Counter interface {
	// Passes returns the number of forward passes a model needs for a text of which it remembers nothing, at least 1. Errors: ErrTooLong, invalid
	// UTF-8, or the model's; none of them holds any of the text.
	Passes(text string) (int, error)
}
