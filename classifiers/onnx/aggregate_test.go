package onnx

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheWorstWindowIsTheOneMostLikeWhatIsLookedFor(t *testing.T) {
	// benign, jailbreak, harmful
	windows := [][]float64{{0.9, 0.05, 0.05}, {0.2, 0.75, 0.05}, {0.01, 0.04, 0.95}}
	for name, order := range map[string][]int{"a harmful window after the attack": {0, 1, 2}, "a harmful window before it": {2, 1, 0}} {
		a := newAggregate("worst", 3)
		for _, i := range order {
			a.add(windows[i])
		}
		if diff := cmp.Diff([]float32{0.2, 0.75, 0.05}, a.result()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}
