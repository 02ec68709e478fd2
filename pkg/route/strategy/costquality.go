package strategy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/mom-router/mom/pkg/route/signal"
)

// costQuality weighs how well each model is expected to answer against what its answer costs.
type costQuality struct {
	knob    float64 // 0 is the cheapest, 1 the best
	answer  float64 // tokens an answer is expected to have
	quality map[string]Quality
	price   map[string]Price
}

func newCostQuality(r *reader, d *Decision) Strategy {
	c := &costQuality{knob: 0.8, answer: 500, quality: qualities(r, d), price: map[string]Price{}}
	r.number("quality", &c.knob, 0, 1)
	r.number("answer", &c.answer, 1, 1e6)
	for _, m := range d.Models {
		if m.Price == nil {
			r.fault("", "model %q has no price", m.Name)
			continue
		}
		c.price[m.Name] = *m.Price
	}
	return c
}

func (c *costQuality) Order(ctx context.Context, a Asked) (Choice, error) {
	p, err := about(ctx, a.Signals)
	if err != nil {
		return Choice{}, err
	}
	harder := 0.0
	switch d, err := a.Signals.Difficulty(ctx); {
	case err == nil:
		harder = odds(d)
	case !errors.Is(err, signal.ErrNothing):
		return Choice{}, err
	}
	answer := c.answer
	if most := a.Signals.Request().Needs.MaxTokens; most > 0 {
		answer = min(answer, float64(most))
	}
	quality, cost, dearest := map[string]float64{}, map[string]float64{}, 0.0
	for _, n := range a.Candidates {
		// A logit of difficulty costs every model a logit of its odds, as in item response theory: the difficulty is the share of many models that
		// fail, so that a middling model's share is then what it should be.
		quality[n] = fromOdds(odds(c.quality[n].mean(p)) - harder)
		cost[n] = (float64(a.Signals.Tokens())*c.price[n].Input + answer*c.price[n].Output) / 1e6
		dearest = max(dearest, cost[n])
	}
	out := slices.Clone(a.Candidates)
	descending(out, func(n string) float64 {
		return c.knob*quality[n] - (1-c.knob)*cost[n]/max(dearest, math.SmallestNonzeroFloat64)
	})
	why := ""
	for i, n := range out {
		if i > 0 {
			why += ", "
		}
		why += fmt.Sprintf("%s %.3f for $%.6f", n, quality[n], cost[n])
	}
	return Choice{Models: out, Why: why}, nil
}
