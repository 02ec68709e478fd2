package recall

import (
	"context"
	"sync"
	"time"
)

// Wait is the longest that a request waits for the answer to one that asks the same and came before it.
const Wait = 250 * time.Millisecond

// lease is how long others may wait for one request. Its end frees it before; this is for an end that is never told.
const lease = 30 * time.Second

// flights lets one of the requests that ask the same ask a backend, while the others wait a moment for its answer.
type flights struct {
	now func() time.Time

	mu    sync.Mutex
	of    map[Key]*flight
	last  uint64 // number of a flight
	sweep int    // how many there may be before those that are over are looked for
}

// flight is a request on its way to a backend and back.
type flight struct {
	number uint64
	until  time.Time
	landed chan struct{} // closed when its answer was remembered, or never will be
}

func newFlights(now func() time.Time) *flights {
	return &flights{now: now, of: map[Key]*flight{}, sweep: 1024}
}

// begin begins a flight and returns its number, not 0, or returns the one that is under way.
func (f *flights) begin(k Key) (number uint64, under *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if other := f.of[k]; other != nil && now.Before(other.until) {
		return 0, other
	}
	if len(f.of) >= f.sweep {
		for k, other := range f.of {
			if !now.Before(other.until) {
				delete(f.of, k)
			}
		}
		f.sweep = max(1024, 2*len(f.of))
	}
	f.last++
	f.of[k] = &flight{number: f.last, until: now.Add(lease), landed: make(chan struct{})}
	return f.last, nil
}

// end ends the flight of this number, or any where that is 0, and lets go on who waits for it.
func (f *flights) end(k Key, number uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := f.of[k]; at != nil && (number == 0 || at.number == number) {
		close(at.landed)
		delete(f.of, k)
	}
}

// wait waits for a flight to land, at most Wait. The error is ctx's.
func (*flights) wait(ctx context.Context, at *flight) (landed bool, err error) {
	timer := time.NewTimer(Wait)
	defer timer.Stop()
	select {
	case <-at.landed:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
