package classifiertest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
)

// Tagger checks what the contract promises of v.
func Tagger(t *testing.T, v classifiers.Tagger) {
	t.Helper()
	labels := slices.Clone(v.Labels())
	if len(labels) == 0 || slices.Contains(labels, "") || len(slices.Compact(slices.Sorted(slices.Values(labels)))) != len(labels) {
		t.Errorf("labels %q: want at least one, none empty or twice", labels)
	}
	for name, text := range hostileTexts() {
		spans, err := v.Tag(context.Background(), text)
		if !accepted(t, name, err) {
			continue
		}
		end := 0
		for _, s := range spans {
			if s.Start < end || s.End <= s.Start || s.End > len(text) || !(s.P >= 0 && s.P <= 1) || !slices.Contains(labels, s.Label) {
				t.Errorf("%s: span %+v after byte %d of a text of %d", name, s, end, len(text))
				break
			}
			if !utf8.ValidString(text[s.Start:s.End]) {
				t.Errorf("%s: span %+v cuts a code point", name, s)
			}
			end = s.End
		}
	}
	if spans, err := v.Tag(context.Background(), ""); err != nil || len(spans) != 0 {
		t.Errorf("the empty text: %v, %v", spans, err)
	}
	refusals(t, func(ctx context.Context, text string) error { _, err := v.Tag(ctx, text); return err })
}

// Embedder checks what the contract promises of v.
func Embedder(t *testing.T, v classifiers.Embedder) {
	t.Helper()
	if v.Dim() < 2 {
		t.Errorf("vectors of %d, want 2 or more", v.Dim())
	}
	texts := hostileTexts()
	texts["nothing"], texts["a word"] = "", "word"
	for name, text := range texts {
		vector, err := v.Embed(context.Background(), text)
		if !accepted(t, name, err) {
			continue
		}
		var sum float64
		for _, x := range vector {
			sum += float64(x) * float64(x)
		}
		if len(vector) != v.Dim() || !(math.Abs(sum-1) < 1e-4) {
			t.Errorf("%s: a vector of %d, length %v, want %d and 1", name, len(vector), math.Sqrt(sum), v.Dim())
		}
	}
	refusals(t, func(ctx context.Context, text string) error { _, err := v.Embed(ctx, text); return err })
}

// refusals checks the errors that all views have in common.
func refusals(t *testing.T, call func(context.Context, string) error) {
	t.Helper()
	for _, text := range []string{"\xff", "half \xe2\x82", "surrogate \xed\xa0\x80 " + secret} {
		if err := call(context.Background(), text); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("invalid UTF-8 %q: error %v, want one without the text", text, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := call(ctx, "a text"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before the call: %v, want context.Canceled", err)
	}
}
