// Package evaluate turns the answers of a model into the figures of an evaluation: shares with their intervals, precision, recall and F1 by
// label, calibration, the commonest mistakes, and what guessing would have reached on the same rows.
//
// It is arithmetic alone: it reads no file, runs no model and prints nothing. The same answers give the same figures, to the last bit.
package evaluate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// An Answer is what a model said about one row. Gold and Said are indices into the labels.
type Answer struct {
	Gold, Said int
	P          float64 // the probability of Said, [0, 1]
	Group      string  // what the row is counted under besides, its source for instance; "" for none
}

// Right reports whether the answer is the row's label.
func (a Answer) Right() bool { return a.Gold == a.Said }

// A Figure is a number that may be undefined, such as the precision of a label that was never said: NaN here, null in JSON.
type Figure float64

// MarshalJSON writes the number, or null where it is undefined.
func (f Figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// String is the number with three digits, or a dash where it is undefined.
func (f Figure) String() string {
	if math.IsNaN(float64(f)) {
		return "-"
	}
	return fmt.Sprintf("%.3f", float64(f))
}

func ratio(a, b int) Figure { return Figure(float64(a) / float64(b)) } // 0/0 is NaN

// A Result holds every figure of a classifier that puts each row under one of several labels.
type Result struct {
	Accuracy         Share     `json:"accuracy"`
	MacroF1          Figure    `json:"macro_f1"` // mean F1 over the labels that some row has
	Labels           []Label   `json:"labels"`   // all of them, in the model's order
	Groups           []Group   `json:"groups"`   // by name; empty when no row has one
	Sure             Sure      `json:"sure"`
	CalibrationError Figure    `json:"calibration_error"`
	Mistakes         []Mistake `json:"mistakes"` // the commonest first
	Baselines        Baselines `json:"baselines"`
}

// A Group is the accuracy on the rows that share a group name.
type Group struct {
	Name     string `json:"name"`
	Accuracy Share  `json:"accuracy"`
}

// Sure says what the threshold is worth.
type Sure struct {
	Threshold float64 `json:"threshold"`
	Share     Share   `json:"share"`           // of the rows whose top probability reaches it
	Accuracy  Share   `json:"accuracy"`        // on those
	Unsure    Share   `json:"accuracy_unsure"` // on the rest
}

// mistakes is how many kinds of mistake a Result lists.
const mistakes = 5

// Judge computes the figures. Labels are the model's; an answer with an index outside them panics. No answers give undefined figures.
func Judge(labels []string, answers []Answer, threshold float64) Result {
	gold, said := make([]int, len(answers)), make([]int, len(answers))
	r := Result{Sure: Sure{Threshold: threshold}, Groups: []Group{}}
	groups := map[string]*Share{}
	named := false
	for i, a := range answers {
		gold[i], said[i] = a.Gold, a.Said
		r.Accuracy.Add(a.Right())
		sure := a.P >= threshold
		r.Sure.Share.Add(sure)
		if sure {
			r.Sure.Accuracy.Add(a.Right())
		} else {
			r.Sure.Unsure.Add(a.Right())
		}
		if groups[a.Group] == nil {
			groups[a.Group] = &Share{}
		}
		groups[a.Group].Add(a.Right())
		named = named || a.Group != ""
	}
	if named {
		for name, share := range groups {
			r.Groups = append(r.Groups, Group{name, *share})
		}
		slices.SortFunc(r.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	}
	m := newMatrix(len(labels), gold, said)
	r.Labels, r.MacroF1, r.Mistakes = m.labels(labels), m.macroF1(), m.mistakes(labels, mistakes)
	r.CalibrationError = CalibrationError(answers)
	r.Baselines = baselines(labels, gold)
	return r
}
