package evaluate_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/evaluate"
)

// Ten questions: the strong model is right on eight, the weak one on four of these (rows 4 to 7) and on row 8.
func trials() []evaluate.Trial {
	out := make([]evaluate.Trial, 10)
	for i := range out {
		out[i] = evaluate.Trial{Strong: i < 8, Weak: i >= 4 && i < 9, StrongCost: 10, WeakCost: 1}
	}
	return out
}

func TestRouteComputedByHand(t *testing.T) {
	falling := []float64{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}
	for name, tt := range map[string]struct {
		scores  []float64
		hits    []float64 // of ten, at 0, 10, ..., 100 %
		area    evaluate.Figure
		reaches evaluate.Figure
		half    evaluate.Figure // of the way: 6.5 hits
		cost    evaluate.Figure // at the least share with 7.6 hits, as a part of 10
	}{
		// Four gains, four equal, a loss, and one that nobody knows: above the line 5, 5.3, ..., 8 by 0.7 1.4 2.1 2.8 2.5 2.2 1.9 1.6 .3 0.
		"the questions that gain come first": {falling, []float64{5, 6, 7, 8, 9, 9, 9, 9, 9, 8, 8}, 0.155, 0.3, 0.2, 0.37},
		"one score for all is the line":      {make([]float64, 10), []float64{5, 5.3, 5.6, 5.9, 6.2, 6.5, 6.8, 7.1, 7.4, 7.7, 8}, 0, 1, 0.5, 0.91},
		"the worst come first":               {[]float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []float64{5, 5, 4, 4, 4, 4, 4, 5, 6, 7, 8}, -0.155, 1, 0.9, 1},
		"two halves of one score each":       {[]float64{1, 1, 1, 1, 1, 0, 0, 0, 0, 0}, []float64{5, 5.8, 6.6, 7.4, 8.2, 9, 8.8, 8.6, 8.4, 8.2, 8}, 0.125, 0.4, 0.2, 0.46},
	} {
		got := evaluate.Route(trials(), tt.scores)
		// Gains of 1 four times and of -1 once: 5 - 0.9 around their mean. Places of 82.5. The root of 4.1 * 82.5 / 9 over a hundred.
		want := evaluate.Curve{Area: tt.area, Chance: 0.0613, Reaches: tt.reaches}
		for i, h := range tt.hits {
			tenth := float64(i) / 10
			want.Points = append(want.Points, evaluate.Point{Share: evaluate.Figure(tenth), Accuracy: evaluate.Figure(h / 10), Cost: evaluate.Figure(1 + 9*tenth)})
		}
		for _, e := range []evaluate.Estimate{got.APGR, got.CPT50, got.Cost95} {
			if !(e.Low <= e.Value && e.Value <= e.High) {
				t.Errorf("%s: %+v is not within its interval", name, e)
			}
		}
		want.APGR, want.CPT50, want.Cost95 = got.APGR, got.CPT50, got.Cost95
		want.APGR.Value, want.CPT50.Value, want.Cost95.Value = 0.5+tt.area/0.3, tt.half, tt.cost
		if diff := cmp.Diff(want, got, about); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRouteOfNoUse(t *testing.T) {
	equal := []evaluate.Trial{{Strong: true, Weak: true}, {}}
	if got := evaluate.Route(equal, []float64{1, 0}); cmp.Diff(undefined, got.Reaches, about) != "" || got.Area != 0 {
		t.Errorf("two models alike: %+v", got)
	}
	// Three questions have no tenth: it lies between two.
	three := []evaluate.Trial{{Strong: true}, {Strong: true}, {Strong: true}}
	if got := evaluate.Route(three, []float64{3, 2, 1}); cmp.Diff(evaluate.Figure(0.1), got.Points[1].Accuracy, about) != "" {
		t.Errorf("three questions: %+v", got)
	}
	raw, err := json.Marshal(evaluate.Route(nil, nil))
	if err != nil || string(raw) != `{"points":[],"area":null,"chance":null,"reaches":null,`+
		`"apgr":{"value":null,"low":null,"high":null},"cpt50":{"value":null,"low":null,"high":null},"cost95":{"value":null,"low":null,"high":null}}` {
		t.Errorf("no questions: %v %s", err, raw)
	}
}

// All orders of five questions, one after the other.
func TestChanceIsWhatAllOrdersGive(t *testing.T) {
	five := []evaluate.Trial{{Strong: true}, {Strong: true}, {Weak: true}, {Strong: true, Weak: true}, {}}
	var areas []float64
	var orders func(left, scores []float64)
	orders = func(left, scores []float64) {
		if len(left) == 0 {
			areas = append(areas, float64(evaluate.Route(five, scores).Area))
		}
		for i := range left {
			orders(append(append([]float64{}, left[:i]...), left[i+1:]...), append(scores, left[i]))
		}
	}
	orders([]float64{1, 2, 3, 4, 5}, nil)
	var squares []float64
	for _, a := range areas {
		squares = append(squares, a*a)
	}
	got := float64(evaluate.Route(five, make([]float64, 5)).Chance)
	if want := math.Sqrt(float64(evaluate.Mean(squares))); len(areas) != 120 || math.Abs(float64(evaluate.Mean(areas))) > 1e-9 || math.Abs(got-want) > 1e-9 {
		t.Errorf("%d orders, mean %v, chance %v, want 120, 0, %v", len(areas), evaluate.Mean(areas), got, want)
	}
}

func TestLevel(t *testing.T) {
	zeros, three := make([]float64, 4), []bool{true, true, true, false}
	for name, tt := range map[string]struct{ got, want float64 }{
		"the share itself where nothing is harder":     {evaluate.Level(three, zeros, 0.5, 0), 0.75},
		"nobody asked is what is expected":             {evaluate.Level(nil, nil, 0.3, 4), 0.3},
		"four answers more of a quarter":               {evaluate.Level(three, zeros, 0.25, 4), 0.5},
		"all questions harder by the odds of three":    {evaluate.Level(three, []float64{math.Log(3), math.Log(3), math.Log(3), math.Log(3)}, 0.5, 0), 0.9},
		"nothing right, and what is expected keeps it": {evaluate.Level([]bool{false, false}, zeros, 0.5, 2), 0.25},
	} {
		if math.Abs(tt.got-tt.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
	// Of two questions, one harder and one easier, the likeliest level is where one right answer is expected.
	got := evaluate.Level([]bool{true, false}, []float64{2, -2}, 0.5, 0)
	if math.Abs(got-0.5) > 1e-6 {
		t.Errorf("%v", got)
	}
}
