package load_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mom-router/mom/pkg/route/load"
)

// near says whether a quantile is right to the width of a bin.
func near(got, want time.Duration) bool {
	return float64(got) > 0.84*float64(want) && float64(got) < 1.19*float64(want)
}

func TestQuantiles(t *testing.T) {
	l := load.New("a")
	for i := range 100 {
		l.Told("a", time.Duration(i+1)*10*time.Millisecond, false)
	}
	s := l.Seen("a")
	for share, want := range map[float64]time.Duration{0: 10 * time.Millisecond, 0.5: 500 * time.Millisecond, 0.95: 950 * time.Millisecond, 1: time.Second} {
		if got := s.FirstByte(share); !near(got, want) {
			t.Errorf("share %v: %v, want about %v", share, got, want)
		}
	}
}

func TestWhatCounts(t *testing.T) {
	l := load.New("a", "b")
	l.Told("a", time.Second, false)
	l.Told("a", time.Nanosecond, true)
	l.Told("a", 0, false)
	l.Told("a", 100*time.Hour, false)
	if s := l.Seen("a"); s.Told != 4 || s.Failed != 1 || s.Timed != 2 || s.FailedShare() != 0.25 || !near(s.FirstByte(0), time.Second) || s.FirstByte(1) < time.Minute {
		t.Errorf("a failure has no time and a time beyond all bins stays in the last: %+v", s)
	}
	if s := l.Seen("b"); s != (load.Seen{}) || s.FirstByte(0.5) != 0 || s.FailedShare() != 0 {
		t.Errorf("a backend that nobody asked: %+v", s)
	}
	l.Told("nobody", time.Second, true)
	l.Sent("nobody")
	if s := l.Seen("nobody"); s != (load.Seen{}) {
		t.Errorf("a backend that is none: %+v", s)
	}
	var none *load.Load
	none.Sent("a")
	none.Told("a", time.Second, false)
	none.Left("a")
	if s := none.Seen("a"); s != (load.Seen{}) {
		t.Errorf("no load: %+v", s)
	}
}

func TestWaiting(t *testing.T) {
	l := load.New("a")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			l.Sent("a")
			l.Told("a", time.Second, false)
			l.Left("a")
		})
	}
	l.Sent("a")
	all.Wait()
	if s := l.Seen("a"); s.Waiting != 1 || s.Told != 50 {
		t.Errorf("one still waits: %+v", s)
	}
}

func TestForgets(t *testing.T) {
	pass := func(d time.Duration) { <-time.After(d) } // on the bubble's clock
	synctest.Test(t, func(t *testing.T) {
		l := load.New("a")
		l.Sent("a")
		l.Told("a", time.Second, true)
		pass(30 * time.Second)
		l.Told("a", time.Second, false)
		if s := l.Seen("a"); s.Told != 2 || s.Failed != 1 {
			t.Errorf("half a minute later both count: %+v", s)
		}
		pass(35 * time.Second)
		if s := l.Seen("a"); s.Told != 1 || s.Failed != 0 {
			t.Errorf("a minute later the failure is forgotten: %+v", s)
		}
		pass(time.Hour)
		if s := l.Seen("a"); s.Told != 0 || s.Waiting != 1 {
			t.Errorf("an hour later only who waits is known: %+v", s)
		}
		l.Told("a", time.Second, false)
		if s := l.Seen("a"); s.Told != 1 {
			t.Errorf("what was long ago does not come back: %+v", s)
		}
	})
}
