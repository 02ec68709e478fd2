package breaker_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/breaker"
	"github.com/mom-router/mom/pkg/recall/memory"
	"github.com/mom-router/mom/pkg/recall/recalltest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}

// limit and pause pass in the time of a bubble, which takes none.
const (
	limit = 100 * time.Millisecond
	pause = 5 * time.Second
)

func room(t *testing.T) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Limits{Bytes: 4 << 20, TenantBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// does is a store that does something first.
type does struct {
	recall.Store
	read, write func(context.Context) error
	calls       *atomic.Int64
}

func (s does) Get(ctx context.Context, k recall.Key) (recall.Entry, bool, error) {
	s.calls.Add(1)
	if err := s.read(ctx); err != nil {
		return recall.Entry{}, false, err
	}
	return s.Store.Get(ctx, k)
}

func (s does) Near(ctx context.Context, q recall.Query) ([]recall.Neighbor, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	return s.Store.Near(ctx, q)
}

func (s does) Put(ctx context.Context, k recall.Key, e recall.Entry) error {
	if err := s.write(ctx); err != nil {
		return err
	}
	return s.Store.Put(ctx, k, e)
}

func works(context.Context) error { return nil }

// world is a store behind a breaker whose changes are kept.
type world struct {
	*breaker.Store
	does does

	mu      sync.Mutex
	changes []breaker.Change
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{does: does{Store: room(t), read: works, write: works, calls: new(atomic.Int64)}}
	s, err := breaker.New(breaker.Config{
		Store: later{&w.does}, Limit: limit, Admin: 10 * limit, Failures: 3, Pause: pause,
		Changed: func(c breaker.Change) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changes = append(w.changes, c)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Store = s
	return w
}

// later is what a does has become by the time of a call.
type later struct{ *does }

func (l later) Get(ctx context.Context, k recall.Key) (recall.Entry, bool, error) {
	return l.does.Get(ctx, k)
}

func (w *world) get(ctx context.Context) error {
	_, _, err := w.Get(ctx, recall.Key{1})
	return err
}

func (w *world) wantChanges(t *testing.T, want ...breaker.Change) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.changes) != len(want) {
		t.Fatalf("changes %v, want %v", w.changes, want)
	}
	for i, c := range w.changes {
		if c.Circuit != want[i].Circuit || c.Open != want[i].Open || (c.Err != nil) != c.Open {
			t.Errorf("change %d: %v, want %v", i, c, want[i])
		}
	}
}

func TestStore(t *testing.T) {
	recalltest.Run(t, func(t *testing.T) recall.Store {
		s, err := breaker.New(breaker.Config{Store: room(t), Limit: time.Minute, Admin: time.Minute, Failures: 3, Pause: pause})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, recalltest.Options{Loose: true})
}

func TestACallEndsAtItsLimit(t *testing.T) {
	for name, read := range map[string]func(context.Context) error{
		"a store that waits for its context": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"a store that honours none":          func(context.Context) error { time.Sleep(time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.does.read, w.does.write = read, read
				start := time.Now()
				if err := w.get(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != limit {
					t.Errorf("get: %v after %v", err, time.Since(start))
				}
				if err := w.Put(t.Context(), recall.Key{1}, recalltest.Entry(1, "x")); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*limit {
					t.Errorf("put: %v after %v", err, time.Since(start))
				}
				if _, err := w.Near(t.Context(), recall.Query{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*limit {
					t.Errorf("near: %v after %v", err, time.Since(start))
				}
				time.Sleep(2 * time.Hour) // until all calls have ended
			})
		})
	}
}

func TestAStoreThatFailsIsNotAskedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		gone := errors.New("gone")
		w.does.read = func(context.Context) error { return gone }
		for range 3 {
			if err := w.get(t.Context()); !errors.Is(err, gone) {
				t.Errorf("got %v", err)
			}
		}
		for range 10 {
			if err := w.get(t.Context()); !errors.Is(err, recall.ErrOff) {
				t.Errorf("open: %v", err)
			}
		}
		if n := w.does.calls.Load(); n != 3 {
			t.Errorf("%d calls", n)
		}
		w.wantChanges(t, breaker.Change{Circuit: "reads", Open: true})
		if err := w.Put(t.Context(), recall.Key{1}, recalltest.Entry(1, "x")); err != nil {
			t.Errorf("writes work: %v", err)
		}
		if reads, writes := w.Open(); !reads || writes {
			t.Errorf("open: reads %v, writes %v", reads, writes)
		}
		time.Sleep(2 * pause)
		if err := w.get(t.Context()); !errors.Is(err, gone) {
			t.Errorf("tried: %v", err)
		}
		if err := w.get(t.Context()); !errors.Is(err, recall.ErrOff) {
			t.Errorf("open again: %v", err)
		}
		w.wantChanges(t, breaker.Change{Circuit: "reads", Open: true}) // said once
		w.does.read = works
		time.Sleep(2 * pause)
		for range 3 {
			if err := w.get(t.Context()); err != nil {
				t.Errorf("back: %v", err)
			}
		}
		w.wantChanges(t, breaker.Change{Circuit: "reads", Open: true}, breaker.Change{Circuit: "reads"})
	})
}

func TestAClientThatGoesIsNoFailureOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.does.read = func(context.Context) error { time.Sleep(limit / 2); return nil }
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), limit/4)
			if err := w.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			cancel()
		}
		time.Sleep(time.Second)
		w.wantChanges(t)
	})
}

func TestAPanicIsAFailureWithoutItsValue(t *testing.T) {
	w := newWorld(t)
	w.does.read = func(context.Context) error { panic("xyzzy") }
	var panicked *breaker.PanicError
	if err := w.get(t.Context()); !errors.As(err, &panicked) || err.Error() != "panic in the store" {
		t.Errorf("got %v", err)
	}
}

func TestWhoWantsSomethingForgottenHearsWhetherItWas(t *testing.T) {
	w := newWorld(t)
	if err := w.Put(t.Context(), recall.Key{1}, recalltest.Entry(1, "x")); err != nil {
		t.Fatal(err)
	}
	w.does.read = func(context.Context) error { return errors.New("gone") }
	for range 3 {
		_ = w.get(t.Context())
	}
	if n, err := w.Drop(t.Context(), recall.Filter{}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := w.Size(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConfigurationsThatMeanNothing(t *testing.T) {
	good := breaker.Config{Store: room(t), Limit: limit, Admin: limit, Failures: 1, Pause: pause}
	for name, edit := range map[string]func(*breaker.Config){
		"no store": func(c *breaker.Config) { c.Store = nil }, "no limit": func(c *breaker.Config) { c.Limit = 0 },
		"no limit for people": func(c *breaker.Config) { c.Admin = 0 }, "no failures": func(c *breaker.Config) { c.Failures = 0 },
		"no pause": func(c *breaker.Config) { c.Pause = 0 },
	} {
		c := good
		edit(&c)
		if _, err := breaker.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
