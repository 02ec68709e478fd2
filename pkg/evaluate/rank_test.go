package evaluate_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/evaluate"
)

func TestSpearman(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b []float64
		want evaluate.Figure
	}{
		"the same order, whatever the distances": {[]float64{1, 2, 30}, []float64{-5, 0, 0.1}, 1},
		"the order reversed":                     {[]float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		"without ties, 1 - 6 sum(d²)/(n(n²-1))":  {[]float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 5}, 0.8}, // d² = 4, 1 - 24/120
		"tied values have their mean rank":       {[]float64{1, 1, 2}, []float64{1, 2, 3}, 0.8660},          // ranks .5 .5 2: 1.5 / sqrt(1.5 * 2)
		"ties of both":                           {[]float64{1, 1, 2, 2}, []float64{1, 2, 2, 2}, 0.5774},    // ranks .5 .5 2.5 2.5 and 0 2 2 2: 2 / sqrt(4 * 3)
		"all equal says nothing":                 {[]float64{1, 1, 1}, []float64{1, 2, 3}, undefined},
		"one row says nothing":                   {[]float64{1}, []float64{1}, undefined},
		"no rows say nothing":                    {nil, nil, undefined},
	} {
		if diff := cmp.Diff(tt.want, evaluate.Spearman(tt.a, tt.b), about); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAUC(t *testing.T) {
	for name, tt := range map[string]struct {
		positive, negative []float64
		want               evaluate.Figure
	}{
		"every positive is higher":        {[]float64{3, 4}, []float64{1, 2}, 1},
		"every positive is lower":         {[]float64{1}, []float64{2, 3}, 0},
		"five of six pairs":               {[]float64{2, 4}, []float64{0, 1, 3}, 5.0 / 6},
		"equal scores count one half":     {[]float64{1, 2}, []float64{1, 1}, 0.75},
		"all scores equal are no better":  {[]float64{1, 1}, []float64{1, 1, 1}, 0.5},
		"no negative, nothing to compare": {[]float64{1}, nil, undefined},
		"no positive, nothing to compare": {nil, []float64{1}, undefined},
	} {
		if diff := cmp.Diff(tt.want, evaluate.AUC(tt.positive, tt.negative), about); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRecallAt(t *testing.T) {
	negatives := make([]float64, 200) // 0.000 to 0.199
	for i := range negatives {
		negatives[i] = float64((i*7)%200) / 1000
	}
	positives := []float64{0.1, 0.1971, 0.198, 0.1985, 0.1995}
	for name, tt := range map[string]struct {
		share float64
		want  evaluate.Share
	}{
		"no false positive at all":               {0, evaluate.Share{Hits: 1, N: 5}},     // above 0.199
		"one of two hundred may be":              {0.005, evaluate.Share{Hits: 2, N: 5}}, // above 0.198
		"two may, and equal scores do not reach": {0.01, evaluate.Share{Hits: 4, N: 5}},  // above 0.197
	} {
		if diff := cmp.Diff(tt.want, evaluate.RecallAt(positives, negatives, tt.share)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := evaluate.LimitAt(negatives, 0.01); got != 0.197 {
		t.Errorf("two of two hundred may be above %v, want 0.197", got)
	}
	if got := evaluate.LimitAt(nil, 0.01); !math.IsNaN(float64(got)) {
		t.Errorf("without negatives the limit is %v", got)
	}
	if got := evaluate.RecallAt(positives, nil, 0.01); got != (evaluate.Share{}) {
		t.Errorf("without negatives: %v", got)
	}
}

func TestMeansAndDeciles(t *testing.T) {
	said, gold := []float64{0.2, 0.9, 0.4}, []float64{0, 1, 1}
	if diff := cmp.Diff([]evaluate.Figure{0.5, 0.3, undefined}, []evaluate.Figure{evaluate.Mean(said), evaluate.MeanError(said, gold), evaluate.Mean(nil)}, about); diff != "" {
		t.Errorf("means (-want +got):\n%s", diff)
	}
	bins := []evaluate.Bin{{N: 1, Said: 0.2, Gold: 0}, {N: 1, Said: 0.4, Gold: 1}, {N: 1, Said: 0.9, Gold: 1}}
	if diff := cmp.Diff(bins, evaluate.Deciles(said, gold), about); diff != "" {
		t.Errorf("three rows (-want +got):\n%s", diff)
	}
	var many, truth []float64
	for i := range 25 {
		many, truth = append(many, float64(24-i)), append(truth, float64(i%2))
	}
	n := 0
	for _, b := range evaluate.Deciles(many, truth) {
		n += b.N
	}
	// The least two of 25 are the last rows, 24 and 23: said 0 and 1, so 0 and 1.
	if got := evaluate.Deciles(many, truth); n != 25 || len(got) != 10 || got[0].N != 2 || got[0].Said != 0.5 || got[0].Gold != 0.5 || got[9].Said != 23 {
		t.Errorf("25 rows: %v", got)
	}
}
