package signal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mom-router/mom/classifiers"
)

// An Embedder turns a text into vectors, so that texts of like meaning are close.
type Embedder interface {
	classifiers.Embedder
	// Windows returns a vector of length 1 for each part of a text that one pass reads, in order, at least one; the parts overlap. Errors are those of
	// Embed, but that a text of several parts is not too long.
	Windows(ctx context.Context, text string) ([][]float32, error)
}

// Exemplars are texts that say by example what a request may be like.
type Exemplars struct {
	Name  string
	Texts []string // at least one, each short enough for one pass
	Top   int      // how many of the nearest count, their mean; 0 is 1, so that the nearest alone counts
}

// exemplars are Exemplars as vectors.
type exemplars struct {
	name    string
	vectors [][]float32
	top     int
}

func (e Exemplars) embed(ctx context.Context, by Embedder) (exemplars, error) {
	if by == nil {
		return exemplars{}, errors.New("no model embeds them")
	}
	if len(e.Texts) == 0 {
		return exemplars{}, errors.New("there are none")
	}
	out := exemplars{name: e.Name, top: min(max(e.Top, 1), len(e.Texts))}
	for i, text := range e.Texts {
		v, err := by.Embed(ctx, text)
		if err != nil {
			return exemplars{}, fmt.Errorf("number %d: %w", i+1, err)
		}
		out.vectors = append(out.vectors, v)
	}
	return out, nil
}

// Near is how like an exemplar the last user turn is.
type Near struct {
	Name   string  // of the exemplar's set
	Number int     // of the exemplar in it, from 0
	Cosine float64 // [-1, 1], of the part of the turn that is nearest
}

// Near returns all exemplars of all sets, the nearest first. The slice is shared: read it, never change it.
func (s *Set) Near(ctx context.Context) ([]Near, error) {
	return s.near.get(func() ([]Near, error) {
		if len(s.reader.sets) == 0 {
			return nil, ErrNothing
		}
		var parts [][]float32
		err := s.ask(ctx, "similarity", func(ctx context.Context, text string) (err error) {
			parts, err = s.reader.config.Embedder.Windows(ctx, text)
			return err
		})
		if err != nil {
			return nil, err
		}
		var near []Near
		for _, set := range s.reader.sets {
			for i, v := range set.vectors {
				near = append(near, Near{Name: set.name, Number: i, Cosine: closest(parts, v)})
			}
		}
		slices.SortStableFunc(near, func(a, b Near) int { return cmp.Compare(b.Cosine, a.Cosine) })
		return near, nil
	})
}

// Similarity returns how like the exemplars of a set the last user turn is: the mean of the cosines of its nearest ones, in [-1, 1]. A set that nobody
// configured is ErrNothing.
func (s *Set) Similarity(ctx context.Context, name string) (float64, error) {
	at := slices.IndexFunc(s.reader.sets, func(e exemplars) bool { return e.name == name })
	if at < 0 {
		return 0, ErrNothing
	}
	near, err := s.Near(ctx)
	if err != nil {
		return 0, err
	}
	sum, left := 0.0, s.reader.sets[at].top
	for _, n := range near {
		if n.Name == name && left > 0 {
			sum += n.Cosine
			left--
		}
	}
	return sum / float64(s.reader.sets[at].top), nil
}

// closest returns the largest cosine between v and any of parts, which have length 1.
func closest(parts [][]float32, v []float32) float64 {
	best := -1.0
	for _, p := range parts {
		var dot float64
		for i := range min(len(p), len(v)) {
			dot += float64(p[i]) * float64(v[i])
		}
		best = max(best, dot)
	}
	return min(best, 1)
}
