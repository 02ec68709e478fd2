// Package tiered is a store of two: one in this process in front of one that several share. What another process has put is found here, and what was found
// or put once is found without a call. It never keeps a request from the front because the back is gone.
package tiered

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mom-router/mom/pkg/recall"
)

// Store is the store. Safe for concurrent use.
//
// Errors of the back are not those of a Get, a Put or a Near: the front alone does then, as it would without a back, and the back's circuit is who says
// so. They are those of a Drop and a Size, where half a result would be a wrong one.
type Store struct{ front, back recall.Store }

var _ recall.Store = (*Store)(nil)

// New returns a store of two.
func New(front, back recall.Store) (*Store, error) {
	if front == nil || back == nil {
		return nil, errors.New("tiered: two stores are needed")
	}
	return &Store{front, back}, nil
}

// Get looks into the front, then into the back; what only the back has the front gets.
func (s *Store) Get(ctx context.Context, k recall.Key) (recall.Entry, bool, error) {
	if e, ok, err := s.front.Get(ctx, k); err != nil || ok {
		return e, ok, err
	}
	e, ok, err := s.back.Get(ctx, k)
	if err != nil {
		return recall.Entry{}, false, nil //nolint:nilerr // the front does alone
	}
	if ok {
		_ = s.front.Put(ctx, k, e) // without it the back is asked again
	}
	return e, ok, nil
}

// Put keeps an entry in both.
func (s *Store) Put(ctx context.Context, k recall.Key, e recall.Entry) error {
	if err := s.front.Put(ctx, k, e); err != nil {
		return err
	}
	_ = s.back.Put(ctx, k, e) // the front does alone
	return nil
}

// Near merges what both find. What both have counts as the front has it: nothing is older there.
func (s *Store) Near(ctx context.Context, q recall.Query) ([]recall.Neighbor, error) {
	out, err := s.front.Near(ctx, q)
	if err != nil {
		return nil, err
	}
	more, err := s.back.Near(ctx, q)
	if err != nil {
		return out, nil //nolint:nilerr // the front does alone
	}
	seen := map[recall.Key]bool{}
	for _, n := range out {
		seen[n.Key] = true
	}
	for _, n := range more {
		if !seen[n.Key] {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b recall.Neighbor) int { return cmp.Compare(b.Cosine, a.Cosine) })
	return out[:min(len(out), q.Top)], nil
}

// Drop forgets in both, and says how many the fuller one forgot: it has all that the other has, but for what was pushed out or did not reach it.
func (s *Store) Drop(ctx context.Context, f recall.Filter) (int, error) {
	front, err := s.front.Drop(ctx, f)
	if err != nil {
		return front, err
	}
	back, err := s.back.Drop(ctx, f)
	if err != nil {
		return front, fmt.Errorf("forgotten here alone: %w", err)
	}
	return max(front, back), nil
}

// Size is the back's entries, and the front's bytes, which are what this process needs.
func (s *Store) Size(ctx context.Context) (recall.Size, error) {
	front, err := s.front.Size(ctx)
	if err != nil {
		return recall.Size{}, err
	}
	back, err := s.back.Size(ctx)
	if err != nil {
		return front, fmt.Errorf("of the front alone: %w", err)
	}
	return recall.Size{Entries: max(front.Entries, back.Entries), Bytes: front.Bytes}, nil
}
