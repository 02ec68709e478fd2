package evaluate

import (
	"encoding/json"
	"math"
)

// A Share is hits out of n trials.
type Share struct{ Hits, N int }

// Add counts one more trial.
func (s *Share) Add(hit bool) {
	s.N++
	if hit {
		s.Hits++
	}
}

// Value is the share in [0, 1], undefined without trials.
func (s Share) Value() Figure { return ratio(s.Hits, s.N) }

// z is the 97.5 % point of the standard normal distribution: 2.5 % lie beyond each end of the interval.
const z = 1.959963984540054

// Wilson returns the ends of the share's 95 % interval, undefined without trials. Unlike the textbook's p ± z·σ it never leaves [0, 1] and
// keeps its width when all trials hit. It takes trials as independent; rows that paraphrase each other make the true interval wider.
func (s Share) Wilson() (low, high Figure) {
	if s.N == 0 {
		return Figure(math.NaN()), Figure(math.NaN())
	}
	n, p := float64(s.N), float64(s.Value())
	middle := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	// Rounding may pass an end by one bit; the ends are exact where all or none hit.
	return Figure(max(0, min(p, (middle-half)/scale))), Figure(min(1, max(p, (middle+half)/scale)))
}

// F1 is the harmonic mean of precision and recall of what was found, with the ends of its 95 % interval: right of the found are right, and as many of
// those that are there are found. F1 is 2J/(1+J) of J, right out of all that is there or found, which is a share, so that the ends are those of J's
// Wilson interval. Undefined where nothing is there and nothing found.
func F1(right, found, there int) (f1, low, high Figure) {
	j := Share{right, found + there - right}
	low, high = j.Wilson()
	of := func(j Figure) Figure { return 2 * j / (1 + j) }
	return of(j.Value()), of(low), of(high)
}

// MarshalJSON writes n, hits, value, low and high, the last three null without trials.
func (s Share) MarshalJSON() ([]byte, error) {
	low, high := s.Wilson()
	return json.Marshal(struct {
		N     int    `json:"n"`
		Hits  int    `json:"hits"`
		Value Figure `json:"value"`
		Low   Figure `json:"low"`
		High  Figure `json:"high"`
	}{s.N, s.Hits, s.Value(), low, high})
}
