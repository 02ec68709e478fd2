package route

import (
	"context"
	"errors"
	"slices"

	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/omni"
	"github.com/mom-router/mom/pkg/route/signal"
	"github.com/mom-router/mom/pkg/route/strategy"
)

// order puts the tiers in the order that a strategy wants, and says why for the note. Where the strategy fails they stay as they are, visibly.
func order(ctx context.Context, by strategy.Strategy, p pipeline.Plan, set *signal.Set, hidden []pipeline.Replacement) (pipeline.Plan, string, error) {
	names := make([]string, len(p.Tiers))
	for i, t := range p.Tiers {
		names[i] = t.Model
	}
	choice, err := by.Order(ctx, strategy.Asked{Signals: set, Candidates: names, Hidden: hidden})
	if err != nil {
		if p.Degraded == "" {
			p.Degraded = reason(err)
		}
		return p, "", err
	}
	tiers := slices.Clone(p.Tiers) // plans share theirs
	place := func(t pipeline.Tier) int { return slices.Index(choice.Models, t.Model) }
	slices.SortStableFunc(tiers, func(a, b pipeline.Tier) int { return place(a) - place(b) })
	p.Tiers = tiers
	if choice.Why == "" {
		return p, "", nil
	}
	return p, "; " + choice.Why, nil
}

// reason is why the models could not be put in order, or why nobody chose.
func reason(err error) string {
	var asked *omni.Error
	if errors.As(err, &asked) {
		return asked.Reason
	}
	if word, _ := degraded(err); word != "" && word != DecisionError {
		return word
	}
	return StrategyError
}
