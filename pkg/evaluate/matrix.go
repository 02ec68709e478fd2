package evaluate

import (
	"cmp"
	"math"
	"slices"
)

// A Label holds the figures of one label.
type Label struct {
	Name      string `json:"label"`
	N         int    `json:"n"`         // rows that have it
	Said      int    `json:"said"`      // rows the model gave it
	Precision Figure `json:"precision"` // undefined when it was never said
	Recall    Figure `json:"recall"`    // undefined when no row has it
	F1        Figure `json:"f1"`        // undefined when neither
}

// A Mistake is how often rows of one label were given another.
type Mistake struct {
	Label string `json:"label"`
	Said  string `json:"said"`
	N     int    `json:"n"`
}

// A matrix counts rows by the label they have and the label they were given.
type matrix [][]int

func newMatrix(labels int, gold, said []int) matrix {
	m := make(matrix, labels)
	for i := range m {
		m[i] = make([]int, labels)
	}
	for i, g := range gold {
		m[g][said[i]]++
	}
	return m
}

// counts returns how many rows have the label, were given it, and both.
func (m matrix) counts(label int) (n, said, hit int) {
	for other := range m {
		n += m[label][other]
		said += m[other][label]
	}
	return n, said, m[label][label]
}

func (m matrix) labels(names []string) []Label {
	out := make([]Label, len(m))
	for i := range m {
		n, said, hit := m.counts(i)
		out[i] = Label{Name: names[i], N: n, Said: said, Precision: ratio(hit, said), Recall: ratio(hit, n), F1: ratio(2*hit, n+said)}
	}
	return out
}

// macroF1 is the mean F1 over the labels that some row has: a label that is only ever said has no rows to be right about.
func (m matrix) macroF1() Figure {
	sum, present := 0.0, 0
	for i := range m {
		if n, said, hit := m.counts(i); n > 0 {
			sum += float64(ratio(2*hit, n+said))
			present++
		}
	}
	if present == 0 {
		return Figure(math.NaN())
	}
	return Figure(sum / float64(present))
}

// mistakes returns the commonest ones, at most limit; equal counts keep the order of the labels.
func (m matrix) mistakes(names []string, limit int) []Mistake {
	all := []Mistake{}
	for gold, row := range m {
		for said, n := range row {
			if gold != said && n > 0 {
				all = append(all, Mistake{names[gold], names[said], n})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Mistake) int { return cmp.Compare(b.N, a.N) })
	return all[:min(limit, len(all))]
}
