package strategy

import (
	"context"
	"errors"
	"slices"

	"github.com/mom-router/mom/pkg/route/signal"
)

// similarity lets the nearest exemplars vote, each for the model that its set stands for and with its cosine.
type similarity struct {
	votes   map[string]string // the model of a set
	nearest int
	least   float64
}

func newSimilarity(r *reader, d *Decision) Strategy {
	v := &similarity{votes: map[string]string{}, nearest: 5, least: 0.3}
	names := d.names()
	r.mapping("votes", "sets of exemplars to models", d.Exemplars, func(name string, m any) {
		model, _ := m.(string)
		if !slices.Contains(names, model) {
			r.fault("votes."+name, "must be one of the decision's models")
		}
		v.votes[name] = model
	})
	r.count("nearest", &v.nearest, 1, 1000)
	r.number("least", &v.least, -1, 1)
	return v
}

// Order of a request that is near nothing, or that has nothing to be compared, is the configured one.
func (v *similarity) Order(ctx context.Context, a Asked) (Choice, error) {
	near, err := a.Signals.Near(ctx)
	if err != nil && !errors.Is(err, signal.ErrNothing) {
		return Choice{}, err
	}
	votes, left := map[string]float64{}, v.nearest
	for _, n := range near {
		model, ok := v.votes[n.Name]
		if !ok {
			continue
		}
		if left == 0 || n.Cosine < v.least {
			break
		}
		votes[model] += n.Cosine
		left--
	}
	out := slices.Clone(a.Candidates)
	got := func(name string) float64 { return votes[name] }
	descending(out, got)
	return Choice{Models: out, Why: reason(out, got)}, nil
}
