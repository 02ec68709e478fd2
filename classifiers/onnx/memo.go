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
	done *otter.Cache[key, values]

	mu      sync.Mutex // makes looking for outputs and for a flight one step, and guards the fields of flights
	flights map[key]*flight
}

// A flight is a pass under way and those who wait for it, the call that runs it among them.
type flight struct {
	key    key
	landed chan struct{}
	out    values // these two are set before landed is closed
	err    error

	callers int
	end     func() // ends the pass before its time; nil before it has begun and after it is over
}

func newMemo(maxBytes int) (*memo, error) {
	done, err := otter.New(&otter.Options[key, values]{
		MaximumWeight: uint64(maxBytes),
		Weigher:       func(_ key, v values) uint32 { return uint32(entryBytes + v.bytes()) },
		Executor:      func(evict func()) { evict() }, // a goroutine a pass costs more than the eviction
	})
	if err != nil {
		return nil, fmt.Errorf("memo: %w", err)
	}
	return &memo{done: done, flights: map[key]*flight{}}, nil
}

// How take found a window.
type found int

const (
	known       found = iota // its outputs are at hand
	joined                   // a pass is under way, and the caller is now counted as waiting for it
	begun                    // the caller is to run the pass with its worker, and is counted as waiting for it too
	needsWorker              // nobody knows it and the caller has no worker
)

// take looks a window up. Whoever gets joined must call wait, whoever gets begun must call land.
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
	m.flights[k] = f
	return values{}, f, begun
}

// wait returns what the flight brings, or the error of ctx if that ends before.
func (m *memo) wait(ctx context.Context, f *flight) (values, error) {
	select {
	case <-f.landed:
		return f.out, f.err
	case <-ctx.Done():
		m.leave(f, false)
		return values{}, ctx.Err()
	}
}

// endBy says how to end the pass before its time.
func (m *memo) endBy(f *flight, end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f.end = end
}

// leave counts a caller out. The last to give up ends the pass. Whoever comes after the one who runs it has gone begins a new one, so that no pass
// goes on for longer than the deadlines of two calls.
func (m *memo) leave(f *flight, runs bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f.callers--
	if runs || f.callers == 0 {
		m.forget(f)
	}
	if f.callers == 0 && f.end != nil {
		f.end()
	}
}

// land ends a flight: remembers what it brought and wakes its callers.
func (m *memo) land(f *flight, out values, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.done.Set(f.key, out)
	}
	m.forget(f)
	f.out, f.err, f.end = out, err, nil
	close(f.landed)
}

func (m *memo) forget(f *flight) {
	if m.flights[f.key] == f {
		delete(m.flights, f.key)
	}
}
