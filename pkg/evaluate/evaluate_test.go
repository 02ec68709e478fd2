package evaluate_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/evaluate"
)

// about takes figures as equal to four digits, and undefined ones as equal.
var about = cmp.Comparer(func(a, b evaluate.Figure) bool {
	return math.Abs(float64(a-b)) < 6e-5 || math.IsNaN(float64(a)) && math.IsNaN(float64(b))
})

var undefined = evaluate.Figure(math.NaN())

// The ends are those of the literature: 8 of 10 and 10 of 10 are textbook rows, 81 of 263 is example 1 of Newcombe (1998), table I, method 3.
func TestWilson(t *testing.T) {
	for name, tt := range map[string]struct {
		share     evaluate.Share
		low, high evaluate.Figure
	}{
		"eight of ten":                 {evaluate.Share{Hits: 8, N: 10}, 0.4902, 0.9433},
		"all of ten keeps a width":     {evaluate.Share{Hits: 10, N: 10}, 0.7225, 1},
		"none of ten":                  {evaluate.Share{Hits: 0, N: 10}, 0, 0.2775},
		"Newcombe's 81 of 263":         {evaluate.Share{Hits: 81, N: 263}, 0.2553, 0.3662},
		"Newcombe's 15 of 148":         {evaluate.Share{Hits: 15, N: 148}, 0.0624, 0.1605},
		"no trials say nothing at all": {evaluate.Share{}, undefined, undefined},
	} {
		low, high := tt.share.Wilson()
		if diff := cmp.Diff([]evaluate.Figure{tt.low, tt.high}, []evaluate.Figure{low, high}, about); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWilsonHoldsTheShareAndStaysWithinOne(t *testing.T) {
	for n := 1; n <= 200; n++ {
		for hits := range n + 1 {
			s := evaluate.Share{Hits: hits, N: n}
			low, high := s.Wilson()
			back, forth := evaluate.Share{Hits: n - hits, N: n}.Wilson()
			if !(0 <= low && low <= s.Value() && s.Value() <= high && high <= 1 && low < high) {
				t.Fatalf("%d of %d: [%v, %v] around %v", hits, n, low, high, s.Value())
			}
			if math.Abs(float64(low+forth-1)) > 1e-12 || math.Abs(float64(high+back-1)) > 1e-12 {
				t.Fatalf("%d of %d: [%v, %v] is not the mirror of the misses' [%v, %v]", hits, n, low, high, back, forth)
			}
		}
	}
}

// 6 found, of which 4 are right, of 10 that are there: precision 2/3, recall 2/5, F1 1/2. J is 4 of 12, whose interval is [0.1381, 0.6094].
func TestF1(t *testing.T) {
	for name, tt := range map[string]struct {
		right, found, there int
		want                []evaluate.Figure
	}{
		"some":                                {4, 6, 10, []evaluate.Figure{0.5, 0.2427, 0.7573}},
		"all":                                 {5, 5, 5, []evaluate.Figure{1, 0.7225, 1}},
		"nothing right":                       {0, 2, 3, []evaluate.Figure{0, 0, 0.6058}},
		"nothing there and something found":   {0, 4, 0, []evaluate.Figure{0, 0, 0.6576}},
		"nothing there and nothing found":     {0, 0, 0, []evaluate.Figure{undefined, undefined, undefined}},
		"the mean of precision and of recall": {30, 40, 50, []evaluate.Figure{2 * 0.75 * 0.6 / 1.35, 0.5479, 0.7674}},
	} {
		f1, low, high := evaluate.F1(tt.right, tt.found, tt.there)
		if diff := cmp.Diff(tt.want, []evaluate.Figure{f1, low, high}, about); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func answers(pairs ...[2]int) []evaluate.Answer {
	out := make([]evaluate.Answer, len(pairs))
	for i, p := range pairs {
		out[i] = evaluate.Answer{Gold: p[0], Said: p[1], P: 0.5}
	}
	return out
}

// By hand: a has 3 rows, 2 found, said 3 times (1 wrongly); b has 2 rows, 1 found, said once; no row has c, said once; d is nowhere.
func TestFiguresByLabelComputedByHand(t *testing.T) {
	r := evaluate.Judge([]string{"a", "b", "c", "d"}, answers([2]int{0, 0}, [2]int{0, 0}, [2]int{0, 2}, [2]int{1, 1}, [2]int{1, 0}), 0)
	want := []evaluate.Label{
		{Name: "a", N: 3, Said: 3, Precision: 2.0 / 3, Recall: 2.0 / 3, F1: 2.0 / 3},
		{Name: "b", N: 2, Said: 1, Precision: 1, Recall: 0.5, F1: 2.0 / 3},
		{Name: "c", N: 0, Said: 1, Precision: 0, Recall: undefined, F1: 0},
		{Name: "d", Precision: undefined, Recall: undefined, F1: undefined},
	}
	if diff := cmp.Diff(want, r.Labels, about); diff != "" {
		t.Errorf("by label (-want +got):\n%s", diff)
	}
	// The mean of a and b alone: counting c, which has no rows, would give 0.444.
	if diff := cmp.Diff(evaluate.Figure(2.0/3), r.MacroF1, about); diff != "" {
		t.Errorf("macro-F1 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(evaluate.Share{Hits: 3, N: 5}, r.Accuracy); diff != "" {
		t.Errorf("accuracy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]evaluate.Mistake{{"a", "c", 1}, {"b", "a", 1}}, r.Mistakes); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
	// Saying a always: a has precision 3/5 and recall 1, F1 3/4; b has 0; c and d have no rows.
	if diff := cmp.Diff(evaluate.Baseline{Label: "a", Accuracy: 0.6, MacroF1: 0.375}, r.Baselines.Majority, about); diff != "" {
		t.Errorf("majority (-want +got):\n%s", diff)
	}
	if got := float64(r.Baselines.Random.Accuracy); math.Abs(got-0.25) > 0.06 {
		t.Errorf("random guessing among four labels is right %.3f of the time", got)
	}
}

// A label that rows have and the model never says counts with F1 0; leaving it out would hide the loss.
func TestLabelNeverSaidCountsInMacroF1(t *testing.T) {
	r := evaluate.Judge([]string{"a", "b"}, answers([2]int{0, 0}, [2]int{0, 0}, [2]int{0, 0}, [2]int{1, 0}), 0)
	if diff := cmp.Diff(evaluate.Figure((6.0/7+0)/2), r.MacroF1, about); diff != "" {
		t.Errorf("macro-F1 (-want +got):\n%s", diff)
	}
}

func TestOnlyTheFiveCommonestMistakes(t *testing.T) {
	var rows [][2]int
	for said := 1; said <= 7; said++ {
		for range said {
			rows = append(rows, [2]int{0, said})
		}
	}
	labels := []string{"gold", "1", "2", "3", "4", "5", "6", "7"}
	want := []evaluate.Mistake{{"gold", "7", 7}, {"gold", "6", 6}, {"gold", "5", 5}, {"gold", "4", 4}, {"gold", "3", 3}}
	if diff := cmp.Diff(want, evaluate.Judge(labels, answers(rows...), 0).Mistakes); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestCalibrationErrorComputedByHand(t *testing.T) {
	right := func(p float64) evaluate.Answer { return evaluate.Answer{P: p} }
	wrong := func(p float64) evaluate.Answer { return evaluate.Answer{Said: 1, P: p} }
	for name, tt := range map[string]struct {
		answers []evaluate.Answer
		want    evaluate.Figure
	}{
		// (0.8, 0.9]: mean 0.85, right 1/2, gap 0.35, of 2/4; (0.5, 0.6]: mean 0.55, right 1, gap 0.45, of 2/4.
		"two bins, one too sure and one not sure enough": {[]evaluate.Answer{right(0.9), wrong(0.8 + 1e-9), right(0.55), right(0.55)}, 0.4},
		"a bin that is right as often as it says":        {[]evaluate.Answer{right(0.75), right(0.75), right(0.75), wrong(0.75)}, 0},
		"certain and wrong":                              {[]evaluate.Answer{wrong(1)}, 1},
		"a bin holds its upper end, not its lower":       {[]evaluate.Answer{right(0.5), wrong(0.5 + 1e-9)}, 0.5},
		"nought has a bin too":                           {[]evaluate.Answer{right(0)}, 1},
		"no answers":                                     {nil, undefined},
	} {
		if diff := cmp.Diff(tt.want, evaluate.CalibrationError(tt.answers), about); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSureAndGroups(t *testing.T) {
	r := evaluate.Judge([]string{"a", "b"}, []evaluate.Answer{
		{Gold: 0, Said: 0, P: 0.7, Group: "mail"}, // the threshold itself is sure, as it is when serving
		{Gold: 0, Said: 1, P: 0.9, Group: "chat"},
		{Gold: 1, Said: 1, P: 0.69, Group: "chat"},
		{Gold: 1, Said: 0, P: 0.5},
	}, 0.7)
	want := evaluate.Sure{Threshold: 0.7, Share: evaluate.Share{Hits: 2, N: 4}, Accuracy: evaluate.Share{Hits: 1, N: 2}, Unsure: evaluate.Share{Hits: 1, N: 2}}
	if diff := cmp.Diff(want, r.Sure); diff != "" {
		t.Errorf("sure (-want +got):\n%s", diff)
	}
	groups := []evaluate.Group{{"", evaluate.Share{Hits: 0, N: 1}}, {"chat", evaluate.Share{Hits: 1, N: 2}}, {"mail", evaluate.Share{Hits: 1, N: 1}}}
	if diff := cmp.Diff(groups, r.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// Whatever a model answers, the parts add up to the whole.
func TestPartsAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	labels := []string{"a", "b", "c", "d", "e"}
	for range 200 {
		rows := make([]evaluate.Answer, 1+random.IntN(60))
		for i := range rows {
			rows[i] = evaluate.Answer{Gold: random.IntN(5), Said: random.IntN(5), P: random.Float64(), Group: labels[random.IntN(3)]}
		}
		r := evaluate.Judge(labels, rows, random.Float64())
		n, said, grouped := 0, 0, evaluate.Share{}
		for _, l := range r.Labels {
			n, said = n+l.N, said+l.Said
		}
		for _, g := range r.Groups {
			grouped.N, grouped.Hits = grouped.N+g.Accuracy.N, grouped.Hits+g.Accuracy.Hits
		}
		sure := evaluate.Share{Hits: r.Sure.Accuracy.Hits + r.Sure.Unsure.Hits, N: r.Sure.Accuracy.N + r.Sure.Unsure.N}
		if n != len(rows) || said != len(rows) || grouped != r.Accuracy || sure != r.Accuracy || r.Sure.Share.Hits != r.Sure.Accuracy.N {
			t.Fatalf("%d rows: labels %d, said %d, groups %v, sure %v, accuracy %v", len(rows), n, said, grouped, sure, r.Accuracy)
		}
		for what, f := range map[string]evaluate.Figure{"macro-F1": r.MacroF1, "calibration error": r.CalibrationError, "random": r.Baselines.Random.MacroF1} {
			if !(f >= 0 && f <= 1+1e-12) {
				t.Fatalf("%s is %v", what, f)
			}
		}
	}
}

func TestNoAnswersAreUndefinedAndStillJSON(t *testing.T) {
	raw, err := json.Marshal(evaluate.Judge([]string{"a", "b"}, nil, 0.5))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		MacroF1  *float64 `json:"macro_f1"`
		Accuracy struct {
			N     int
			Value *float64
		}
		Mistakes []any
	}
	if err := json.Unmarshal(raw, &got); err != nil || got.MacroF1 != nil || got.Accuracy.Value != nil || got.Mistakes == nil {
		t.Errorf("%v: %s", err, raw)
	}
}
