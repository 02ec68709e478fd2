package onnx

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mom-router/mom/classifiers"
)

var _ classifiers.Counter = (*Trunk)(nil)

// Passes returns the number of windows a text is read by, each a forward pass unless it is remembered. It costs the encoding of the text and no
// worker. ErrTooLong is returned for a text that no view of the trunk would read.
func (t *Trunk) Passes(text string) (int, error) {
	if err := t.enter(); err != nil {
		return 0, err
	}
	defer t.underWay.Done()
	cleaned, err := clean(text, t.opt.MaxBytes)
	if err != nil {
		return 0, err
	}
	enc, err := t.encode(cleaned)
	if err != nil {
		return 0, err
	}
	n := windowCount(len(enc.ids), t.inner, t.manifest.Overlap)
	if n > t.opt.MaxWindows {
		return 0, fmt.Errorf("%w: %d windows, at most %d", classifiers.ErrTooLong, n, t.opt.MaxWindows)
	}
	return n, nil
}

// Workers returns how many forward passes run at once.
func (t *Trunk) Workers() int { return t.opt.Workers }

// PassTime returns what a forward pass over a full window takes on one worker, by the clock: the fastest of n, at least 1, since the others were held
// up by something else. It remembers nothing.
func (t *Trunk) PassTime(ctx context.Context, n int) (time.Duration, error) {
	if err := t.enter(); err != nil {
		return 0, err
	}
	defer t.underWay.Done()
	w, err := t.pool.get(ctx)
	if err != nil {
		return 0, err
	}
	defer t.pool.put(w)
	tokens := w.put(t.tok.prefix, slices.Repeat([]uint32{t.tok.native.VocabSize() - 1}, t.inner), t.tok.suffix)
	fastest := time.Duration(math.MaxInt64)
	for range max(n, 1) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		if _, err := w.pass(t.session, t.outputs, tokens, nil); err != nil {
			return 0, fmt.Errorf("time a pass: %w", err)
		}
		fastest = min(fastest, time.Since(start))
	}
	return fastest, nil
}
