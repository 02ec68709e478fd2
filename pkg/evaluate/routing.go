package evaluate

import "math"

// A Trial is a question that two models answered.
type Trial struct {
	Strong, Weak         bool // who was right
	StrongCost, WeakCost float64
}

// A Point is what comes of sending a share of the questions to the strong model and the rest to the weak one.
type Point struct {
	Share    Figure `json:"share"`    // [0, 1]
	Accuracy Figure `json:"accuracy"` // [0, 1]
	Cost     Figure `json:"cost"`     // mean of a question
}

// A Curve says what an order of the questions is worth for routing.
type Curve struct {
	Points  []Point `json:"points"`  // at 0, 10, ..., 100 %
	Area    Figure  `json:"area"`    // mean accuracy over all shares, above the straight line that random routing gives
	Chance  Figure  `json:"chance"`  // standard deviation of Area over all orders of these questions: what luck gives
	Reaches Figure  `json:"reaches"` // the least share at which 95 % of the way from the weak to the strong model's accuracy is gone
}

// gone is the part of the way that Reaches asks for.
const gone = 0.95

// Route sends the questions to the strong model from the highest score down. Questions of one score go in any order: the figures are the mean of all.
// One score for all is random routing. Reaches is undefined where the strong model is not the better one; no trials give no points.
func Route(trials []Trial, scores []float64) Curve {
	if len(trials) == 0 {
		nan := Figure(math.NaN())
		return Curve{[]Point{}, nan, nan, nan}
	}
	n := len(trials)
	hits, cost := walk(trials, scores)
	c := Curve{Reaches: Figure(math.NaN()), Chance: chance(trials)}
	for tenth := range 11 {
		at := float64(tenth*n) / 10
		c.Points = append(c.Points, Point{Figure(float64(tenth) / 10), Figure(between(hits, at) / float64(n)), Figure(between(cost, at) / float64(n))})
	}
	for k := range n {
		middle, line := (hits[k]+hits[k+1])/2, hits[0]+(hits[n]-hits[0])*(float64(k)+0.5)/float64(n)
		c.Area += Figure((middle - line) / float64(n) / float64(n))
	}
	for k, h := range hits {
		if hits[n] > hits[0] && h >= hits[0]+gone*(hits[n]-hits[0])-1e-9 {
			c.Reaches = Figure(float64(k) / float64(n))
			break
		}
	}
	return c
}

// chance is the standard deviation of the area of a random order. The area is the sum of each question's gain times the place of the question, from
// (n-1)/2 to -(n-1)/2, over n²; the variance of such a sum over all orders is that of gains and places: Σ(gain - mean)² Σplace² / (n-1).
func chance(trials []Trial) Figure {
	n := float64(len(trials))
	var sum, squares float64
	for _, t := range trials {
		gain := one(t.Strong) - one(t.Weak)
		sum, squares = sum+gain, squares+gain*gain
	}
	places := n * (n*n - 1) / 12
	return Figure(math.Sqrt((squares-sum*sum/n)*places/(n-1)) / (n * n)) // of one question 0/0
}

// walk returns right answers and cost of all questions together after the first 0, 1, ..., n of them have gone to the strong model.
func walk(trials []Trial, scores []float64) (hits, cost []float64) {
	n := len(trials)
	hits, cost = make([]float64, n+1), make([]float64, n+1)
	for _, t := range trials {
		hits[0] += one(t.Weak)
		cost[0] += t.WeakCost
	}
	order := ascending(scores) // read from its end
	for from := 0; from < n; {
		to := from
		var gain, more float64
		for ; to < n && scores[order[n-1-to]] == scores[order[n-1-from]]; to++ {
			t := trials[order[n-1-to]]
			gain += one(t.Strong) - one(t.Weak)
			more += t.StrongCost - t.WeakCost
		}
		for k := from; k < to; k++ {
			hits[k+1] = hits[k] + gain/float64(to-from)
			cost[k+1] = cost[k] + more/float64(to-from)
		}
		from = to
	}
	return hits, cost
}

// between reads a place that may lie between two questions.
func between(values []float64, at float64) float64 {
	k := min(int(at), len(values)-2)
	return values[k] + (values[k+1]-values[k])*(at-float64(k))
}

func one(hit bool) float64 {
	if hit {
		return 1
	}
	return 0
}
