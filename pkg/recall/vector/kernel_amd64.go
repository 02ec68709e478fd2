package vector

import "golang.org/x/sys/cpu"

// native returns the kernels of this processor.
func native() []Kernel {
	var all []Kernel
	x := &cpu.X86
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI && x.HasAVX512VPOPCNTDQ {
		all = append(all, Kernel{"avx512", dotsAVX512, nearAVX512})
	}
	if x.HasAVX2 && x.HasPOPCNT {
		all = append(all, Kernel{"avx2", dotsAVX2, nearAVX2})
	}
	return all
}

func dotsAVX512(q, rows []int8, out []int32) {
	if len(out) == 0 || len(q) == 0 {
		return
	}
	_ = rows[len(out)*len(q)-1]
	// The instruction wants one side without signs, so the rows are lifted by 128; what that adds is taken off again.
	sum := 0
	for _, x := range q {
		sum += int(x)
	}
	dotsVNNI(&q[0], &rows[0], &out[0], len(q), len(out), -128*sum)
}

func nearAVX512(q *Sketch, sketches []Sketch, most int, out []byte) {
	if len(out) == 0 {
		return
	}
	_ = sketches[8*len(out)-1]
	nearZMM(q, &sketches[0], most, &out[0], len(out))
}

func dotsAVX2(q, rows []int8, out []int32) {
	if len(out) == 0 || len(q) == 0 {
		return
	}
	_ = rows[len(out)*len(q)-1]
	dotsYMM(&q[0], &rows[0], &out[0], len(q), len(out))
}

func nearAVX2(q *Sketch, sketches []Sketch, most int, out []byte) {
	if len(out) == 0 {
		return
	}
	_ = sketches[8*len(out)-1]
	nearPOPCNT(q, &sketches[0], most, &out[0], len(out))
}

// The functions in kernel_amd64.s. length is a positive multiple of 64; n, the number of results, is positive.

//go:noescape
func dotsVNNI(q, rows *int8, out *int32, length, n, offset int)

//go:noescape
func dotsYMM(q, rows *int8, out *int32, length, n int)

//go:noescape
func nearZMM(q, sketches *Sketch, most int, out *byte, n int)

//go:noescape
func nearPOPCNT(q, sketches *Sketch, most int, out *byte, n int)
