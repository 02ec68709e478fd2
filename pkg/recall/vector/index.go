package vector

import "math/bits"

const (
	// perBlock is how many rows lie together. The last block grows by little, so that the many frames of one question stay small.
	perBlock = 1024
	// perStep is how many rows one step of a search looks at: some tens of microseconds.
	perStep = 4 * perBlock
	// few rows are compared one by one: sketches save nothing yet.
	few = 4 * perBlock
	// loose is in how many bits sketches may differ before so many pass that they save nothing.
	loose = 224
)

// Index holds directions of one number of dimensions, and with each what it stands for. Not safe for concurrent use.
type Index[T any] struct {
	kernel Kernel
	dims   int
	stride int // bytes of a row: dims, filled up to whole lanes
	rows   int
	blocks []*block[T]
}

type block[T any] struct {
	codes    []int8
	sketches []Sketch
	over     []float64 // 1 by the length of each row
	what     []T
}

// NewIndex returns an empty one, of directions of so many dimensions.
func NewIndex[T any](k Kernel, dims int) *Index[T] {
	return &Index[T]{kernel: k, dims: dims, stride: (dims + lane - 1) / lane * lane}
}

// RowBytes is what a row of so many dimensions takes, room for growth counted in, beside what it stands for.
func RowBytes(dims int) int { return ((dims+lane-1)/lane*lane + 64 + 8) * 5 / 4 }

// Len is how many rows there are, numbered from 0.
func (x *Index[T]) Len() int { return x.rows }

// Add puts what Round returned behind the last row.
func (x *Index[T]) Add(r []int8, what T) {
	if x.rows%perBlock == 0 {
		x.blocks = append(x.blocks, &block[T]{})
	}
	b := x.blocks[len(x.blocks)-1]
	b.codes = append(append(b.codes, r...), make([]int8, x.stride-x.dims)...)
	b.sketches = append(b.sketches, sketch(r))
	b.over = append(b.over, 1/Length(r))
	b.what = append(b.what, what)
	x.rows++
}

// Row returns a row, which is valid until the next Remove.
func (x *Index[T]) Row(i int) []int8 {
	at := i % perBlock * x.stride
	return x.blocks[i/perBlock].codes[at : at+x.dims]
}

// Remove takes a row out. The last one takes its place and number, and what that stands for is returned: of the row itself, where it was the last.
func (x *Index[T]) Remove(i int) T {
	last := x.rows - 1
	to, from := x.blocks[i/perBlock], x.blocks[last/perBlock]
	at, end := i%perBlock, last%perBlock
	moved := from.what[end]
	copy(to.codes[at*x.stride:(at+1)*x.stride], from.codes[end*x.stride:])
	to.sketches[at], to.over[at], to.what[at] = from.sketches[end], from.over[end], moved
	var none T
	from.what[end] = none
	from.codes, from.sketches, from.over, from.what = cut(from.codes, end*x.stride), cut(from.sketches, end), cut(from.over, end), cut(from.what, end)
	if x.rows = last; end == 0 {
		x.blocks[len(x.blocks)-1] = nil
		x.blocks = x.blocks[:len(x.blocks)-1]
	}
	return moved
}

// cut returns the first n, in a smaller place where most of it would be empty: else a frame would hold as much as it ever did.
func cut[S ~[]E, E any](s S, n int) S {
	if cap(s) <= 4*n {
		return s[:n]
	}
	return append(make(S, 0, 2*n), s[:n]...)
}

// Query is a direction that is looked for. Not safe for concurrent use.
type Query struct {
	dims   int
	code   []int8
	sketch Sketch
	over   float64
	floor  float32
	most   int // in how many bits a sketch may differ

	dots [perBlock]int32
	near [perBlock / 8]byte
}

// NewQuery asks for what has at least the cosine floor with v; false where v has no direction.
func NewQuery(v []float32, floor float32) (*Query, bool) {
	r, ok := Round(v)
	if !ok {
		return nil, false
	}
	q := &Query{dims: len(r), code: make([]int8, (len(r)+lane-1)/lane*lane), sketch: sketch(r), over: 1 / Length(r), floor: floor, most: within(floor)}
	copy(q.code, r)
	return q, true
}

// Search looks at some thousand rows from row number from on and calls found for those that are near enough, each with its cosine. It returns from where
// to go on; rows that are added or removed between two steps may be missed or found twice. From Len on there is nothing. In an index of more than some
// thousand rows it compares sketches first, and may miss one pair in ten thousand by that.
func (x *Index[T]) Search(q *Query, from int, found func(what T, cosine float32)) (next int) {
	if q.dims != x.dims {
		return x.rows
	}
	exact := x.rows <= few || q.most >= loose
	first := from / perBlock
	for _, b := range x.blocks[min(first, len(x.blocks)):min(first+perStep/perBlock, len(x.blocks))] {
		if exact {
			dots := q.dots[:len(b.what)]
			x.kernel.dots(q.code, b.codes, dots)
			for i, dot := range dots {
				b.judge(q, i, dot, found)
			}
			continue
		}
		whole := len(b.what) / 8
		x.kernel.near(&q.sketch, b.sketches, q.most, q.near[:whole])
		for i, set := range q.near[:whole] {
			for ; set != 0; set &= set - 1 {
				x.judge(q, b, 8*i+bits.TrailingZeros8(set), found)
			}
		}
		for i := 8 * whole; i < len(b.what); i++ {
			x.judge(q, b, i, found)
		}
	}
	return (first + perStep/perBlock) * perBlock
}

// judge compares one row.
func (x *Index[T]) judge(q *Query, b *block[T], i int, found func(T, float32)) {
	x.kernel.dots(q.code, b.codes[i*x.stride:(i+1)*x.stride], q.dots[:1])
	b.judge(q, i, q.dots[0], found)
}

func (b *block[T]) judge(q *Query, i int, dot int32, found func(T, float32)) {
	if cosine := float32(float64(dot) * q.over * b.over[i]); cosine >= q.floor {
		found(b.what[i], cosine)
	}
}
