package strategy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mom-router/mom/pkg/route/load"
)

// latency puts the models in front that lately kept the objective, in the configured order; without an objective, the one that is expected to begin its
// answer first. One of which too little is known is tried, unless requests already wait for it in vain; so a model that was slow is tried again when
// the window has forgotten it.
type latency struct {
	load      *load.Load
	firstByte time.Duration // 0: no objective
	share     float64       // of the answers that begin in time
	failed    float64       // at most that share may fail
}

// few is how many answers say nothing yet, and how many requests may wait for a backend that is not known.
const few = 10

func newLatency(r *reader, d *Decision) Strategy {
	l := &latency{load: d.Load, failed: 0.2}
	percentile := 95.0
	r.duration("first_byte", &l.firstByte, time.Millisecond, 10*time.Minute)
	r.number("percentile", &percentile, 1, 100)
	r.number("failed", &l.failed, 0, 1)
	l.share = percentile / 100
	return l
}

func (l *latency) Order(_ context.Context, a Asked) (Choice, error) {
	out := slices.Clone(a.Candidates)
	why := ""
	descending(out, func(name string) float64 {
		seen := l.load.Seen(name)
		took := seen.FirstByte(l.share)
		why += fmt.Sprintf("%s %v, %d waiting, %.0f %% failed; ", name, took.Round(time.Millisecond), seen.Waiting, 100*seen.FailedShare())
		return l.worth(seen)
	})
	return Choice{Models: out, Why: why[:max(len(why)-2, 0)]}, nil
}

// worth is 1 for a model that keeps the objective; else it falls from 0 with the wait that is to be expected, below -1e6 for one that fails.
func (l *latency) worth(seen load.Seen) float64 {
	if seen.Told >= few && seen.FailedShare() > l.failed {
		return -1e6 * (1 + seen.FailedShare())
	}
	if seen.Timed < few {
		if seen.Waiting >= few {
			return -1e6
		}
		return 1
	}
	if l.firstByte > 0 && seen.FirstByte(l.share) <= l.firstByte {
		return 1
	}
	// Half of the answers begin by then, if those that wait are served by turns.
	return -(seen.FirstByte(0.5).Seconds() * float64(1+seen.Waiting))
}
