package evaluate

import (
	"math"
	"math/rand/v2"
)

// Baselines are what an answer without reading would have reached on the same rows.
type Baselines struct {
	Majority Baseline `json:"majority"` // the commonest label of these very rows, always
	Random   Baseline `json:"random"`   // any label, each as likely: the mean of a hundred seeded draws
}

// A Baseline holds the figures of a way to guess.
type Baseline struct {
	Label    string `json:"label,omitempty"` // what is always said, if it is always the same
	Accuracy Figure `json:"accuracy"`
	MacroF1  Figure `json:"macro_f1"`
}

// draws keeps the random figures from depending on the luck of one.
const draws = 100

func baselines(labels []string, gold []int) Baselines {
	nan := Figure(math.NaN())
	if len(gold) == 0 {
		return Baselines{Baseline{"", nan, nan}, Baseline{"", nan, nan}}
	}
	counts := make([]int, len(labels))
	commonest := 0
	for _, g := range gold {
		counts[g]++
	}
	for i, n := range counts {
		if n > counts[commonest] {
			commonest = i
		}
	}
	always := make([]int, len(gold))
	for i := range always {
		always[i] = commonest
	}
	var b Baselines
	b.Majority = guess(len(labels), gold, always)
	b.Majority.Label = labels[commonest]

	source := rand.New(rand.NewPCG(1, 2)) // the same figures every run
	said := make([]int, len(gold))
	for range draws {
		for i := range said {
			said[i] = source.IntN(len(labels))
		}
		one := guess(len(labels), gold, said)
		b.Random.Accuracy += one.Accuracy / draws
		b.Random.MacroF1 += one.MacroF1 / draws
	}
	return b
}

func guess(labels int, gold, said []int) Baseline {
	m := newMatrix(labels, gold, said)
	hits := 0
	for i := range m {
		hits += m[i][i]
	}
	return Baseline{Accuracy: ratio(hits, len(gold)), MacroF1: m.macroF1()}
}
