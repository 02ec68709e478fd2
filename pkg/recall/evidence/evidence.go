// Package evidence decides, from answers that were checked, which questions in other words may have an earlier answer. Until something was checked it
// goes by the cosine alone; what was found wrong bars the entry it came from, and, when there is too much of it, all entries.
//
// It keeps counts, never a text or a vector; it checks nothing itself, and it forgets with the process. It only ever narrows: no entry serves below the
// least cosine it was made with.
package evidence

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/mom-router/mom/pkg/evaluate"
)

// Key names an entry.
type Key = [32]byte

// Config is what a Ledger is made from.
type Config struct {
	From     float64 // the least cosine, (0, 1]
	MaxError float64 // the largest share of wrong answers among those that are given, (0, 1)
	Entries  int     // how many entries with evidence are remembered, at least 1; the least used are forgotten
}

// Ledger holds the evidence. Safe for concurrent use.
type Ledger struct {
	c       Config
	entries *otter.Cache[Key, *counts]

	mu     sync.Mutex // guards all below, and the counts of the entries
	all    counts
	unsure uint64
	level  int // how often it was narrowed; levels is off
}

// levels are the steps from Config.From to a cosine of one, in quarters of the way. The last is off.
const levels = 4

// Modes of a State.
const (
	On       = "on"
	Narrowed = "narrowed" // only from a higher cosine on
	Off      = "off"      // no question in other words is answered
)

// State is what all evidence together comes to.
type State struct {
	Mode  string
	From  float64        // the least cosine that may serve
	Wrong evaluate.Share // of the checked answers from that cosine on, all of them when Mode is Off
	// Unsure is how many answers could not be checked, since the ledger was made. They count for nothing.
	Unsure uint64
}

// New checks the configuration.
func New(c Config) (*Ledger, error) {
	switch {
	case !(c.From > 0 && c.From <= 1):
		return nil, fmt.Errorf("least cosine %v is not within (0, 1]", c.From)
	case !(c.MaxError > 0 && c.MaxError < 1):
		return nil, fmt.Errorf("error %v is not within (0, 1)", c.MaxError)
	case c.Entries < 1:
		return nil, errors.New("no room for an entry")
	}
	l := &Ledger{c: c}
	var err error
	l.entries, err = otter.New(&otter.Options[Key, *counts]{MaximumSize: c.Entries, Executor: func(evict func()) { evict() }})
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return l, nil
}

// Serves says whether an entry's answer may be given to a question of this cosine. NaN never may.
func (l *Ledger) Serves(k Key, cosine float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.level == levels || !(cosine >= l.from(l.level)) {
		return false
	}
	of, ok := l.entries.GetIfPresent(k)
	return !ok || of.serves(cosine, l.c.MaxError)
}

// Saw notes what was found when an entry's answer was checked that would have been given at a cosine. It returns the state, and whether that is new.
func (l *Ledger) Saw(k Key, cosine float64, right bool) (State, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of, ok := l.entries.GetIfPresent(k)
	if !ok {
		of = &counts{}
		l.entries.Set(k, of)
	}
	of.add(cosine, right)
	l.all.add(cosine, right)
	before := l.level
	for l.level < levels && l.tooMuch(l.all.wrongFrom(l.from(l.level))) {
		l.level++
	}
	return l.state(), l.level > before
}

// Unsure notes an answer of which nobody could say whether it is right.
func (l *Ledger) Unsure() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsure++
}

// Forget forgets what was found of an entry: it has another answer now.
func (l *Ledger) Forget(k Key) { l.entries.Invalidate(k) }

// State returns what all evidence comes to.
func (l *Ledger) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state()
}

func (l *Ledger) state() State {
	from := l.from(l.level)
	s := State{Narrowed, from, l.all.wrongFrom(from), l.unsure}
	switch l.level {
	case 0:
		s.Mode = On
	case levels:
		s.Mode, s.Wrong = Off, l.all.wrongFrom(l.c.From)
	}
	return s
}

func (l *Ledger) from(level int) float64 { return l.c.From + (1-l.c.From)*float64(level)/levels }

// few wrong answers may be chance, however few were checked.
const few = 2

// tooMuch says whether a share of wrong answers is over the allowed error: surely so, by the lower end of its interval; or not surely below it, by the
// upper end, after so many checks that half of the allowed error would have been.
func (l *Ledger) tooMuch(s evaluate.Share) bool {
	if s.Hits <= few {
		return false
	}
	low, high := s.Wilson()
	_, half := evaluate.Share{Hits: int(math.Ceil(l.c.MaxError / 2 * float64(s.N))), N: s.N}.Wilson()
	allowed := evaluate.Figure(l.c.MaxError)
	return low > allowed || high > allowed && half <= allowed
}

// counts are the outcomes by cosine, in hundredths: stores know it no better. All negative cosines are one.
type counts [101]struct{ right, wrong uint16 }

func step(cosine float64) int { return int(math.Floor(min(max(cosine, 0), 1)*100 + 1e-6)) }

// most is how many outcomes count: with more of them all are halved, so that what was long ago counts less.
const most = 8192

func (c *counts) add(cosine float64, right bool) {
	at := &c[step(cosine)]
	if right {
		at.right++
	} else {
		at.wrong++
	}
	n := 0
	for i := range c {
		n += int(c[i].right) + int(c[i].wrong)
	}
	if n <= most {
		return
	}
	for i := range c {
		c[i].right, c[i].wrong = c[i].right/2, (c[i].wrong+1)/2
	}
}

func (c *counts) wrongFrom(cosine float64) evaluate.Share {
	var s evaluate.Share
	for i := step(cosine); i < len(c); i++ {
		s.N += int(c[i].right) + int(c[i].wrong)
		s.Hits += int(c[i].wrong)
	}
	return s
}

// serves weighs an entry's own outcomes for a question of this cosine. A question closer than one that was right is right too, and one farther than one
// that was wrong, or a little closer, is wrong: outcomes on the other sides say nothing. To begin with, a wrong one is taken to be as likely as allowed,
// with the weight of half of one: so an entry of which nothing is known serves, and a wrong outcome ends that until nearly 1/maxError right ones stand
// against it.
func (c *counts) serves(cosine, maxError float64) bool {
	right, wrong := 0.0, 0.0
	at := step(cosine)
	for i := range c {
		if i <= at {
			right += float64(c[i].right)
		}
		if i >= at-slack {
			wrong += float64(c[i].wrong)
		}
	}
	return (wrong+0.5)/(wrong+right+0.5/maxError) <= maxError*(1+1e-9)
}

// slack is how many hundredths a question must be closer than one that was wrong.
const slack = 2
