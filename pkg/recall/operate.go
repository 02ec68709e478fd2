package recall

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Which names entries as an operator does: those for which all that is set holds. The zero Which names all.
type Which struct {
	Tenant string    // of this tenant, as Envoy tells it
	Model  string    // answered by this model, as the configuration names it
	System string    // whose system prompt's hash begins with these hexadecimal digits, an even number of them
	Before time.Time // given before
}

// ErrWhich is a Which that names nothing.
var ErrWhich = errors.New("cannot be named")

// ErrNoList says that the store cannot show what it holds.
var ErrNoList = errors.New("this store cannot list its entries")

// Lister is a Store that can show what it holds.
type Lister interface {
	// Each calls visit with the entries that a filter names, without their vectors, in no order, until visit returns an error; that is its own.
	Each(ctx context.Context, f Filter, visit func(Key, Entry) error) error
}

// filter is what a store is asked for. Only what is hashed here can name a tenant.
func (r *Recall) filter(w Which) (Filter, error) {
	f := Filter{Backend: w.Model, Before: w.Before}
	switch {
	case w.Tenant != "" && r.c.Shared:
		return Filter{}, fmt.Errorf("%w: a tenant, where all callers are one (recall.scope: shared)", ErrWhich)
	case w.Tenant != "":
		f.Tenant = r.hash([]byte("tenant"), []byte(w.Tenant))
	}
	var err error
	if f.System, err = hex.DecodeString(w.System); err != nil || len(f.System) > len(Key{}) {
		return Filter{}, fmt.Errorf("%w: a system prompt by %q; its hash is an even number of hexadecimal digits, at most %d", ErrWhich, w.System, 2*len(Key{}))
	}
	return f, nil
}

// Invalidate forgets the entries that are named, and keeps no answer that was asked for before: it would be as old. It says how many they were.
func (r *Recall) Invalidate(ctx context.Context, w Which) (int, error) {
	f, err := r.filter(w)
	if err != nil {
		return 0, err
	}
	r.keeping.Lock() // first: what is put from here on was asked for later
	r.epoch++
	r.keeping.Unlock()
	n, err := r.c.Store.Drop(ctx, f)
	if err != nil {
		return n, fmt.Errorf("drop: %w", err)
	}
	if err := r.Save(); err != nil { // or the next process would have it all again
		return n, fmt.Errorf("save: %w", err)
	}
	return n, nil
}

// Stats are what an operator sees of a memory.
type Stats struct {
	Size
	Lookups []Count // by state and reason, in order; since the start
	Tokens  uint64  // that were not paid for, since the start
	USD     float64 // that they would have cost, by the prices of the configuration
	// Systems are the system prompts with the most entries, at most ten; nil where the store cannot tell.
	Systems []System
	// Meaning is what is known of answers to questions in other words: on, narrowed or off; "" where none are given.
	Meaning string
}

// Count is how often a Lookup came about.
type Count struct {
	Lookup
	N uint64
}

// System is how many entries a system prompt has.
type System struct {
	Hash    Key
	Entries int
}

// Stats counts what there is. It looks at every entry where the store can list them.
func (r *Recall) Stats(ctx context.Context) (Stats, error) {
	size, err := r.c.Store.Size(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("size: %w", err)
	}
	s := Stats{Size: size}
	s.Lookups, s.Tokens, s.USD = r.counts.all()
	if e, ok := r.Evidence(); ok {
		s.Meaning = e.Mode
	}
	if l, ok := r.c.Store.(Lister); ok {
		n := map[Key]int{}
		if err := l.Each(ctx, Filter{}, func(_ Key, e Entry) error { n[e.System]++; return ctx.Err() }); err != nil {
			return Stats{}, fmt.Errorf("list: %w", err)
		}
		for k, entries := range n {
			s.Systems = append(s.Systems, System{k, entries})
		}
		slices.SortFunc(s.Systems, func(a, b System) int {
			return cmp.Or(cmp.Compare(b.Entries, a.Entries), slices.Compare(a.Hash[:], b.Hash[:]))
		})
		s.Systems = s.Systems[:min(10, len(s.Systems))]
	}
	return s, nil
}

// Export calls visit with the entries that are named and have not expired, until it returns an error. Errors: ErrNoList, ErrWhich, the store's, visit's.
func (r *Recall) Export(ctx context.Context, w Which, visit func(Key, Entry) error) error {
	f, err := r.filter(w)
	if err != nil {
		return err
	}
	l, ok := r.c.Store.(Lister)
	if !ok {
		return ErrNoList
	}
	return l.Each(ctx, f, func(k Key, e Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !r.c.Now().Before(e.Expires) {
			return nil
		}
		return visit(k, e)
	})
}

// all returns the counts, those of lookups in order.
func (c *counts) all() (lookups []Count, tokens uint64, usd float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, n := range c.lookups {
		lookups = append(lookups, Count{at, n})
	}
	order := []string{pipeline.RecallHit, pipeline.RecallMiss, pipeline.RecallBypass, LookupFailed}
	slices.SortFunc(lookups, func(a, b Count) int {
		return cmp.Or(slices.Index(order, a.State)-slices.Index(order, b.State), cmp.Compare(a.Why, b.Why))
	})
	return lookups, c.tokens, c.usd
}
