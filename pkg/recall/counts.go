package recall

import (
	"sync"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// Price is what a model's tokens cost, in USD for a million of them.
type Price struct{ Input, Output float64 }

// cost of an answer, in USD.
func (p Price) cost(c chat.Completion) float64 {
	return (p.Input*float64(c.Prompt) + p.Output*float64(c.Answer)) / 1e6
}

// Lookup is what came of a request: one of the states of pipeline.Recalled and its reason, or LookupFailed.
type Lookup struct{ State, Why string }

// LookupFailed is the state of a request for which the store could not be asked.
const LookupFailed = "error"

// counts are what came of all requests since the start. Its words are from closed sets, so it stays small.
type counts struct {
	mu      sync.Mutex
	lookups map[Lookup]uint64
	tokens  uint64
	usd     float64
}

func (c *counts) add(found pipeline.Recalled, err error) {
	at := Lookup{found.State, found.Why}
	if err != nil {
		at = Lookup{State: LookupFailed}
	}
	if at.State == "" { // nobody asked
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lookups == nil {
		c.lookups = map[Lookup]uint64{}
	}
	c.lookups[at]++
	c.tokens += uint64(found.Tokens) //nolint:gosec // a sum of counts from 0
	c.usd += found.USD
}
