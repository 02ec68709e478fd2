// Package breaker keeps a store that is slow or gone from holding up requests: every call ends within a limit, and after some failures in a row the store
// is not asked for a while. It never answers in the store's place, and never retries.
//
// Reads and writes have a circuit each: a server whose disk is full still reads.
package breaker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/mom-router/mom/pkg/recall"
)

// Config is what a Store is built from.
type Config struct {
	Store recall.Store
	Limit time.Duration // of a Get, a Put, a Near
	Admin time.Duration // of a Drop, a Size: people wait for them, not requests
	// Failures in a row open a circuit, for Pause; then one call is let through, and its outcome decides.
	Failures int
	Pause    time.Duration
	// Changed is told when a circuit opens, with the last error, and when it is closed again. It must not call the store.
	Changed func(Change)
}

// Change is a circuit that opened or closed.
type Change struct {
	Circuit string // reads or writes
	Open    bool
	Err     error // why it opened
}

// Store is a store behind two circuits. Safe for concurrent use.
type Store struct {
	c             Config
	reads, writes *circuit
}

var _ recall.Store = (*Store)(nil)

// New checks the configuration.
func New(c Config) (*Store, error) {
	if c.Store == nil || c.Limit <= 0 || c.Admin <= 0 || c.Failures <= 0 || c.Pause <= 0 {
		return nil, errors.New("breaker: a store, limits, a number of failures and a pause are needed")
	}
	if c.Changed == nil {
		c.Changed = func(Change) {}
	}
	return &Store{c: c, reads: newCircuit("reads", c), writes: newCircuit("writes", c)}, nil
}

// Get asks the store within the limit.
func (s *Store) Get(ctx context.Context, k recall.Key) (recall.Entry, bool, error) {
	type found struct {
		e  recall.Entry
		ok bool
	}
	f, err := through(ctx, s.reads, s.c.Limit, func(ctx context.Context) (f found, err error) {
		f.e, f.ok, err = s.c.Store.Get(ctx, k)
		return f, err
	})
	return f.e, f.ok, err
}

// Put hands an entry to the store within the limit.
func (s *Store) Put(ctx context.Context, k recall.Key, e recall.Entry) error {
	_, err := through(ctx, s.writes, s.c.Limit, func(ctx context.Context) (struct{}, error) { return struct{}{}, s.c.Store.Put(ctx, k, e) })
	return err
}

// Near asks the store within the limit.
func (s *Store) Near(ctx context.Context, q recall.Query) ([]recall.Neighbor, error) {
	return through(ctx, s.reads, s.c.Limit, func(ctx context.Context) ([]recall.Neighbor, error) { return s.c.Store.Near(ctx, q) })
}

// Drop asks the store whatever its circuits say: who wants something forgotten must hear whether it was.
func (s *Store) Drop(ctx context.Context, f recall.Filter) (int, error) {
	return through(ctx, nil, s.c.Admin, func(ctx context.Context) (int, error) { return s.c.Store.Drop(ctx, f) })
}

// Size asks the store whatever its circuits say.
func (s *Store) Size(ctx context.Context) (recall.Size, error) {
	return through(ctx, nil, s.c.Admin, func(ctx context.Context) (recall.Size, error) { return s.c.Store.Size(ctx) })
}

// Open says which circuits are open, by their names in Change.
func (s *Store) Open() (reads, writes bool) { return s.reads.isOpen(), s.writes.isOpen() }

// Unwrap is the store behind the circuits.
func (s *Store) Unwrap() recall.Store { return s.c.Store }

// through calls the store in a goroutine of its own: one that does not honour its context costs the caller no more than the limit. What becomes of a call
// counts for the circuit, whether or not somebody still waits for it; that nobody waits is no failure of the store.
func through[T any](ctx context.Context, c *circuit, limit time.Duration, call func(context.Context) (T, error)) (T, error) {
	var none T
	if c != nil && !c.TryAcquirePermit() {
		return none, recall.ErrOff
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	var once sync.Once
	settle := func(err error) {
		once.Do(func() {
			if c != nil {
				c.settle(err)
			}
		})
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer cancel()
		var r result
		defer func() {
			if v := recover(); v != nil { // its value may hold what was asked
				r = result{err: &PanicError{Stack: debug.Stack()}}
			}
			settle(r.err)
			done <- r
		}()
		r.v, r.err = call(bounded)
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-bounded.Done():
	}
	select {
	case r := <-done: // it ended in time, and then its context did
		return r.v, r.err
	default:
	}
	err := fmt.Errorf("the store did not answer within %v: %w", limit, context.DeadlineExceeded)
	settle(err)
	return none, err
}

// PanicError is a panic of the store, without its value.
type PanicError struct{ Stack []byte }

func (*PanicError) Error() string { return "panic in the store" }

// circuit is a circuit that says when it opens and when it is closed again, and not when it was only tried.
type circuit struct {
	circuitbreaker.CircuitBreaker[any]
	name    string
	changed func(Change)

	mu   sync.Mutex
	open bool
}

func newCircuit(name string, c Config) *circuit {
	return &circuit{
		name: name, changed: c.Changed,
		CircuitBreaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(uint(c.Failures)).WithSuccessThreshold(1). //nolint:gosec // positive
																	WithDelay(c.Pause).WithJitterFactor(0.2).Build(),
	}
}

func (c *circuit) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// settle counts an outcome.
func (c *circuit) settle(err error) {
	if err == nil {
		c.RecordSuccess()
	} else {
		c.RecordFailure()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	open := !c.IsClosed()
	if open == c.open {
		return
	}
	c.open = open
	change := Change{Circuit: c.name, Open: open}
	if open {
		change.Err = err
	}
	c.changed(change)
}
