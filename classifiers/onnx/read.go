package onnx

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"
	"golang.org/x/sync/errgroup"

	"github.com/mom-router/mom/classifiers"
)

// A reading says what a view needs of a text.
type reading struct {
	places  bool // where each token stands in the text as it was given
	windows int  // at most so many
}

// A window is what the graph makes of the tokens [from, to) of a text, special ones not counted.
type window struct {
	values
	from, to int
}

// read tokenises a text once and hands its windows in order to fold, once the graph has seen all of them. It returns when ctx ends or the deadline is
// over; only the encoding, bounded by MaxBytes, runs to its end. passes is the number of forward passes that were run for this call.
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
	first := &lane{t: t, w: w}
	defer first.release()
	enc, err := t.encode(cleaned)
	if err != nil {
		return 0, err
	}
	if how.places {
		enc.locate(text)
	}
	n := windowCount(len(enc.ids), t.inner, t.manifest.Overlap)
	if most := min(how.windows, t.opt.MaxWindows); n > most {
		return 0, fmt.Errorf("%w: %d windows, at most %d", classifiers.ErrTooLong, n, most)
	}
	c := &call{t: t, ids: enc.ids, out: make([]values, n)}
	err = c.all(ctx, first)
	for i := range c.out {
		if err != nil {
			break
		}
		from, to := c.bounds(i)
		err = fold(enc, window{c.out[i], from, to})
	}
	return int(c.passes.Load()), err
}

// A call is a view that reads the windows of a text.
type call struct {
	t      *Trunk
	ids    []uint32
	out    []values     // by window
	next   atomic.Int64 // the first window that no lane has taken
	passes atomic.Int64
}

// A lane takes one window of a call after the other.
type lane struct {
	t *Trunk
	w *worker // nil while it holds none
}

func (c *call) bounds(i int) (from, to int) {
	return bounds(i, len(c.ids), c.t.inner, c.t.manifest.Overlap)
}

// all sees that every window is read, by the first lane and by more of them while workers are idle. The first error ends the passes of the others.
// Only the first lane ever waits for a worker, so that calls cannot hold what each of them waits for.
func (c *call) all(ctx context.Context, first *lane) error {
	if len(c.out) == 1 {
		return c.window(ctx, first, 0)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for c.left() > 0 {
			for c.left() > 1 { // the last one is for this lane
				w := c.t.pool.spare()
				if w == nil {
					break
				}
				group.Go(func() error { return c.help(ctx, w) })
			}
			if _, err := c.step(ctx, first); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// left is the number of windows that no lane has taken.
func (c *call) left() int { return len(c.out) - int(c.next.Load()) }

// help is a lane with a worker that was idle. It gives the worker back after each window: a long text must not keep others waiting for longer than
// a pass.
func (c *call) help(ctx context.Context, w *worker) error {
	l := &lane{t: c.t, w: w}
	defer l.release()
	for l.w != nil {
		if ok, err := c.step(ctx, l); !ok || err != nil {
			return err
		}
		l.release()
		l.w = c.t.pool.spare()
	}
	return nil
}

// step reads the next window and reports whether there was one.
func (c *call) step(ctx context.Context, l *lane) (bool, error) {
	i := int(c.next.Add(1)) - 1
	if i >= len(c.out) {
		return false, nil
	}
	return true, c.window(ctx, l, i)
}

// release gives the worker back. A lane that waits for a pass of another must not keep a core from the rest.
func (l *lane) release() {
	if l.w != nil {
		l.t.pool.put(l.w)
		l.w = nil
	}
}

// window finds what the graph makes of a window: in the memo, from a pass that is under way, or by one of its own.
func (c *call) window(ctx context.Context, l *lane, i int) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := c.t
	from, to := c.bounds(i)
	ids := c.ids[from:to]
	k := t.keyOf(ids)
	for {
		out, f, how := t.memo.take(k, l.w)
		switch how {
		case known:
			t.shared.Add(1)
			c.out[i] = out
			return nil
		case joined:
			t.shared.Add(1)
			l.release()
			c.out[i], err = t.memo.wait(ctx, f)
			return err
		case begun:
			c.passes.Add(1)
			c.out[i], err = t.fly(ctx, f, l.w, ids)
			return err
		case needsWorker:
			if l.w, err = t.pool.again(ctx); err != nil {
				return err
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
