package pattern_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/pattern"
)

// A script is a tagger that says what it was told to.
type script struct {
	spans []classifiers.Span
	err   error
}

func (s script) Labels() []string { return []string{"PERSON", "PHONE_NUMBER", "STREET_ADDRESS"} }

func (s script) Tag(context.Context, string) ([]classifiers.Span, error) {
	return slices.Clone(s.spans), s.err
}

func TestBeside(t *testing.T) {
	type spans = []classifiers.Span
	at := func(label string, p float32, start, end int) classifiers.Span {
		return classifiers.Span{Label: label, P: p, Start: start, End: end}
	}
	for _, c := range []struct {
		name, text  string
		model, want spans
	}{
		{"nothing from either", "hello", nil, nil},
		{
			"a name that a model has cut", "Jane van Dyk",
			spans{at("PERSON", 0.6, 0, 4), at("PERSON", 0.9, 5, 12)},
			spans{at("PERSON", 0.9, 0, 12)},
		},
		{
			"a street that a model has cut within a word", "12 Lindenstrasse",
			spans{at("STREET_ADDRESS", 0.9, 0, 9), at("STREET_ADDRESS", 0.8, 9, 16)},
			spans{at("STREET_ADDRESS", 0.9, 0, 16)},
		},
		{
			"two names with a comma between", "Jane, Bob",
			spans{at("PERSON", 0.6, 0, 5), at("PERSON", 0.9, 6, 9)},
			spans{at("PERSON", 0.6, 0, 4), at("PERSON", 0.9, 6, 9)},
		},
		{
			"two names of two lines", "Jane\nBob",
			spans{at("PERSON", 0.6, 0, 4), at("PERSON", 0.9, 5, 8)},
			spans{at("PERSON", 0.6, 0, 4), at("PERSON", 0.9, 5, 8)},
		},
		{"a name that is none but marks", "a ,; b", spans{at("PERSON", 0.6, 2, 4)}, nil},
		{
			"both, side by side, in order", "Jane, (415) 555-0100, Bob",
			spans{at("PERSON", 0.9, 0, 4), at("PERSON", 0.8, 22, 25)},
			spans{at("PERSON", 0.9, 0, 4), at("PHONE_NUMBER", 0.85, 6, 20), at("PERSON", 0.8, 22, 25)},
		},
		{
			"a checksum against a surer model", "4111 1111 1111 1111",
			spans{at("PHONE_NUMBER", 0.999, 0, 19)},
			spans{at("CREDIT_CARD", 0.95, 0, 19)},
		},
		{
			"a form against a surer model", "(415) 555-0100",
			spans{at("STREET_ADDRESS", 0.9, 0, 14)},
			spans{at("STREET_ADDRESS", 0.9, 0, 14)},
		},
		{
			"a form against a less sure model", "(415) 555-0100",
			spans{at("STREET_ADDRESS", 0.8, 0, 14)},
			spans{at("PHONE_NUMBER", 0.85, 0, 14)},
		},
		{
			"a form and a model as sure", "(415) 555-0100",
			spans{at("STREET_ADDRESS", 0.85, 0, 14)},
			spans{at("PHONE_NUMBER", 0.85, 0, 14)},
		},
		{
			"one kind, the model's longer", "(415) 555-0100 x12",
			spans{at("PHONE_NUMBER", 0.6, 0, 18)},
			spans{at("PHONE_NUMBER", 0.85, 0, 18)},
		},
		{
			"one kind, the recogniser's longer", "(415) 555-0100",
			spans{at("PHONE_NUMBER", 0.9, 6, 14)},
			spans{at("PHONE_NUMBER", 0.9, 0, 14)},
		},
		{
			"one kind, the model's longer than what is certain", "on 2024-03-01 then",
			spans{at("DATE_TIME", 0.99, 0, 18)},
			spans{at("DATE_TIME", 0.99, 0, 2), at("DATE_TIME", 0.95, 3, 13), at("DATE_TIME", 0.99, 14, 18)},
		},
		{
			"a card by the model alone, whose check digit is wrong", "4111 1111 1111 1112",
			spans{at("CREDIT_CARD", 0.99, 0, 19)},
			nil,
		},
		{
			"an address in doubt that the model bears out", "see example.travel, he said",
			spans{at("DOMAIN_NAME", 0.9, 4, 18)},
			spans{at("DOMAIN_NAME", 0.9, 4, 18)},
		},
		{
			"what the model has more of stays", "Jane Doe jane@example.com, x",
			spans{at("PERSON", 0.9, 0, 26)},
			spans{at("PERSON", 0.9, 0, 8), at("EMAIL_ADDRESS", 0.95, 9, 25)},
		},
		{
			"but not the marks around it", "<jane@example.com>",
			spans{at("PERSON", 0.9, 0, 18)},
			spans{at("EMAIL_ADDRESS", 0.95, 1, 17)},
		},
		{
			"on both sides", "é 12 x@example.org 34 ü",
			spans{at("STREET_ADDRESS", 0.99, 0, len("é 12 x@example.org 34 ü"))},
			spans{at("STREET_ADDRESS", 0.99, 0, 5), at("EMAIL_ADDRESS", 0.95, 6, 19), at("STREET_ADDRESS", 0.99, 20, 25)},
		},
		{
			"a model within a surer find", "https://jane.example.com/bob",
			spans{at("PERSON", 0.9, 8, 12), at("PERSON", 0.9, 25, 28)},
			spans{at("DOMAIN_NAME", 0.95, 0, 28)},
		},
		{
			"a hint is kept for the caller to drop", "on 1.2.3.4",
			spans{at("PERSON", 0.3, 0, 2)},
			spans{at("PERSON", 0.3, 0, 2), at("IP_ADDRESS", 0.4, 3, 10)},
		},
	} {
		got, err := pattern.Beside(script{spans: c.model}).Tag(context.Background(), c.text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestBesideFailsWithItsModel(t *testing.T) {
	got, err := pattern.Beside(script{err: classifiers.ErrBusy}).Tag(context.Background(), "jane@example.com")
	if !errors.Is(err, classifiers.ErrBusy) || got != nil {
		t.Errorf("%v, %v, want no spans and ErrBusy", got, err)
	}
}

func TestBesideHasTheLabelsOfBoth(t *testing.T) {
	labels := pattern.Beside(script{}).Labels()
	if !slices.Equal(labels[:3], script{}.Labels()) || !slices.Contains(labels, "API_KEY") {
		t.Errorf("labels %q", labels)
	}
	for i, l := range labels {
		if slices.Contains(labels[:i], l) {
			t.Errorf("%s twice", l)
		}
	}
}
