package vector

import "math/bits"

// lane is the number of bytes that a row is filled up to a multiple of: what the widest register holds.
const lane = 64

// Kernel compares rows with the instructions that a processor has. All kernels find the same, to the last bit.
type Kernel struct {
	Name string
	// dots writes the dot products of q and each of len(out) rows, which lie one behind the other, each as long as q: a multiple of lane. None holds a
	// -128.
	dots func(q, rows []int8, out []int32)
	// near writes one bit for each of 8*len(out) sketches, the lowest bit of a byte first: whether it differs from q in at most so many bits.
	near func(q *Sketch, sketches []Sketch, most int, out []byte)
}

// Kernels returns those that this machine has, the fastest first and the one in plain Go last.
func Kernels() []Kernel { return append(native(), Kernel{"go", dotsGo, nearGo}) }

func dotsGo(q, rows []int8, out []int32) {
	for i := range out {
		row := rows[i*len(q):][:len(q)]
		var a, b, c, d int32 // four sums that need not wait for each other
		for j := 0; j+4 <= len(q); j += 4 {
			x, y := q[j:j+4:j+4], row[j:j+4:j+4]
			a += int32(x[0]) * int32(y[0])
			b += int32(x[1]) * int32(y[1])
			c += int32(x[2]) * int32(y[2])
			d += int32(x[3]) * int32(y[3])
		}
		out[i] = a + b + c + d
	}
}

func nearGo(q *Sketch, sketches []Sketch, most int, out []byte) {
	for i := range out {
		var b byte
		for j := range 8 {
			if differ(q, &sketches[8*i+j]) <= most {
				b |= 1 << j
			}
		}
		out[i] = b
	}
}

// differ is in how many bits.
func differ(a, b *Sketch) int {
	n := 0
	for i, w := range a {
		n += bits.OnesCount64(w ^ b[i])
	}
	return n
}
