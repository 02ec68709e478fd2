package onnx_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/onnx"
)

// tenths is a text of one window whose pass in heads takes some tenths of a second.
var tenths = "court " + strings.Repeat("the ", 18)

func TestManyViewsAtOnceCostOnePass(t *testing.T) {
	f := openFamily(t, onnx.Options{Workers: 4, Queue: 100})
	var wg sync.WaitGroup
	var mu sync.Mutex
	paid := 0
	count := func(view *onnx.Classifier) func() error {
		return func() error {
			s, err := view.Classify(context.Background(), tenths)
			mu.Lock()
			defer mu.Unlock()
			paid += s.Passes
			return err
		}
	}
	for range 5 {
		for _, call := range []func() error{
			count(f.domain), count(f.user), count(f.document),
			func() error { _, err := f.pii.Tag(context.Background(), tenths); return err },
			func() error { _, err := f.similarity.Embed(context.Background(), tenths); return err },
		} {
			wg.Go(func() {
				if err := call(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	s := f.Stats()
	if s.Calls != 25 || s.Passes != 1 || s.Shared != 24 || paid > 1 || s.Tokens != 21 {
		t.Errorf("%+v, of which classifiers paid %d passes: want 25 calls, one pass of 21 tokens, 24 shared", s, paid)
	}
}

func TestWindowsAreRememberedOneByOne(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{}) // windows of 14 words, a new one every 10
	first, second := words(44), words(54)
	a := classify(t, m, first)
	if again := classify(t, m, first); again.Passes != 0 || !cmp.Equal(a.P, again.P) {
		t.Errorf("the same text: %v, then %v", a, again)
	}
	if longer := classify(t, m, second); a.Passes != 4 || longer.Passes != 1 {
		t.Errorf("44 words cost %d passes, ten more %d: want 4 and 1", a.Passes, longer.Passes)
	}
	if other := classify(t, m, first+"court"); other.Passes != 1 || cmp.Equal(a.P, other.P) {
		t.Errorf("a word more: %v, want another answer for one pass", other)
	}
	if s := m.Stats(); s.Shared != 4+4+4 || s.Passes != 6 {
		t.Errorf("%+v: want 6 passes and 12 shared", s)
	}
}

func TestMemoIsBounded(t *testing.T) {
	const budget = 64 << 10
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{MemoBytes: budget})
	for i := range 1000 {
		classify(t, m, fmt.Sprintf("the word %d", i))
	}
	s := m.Stats()
	if s.Passes != 1000 || s.Memo > budget/512 || s.Memo < 10 {
		t.Errorf("%d passes, %d remembered, want 1000 and at most %d", s.Passes, s.Memo, budget/512)
	}
	none := open(t, tiny(t, "good.onnx", nil), onnx.Options{MemoBytes: 1})
	classify(t, none, "the word")
	if s := classify(t, none, "the word"); s.Passes != 1 || none.Stats().Memo != 0 {
		t.Errorf("a memo without room: %d passes, %+v", s.Passes, none.Stats())
	}
}

func TestCallerThatGivesUpLeavesThePassToTheOthers(t *testing.T) {
	f := openFamily(t, onnx.Options{Workers: 2})
	m := &model{f.Trunk, f.domain}
	ctx, cancel := context.WithCancel(context.Background())
	began := background(ctx, m, tenths)
	until(t, m, "the pass", func(s onnx.Stats) bool { return s.Passes == 1 })
	other := make(chan error, 1)
	go func() {
		_, err := f.pii.Tag(context.Background(), tenths)
		other <- err
	}()
	until(t, m, "the other caller", func(s onnx.Stats) bool { return s.Shared == 1 })
	cancel()
	if err := <-began; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that gave up: %v", err)
	}
	if err := <-other; err != nil {
		t.Errorf("the caller that stayed: %v", err)
	}
	if s := classify(t, m, tenths); s.Passes != 0 || m.Stats().Passes != 1 {
		t.Errorf("afterwards: %d passes, %+v, want the answer of the one pass", s.Passes, m.Stats())
	}
	bothWorkersAreBack(t, f)
}

func TestLastCallerToGiveUpEndsThePass(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 2, Deadline: 1 << 40})
	ctx, cancel := context.WithCancel(context.Background())
	a := background(ctx, m, endless)
	until(t, m, "the pass", func(s onnx.Stats) bool { return s.Passes == 1 })
	b := background(ctx, m, endless)
	until(t, m, "the other caller", func(s onnx.Stats) bool { return s.Shared == 1 })
	cancel()
	for _, result := range []<-chan error{a, b} {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that gave up: %v", err)
		}
	}
	// Whoever comes next begins anew and is not told of a pass that others have ended.
	for i := range 30 {
		ctx, cancel := context.WithCancel(context.Background())
		next := background(ctx, m, endless)
		until(t, m, "the next pass", func(s onnx.Stats) bool { return s.Passes == uint64(i+2) })
		cancel()
		if err := <-next; !errors.Is(err, context.Canceled) {
			t.Errorf("the next caller: %v", err)
		}
	}
}

// Otherwise a text that many send could keep one stuck pass alive for ever.
func TestPassThatItsCallerLeftTakesNobodyNew(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 2, Deadline: 1 << 40})
	first, leave := context.WithCancel(context.Background())
	rest, cancel := context.WithCancel(context.Background())
	a := background(first, m, endless)
	until(t, m, "the pass", func(s onnx.Stats) bool { return s.Passes == 1 })
	b := background(rest, m, endless)
	until(t, m, "the other caller", func(s onnx.Stats) bool { return s.Shared == 1 })
	leave()
	until(t, m, "the first caller to leave", func(onnx.Stats) bool { return m.Flights() == 0 })
	c := background(rest, m, endless)
	until(t, m, "a pass of the next caller's own", func(s onnx.Stats) bool { return s.Passes == 2 })
	cancel()
	for _, result := range []<-chan error{a, b, c} {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that gave up: %v", err)
		}
	}
}

func TestFailedPassIsNotRemembered(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 1, Deadline: 1 << 26}) // 67 ms
	for i := range 2 {
		if _, err := m.Classify(context.Background(), endless); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if s := m.Stats(); s.Passes != 2 || s.Memo != 0 {
		t.Errorf("%+v, want two passes and none remembered", s)
	}
}

// A call that waits for the pass of another gives its worker to those who can use it.
func TestWaitingForAPassTakesNoWorker(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 2, Queue: 1, Deadline: 1 << 40})
	ctx, cancel := context.WithCancel(context.Background())
	results := []<-chan error{background(ctx, m, endless)}
	until(t, m, "the pass", func(s onnx.Stats) bool { return s.Passes == 1 })
	for i := range 5 {
		results = append(results, background(ctx, m, endless))
		until(t, m, "a caller that waits for it", func(s onnx.Stats) bool { return s.Shared == uint64(i+1) })
	}
	if _, err := m.Classify(context.Background(), "the court"); errors.Is(err, classifiers.ErrBusy) || err != nil {
		t.Errorf("another text beside six callers of one pass: %v", err)
	}
	cancel()
	for _, result := range results {
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that gave up: %v", err)
		}
	}
}

// bothWorkersAreBack sees two different passes under way at once.
func bothWorkersAreBack(t *testing.T, f *family) {
	t.Helper()
	m := &model{f.Trunk, f.domain}
	before := m.Stats().Passes
	a, b := background(context.Background(), m, "a"+tenths[5:]), background(context.Background(), m, "b"+tenths[5:])
	until(t, m, "two passes", func(s onnx.Stats) bool { return s.Passes == before+2 })
	if err := errors.Join(<-a, <-b); err != nil {
		t.Error(err)
	}
}
