package classifiertest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mom-router/mom/classifiers"
)

// secret stands in every text of the suite that may be refused, and in no error.
const secret = "xyzzy"

// Classifier checks what the contract promises of c. It takes a second or two with a real model.
func Classifier(t *testing.T, c classifiers.Classifier) {
	t.Helper()
	t.Run("labels are fixed and without repeats", func(t *testing.T) { labels(t, c) })
	t.Run("every text gets scores or a clean error", func(t *testing.T) { hostile(t, c) })
	t.Run("the empty text and a long one get scores", func(t *testing.T) {
		valid(t, c, "")
		valid(t, c, strings.Repeat("one word after another. ", 40))
	})
	t.Run("invalid UTF-8 is an error", func(t *testing.T) {
		for _, text := range []string{"\xff", "half \xe2\x82", "surrogate \xed\xa0\x80 " + secret} {
			if _, err := c.Classify(context.Background(), text); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("Classify(%q): error %v, want one without the text", text, err)
			}
		}
	})
	t.Run("concurrent calls get the answers of single ones", func(t *testing.T) { concurrent(t, c) })
	t.Run("a context that has ended ends the call", func(t *testing.T) { cancelled(t, c) })
}

func labels(t *testing.T, c classifiers.Classifier) {
	first := slices.Clone(c.Labels())
	if len(first) < 2 {
		t.Errorf("labels %q: want at least two", first)
	}
	for i, l := range first {
		if l == "" || slices.Contains(first[:i], l) {
			t.Errorf("label %d is %q: empty or there twice", i, l)
		}
	}
	valid(t, c, "one call between")
	if !slices.Equal(c.Labels(), first) {
		t.Errorf("labels were %q, then %q", first, c.Labels())
	}
}

// hostileTexts are texts that users send to see what happens. Each gets an answer or ErrTooLong.
func hostileTexts() map[string]string {
	return map[string]string{
		"only NUL":                       "\x00\x00\x00",
		"NUL in the middle":              "before\x00after " + secret,
		"emoji with joiners":             "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308",
		"special tokens spelled out":     "[CLS] a [SEP] [PAD] [MASK] <s> </s> <|endoftext|> <pad>",
		"right to left and zero width":   "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c \u200b\ufeff",
		"a combining mark a thousand":    "e" + strings.Repeat("\u0301", 1000),
		"one word without an end":        strings.Repeat("a", 10_000),
		"only white space":               strings.Repeat(" \t\n", 1000),
		"a code point outside the plane": "\U0010ffff\U0001d54f",
		"a megabyte":                     strings.Repeat(secret+" and so on, ", 1<<20/18),
		"a megabyte of NUL":              strings.Repeat("\x00", 1<<20),
	}
}

func hostile(t *testing.T, c classifiers.Classifier) {
	for name, text := range hostileTexts() {
		s, err := c.Classify(context.Background(), text)
		if accepted(t, name, err) {
			checkScores(t, c, name, s)
		}
	}
}

// accepted says whether a hostile text got an answer, and complains of any error but ErrTooLong without the text.
func accepted(t *testing.T, name string, err error) bool {
	t.Helper()
	switch {
	case err == nil:
		return true
	case !errors.Is(err, classifiers.ErrTooLong):
		t.Errorf("%s: %v, want an answer or ErrTooLong", name, err)
	case strings.Contains(err.Error(), secret):
		t.Errorf("%s: the error holds the text", name)
	}
	return false
}

func concurrent(t *testing.T, c classifiers.Classifier) {
	texts := []string{"", "what is a word", "one two three four five six", strings.Repeat("longer ", 60)}
	want := make([]classifiers.Scores, len(texts))
	for i, text := range texts {
		want[i] = valid(t, c, text)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i, text := range texts {
				s, err := c.Classify(context.Background(), text)
				if errors.Is(err, classifiers.ErrBusy) {
					continue
				}
				if err != nil {
					t.Errorf("text %d: %v", i, err)
					return
				}
				for j, p := range s.P {
					if math.Abs(float64(p-want[i].P[j])) > 1e-4 {
						t.Errorf("text %d, label %d: %v at once, %v alone", i, j, p, want[i].P[j])
					}
				}
			}
		})
	}
	wg.Wait()
}

func cancelled(t *testing.T, c classifiers.Classifier) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	if _, err := c.Classify(ctx, "a text"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before the call: %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := c.Classify(ctx, strings.Repeat("a long text takes its time. ", 100))
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, classifiers.ErrTooLong) {
		t.Errorf("a millisecond for a long text: %v, want scores, ErrTooLong or context.DeadlineExceeded", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("both calls took %v", took)
	}
}

// valid classifies a text that every implementation must accept.
func valid(t *testing.T, c classifiers.Classifier, text string) classifiers.Scores {
	t.Helper()
	s, err := c.Classify(context.Background(), text)
	if err != nil {
		t.Fatalf("Classify of %d bytes: %v", len(text), err)
	}
	checkScores(t, c, "", s)
	return s
}

func checkScores(t *testing.T, c classifiers.Classifier, name string, s classifiers.Scores) {
	t.Helper()
	if len(s.P) != len(c.Labels()) {
		t.Fatalf("%s: %d probabilities for %d labels", name, len(s.P), len(c.Labels()))
	}
	var sum float64
	for i, p := range s.P {
		if !(p >= 0 && p <= 1) { // also a NaN
			t.Errorf("%s: probability %d is %v", name, i, p)
		}
		sum += float64(p)
	}
	if math.Abs(sum-1) > 1e-4 {
		t.Errorf("%s: probabilities add up to %v", name, sum)
	}
	if s.Passes < 0 {
		t.Errorf("%s: %d passes", name, s.Passes)
	}
}
