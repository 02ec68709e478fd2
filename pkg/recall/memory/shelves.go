package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/vector"
)

// longest is the most dimensions of a vector that is compared.
const longest = 1 << 14

// shelf names the entries among which one may be near another: those of a frame, with vectors of as many dimensions.
type shelf struct {
	frame recall.Key
	dims  int
}

// place is where an item's vector stands.
type place struct {
	dims int // 0 without one; never changes
	row  int
	on   *vector.Index[*item] // nil once it is gone
}

// shelves hold the vectors. Safe for concurrent use: a search holds the lock only while it looks at some thousand rows.
type shelves struct {
	kernel vector.Kernel

	mu  sync.RWMutex
	all map[shelf]*vector.Index[*item]
}

func newShelves() *shelves {
	return &shelves{kernel: vector.Kernels()[0], all: map[shelf]*vector.Index[*item]{}}
}

// add puts a new item's vector, as vector.Round returned it, on its shelf.
func (s *shelves) add(it *item, row []int8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := shelf{it.entry.Frame, len(row)}
	x := s.all[name]
	if x == nil {
		x = vector.NewIndex[*item](s.kernel, len(row))
		s.all[name] = x
	}
	it.place.on, it.place.row = x, x.Len()
	x.Add(row, it)
}

// remove takes an item's vector away.
func (s *shelves) remove(it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := it.place.on
	moved := x.Remove(it.place.row)
	moved.place.row = it.place.row
	it.place.on = nil
	if x.Len() == 0 {
		delete(s.all, shelf{it.entry.Frame, it.place.dims})
	}
}

// vector is an item's, of length one, nil once it is gone.
func (s *shelves) vector(it *item) []float32 {
	if it.place.dims == 0 {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if it.place.on == nil {
		return nil
	}
	return vector.Unit(it.place.on.Row(it.place.row))
}

// compared is an item and how near it is.
type compared struct {
	item   *item
	cosine float32
}

// search returns the nearest items, the nearest first.
func (s *shelves) search(ctx context.Context, q recall.Query) ([]compared, error) {
	asked, ok := vector.NewQuery(q.Vector, q.Floor)
	if !ok {
		return nil, nil
	}
	var best []compared
	for at, more := 0, true; more; {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("near: %w", err)
		}
		at, more = s.step(q, asked, at, &best)
	}
	return best, nil
}

// step looks at some thousand rows from one on, and says where to go on and whether there are more.
func (s *shelves) step(q recall.Query, asked *vector.Query, at int, best *[]compared) (next int, more bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := s.all[shelf{q.Frame, len(q.Vector)}]
	if x == nil {
		return 0, false
	}
	next = x.Search(asked, at, func(it *item, cosine float32) {
		if q.Now.Before(it.entry.Expires) {
			*best = among(*best, compared{it, cosine}, q.Top)
		}
	})
	return next, next < x.Len()
}

// among puts c into its place among the best so far, of which there are at most top.
func among(best []compared, c compared, top int) []compared {
	i := len(best)
	for i > 0 && best[i-1].cosine < c.cosine {
		i--
	}
	if i >= top {
		return best
	}
	if len(best) < top {
		best = append(best, compared{})
	}
	copy(best[i+1:], best[i:])
	best[i] = c
	return best
}
