package onnx

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/maypok86/otter/v2"
)

type key [sha256.Size]byte

// entryBytes is about what a remembered window costs beside its numbers. It bounds the number of entries, however small they are.
const entryBytes = 512

// A memo remembers the outputs of windows, and holds together the callers who want the same one while it is computed. It holds no text.
type memo struct {
	pool *pool
	done *otter.Cache[key, values]

	mu      sync.Mutex // makes looking for outputs and for a flight one step, and guards the fields of flights
	flights map[key]*flight
}

// A flight is a pass under way and those who wait for it.
type flight struct {
	key    key
	ctx    context.Context // ends when nobody waits any more
	cancel context.CancelFunc
	landed chan struct{}
	out    values // these two are set before landed is closed
	err    error

	callers int
	over    bool
	worker  *worker // after the pass, for the call that began it
	left    bool    // that call has gone: the worker is the pool's
}

func newMemo(maxBytes int, p *pool) (*memo, error) {
	done, err := otter.New(&otter.Options[key, values]{
		MaximumWeight: uint64(maxBytes),
		Weigher:       func(_ key, v values) uint32 { return uint32(entryBytes + v.bytes()) },
		Executor:      func(evict func()) { evict() }, // a goroutine a pass costs more than the eviction
	})
	if err != nil {
		return nil, fmt.Errorf("memo: %w", err)
	}
	return &memo{pool: p, done: done, flights: map[key]*flight{}}, nil
}

// How take found a window.
type found int

const (
	known       found = iota // its outputs are at hand
	joined                   // a pass is under way, and the caller is now counted as waiting for it
	begun                    // the caller is to run the pass with its worker, and is counted as waiting for it
	needsWorker              // nobody knows it and the caller has no worker
)

// take looks a window up. Whoever gets joined or begun must call wait.
func (m *memo) take(k key, w *worker) (values, *flight, found) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if out, ok := m.done.GetIfPresent(k); ok {
		return out, nil, known
	}
	if f := m.flights[k]; f != nil {
		f.callers++
		return values{}, f, joined
	}
	if w == nil {
		return values{}, nil, needsWorker
	}
	f := &flight{key: k, landed: make(chan struct{}), callers: 1}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	m.flights[k] = f
	return values{}, f, begun
}

// wait returns what the flight brings, or the error of ctx if that ends before. The last caller to give up ends the pass.
func (m *memo) wait(ctx context.Context, f *flight) (values, error) {
	select {
	case <-f.landed:
		return f.out, f.err
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.callers--; f.callers == 0 {
		f.cancel()
		m.forget(f) // whoever comes now must not wait for a pass that is being ended
	}
	return values{}, ctx.Err()
}

// land ends a flight: remembers what it brought, wakes its callers and hands the worker back.
func (m *memo) land(f *flight, w *worker, out values, err error) {
	f.cancel()
	f.out, f.err = out, err
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.done.Set(f.key, out)
	}
	m.forget(f)
	f.over = true
	if f.left {
		m.pool.put(w)
	} else {
		f.worker = w
	}
	close(f.landed)
}

// workerOf returns the worker to the call that began the flight, or nil if the pass still needs it: then it goes to the pool afterwards.
func (m *memo) workerOf(f *flight) *worker {
	m.mu.Lock()
	defer m.mu.Unlock()
	f.left = !f.over
	return f.worker
}

func (m *memo) forget(f *flight) {
	if m.flights[f.key] == f {
		delete(m.flights, f.key)
	}
}
