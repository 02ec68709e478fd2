package vector

import "math"

// Sketch stands for a direction in 512 bits: the sides of 512 planes on which it lies, always the same planes. Of two directions at an angle of a, each
// plane parts them with a chance of a/π, so that the bits in which their sketches differ say how far apart they are.
type Sketch [8]uint64

// sketched is how many planes there are.
const sketched = 512

// sketch turns r twice, each time by signs that look random and a Walsh-Hadamard transform, so that no direction is special to the planes; then the sides
// are the signs. All numbers are integers below 2^31, so that every machine draws the same.
func sketch(r []int8) Sketch {
	var few [sketched]int32
	x := few[:]
	for size := sketched; size < len(r); {
		size *= 2
		x = make([]int32, size)
	}
	for i, v := range r {
		x[i] = int32(v)
	}
	for turn := range uint64(2) {
		for i := 0; i < len(x); i += 64 {
			signs := mix(turn<<32 | uint64(i)) //nolint:gosec // not negative
			for j := range x[i : i+64] {
				flip := -int32(signs >> j & 1) //nolint:gosec // a bit
				x[i+j] = x[i+j] ^ flip - flip
			}
		}
		for half := 1; half < len(x); half *= 2 {
			for at := 0; at < len(x); at += 2 * half {
				low, high := x[at:at+half], x[at+half:at+2*half]
				for i, a := range low {
					b := high[i]
					low[i], high[i] = a+b, a-b
				}
			}
		}
	}
	var s Sketch
	for i, v := range x[:sketched] {
		if v > 0 {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

// mix is the finaliser of SplitMix64: one of its bits looks like no other.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// within is in how many bits the sketches of two directions may differ whose cosine is at least so much: as many as are likely, and four standard
// deviations more, which fewer than one of ten thousand such pairs exceeds.
func within(cosine float32) int {
	p := math.Acos(max(-1, min(1, float64(cosine)))) / math.Pi
	return int(sketched*p + 4*math.Sqrt(sketched*p*(1-p)))
}
