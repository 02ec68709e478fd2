package onnx

import (
	"fmt"
	"math"
)

// windowCount is the number of windows of size tokens, of which neighbours share overlap, that cover n tokens. An empty text has one.
func windowCount(n, size, overlap int) int {
	if n <= size {
		return 1
	}
	step := size - overlap
	return 1 + (n-size+step-1)/step
}

// bounds returns the tokens [from, to) of window i. Only the last is shorter than size.
func bounds(i, n, size, overlap int) (from, to int) {
	from = i * (size - overlap)
	return from, min(from+size, n)
}

// softmax writes the probabilities of logits/temperature to p. A logit that is no number is an error: it compares as smaller than any threshold,
// and a broken model would look like an unsure one.
func softmax(p []float64, logits []float32, temperature float64) error {
	top := math.Inf(-1)
	for i, l := range logits {
		if math.IsNaN(float64(l)) || math.IsInf(float64(l), 0) {
			return fmt.Errorf("logit %d is %v", i, l)
		}
		top = max(top, float64(l))
	}
	var sum float64
	for i, l := range logits {
		p[i] = math.Exp((float64(l) - top) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return nil
}

// An aggregate joins the probabilities of the windows of a text: their mean, their maxima, or those of the window most
// like the second label, the one that is looked for. (Not least like the first: a window of a third kind would hide the one that matters.)
type aggregate struct {
	how  string
	p    []float64
	some bool
}

func newAggregate(how string, labels int) *aggregate {
	return &aggregate{how: how, p: make([]float64, labels)}
}

func (a *aggregate) add(window []float64) {
	switch a.how {
	case "worst":
		if !a.some || window[1] > a.p[1] {
			copy(a.p, window)
		}
	case "max":
		for i, p := range window {
			a.p[i] = max(a.p[i], p)
		}
	default:
		for i, p := range window {
			a.p[i] += p
		}
	}
	a.some = true
}

// result returns the joined probabilities, scaled to 1 together: a mean by the number of windows, maxima by their sum.
func (a *aggregate) result() []float32 {
	var sum float64
	for _, p := range a.p {
		sum += p
	}
	out := make([]float32, len(a.p))
	for i, p := range a.p {
		out[i] = float32(p / sum)
	}
	return out
}
