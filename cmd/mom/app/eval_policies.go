package app

import (
	"cmp"
	"fmt"
	"math/rand/v2"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/mom-router/mom/pkg/recall/evidence"
)

// What a policy that learns is tried with: every pair is asked so often, so many of a hundred answers are checked, by the pairs' own labels, and no more
// of them than that may be wrong. They are the defaults of recall.shadow and recall.max_error.
const (
	rounds    = 1000
	shadow    = 0.01
	mostWrong = 0.01
)

// cachePolicy is what a way to decide comes to when every pair is asked.
type cachePolicy struct {
	Name   string         `json:"name"`
	Shares cacheShares    `json:"shares"`
	Given  evaluate.Share `json:"wrong_of_given"`
	// Learnt is, of a policy that learns, the share of wrong answers among all it gave while it learnt.
	Learnt *evaluate.Share `json:"wrong_of_given_before,omitempty"`
}

func (p *cachePolicy) count(same, hit bool) {
	p.Shares.count(same, hit)
	if hit {
		p.Given.Add(!same)
	}
}

// cachePolicies are the ways to decide, what serves last.
func cachePolicies(rows []pair, gated []float64, threshold float64) ([]cachePolicy, error) {
	out := make([]cachePolicy, 0, 6)
	still := func(name string, cosine func(i int) float64, from float64) {
		p := cachePolicy{Name: name}
		for i, r := range rows {
			p.count(*r.label == 1, cosine(i) >= from)
		}
		out = append(out, p)
	}
	meaning, gate := func(i int) float64 { return rows[i].cosine }, func(i int) float64 { return gated[i] }
	for _, from := range fixed {
		still(fmt.Sprintf("cosine %.2f", from), meaning, from)
	}
	still(fmt.Sprintf("cosine %.2f and gate", fixed[0]), gate, fixed[0])
	still(fmt.Sprintf("cosine %.2f and gate", threshold), gate, threshold)
	// An entry for itself is a ledger that no other entry writes to.
	alone := map[string]*evidence.Ledger{}
	each, err := learn(fmt.Sprintf("cosine %.2f, per entry", fixed[0]), rows, meaning, func(a string) (*evidence.Ledger, error) {
		var err error
		if alone[a] == nil {
			alone[a], err = evidence.New(evidence.Config{From: fixed[0], MaxError: mostWrong, Entries: 1})
		}
		return alone[a], err
	})
	if err != nil {
		return nil, err
	}
	all, err := evidence.New(evidence.Config{From: threshold, MaxError: mostWrong, Entries: len(rows) + 1})
	if err != nil {
		return nil, err
	}
	served, err := learn(fmt.Sprintf("cosine %.2f, gate and evidence", threshold), rows, gate, func(string) (*evidence.Ledger, error) { return all, nil })
	return append(out, each, served), err
}

// learn asks every pair again and again, in an order that is always the same one, and counts the last round. An answer that is checked is not given.
func learn(name string, rows []pair, cosine func(i int) float64, ledger func(a string) (*evidence.Ledger, error)) (cachePolicy, error) {
	p := cachePolicy{Name: name, Learnt: &evaluate.Share{}}
	entries, ledgers := make([]evidence.Key, len(rows)), make([]*evidence.Ledger, len(rows))
	numbers := map[string]int{}
	for i, r := range rows {
		n, ok := numbers[r.a]
		if !ok {
			n = len(numbers)
			numbers[r.a] = n
		}
		entries[i] = evidence.Key{byte(n), byte(n >> 8), byte(n >> 16)}
		var err error
		if ledgers[i], err = ledger(r.a); err != nil {
			return p, err
		}
	}
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // an order, not a secret
	for range rounds {
		for _, i := range random.Perm(len(rows)) {
			same := *rows[i].label == 1
			switch {
			case !ledgers[i].Serves(entries[i], cosine(i)):
			case random.Float64() < shadow:
				ledgers[i].Saw(entries[i], cosine(i), same)
			default:
				p.Learnt.Add(!same)
			}
		}
	}
	for i, r := range rows {
		p.count(*r.label == 1, ledgers[i].Serves(entries[i], cosine(i)))
	}
	return p, nil
}

// printPolicies is the table of all of them.
func printPolicies(p *printer, all []cachePolicy) {
	p.line("\n%-36s  %-30s  %-30s  wrong of all that is given", "", "hits", "wrong hits")
	for _, x := range all {
		p.line("%-36s  %-30s  %-30s  %s", x.Name, within(x.Shares.Hits), within(x.Shares.Wrong), within(x.Given))
	}
	for _, x := range all {
		if x.Learnt != nil {
			p.line("%s: after each pair was asked %d times, %.0f %% of the answers checked; wrong of those given meanwhile: %s",
				x.Name, rounds, 100*shadow, within(*x.Learnt))
		}
	}
	p.line("n: %d pairs of the same meaning, %d of another", all[0].Shares.Hits.N, all[0].Shares.Wrong.N)
}

// within is a share with both ends of its interval.
func within(s evaluate.Share) string {
	if s.N == 0 {
		return "-"
	}
	low, high := s.Wilson()
	return fmt.Sprintf("%s [%s, %s]", s.Value(), low, high)
}

// limitOf is the threshold of a model, or the usual one where its manifest has none.
func limitOf(threshold float64) float64 { return cmp.Or(threshold, fixed[1]) }
