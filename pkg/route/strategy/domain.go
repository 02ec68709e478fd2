package strategy

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/mom-router/mom/pkg/route/signal"
)

// domain puts the model in front that is best at what the request is about.
type domain struct{ quality map[string]Quality }

func newDomain(r *reader, d *Decision) Strategy { return &domain{qualities(r, d)} }

// qualities finds what every model is good at: one that is not known could not be compared.
func qualities(r *reader, d *Decision) map[string]Quality {
	out := map[string]Quality{}
	for _, m := range d.Models {
		if len(m.Quality) == 0 {
			r.fault("", "model %q has no quality", m.Name)
		}
		out[m.Name] = m.Quality
	}
	return out
}

func (d *domain) Order(ctx context.Context, a Asked) (Choice, error) {
	p, err := about(ctx, a.Signals)
	if err != nil {
		return Choice{}, err
	}
	out := slices.Clone(a.Candidates)
	good := func(name string) float64 { return d.quality[name].mean(p) }
	descending(out, good)
	return Choice{Models: out, Why: reason(out, good)}, nil
}

// about returns the domain of the request, the zero one where there is none to find. It need not be sure: what is not sure is several domains at once.
func about(ctx context.Context, s *signal.Set) (signal.Domain, error) {
	d, err := s.Domain(ctx)
	if errors.Is(err, signal.ErrNothing) {
		return signal.Domain{}, nil
	}
	return d, err
}

// mean is the quality that is to be expected: over all domains, each as likely as it is. A domain that is not in the table counts as the rest of it.
func (q Quality) mean(d signal.Domain) float64 {
	if len(d.P) == 0 {
		return q.rest()
	}
	sum := 0.0
	for i, label := range d.Labels {
		v, ok := q[label]
		if !ok {
			v = q.rest()
		}
		sum += float64(d.P[i]) * v
	}
	return sum
}

// rest is the quality in what the table does not name: what it says of that, or else its mean.
func (q Quality) rest() float64 {
	if v, ok := q[""]; ok {
		return v
	}
	sum := 0.0
	for _, v := range q {
		sum += v
	}
	return sum / float64(len(q))
}

// descending sorts by value, the greatest first; equal ones keep their order. It asks for each value once.
func descending(names []string, value func(name string) float64) {
	values := make(map[string]float64, len(names))
	for _, n := range names {
		values[n] = value(n)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(values[b], values[a]) })
}

// odds is the logarithm of the odds of a probability, which is kept from 0 and 1: no share is known that well.
func odds(p float64) float64 {
	p = min(max(p, 0.01), 0.99)
	return math.Log(p / (1 - p))
}

// fromOdds is the inverse of odds.
func fromOdds(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
