// Package classifiertest helps to test against the contract of the classifiers: Words is a classifier that needs no model, and Classifier,
// Tagger and Embedder are the suites that every implementation passes.
//
// It loads no model and imports no implementation.
package classifiertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
)

// maxWordsBytes is the length of a text beyond which Words answers ErrTooLong.
const maxWordsBytes = 256 << 10

// Words is a classifier that looks for words. The first word of a text that it knows decides; the rest of the probability is shared evenly.
// A text without a known word belongs to Any, or to all classes alike where Any is empty. Safe for concurrent use while nobody changes it.
type Words struct {
	Classes []string          // what Labels returns
	Label   map[string]string // a lower-case word -> one of Classes
	P       float32           // probability of the class that was found, (0, 1]; default 0.9
	Any     string
	Err     error // if set, the answer to every text
}

var _ classifiers.Classifier = Words{}

// Labels returns Classes.
func (w Words) Labels() []string { return w.Classes }

// Classify costs one pass. It panics if Label or Any names a class that is not among Classes.
func (w Words) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	switch {
	case ctx.Err() != nil:
		return classifiers.Scores{}, ctx.Err()
	case w.Err != nil:
		return classifiers.Scores{}, w.Err
	case len(text) > maxWordsBytes:
		return classifiers.Scores{}, fmt.Errorf("words: %w", classifiers.ErrTooLong)
	case !utf8.ValidString(text):
		return classifiers.Scores{}, errors.New("words: text is not valid UTF-8")
	}
	label := w.Any
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		if found, ok := w.Label[strings.Trim(word, ".,;:?!\"'()")]; ok {
			label = found
			break
		}
	}
	return classifiers.Scores{P: w.spread(label), Passes: 1}, nil
}

func (w Words) spread(label string) []float32 {
	p := make([]float32, len(w.Classes))
	if label == "" {
		for i := range p {
			p[i] = 1 / float32(len(p))
		}
		return p
	}
	at := slices.Index(w.Classes, label)
	if at < 0 {
		panic(fmt.Sprintf("classifiertest: %q is not among the classes %q", label, w.Classes))
	}
	top := w.P
	if top == 0 {
		top = 0.9
	}
	for i := range p {
		p[i] = (1 - top) / float32(len(p)-1)
	}
	p[at] = top
	return p
}
