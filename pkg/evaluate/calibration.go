package evaluate

import "math"

// bins of the top probability, of equal width; each holds its upper end.
const bins = 10

// CalibrationError is the expected calibration error: the mean gap between the probability the model gave its answer and how often it was right,
// over ten bins of the probability, weighted by their rows. 0 is perfect. Undefined without answers.
func CalibrationError(answers []Answer) Figure {
	var sum [bins]float64 // of (probability - right)
	for _, a := range answers {
		bin := max(0, min(bins-1, int(math.Ceil(a.P*bins))-1))
		sum[bin] += a.P
		if a.Right() {
			sum[bin]--
		}
	}
	gap := 0.0
	for _, s := range sum {
		gap += math.Abs(s)
	}
	return Figure(gap / float64(len(answers)))
}
