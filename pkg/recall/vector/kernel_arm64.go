package vector

import "golang.org/x/sys/cpu"

// native returns the kernels of this processor.
func native() []Kernel {
	if !cpu.ARM64.HasASIMDDP {
		return nil
	}
	return []Kernel{{"neon", dotsNEON, nearNEON}}
}

func dotsNEON(q, rows []int8, out []int32) {
	if len(out) == 0 || len(q) == 0 {
		return
	}
	_ = rows[len(out)*len(q)-1]
	dotsSDOT(&q[0], &rows[0], &out[0], len(q), len(out))
}

func nearNEON(q *Sketch, sketches []Sketch, most int, out []byte) {
	if len(out) == 0 {
		return
	}
	_ = sketches[8*len(out)-1]
	nearCNT(q, &sketches[0], most, &out[0], len(out))
}

// The functions in kernel_arm64.s. length is a positive multiple of 64; n, the number of results, is positive.

//go:noescape
func dotsSDOT(q, rows *int8, out *int32, length, n int)

//go:noescape
func nearCNT(q, sketches *Sketch, most int, out *byte, n int)
