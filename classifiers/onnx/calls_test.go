package onnx_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

// endless is a text whose pass takes minutes in the slow graph. A short text takes it no time.
var endless = strings.Repeat("word ", 60)

func slow(t *testing.T, opt onnx.Options) *model {
	return open(t, tiny(t, "slow.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.MaxTokens = 64 }), opt)
}

// until waits for the model to get somewhere.
func until(t *testing.T, m *model, what string, done func(onnx.Stats) bool) {
	t.Helper()
	for start := time.Now(); !done(m.Stats()); runtime.Gosched() {
		if time.Since(start) > 20*time.Second {
			t.Fatalf("waited too long for %s: %+v", what, m.Stats())
		}
	}
}

// background classifies and hands back the error.
func background(ctx context.Context, m *model, text string) <-chan error {
	result := make(chan error, 1)
	go func() {
		_, err := m.Classify(ctx, text)
		result <- err
	}()
	return result
}

func TestPassUnderWayIsTerminated(t *testing.T) {
	for _, c := range []struct {
		name     string
		ctx      time.Duration
		deadline time.Duration
		want     error
	}{
		{"when the model's own deadline is over", time.Hour, 100 * time.Millisecond, context.DeadlineExceeded},
		{"when the caller's deadline is over", 100 * time.Millisecond, time.Hour, context.DeadlineExceeded},
	} {
		m := slow(t, onnx.Options{Workers: 1, Deadline: c.deadline})
		ctx, cancel := context.WithTimeout(context.Background(), c.ctx)
		start := time.Now()
		_, err := m.Classify(ctx, endless)
		cancel()
		if took := time.Since(start); !errors.Is(err, c.want) || took > 5*time.Second {
			t.Errorf("%s: %v after %v, want %v within 5s", c.name, err, took, c.want)
		}
		classify(t, m, "a word") // the worker is whole
	}
	m := slow(t, onnx.Options{Workers: 1, Deadline: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	result := background(ctx, m, endless)
	until(t, m, "the pass", func(s onnx.Stats) bool { return s.Passes == 1 })
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("when the caller goes away: %v, want %v", err, context.Canceled)
	}
}

func TestQueueIsBounded(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 1, Queue: 1, Deadline: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	working := background(ctx, m, endless)
	until(t, m, "the pass", func(s onnx.Stats) bool { return s.Passes == 1 })
	waitCtx, stopWaiting := context.WithCancel(context.Background())
	waiting := background(waitCtx, m, "a word")
	until(t, m, "the queue", func(s onnx.Stats) bool { return s.Waiting == 1 })

	if _, err := m.Classify(ctx, "a word"); !errors.Is(err, classifiers.ErrBusy) {
		t.Errorf("a call beyond the queue: %v, want ErrBusy", err)
	}
	if got := m.Stats().Rejected; got != 1 {
		t.Errorf("%d calls rejected, want 1", got)
	}
	stopWaiting()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("a call that gives up waiting: %v, want context.Canceled", err)
	}
	next := background(context.Background(), m, "a word")
	until(t, m, "the queue", func(s onnx.Stats) bool { return s.Waiting == 1 })
	cancel()
	if err := <-working; !errors.Is(err, context.Canceled) {
		t.Errorf("the call that worked: %v, want context.Canceled", err)
	}
	if err := <-next; err != nil {
		t.Errorf("the call that waited its turn: %v", err)
	}
}

func TestCloseWaitsForCallsUnderWay(t *testing.T) {
	m := slow(t, onnx.Options{Workers: 1, Deadline: 300 * time.Millisecond})
	start := time.Now()
	result := background(context.Background(), m, endless)
	until(t, m, "the pass", func(s onnx.Stats) bool { return s.Passes == 1 })
	if err := m.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Errorf("closed after %v, before the call under way could end", took)
	}
	if err := <-result; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call under way: %v, want its deadline", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	if _, err := m.Classify(context.Background(), "a word"); !errors.Is(err, onnx.ErrClosed) {
		t.Errorf("a call after it: %v, want ErrClosed", err)
	}
}
