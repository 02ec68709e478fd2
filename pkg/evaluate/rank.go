package evaluate

import (
	"cmp"
	"math"
	"slices"
)

// Mean is the mean of the values, undefined without any.
func Mean(values []float64) Figure {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return Figure(sum / float64(len(values)))
}

// MeanError is the mean absolute difference of what was said from what is so, row by row.
func MeanError(said, gold []float64) Figure {
	gaps := make([]float64, len(gold))
	for i, g := range gold {
		gaps[i] = math.Abs(said[i] - g)
	}
	return Mean(gaps)
}

// Spearman is the rank correlation of two lists, row by row, in [-1, 1]. Equal values share their mean rank. Undefined for fewer than two rows and
// where all values of a list are equal.
func Spearman(a, b []float64) Figure {
	x, y := ranks(a), ranks(b)
	middle := float64(len(x)-1) / 2 // ranks begin at 0
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-middle, y[i]-middle
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	return Figure(xy / math.Sqrt(xx*yy))
}

// ranks returns the rank of each value, from 0 up; equal ones have their mean rank.
func ranks(values []float64) []float64 {
	order := ascending(values)
	out := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return out
}

// ascending returns the places of the values from the least to the greatest, equal ones in their order.
func ascending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	return order
}

// AUC is how often a positive scores higher than a negative, over all pairs of the two; equal scores count one half. Undefined without one of either.
func AUC(positive, negative []float64) Figure {
	sum := 0.0
	n := float64(len(positive))
	for _, r := range ranks(slices.Concat(positive, negative))[:len(positive)] {
		sum += r
	}
	return Figure((sum - n*(n-1)/2) / (n * float64(len(negative))))
}

// LimitAt is the limit that at most the given share of the negatives scores above: the highest score but int(share * negatives) of theirs. Undefined
// without a negative.
func LimitAt(negative []float64, share float64) Figure {
	sorted := slices.Sorted(slices.Values(negative))
	at := len(sorted) - 1 - int(share*float64(len(sorted)))
	if at < 0 {
		return Figure(math.NaN())
	}
	return Figure(sorted[at])
}

// RecallAt is the share of the positives that score above the negatives' LimitAt. No trials without a negative. It chooses the limit on the very rows
// it counts, so that it says what a limit could reach, not what one does.
func RecallAt(positive, negative []float64, share float64) Share {
	limit := LimitAt(negative, share)
	if math.IsNaN(float64(limit)) {
		return Share{}
	}
	var s Share
	for _, p := range positive {
		s.Add(p > float64(limit))
	}
	return s
}

// A Bin is a group of rows with what was said and what is so on average.
type Bin struct {
	N    int    `json:"n"`
	Said Figure `json:"said"`
	Gold Figure `json:"gold"`
}

// Deciles groups the rows by what was said, from the least to the greatest, into ten bins of equal size (by one row), fewer for fewer rows.
func Deciles(said, gold []float64) []Bin {
	order := ascending(said)
	out := []Bin{}
	for d := range 10 {
		from, to := d*len(order)/10, (d+1)*len(order)/10
		if from == to {
			continue
		}
		var s, g []float64
		for _, i := range order[from:to] {
			s, g = append(s, said[i]), append(g, gold[i])
		}
		out = append(out, Bin{to - from, Mean(s), Mean(g)})
	}
	return out
}
