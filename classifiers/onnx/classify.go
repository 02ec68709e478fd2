package onnx

import (
	"context"
	"errors"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/mom-router/mom/classifiers"
)

// Classify tokenises the text once, runs the graph on each window in turn and joins the probabilities. It returns when ctx ends or the deadline
// is over, by terminating the pass under way; only the encoding, bounded by MaxBytes, runs to its end.
func (m *Model) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	m.calls.Add(1)
	s, err := m.classify(ctx, text)
	if err != nil {
		if errors.Is(err, classifiers.ErrBusy) {
			m.rejected.Add(1)
		}
		return classifiers.Scores{}, fmt.Errorf("%s: %w", m.manifest.Name, err)
	}
	return s, nil
}

func (m *Model) classify(ctx context.Context, text string) (classifiers.Scores, error) {
	if err := m.enter(); err != nil {
		return classifiers.Scores{}, err
	}
	defer m.underWay.Done()
	ctx, cancel := context.WithTimeout(ctx, m.opt.Deadline)
	defer cancel()
	text, err := clean(text, m.opt.MaxBytes)
	if err != nil {
		return classifiers.Scores{}, err
	}
	w, err := m.pool.get(ctx)
	if err != nil {
		return classifiers.Scores{}, err
	}
	defer m.pool.put(w)
	ids, err := m.tok.encode(text)
	if err != nil {
		return classifiers.Scores{}, err
	}
	if n := windowCount(len(ids), m.inner, m.manifest.Overlap); n > m.opt.MaxWindows {
		return classifiers.Scores{}, fmt.Errorf("%w: %d windows, at most %d", classifiers.ErrTooLong, n, m.opt.MaxWindows)
	}
	return m.run(ctx, w, ids)
}

// run judges the windows of a tokenised text.
func (m *Model) run(ctx context.Context, w *worker, ids []uint32) (_ classifiers.Scores, err error) {
	opts, err := ort.NewRunOptions()
	if err != nil {
		return classifiers.Scores{}, fmt.Errorf("run options: %w", err)
	}
	terminated := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(terminated)
		_ = opts.Terminate() // fails only on options that were destroyed
	})
	defer func() {
		if !stop() {
			<-terminated // it may still be about to write to them
		}
		err = errors.Join(err, opts.Destroy())
	}()

	windows := windowCount(len(ids), m.inner, m.manifest.Overlap)
	sum := aggregate{max: m.manifest.Aggregate == "max", p: make([]float64, len(w.logits))}
	for i := range windows {
		if err := ctx.Err(); err != nil {
			return classifiers.Scores{}, err
		}
		from, to := window(i, len(ids), m.inner, m.manifest.Overlap)
		n := w.put(m.tok.prefix, ids[from:to], m.tok.suffix)
		m.passes.Add(1)
		m.tokens.Add(uint64(n))
		if err := w.pass(m.session, n, opts); err != nil {
			if ended := ctx.Err(); ended != nil {
				return classifiers.Scores{}, ended
			}
			return classifiers.Scores{}, err
		}
		if err := softmax(w.p, w.logits, m.manifest.Temperature); err != nil {
			return classifiers.Scores{}, err
		}
		sum.add(w.p)
	}
	return classifiers.Scores{P: sum.result(), Passes: windows}, nil
}
