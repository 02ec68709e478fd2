package onnx

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/mom-router/mom/classifiers"
)

// A reading says what a view needs of a text.
type reading struct {
	offsets bool // where each token stands
	windows int  // at most so many
}

// A window is what the graph makes of the tokens [from, to) of a text, special ones not counted.
type window struct {
	values
	from, to int
}

// read tokenises a text once and hands its windows in turn to fold. It returns when ctx ends or the deadline is over; only the encoding, bounded
// by MaxBytes, runs to its end. passes is the number of forward passes that were run for this call.
func (t *Trunk) read(ctx context.Context, text string, how reading, fold func(encoding, window) error) (passes int, err error) {
	if err := t.enter(); err != nil {
		return 0, err
	}
	defer t.underWay.Done()
	ctx, cancel := context.WithTimeout(ctx, t.opt.Deadline)
	defer cancel()
	cleaned, err := clean(text, t.opt.MaxBytes)
	if err != nil {
		return 0, err
	}
	w, err := t.pool.get(ctx)
	if err != nil {
		return 0, err
	}
	c := &call{t: t, w: w}
	defer c.release()
	enc, err := t.tok.encode(cleaned, how.offsets)
	if err != nil {
		return 0, err
	}
	if how.offsets {
		enc.locate(text)
	}
	n := windowCount(len(enc.ids), t.inner, t.manifest.Overlap)
	if most := min(how.windows, t.opt.MaxWindows); n > most {
		return 0, fmt.Errorf("%w: %d windows, at most %d", classifiers.ErrTooLong, n, most)
	}
	for i := range n {
		if err := ctx.Err(); err != nil {
			return c.passes, err
		}
		from, to := bounds(i, len(enc.ids), t.inner, t.manifest.Overlap)
		out, err := c.window(ctx, enc.ids[from:to])
		if err != nil {
			return c.passes, err
		}
		if err := fold(enc, window{out, from, to}); err != nil {
			return c.passes, err
		}
	}
	return c.passes, nil
}

// A call is a view that reads a text.
type call struct {
	t      *Trunk
	w      *worker // nil while it holds none
	passes int
}

// release gives the worker back. A call that waits for a pass of another must not keep a core from the rest.
func (c *call) release() {
	if c.w != nil {
		c.t.pool.put(c.w)
		c.w = nil
	}
}

// window returns what the graph makes of a window: from the memo, from a pass that is under way, or from one of its own.
func (c *call) window(ctx context.Context, ids []uint32) (values, error) {
	t := c.t
	k := t.keyOf(ids)
	for {
		out, f, how := t.memo.take(k, c.w)
		switch how {
		case known:
			t.shared.Add(1)
			return out, nil
		case joined:
			t.shared.Add(1)
			c.release()
			return t.memo.wait(ctx, f)
		case begun:
			c.passes++
			return t.fly(ctx, f, c.w, ids)
		case needsWorker:
			var err error
			if c.w, err = t.pool.again(ctx); err != nil {
				return values{}, err
			}
		}
	}
}

// fly runs the pass of a flight that this call began. While others wait for it the pass goes on even if ctx ends, and this call stays until it is
// over, a few milliseconds. A goroutine for the pass would let it go at once, but costs every pass a tenth of its time at 32 tokens.
func (t *Trunk) fly(ctx context.Context, f *flight, w *worker, ids []uint32) (out values, err error) {
	n := w.put(t.tok.prefix, ids, t.tok.suffix)
	t.passes.Add(1)
	t.tokens.Add(uint64(n))
	opts, err := ort.NewRunOptions()
	if err != nil {
		err = fmt.Errorf("run options: %w", err)
		t.memo.land(f, values{}, err)
		return values{}, err
	}
	t.memo.endBy(f, func() { _ = opts.Terminate() }) // fails only on options that were destroyed
	stop := context.AfterFunc(ctx, func() { t.memo.leave(f, true) })
	out, err = w.pass(t.session, t.outputs, n, opts)
	stop()
	t.memo.land(f, out, err)
	err = errors.Join(err, opts.Destroy()) // nobody ends a flight that has landed
	if ended := ctx.Err(); ended != nil {
		err = ended
	}
	return out, err
}

// keyOf is a key for the outputs of a window. It is a cryptographic hash, since with any other somebody could make a harmless window and a
// harmful one that share a key.
func (t *Trunk) keyOf(ids []uint32) key {
	buf := make([]byte, 0, len(t.manifest.Graph.SHA256)+4*len(ids))
	buf = append(buf, t.manifest.Graph.SHA256...)
	for _, id := range ids {
		buf = binary.LittleEndian.AppendUint32(buf, id)
	}
	return sha256.Sum256(buf)
}
