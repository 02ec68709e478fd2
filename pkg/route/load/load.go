// Package load is what was seen of the backends lately: how long each took to the first byte of an answer, how often it failed, how many requests
// wait for it. It keeps counts of the last minute alone, starts nothing, and forgets by itself.
//
// It measures nothing: the edge tells it. It judges nothing either: who asks does.
package load

import (
	"math"
	"sync"
	"time"
)

// The window is a ring of slices: the oldest is emptied when its turn comes again.
const (
	window = time.Minute
	slices = 6
	each   = window / slices
)

// Bins of the time to first byte grow by a quarter of a power of two, from a millisecond to 65 s: a quantile is right to a tenth.
const (
	bins   = 64
	perTwo = 4
)

// Load is what was seen of a fixed set of backends. Safe for concurrent use. A nil Load has seen nothing and is told in vain.
type Load struct {
	start    time.Time
	backends map[string]*backend
}

type backend struct {
	mu      sync.Mutex
	waiting int
	ring    [slices]slice
}

// slice is what was seen in one part of the window.
type slice struct {
	turn   int64 // which one, since the start
	told   int
	failed int
	timed  int
	took   [bins]uint32
}

// Seen is what is known of one backend. The zero Seen is nothing.
type Seen struct {
	Told    int // answers and failures of the last minute
	Failed  int // of these
	Waiting int // requests that were sent and have no first byte yet
	Timed   int // answers whose time is known
	took    [bins]uint32
}

// New returns a Load of these backends; others are ignored.
func New(names ...string) *Load {
	l := &Load{start: time.Now(), backends: make(map[string]*backend, len(names))}
	for _, n := range names {
		l.backends[n] = &backend{}
	}
	return l
}

// Sent says that a request goes to the backend. Left must follow.
func (l *Load) Sent(name string) { l.wait(name, 1) }

// Left says that the request of a Sent waits no longer, whatever came of it.
func (l *Load) Left(name string) { l.wait(name, -1) }

func (l *Load) wait(name string, more int) {
	if b := l.of(name); b != nil {
		b.mu.Lock()
		b.waiting += more
		b.mu.Unlock()
	}
}

// Told says what came of a request: whether the backend failed, and else how long its first byte took; 0 where that is not known.
func (l *Load) Told(name string, took time.Duration, failed bool) {
	b := l.of(name)
	if b == nil {
		return
	}
	turn := l.turn()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.ring[turn%slices]
	if s.turn != turn {
		*s = slice{turn: turn}
	}
	s.told++
	switch {
	case failed: // fast failures are no sign of a fast model
		s.failed++
	case took > 0:
		s.timed++
		s.took[bin(took)]++
	}
}

// Seen returns what is known of the backend now.
func (l *Load) Seen(name string) Seen {
	b := l.of(name)
	if b == nil {
		return Seen{}
	}
	turn := l.turn()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := Seen{Waiting: b.waiting}
	for i := range b.ring {
		s := &b.ring[i]
		if s.turn <= turn-slices {
			continue
		}
		out.Told, out.Failed, out.Timed = out.Told+s.told, out.Failed+s.failed, out.Timed+s.timed
		for k, n := range s.took {
			out.took[k] += n
		}
	}
	return out
}

// FirstByte returns the time in which the given share, within [0, 1], of the timed answers had begun; 0 when there are none.
func (s Seen) FirstByte(share float64) time.Duration {
	if s.Timed == 0 {
		return 0
	}
	rank, sum := max(1, int(math.Ceil(share*float64(s.Timed)))), 0
	last := 0
	for k, n := range s.took {
		if sum += int(n); n > 0 {
			last = k
		}
		if sum >= rank {
			break
		}
	}
	return middle(last)
}

// FailedShare returns the share of what was told that failed; 0 when nothing was.
func (s Seen) FailedShare() float64 {
	if s.Told == 0 {
		return 0
	}
	return float64(s.Failed) / float64(s.Told)
}

func (l *Load) of(name string) *backend {
	if l == nil {
		return nil
	}
	return l.backends[name]
}

// turn counts the slices since the start, from the length of the ring on: a slice that was never written has 0 and is too old.
func (l *Load) turn() int64 { return int64(time.Since(l.start)/each) + slices }

func bin(took time.Duration) int {
	k := int(perTwo * math.Log2(float64(took)/float64(time.Millisecond)))
	return min(max(k, 0), bins-1)
}

func middle(k int) time.Duration {
	return time.Duration(math.Exp2((float64(k)+0.5)/perTwo) * float64(time.Millisecond))
}
