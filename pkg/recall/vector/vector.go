// Package vector holds directions in eight bits a dimension: a quarter of the memory of a float32 vector and several times as fast to compare. It never
// says which of them are alike enough, and keeps none.
package vector

import "math"

// Round returns the direction of v in eight bits a dimension, the largest of which is 127 or -127; false where v has none since it is empty, zero or not
// finite. The cosine of the two is about 0.99998 for an embedding of 384 dimensions and never below 0.997 there: each dimension is off by at most a
// 254th of the largest. What was rounded before is rounded to the same.
func Round(v []float32) ([]int8, bool) {
	most := 0.0
	for _, x := range v {
		if most = max(most, math.Abs(float64(x))); math.IsNaN(most) || math.IsInf(most, 0) {
			return nil, false
		}
	}
	if most == 0 {
		return nil, false
	}
	out := make([]int8, len(v))
	for i, x := range v {
		out[i] = int8(math.Round(float64(x) / most * 127))
	}
	return out, true
}

// Unit returns the vector of length one in the direction of what Round returned.
func Unit(r []int8) []float32 {
	over := 1 / Length(r)
	out := make([]float32, len(r))
	for i, x := range r {
		out[i] = float32(float64(x) * over)
	}
	return out
}

// Length is the Euclidean length of what Round returned.
func Length(r []int8) float64 {
	sum := 0
	for _, x := range r {
		sum += int(x) * int(x)
	}
	return math.Sqrt(float64(sum))
}
