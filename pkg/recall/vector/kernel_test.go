package vector

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// row is one that Round could return, filled up to whole lanes.
func row(random *rand.Rand, dims int) []int8 {
	r := make([]int8, (dims+lane-1)/lane*lane)
	for i := range r[:dims] {
		r[i] = int8(random.IntN(255) - 127)
	}
	return r
}

// Every kernel of this machine must agree with plain Go in every bit: which answer is given may not depend on the processor.
func TestKernelsAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	plain := Kernels()[len(Kernels())-1]
	for _, k := range Kernels() {
		t.Run(k.Name, func(t *testing.T) {
			for _, dims := range []int{1, 16, 63, 64, 65, 256, 384, 1000, 4096, 1 << 14} {
				for n := range 11 {
					q := row(random, dims)
					var rows []int8
					for range n {
						rows = append(rows, row(random, dims)...)
					}
					if n > 2 { // the largest sums there are, of either sign
						for i := range q {
							q[i], rows[i], rows[len(q)+i] = 127, 127, -127
						}
					}
					want, got := make([]int32, n+1), make([]int32, n+1)
					want[n], got[n] = 1, 1 // what lies behind must stay
					plain.dots(q, rows, want[:n])
					k.dots(q, rows, got[:n])
					if !slices.Equal(want, got) {
						t.Fatalf("%d dimensions: %v, in plain Go %v", dims, got, want)
					}
				}
			}
			for n := range 20 {
				var q Sketch
				sketches := make([]Sketch, 8*n)
				for i := range q {
					q[i] = random.Uint64()
				}
				for i := range sketches { // each differs in as many bits as its place says
					sketches[i] = q
					for _, bit := range random.Perm(sketched)[:min(sketched, 7*i%520)] {
						sketches[i][bit/64] ^= 1 << (bit % 64)
					}
				}
				for _, most := range []int{-1, 0, 1, 255, 256, 511, 512} {
					want, got := make([]byte, n+1), make([]byte, n+1)
					plain.near(&q, sketches, most, want[:n])
					k.near(&q, sketches, most, got[:n])
					if !slices.Equal(want, got) {
						t.Fatalf("at most %d bits: %08b, in plain Go %08b", most, got, want)
					}
				}
			}
		})
	}
}
