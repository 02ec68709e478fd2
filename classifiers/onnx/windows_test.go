package onnx_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

// many is a text of many windows of 64 tokens, each of which takes slow minutes, and no two of which are alike.
func many(windows int) string { return words(62 + (windows-1)*58) }

func picky(t *testing.T, opt onnx.Options) *model {
	return open(t, tiny(t, "picky.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.MaxTokens = 64 }), opt)
}

// The passes of slow never end by themselves, so that the second can only begin beside the first.
func TestWindowsOfOneTextAreReadAtOnce(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 3, Deadline: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	result := background(ctx, m, many(2))
	until(t, m, "two passes at once", func(s onnx.Stats) bool { return s.Passes == 2 })
	classify(t, m, "a word") // the third worker is free
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that gave up: %v", err)
	}
	for range 3 { // nobody kept a worker
		ctx, cancel := context.WithCancel(context.Background())
		before := m.Stats().Passes
		again := background(ctx, m, many(3))
		until(t, m, "three passes at once", func(s onnx.Stats) bool { return s.Passes == before+3 })
		cancel()
		if err := <-again; !errors.Is(err, context.Canceled) {
			t.Errorf("the next caller that gave up: %v", err)
		}
	}
}

func TestWindowsShareTheirDeadline(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 2, Deadline: 100 * time.Millisecond})
	if _, err := m.Classify(context.Background(), many(4)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("four windows: %v, want the deadline", err)
	}
	if s := m.Stats(); s.Passes > 2 || s.Memo != 0 || m.Flights() != 0 {
		t.Errorf("%+v, %d flights: want at most the two passes that were under way, none remembered", s, m.Flights())
	}
	classify(t, m, "a word")
}

// Two passes that would take minutes are under way when the third window fails.
func TestWindowThatFailsEndsTheOthers(t *testing.T) {
	m := picky(t, onnx.Options{Workers: 3, Deadline: time.Hour})
	_, err := m.Classify(context.Background(), many(2)+words(50)+"court")
	if err == nil || !strings.Contains(err.Error(), "forward pass") || strings.Contains(err.Error(), "court") {
		t.Errorf("got %v, want the error of the pass that failed", err)
	}
	if s := m.Stats(); s.Memo != 0 || m.Flights() != 0 {
		t.Errorf("%+v, %d flights: want nothing remembered of a text that failed so", s, m.Flights())
	}
	classify(t, m, "a word")
}

// Windows that are alike cost one pass however many lanes come to them.
func TestLanesPayForWindowsOnce(t *testing.T) {
	for name, text := range map[string]string{
		"windows that differ":      words(200),
		"windows all alike":        strings.Repeat("court ", 204),
		"windows of two kinds":     strings.Repeat("court the of word integral court the of word the ", 20),
		"a last window of a token": words(135),
	} {
		var passes, tokens, seen []uint64
		var answers []string
		for _, workers := range []int{1, 2, 4} {
			e := tiny(t, "heads.onnx", nil) // windows of 16 tokens, below those that take their time
			trunk := openTrunk(t, e, onnx.Options{Workers: workers})
			c, err := trunk.Classifier(e, "")
			if err != nil {
				t.Fatal(err)
			}
			s := classify(t, &model{trunk, c}, text)
			stats := trunk.Stats()
			if uint64(s.Passes) != stats.Passes {
				t.Errorf("%s, %d workers: the answer says %d passes, %d were run", name, workers, s.Passes, stats.Passes)
			}
			passes, tokens, seen = append(passes, stats.Passes), append(tokens, stats.Tokens), append(seen, stats.Passes+stats.Shared)
			tagger, err := trunk.Tagger(sibling(t, e, "pii", nil))
			if err != nil {
				t.Fatal(err)
			}
			trunk.Forget()
			spans, err := tagger.Tag(context.Background(), text)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, fmt.Sprint(s.P, spans))
		}
		for i := range passes {
			if passes[i] != passes[0] || tokens[i] != tokens[0] || seen[i] != seen[0] || answers[i] != answers[0] {
				t.Errorf("%s: with more workers %v passes of %v tokens over %v windows, want the same of all\n%s", name, passes, tokens, seen, cmp.Diff(answers[0], answers[i]))
			}
		}
	}
}

// A long text takes workers that are idle; a call that comes meanwhile gets the next one that is given back, though its queue has one place.
func TestLongTextsKeepNobodyWaiting(t *testing.T) {
	f := openFamily(t, onnx.Options{Workers: 2, Queue: 1, Deadline: time.Hour})
	m := &model{f.Trunk, f.domain}
	ctx, cancel := context.WithCancel(context.Background())
	long := background(ctx, m, many(60)) // seconds of work
	until(t, m, "two passes", func(s onnx.Stats) bool { return s.Passes == 2 })
	short := background(context.Background(), m, "the court")
	if err := <-short; err != nil {
		t.Errorf("a short text beside a long one: %v", err)
	}
	if got := m.Stats().Passes; got > 30 {
		t.Errorf("the short text came after %d of 60 windows", got)
	}
	cancel()
	if err := <-long; !errors.Is(err, context.Canceled) {
		t.Errorf("the long text: %v", err)
	}
}

// With every worker lent and every call after the next window, each still has one that it need not wait for.
func TestManyLongTextsAtOnce(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{Workers: 3, Queue: 20})
	results := make(chan error)
	for i := range 20 {
		go func() {
			var err error
			for j := range 10 {
				text := fmt.Sprintf("%d %s %d", i%3, words(300+10*i), j%4) // some windows are others' too
				if _, e := m.Classify(context.Background(), text); e != nil && !errors.Is(e, classifiers.ErrBusy) {
					err = errors.Join(err, e)
				}
			}
			results <- err
		}()
	}
	for range 20 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if s := m.Stats(); s.Waiting != 0 || m.Flights() != 0 {
		t.Errorf("afterwards %+v, %d flights", s, m.Flights())
	}
}
