package classifiertest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/classifiertest"
)

var words = classifiertest.Words{
	Classes: []string{"law", "math", "other"},
	Label:   map[string]string{"integral": "math", "court": "law"},
	P:       0.8,
}

func TestWordsKeepsTheContract(t *testing.T) { classifiertest.Classifier(t, words) }

func TestWords(t *testing.T) {
	withAny := words
	withAny.Any = "other"
	for _, c := range []struct {
		name  string
		words classifiertest.Words
		text  string
		label string
		p     float32
	}{
		{"a known word", words, "the Integral, please", "math", 0.8},
		{"the first of two known words", words, "court or integral?", "law", 0.8},
		{"no known word", words, "hello", "law", 1.0 / 3},
		{"no known word, and a class for it", withAny, "hello", "other", 0.8},
	} {
		s, err := c.words.Classify(context.Background(), c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if top, p := s.Top(); c.words.Classes[top] != c.label || p != c.p {
			t.Errorf("%s: got %s at %v, want %s at %v", c.name, c.words.Classes[top], p, c.label, c.p)
		}
	}
}

func TestWordsFails(t *testing.T) {
	failing := words
	failing.Err = classifiers.ErrBusy
	if _, err := failing.Classify(context.Background(), "integral"); !errors.Is(err, classifiers.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}
