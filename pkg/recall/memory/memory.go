// Package memory is a store of answers in this process. It is bounded in bytes, as a whole and for each tenant, so that no tenant pushes out another's
// answers beyond its share, and it forgets with the process.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/mom-router/mom/pkg/recall"
)

// overhead is about what an entry costs beside its texts, in bytes.
const overhead = 512

// Limits of a Store.
type Limits struct {
	Bytes       int // of all entries
	TenantBytes int // of those of one tenant
}

// Store is the store. Safe for concurrent use. What is too old stays until something newer takes its place: who reads it looks at its age.
type Store struct {
	limits  Limits
	entries *otter.Cache[recall.Key, recall.Entry]

	mu      sync.Mutex
	tenants map[recall.Key]*share
}

// share is what one tenant has.
type share struct {
	bytes, live int
	keys        []recall.Key // in the order in which they came; some may be gone
}

var _ recall.Store = (*Store)(nil)

// New makes an empty store.
func New(l Limits) (*Store, error) {
	if l.Bytes <= 0 || l.TenantBytes <= 0 || l.TenantBytes > l.Bytes {
		return nil, fmt.Errorf("limits %+v: want positive ones, a tenant's below the whole", l)
	}
	s := &Store{limits: l, tenants: map[recall.Key]*share{}}
	var err error
	s.entries, err = otter.New(&otter.Options[recall.Key, recall.Entry]{
		MaximumWeight: uint64(l.Bytes),
		Weigher:       func(_ recall.Key, e recall.Entry) uint32 { return uint32(weight(e)) }, //nolint:gosec // far below
		Executor:      func(evict func()) { evict() },
		OnDeletion:    func(d otter.DeletionEvent[recall.Key, recall.Entry]) { s.gone(d.Value) },
	})
	if err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	return s, nil
}

func weight(e recall.Entry) int {
	return overhead + len(e.Completion.Content) + len(e.Completion.Reasoning) + len(e.Completion.Model) + len(e.Backend) + len(e.Question) + 4*len(e.Vector)
}

// Get returns the entry of a key. It never fails.
func (s *Store) Get(_ context.Context, k recall.Key) (recall.Entry, bool, error) {
	e, ok := s.entries.GetIfPresent(k)
	return e, ok, nil
}

// Put keeps an entry; of a tenant that has more than its share by then the oldest go. One over the share itself is not kept. It never fails.
func (s *Store) Put(_ context.Context, k recall.Key, e recall.Entry) error {
	if weight(e) > s.limits.TenantBytes {
		return nil
	}
	s.came(k, e) // first, since the cache may push it out at once
	s.entries.Set(k, e)
	for _, old := range s.over(e.Tenant) {
		s.entries.Invalidate(old)
	}
	return nil
}

// came counts an entry to its tenant's share.
func (s *Store) came(k recall.Key, e recall.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[e.Tenant]
	if t == nil {
		t = &share{}
		s.tenants[e.Tenant] = t
	}
	t.bytes, t.live, t.keys = t.bytes+weight(e), t.live+1, append(t.keys, k)
}

// gone counts an entry out. The cache calls it, so it must not call the cache.
func (s *Store) gone(e recall.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[e.Tenant]
	if t == nil {
		return
	}
	if t.bytes, t.live = t.bytes-weight(e), t.live-1; t.live == 0 {
		delete(s.tenants, e.Tenant)
	}
}

// over returns the keys by which a tenant has more than its share, the oldest first, and forgets those that are gone.
func (s *Store) over(tenant recall.Key) []recall.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[tenant]
	if t == nil {
		return nil
	}
	var out []recall.Key
	for bytes := t.bytes; bytes > s.limits.TenantBytes && len(t.keys) > 1; t.keys = t.keys[1:] {
		if e, ok := s.entries.GetEntryQuietly(t.keys[0]); ok {
			bytes -= weight(e.Value)
			out = append(out, t.keys[0])
		}
	}
	if len(t.keys) > 2*t.live+64 {
		kept := make([]recall.Key, 0, t.live)
		for _, k := range t.keys {
			if _, ok := s.entries.GetEntryQuietly(k); ok {
				kept = append(kept, k)
			}
		}
		t.keys = kept
	}
	return out
}

// Near looks at every entry. It never fails.
func (s *Store) Near(_ context.Context, q recall.Query) ([]recall.Neighbor, error) {
	var out []recall.Neighbor
	for k, e := range s.entries.All() {
		if e.Frame != q.Frame || len(e.Vector) != len(q.Vector) || !q.Now.Before(e.Expires) {
			continue
		}
		var cosine float32
		for i, x := range e.Vector {
			cosine += x * q.Vector[i]
		}
		if cosine >= q.Floor {
			out = append(out, recall.Neighbor{Key: k, Cosine: cosine, Entry: e})
		}
	}
	slices.SortFunc(out, func(a, b recall.Neighbor) int { return cmp.Compare(b.Cosine, a.Cosine) })
	return out[:min(len(out), q.Top)], nil
}

// Drop looks at every entry. It never fails.
func (s *Store) Drop(_ context.Context, f recall.Filter) (int, error) {
	n := 0
	for k, e := range s.entries.All() {
		if f.Names(&e) {
			s.entries.Invalidate(k)
			n++
		}
	}
	return n, nil
}

// Size never fails.
func (s *Store) Size(context.Context) (recall.Size, error) {
	return recall.Size{Entries: s.entries.EstimatedSize(), Bytes: int64(s.entries.WeightedSize())}, nil //nolint:gosec // far below
}
