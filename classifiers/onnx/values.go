package onnx

import "slices"

// An output is one that the graph fills for every window.
type output struct {
	name  string
	ints  bool // int64, else float32
	width int  // of the row, or perToken
	depth int  // numbers a token, 0 for one without an axis of its own; only with perToken
}

// shape is that of the output of n tokens.
func (o output) shape(n int) []int64 {
	switch {
	case o.width != perToken:
		return []int64{1, int64(o.width)}
	case o.depth > 0:
		return []int64{1, int64(n), int64(o.depth)}
	}
	return []int64{1, int64(n)}
}

// perToken is the width of a row with as many numbers for each token, special ones counted.
const perToken = -1

// values are the outputs of one pass. Nobody writes to them once the pass is over.
type values struct {
	floats [][]float32 // by output; nil where it is in ints
	ints   [][]int64
}

// newValues makes place for the outputs of n tokens.
func newValues(outputs []output, n int) values {
	v := values{make([][]float32, len(outputs)), make([][]int64, len(outputs))}
	for i, o := range outputs {
		width := 1
		for _, d := range o.shape(n) {
			width *= int(d)
		}
		if o.ints {
			v.ints[i] = make([]int64, width)
		} else {
			v.floats[i] = make([]float32, width)
		}
	}
	return v
}

// bytes is about the memory that v holds.
func (v values) bytes() int {
	n := 2 * 24 * len(v.floats)
	for i := range v.floats {
		n += 4*len(v.floats[i]) + 8*len(v.ints[i])
	}
	return n
}

// find returns the place of an output by its name, or -1.
func find(outputs []output, name string) int {
	return slices.IndexFunc(outputs, func(o output) bool { return o.name == name })
}
