package route

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Sticky keeps choices, so that the next request of a conversation gets the model that answered the one before: within a loop of tool calls always, since
// another model would have to go on with calls that it did not make; on every turn where it is told to. What it keeps is bounded, is lost with the
// configuration, and holds no text. Safe for concurrent use.
type Sticky struct {
	turns bool
	plans *otter.Cache[[sha256.Size]byte, pipeline.Plan]
}

const (
	stickyChoices = 20_000
	stickyFor     = time.Hour // after it was last kept
)

// NewSticky returns an empty memory of choices. turns: every turn of a conversation sticks, where the client names the conversation.
func NewSticky(turns bool) (*Sticky, error) {
	plans, err := otter.New(&otter.Options[[sha256.Size]byte, pipeline.Plan]{
		MaximumSize: stickyChoices, ExpiryCalculator: otter.ExpiryWriting[[sha256.Size]byte, pipeline.Plan](stickyFor),
		Executor: func(evict func()) { evict() },
	})
	if err != nil {
		return nil, fmt.Errorf("sticky choices: %w", err)
	}
	return &Sticky{turns: turns, plans: plans}, nil
}

// Answered keeps that the tier of a plan answered a request. A plan of the client's own model is not kept, nor one that was made for want of another.
func (s *Sticky) Answered(req *pipeline.Request, plan *pipeline.Plan, tier int) {
	if req.Alias == pipeline.Named || plan.Degraded != "" {
		return
	}
	kept := *plan
	kept.Replacements = nil // they are of this request alone
	kept.Tiers = slices.Concat(plan.Tiers[tier:tier+1], plan.Tiers[:tier], plan.Tiers[tier+1:])
	if req.Needs.Tools > 0 { // else no loop can come of it
		if key, ok := s.loop(req); ok {
			s.plans.Set(key, kept)
		}
	}
	if key, ok := s.conversation(req); ok {
		s.plans.Set(key, kept)
	}
}

// choice returns the plan that a request is to have for what was chosen before.
func (s *Sticky) choice(req *pipeline.Request) (pipeline.Plan, bool) {
	if s == nil {
		return pipeline.Plan{}, false
	}
	if last := req.Messages; len(last) > 0 && (last[len(last)-1].Role == "tool" || last[len(last)-1].Role == "function") {
		if key, ok := s.loop(req); ok {
			if p, ok := s.plans.GetIfPresent(key); ok {
				return p, true
			}
		}
	}
	if key, ok := s.conversation(req); ok {
		return s.plans.GetIfPresent(key)
	}
	return pipeline.Plan{}, false
}

// loop is the key of what all requests of a loop of tool calls begin with: the messages up to the last one of a user.
func (s *Sticky) loop(req *pipeline.Request) (key [sha256.Size]byte, ok bool) {
	end := len(req.Messages) - 1
	for end >= 0 && req.Messages[end].Role != "user" {
		end--
	}
	if end < 0 {
		return key, false
	}
	parts := []string{"loop", req.Caller.Tenant, req.Caller.Policy}
	for i := range end + 1 {
		parts = append(append(parts, req.Messages[i].Role), req.Messages[i].Texts...)
	}
	return digest(parts), true
}

// conversation is the key of a conversation that the client names.
func (s *Sticky) conversation(req *pipeline.Request) (key [sha256.Size]byte, ok bool) {
	if !s.turns || !req.Caller.Named || req.Caller.Aside {
		return key, false
	}
	return digest([]string{"conversation", req.Caller.Tenant, req.Caller.Policy, req.Caller.Conversation}), true
}

// digest is the SHA-256 of the parts, each with its length before it.
func digest(parts []string) (key [sha256.Size]byte) {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		_, _ = h.Write([]byte(p))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
