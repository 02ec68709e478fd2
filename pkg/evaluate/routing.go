package evaluate

import (
	"math"
	"math/rand/v2"
	"slices"
)

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

	// APGR is the mean over all shares of the part of the way from the weak to the strong model's accuracy that is gone: 0.5 is random routing, and
	// with two models that are right on different questions it may pass 1. CPT50 is the least share at which half of the way is gone. Cost95 is the
	// cost at the least share that has 95 % of the strong model's accuracy, as a share of the strong model's.
	APGR   Estimate `json:"apgr"`
	CPT50  Estimate `json:"cpt50"`
	Cost95 Estimate `json:"cost95"`
}

// An Estimate is a figure of these questions and the ends of its 95 % interval: what it is of others like them, by drawing as many of these again and
// again, with repeats (percentile bootstrap). All three are undefined where the strong model is not the better one.
type Estimate struct {
	Value Figure `json:"value"`
	Low   Figure `json:"low"`
	High  Figure `json:"high"`
}

// gone is the part of the way that Reaches asks for.
const gone = 0.95

// Route sends the questions to the strong model from the highest score down. Questions of one score go in any order: the figures are the mean of all.
// One score for all is random routing. Reaches is undefined where the strong model is not the better one; no trials give no points.
func Route(trials []Trial, scores []float64) Curve {
	if len(trials) == 0 {
		nan := Figure(math.NaN())
		none := Estimate{nan, nan, nan}
		return Curve{[]Point{}, nan, nan, nan, none, none, none}
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
	if hits[n] > hits[0] {
		c.Reaches = Figure(first(hits, hits[0]+gone*(hits[n]-hits[0])))
	}
	c.APGR, c.CPT50, c.Cost95 = estimates(trials, scores)
	return c
}

// first returns the least share with so many hits.
func first(hits []float64, many float64) float64 {
	for k, h := range hits {
		if h >= many-1e-9 {
			return float64(k) / float64(len(hits)-1)
		}
	}
	return math.NaN()
}

// gains are the three figures of one set of questions.
func gains(trials []Trial, scores []float64) [3]float64 {
	n := len(trials)
	hits, cost := walk(trials, scores)
	way := hits[n] - hits[0]
	if way <= 0 {
		return [3]float64{math.NaN(), math.NaN(), math.NaN()}
	}
	apgr := 0.0
	for k := range n {
		apgr += ((hits[k]+hits[k+1])/2 - hits[0]) / way / float64(n)
	}
	at := first(hits, gone*hits[n])
	return [3]float64{apgr, first(hits, hits[0]+way/2), between(cost, at*float64(n)) / cost[n]}
}

// redraws is how often the questions are drawn again.
const redraws = 400

func estimates(trials []Trial, scores []float64) (apgr, cpt50, cost95 Estimate) {
	var all [3][]float64
	random := rand.New(rand.NewPCG(1, 2)) // the same draws for every order, and in every run
	drawn, by := make([]Trial, len(trials)), make([]float64, len(trials))
	for range redraws {
		for i := range drawn {
			k := random.IntN(len(trials))
			drawn[i], by[i] = trials[k], scores[k]
		}
		for i, v := range gains(drawn, by) {
			if !math.IsNaN(v) {
				all[i] = append(all[i], v)
			}
		}
	}
	var out [3]Estimate
	for i, v := range gains(trials, scores) {
		out[i] = Estimate{Figure(v), Figure(math.NaN()), Figure(math.NaN())}
		if n := len(all[i]); n > 0 && !math.IsNaN(v) {
			slices.Sort(all[i])
			out[i].Low, out[i].High = Figure(all[i][n*25/1000]), Figure(all[i][n-1-n*25/1000])
		}
	}
	return out[0], out[1], out[2]
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

// Level is the share of right answers to be expected at odds of one, from answers to questions that were harder than that by so many logits each: the
// likeliest, as if besides there were so many answers more of the share that is expected beforehand, within (0, 1). No answers give that share.
func Level(right []bool, harder []float64, before float64, more float64) float64 {
	a := math.Log(before / (1 - before))
	logistic := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for range 50 {
		slope, curve := more*(before-logistic(a)), more*logistic(a)*(1-logistic(a))
		for i, hit := range right {
			p := logistic(a - harder[i])
			slope, curve = slope+one(hit)-p, curve+p*(1-p)
		}
		step := slope / max(curve, 1e-9)
		a += min(max(step, -1), 1) // far from the end a whole step may go too far
		if math.Abs(step) < 1e-9 {
			break
		}
	}
	return logistic(a)
}
