// Package strategy puts the backends of a decision in the order to try them: as configured, by weight, by what each is good at, by quality against
// cost, by what the request is like, by how fast they were lately, or as a language model says.
//
// The order is all it decides. Which backends may have the request is decided before it, and what each of them is sent behind it. It puts no text of a
// user into an error or a reason.
package strategy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/load"
	"github.com/mom-router/mom/pkg/route/omni"
	"github.com/mom-router/mom/pkg/route/signal"
)

// A Strategy orders the backends of one decision. Safe for concurrent use.
type Strategy interface {
	// Order returns all candidates, each once, the one to try first in front; the slice is the caller's own. An error means that the configured order is
	// to be taken, visibly.
	Order(ctx context.Context, a Asked) (Choice, error)
}

// Asked is what there is to order, and by what.
type Asked struct {
	Signals    *signal.Set
	Candidates []string               // models of the decision, in the configured order, at least one; not changed
	Hidden     []pipeline.Replacement // what of the request's texts may not be sent to anybody who is asked
}

// Choice is what a Strategy says.
type Choice struct {
	Models []string
	Why    string // one line for people, of names and numbers
}

// Model is what a strategy may know of a backend.
type Model struct {
	Name    string
	Price   *Price // nil is not known
	Quality Quality
}

// Price is in USD per million tokens.
type Price struct{ Input, Output float64 }

// Quality is the share of the prompts of each domain, within (0, 1), that a model answers well; of prompts of a middling difficulty (0.5), where
// difficulty is read. The domain "" stands for all that are not named. nil is not known.
type Quality map[string]float64

// Decision is whom a strategy is for, and what it may ask.
type Decision struct {
	Name   string
	Models []Model      // its candidates
	Load   *load.Load   // nil has seen nothing
	Omni   *omni.Router // nil: there is none
	// Exemplars are the names of the sets that the request can be compared with.
	Exemplars []string
}

// kinds are all strategies: a new one is a file beside this one and a line here.
func kinds() []kind {
	return []kind{
		{"first", newFirst, nil},
		{"weighted", newWeighted, nil},
		{"domain", newDomain, []string{"domain"}},
		{"cost-quality", newCostQuality, []string{"domain", "difficulty"}},
		{"similarity", newSimilarity, []string{"similarity"}},
		{"latency", newLatency, nil},
		{"omni", newOmni, nil},
	}
}

type kind struct {
	name string
	make func(r *reader, d *Decision) Strategy
	asks []string // the signals that need a model
}

// Asks returns the signals for which a strategy needs a model, by their names in conditions.
func Asks(name string) []string {
	for _, k := range kinds() {
		if k.name == name {
			return k.asks
		}
	}
	return nil
}

// New returns the strategy of a name; "" is first. The error is Faults.
func New(name string, settings Settings, d Decision) (Strategy, error) {
	if name == "" {
		name = "first"
	}
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
		if k.name != name {
			continue
		}
		r := &reader{in: settings}
		s := k.make(r, &d)
		if err := r.close(); err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, Faults{{Message: fmt.Sprintf("no strategy is named %q; there are %s", name, strings.Join(names, ", "))}}
}

// first keeps the configured order.
type first struct{}

func newFirst(*reader, *Decision) Strategy { return first{} }

func (first) Order(_ context.Context, a Asked) (Choice, error) {
	return Choice{Models: slices.Clone(a.Candidates)}, nil
}

// reason is "NAME VALUE, ..." in the order given.
func reason(names []string, value func(name string) float64) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(n + " " + strconv.FormatFloat(value(n), 'f', 3, 64))
	}
	return b.String()
}
