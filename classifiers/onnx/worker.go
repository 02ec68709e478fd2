package onnx

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/mom-router/mom/classifiers"
)

// A worker owns the buffers of one forward pass at a time.
type worker struct {
	inputs [][]int64 // one a graph input, as long as the longest window
	ids    int       // which of them holds the token ids
	logits []float32
	p      []float64 // of the window under way
}

func newWorker(inputs []string, maxTokens, labels int) (*worker, error) {
	w := &worker{logits: make([]float32, labels), p: make([]float64, labels)}
	for i, name := range inputs {
		buf := make([]int64, maxTokens)
		switch name {
		case "input_ids":
			w.ids = i
		case "attention_mask": // nothing is ever padded, so every token is looked at
			for j := range buf {
				buf[j] = 1
			}
		case "token_type_ids": // one segment: all zero
		default:
			return nil, fmt.Errorf("input %q has no known meaning", name)
		}
		w.inputs = append(w.inputs, buf)
	}
	return w, nil
}

// put lays a window into the buffers and returns its length in tokens.
func (w *worker) put(prefix, window, suffix []uint32) int {
	n := 0
	for _, part := range [...][]uint32{prefix, window, suffix} {
		for _, id := range part {
			w.inputs[w.ids][n] = int64(id)
			n++
		}
	}
	return n
}

// pass runs the graph on the first n tokens of the buffers, never on more: 32 tokens padded to 512 cost 26 times as much.
func (w *worker) pass(s *ort.DynamicAdvancedSession, n int, opts *ort.RunOptions) error {
	return w.withTensors(n, func(inputs, outputs []ort.Value) error {
		if err := s.RunWithOptions(inputs, outputs, opts); err != nil {
			return fmt.Errorf("forward pass: %w", err)
		}
		return nil
	})
}

// withTensors lends tensors over the buffers to run. The buffers are pinned meanwhile, since the tensors keep pointers to them. The output has
// its place beforehand: a graph that gives another shape, or more than one row, fails in its run.
func (w *worker) withTensors(n int, run func(inputs, outputs []ort.Value) error) (err error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	values := make([]ort.Value, 0, len(w.inputs)+1)
	defer func() {
		for _, v := range values {
			err = errors.Join(err, v.Destroy())
		}
	}()
	for _, buf := range w.inputs {
		pinner.Pin(&buf[0])
		in, err := ort.NewTensor(ort.NewShape(1, int64(n)), buf)
		if err != nil {
			return fmt.Errorf("input tensor: %w", err)
		}
		values = append(values, in)
	}
	pinner.Pin(&w.logits[0])
	out, err := ort.NewTensor(ort.NewShape(1, int64(len(w.logits))), w.logits)
	if err != nil {
		return fmt.Errorf("output tensor: %w", err)
	}
	values = append(values, out)
	return run(values[:len(w.inputs)], values[len(w.inputs):])
}

// A pool hands out the workers, one a call, and lets a bounded number of calls wait for one.
type pool struct {
	free    chan *worker
	queue   int64
	waiting atomic.Int64
}

// get returns a worker, ErrBusy at once if too many are waiting already, or the context's error.
func (p *pool) get(ctx context.Context) (*worker, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case w := <-p.free:
		return w, nil
	default:
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > p.queue {
		return nil, classifiers.ErrBusy
	}
	select {
	case w := <-p.free:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pool) put(w *worker) { p.free <- w }
