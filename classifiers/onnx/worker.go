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

// A worker owns the input buffers of one forward pass at a time.
type worker struct {
	inputs [][]int64 // one a graph input, as long as the longest window
	ids    int       // which of them holds the token ids
	cases  []int64   // the one for the case of letters, where the graph has it
}

func newWorker(inputs []string, maxTokens int) (*worker, error) {
	w := &worker{}
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
		case inputCase:
			w.cases = buf
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
			w.inputs[w.ids][n] = int64(id & idMask)
			if w.cases != nil {
				w.cases[n] = int64(id >> caseShift)
			}
			n++
		}
	}
	return n
}

// pass runs the graph on the first n tokens of the buffers, never on more: 32 tokens padded to 512 cost 26 times as much.
func (w *worker) pass(s *ort.DynamicAdvancedSession, outputs []output, n int, opts *ort.RunOptions) (values, error) {
	out := newValues(outputs, n)
	err := w.withTensors(n, outputs, out, func(inputs, outputs []ort.Value) error {
		if err := s.RunWithOptions(inputs, outputs, opts); err != nil {
			return fmt.Errorf("forward pass: %w", err)
		}
		return nil
	})
	return out, err
}

// withTensors lends tensors over the buffers and over out to run. The memory is pinned meanwhile, since the tensors keep pointers to it. The
// outputs have their places beforehand: a graph that gives another shape, or more than one row, fails in its run.
func (w *worker) withTensors(n int, kinds []output, out values, run func(inputs, outputs []ort.Value) error) (err error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	tensors := make([]ort.Value, 0, len(w.inputs)+len(out.floats))
	defer func() {
		for _, v := range tensors {
			err = errors.Join(err, v.Destroy())
		}
	}()
	for _, buf := range w.inputs {
		if tensors, err = appendTensor(tensors, &pinner, buf[:n], 1, int64(n)); err != nil {
			return fmt.Errorf("input tensor: %w", err)
		}
	}
	for i := range out.floats {
		if out.ints[i] != nil {
			tensors, err = appendTensor(tensors, &pinner, out.ints[i], kinds[i].shape(n)...)
		} else {
			tensors, err = appendTensor(tensors, &pinner, out.floats[i], kinds[i].shape(n)...)
		}
		if err != nil {
			return fmt.Errorf("output tensor: %w", err)
		}
	}
	return run(tensors[:len(w.inputs)], tensors[len(w.inputs):])
}

// appendTensor adds a tensor of this shape over row.
func appendTensor[T int64 | float32](tensors []ort.Value, pinner *runtime.Pinner, row []T, shape ...int64) ([]ort.Value, error) {
	pinner.Pin(&row[0])
	v, err := ort.NewTensor(ort.NewShape(shape...), row)
	if err != nil {
		return tensors, err
	}
	return append(tensors, v), nil
}

// A pool hands out the workers and lets a bounded number of calls wait for one.
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
	if p.waiting.Add(1) > p.queue {
		p.waiting.Add(-1)
		return nil, classifiers.ErrBusy
	}
	defer p.waiting.Add(-1)
	return p.next(ctx)
}

// again returns a worker to a call that had one before. It may wait however many do: to turn it away would waste what it has cost.
func (p *pool) again(ctx context.Context) (*worker, error) {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	return p.next(ctx)
}

func (p *pool) next(ctx context.Context) (*worker, error) {
	select {
	case w := <-p.free:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// spare returns a worker that nobody waits for, or nil.
func (p *pool) spare() *worker {
	if p.waiting.Load() > 0 {
		return nil
	}
	select {
	case w := <-p.free:
		return w
	default:
		return nil
	}
}

func (p *pool) put(w *worker) { p.free <- w }
