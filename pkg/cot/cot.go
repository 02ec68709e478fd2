// Package cot is the trail of a decision as people see it: the one-line header x-vllm-semantic-router-cot, the same in several lines for a
// terminal, the same as JSON, and the way back from the header to values.
//
// It renders what the stages found and judges nothing. Prompt text never enters it: a trail holds labels, model names, flags and one number.
package cot

import (
	"encoding/json"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Header is the response header that carries Trail.String. Its bytes are UTF-8, which HTTP hands on as they are; clients that read header values as
// Latin-1 must decode them again (Parse does).
const Header = "x-vllm-semantic-router-cot"

// MaxBytes bounds Trail.String: long names are cut so that any trail stays below it.
const MaxBytes = 1000

// Trail is what the stages came to. A stage that did not run is nil and is left out; a blocked Guard ends the trail, and so does a Memory hit.
type Trail struct {
	Guard  *Guard
	Memory *Memory
	Route  *Route
}

// Guard is stage 1. Either flag blocks, unless the request was let through all the same.
type Guard struct {
	Jailbreak  bool
	Confidence float64 // of the jailbreak, (0, 1]; 0 when not known; shown with three decimals
	PII        bool
	Passed     bool // what was found is only reported
}

// Blocked says whether the request was refused.
func (g Guard) Blocked() bool { return (g.Jailbreak || g.PII) && !g.Passed }

// FromGuarded returns stage 1 for what the guard found, or nil for a request that it refused for a reason which the stage has no words for: it would
// read as let through.
func FromGuarded(g pipeline.Guarded) *Guard {
	found := g.Jailbreak || len(g.PII) > 0
	if g.Blocked && !found {
		return nil
	}
	return &Guard{Jailbreak: g.Jailbreak, Confidence: g.Confidence, PII: len(g.PII) > 0, Passed: found && !g.Blocked}
}

// Memory is stage 2: a Hit was answered from memory, a miss is answered by a backend and then stored.
type Memory struct {
	Hit        bool
	Similarity float64 // of a hit: of the two questions, (0, 1]; 0 when they are the same; shown with three decimals
}

// Route is stage 3.
type Route struct {
	Domain    string // "" reads as other
	Reasoning pipeline.Reasoning
	Model     string // the one that answered; "" leaves it out
	Optimized bool   // the prompt was changed for the model
}

// FromPlan returns the trail of a plan whose attempt number answered (from 0) brought the answer; past the end it is the last, as with the
// proxy's retries. A plan for a model the client named tells nothing, for nothing was chosen: the trail is empty.
func FromPlan(plan pipeline.Plan, answered int) Trail {
	if plan.Decision == "explicit" || len(plan.Tiers) == 0 {
		return Trail{}
	}
	tier := plan.Tiers[min(max(answered, 0), len(plan.Tiers)-1)]
	return Trail{Route: &Route{Domain: plan.Domain, Reasoning: tier.Reasoning, Model: tier.Model, Optimized: tier.Optimized}}
}

// MarshalJSON returns the stages as stage1, stage2 and stage3, those that are left out of the header left out here too.
func (t Trail) MarshalJSON() ([]byte, error) {
	type stage1 struct {
		Jailbreak  bool    `json:"jailbreak"`
		Confidence float64 `json:"jailbreakConfidence,omitempty"`
		PII        bool    `json:"pii"`
		Result     string  `json:"result"`
	}
	type stage2 struct {
		Status     string  `json:"cacheStatus"`
		Similarity float64 `json:"similarity,omitempty"`
		Action     string  `json:"action"`
		Result     string  `json:"result"`
	}
	type stage3 struct {
		Domain    string `json:"domain"`
		Reasoning bool   `json:"reasoning"`
		Model     string `json:"model"`
		Optimized bool   `json:"optimized"`
		Result    string `json:"result"`
	}
	var out struct {
		Stage1 *stage1 `json:"stage1,omitempty"`
		Stage2 *stage2 `json:"stage2,omitempty"`
		Stage3 *stage3 `json:"stage3,omitempty"`
	}
	t = t.shown()
	if g := t.Guard; g != nil {
		out.Stage1 = &stage1{Jailbreak: g.Jailbreak, PII: g.PII, Result: "Continue"}
		if g.Jailbreak && known(g.Confidence) {
			out.Stage1.Confidence = g.Confidence
		}
		if g.Blocked() {
			out.Stage1.Result = "BLOCKED"
		}
	}
	if m := t.Memory; m != nil {
		out.Stage2 = &stage2{Status: "MISS", Action: "Update Memory", Result: "Continue"}
		if m.Hit {
			out.Stage2 = &stage2{Status: "HIT", Action: "Retrieve Memory", Result: "Fast Response"}
			if known(m.Similarity) {
				out.Stage2.Similarity = m.Similarity
			}
		}
	}
	if r := t.Route; r != nil {
		out.Stage3 = &stage3{
			Domain: clean(orOther(r.Domain), maxDomain), Reasoning: r.Reasoning.Thinks(), Model: clean(r.Model, maxModel),
			Optimized: r.Optimized, Result: "Continue",
		}
	}
	return json.Marshal(out)
}

// shown drops the stages that a block or a hit made unnecessary.
func (t Trail) shown() Trail {
	switch {
	case t.Guard != nil && t.Guard.Blocked():
		return Trail{Guard: t.Guard}
	case t.Memory != nil && t.Memory.Hit:
		return Trail{Guard: t.Guard, Memory: t.Memory}
	}
	return t
}

// known says whether a confidence or a similarity is a number to show; NaN is not.
func known(c float64) bool { return c > 0 && c <= 1 }

func orOther(domain string) string {
	if domain == "" {
		return "other"
	}
	return domain
}
