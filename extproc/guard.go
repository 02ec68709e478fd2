package extproc

import (
	"context"
	"errors"
	"slices"

	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
)

// guarded is what the guard came to on one request, as the edge tells it.
type guarded struct {
	state string // one of pipeline's
	found pipeline.Guarded
	whole bool // every stage ran that had to
}

func (g *Gateway) guarded(t pipeline.Trail) guarded {
	found, _ := pipeline.Find[pipeline.Guarded](t)
	failed := func(stage string) bool { return t.Failed(stage) != nil }
	return guarded{pipeline.GuardState(t, g.Guards), found, len(g.Guards) > 0 && !slices.ContainsFunc(g.Guards, failed)}
}

// Values of mom.stats guard, beside pipeline's states.
const (
	statGuardUnknown   = "unknown" // the request never came to the guard
	statGuardJailbreak = "blocked_jailbreak"
	statGuardPII       = "blocked_pii"
	statGuardHarmful   = "blocked_harmful"
	statGuardUnread    = "blocked_unread" // too long, or of a kind that nobody can read
)

func (s guarded) stat() string {
	if s.state != pipeline.GuardBlocked {
		return s.state
	}
	switch {
	case len(s.found.PII) > 0: // the later stage: what the first one found it only flagged
		return statGuardPII
	case s.found.Jailbreak:
		return statGuardJailbreak
	case s.found.Harmful:
		return statGuardHarmful
	}
	return statGuardUnread
}

// cot is stage 1 of the trail; nil where its words would not be true: the guard is off, a part of it failed, or the reason is none they know.
func (s guarded) cot() *cot.Guard {
	if !s.whole {
		return nil
	}
	return cot.FromGuarded(s.found)
}

// headers tell the client what the guard came to.
func (s guarded) headers() []header {
	sets := []header{{headerGuard, s.state}}
	if s.state != pipeline.GuardBlocked {
		return sets
	}
	switch s.stat() {
	case statGuardJailbreak:
		sets = append(sets, header{"x-vsr-jailbreak-blocked", "true"})
	case statGuardPII:
		sets = append(sets, header{"x-vsr-pii-violation", "true"})
	}
	return sets
}

// told are the headers of a reply of ours that the guard gave.
func (g *Gateway) told(s guarded) []header {
	if s.state != pipeline.GuardBlocked || g.Expose == ExposeNone {
		return nil
	}
	var sets []header
	if trail := (cot.Trail{Guard: s.cot()}).String(); trail != "" {
		sets = append(sets, header{headerCOT, trail})
	}
	if g.Expose == ExposeCOT {
		return sets
	}
	return append(sets, s.headers()...)
}

// guardFailed says whether a run ended because a guard failed or had no time left, and what to answer then.
func (g *Gateway) guardFailed(err error, t pipeline.Trail) (*pipeline.Reply, bool) {
	entries := t.Entries()
	if len(entries) == 0 {
		return nil, false
	}
	// The whole request's time may end within a stage too; then the error names none.
	last := entries[len(entries)-1]
	if last.Err == nil || !slices.Contains(g.Guards, last.Stage) {
		return nil, false
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unavailable("guard_timeout", "The request could not be checked in time, so it was not forwarded."), true
	}
	return unavailable("guard_unavailable", "The request could not be checked just now, so it was not forwarded."), true
}
