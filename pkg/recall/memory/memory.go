// Package memory is a store of answers in this process. It is bounded in bytes, as a whole and for each tenant, so that no tenant pushes out another's
// answers beyond its share, and it forgets with the process unless a snapshot is kept. It finds what is near by comparing, never by walking a graph: the
// same entries give the same answer.
package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/vector"
)

// overhead is about what an entry costs beside its texts and its vector, in bytes.
const overhead = 768

// Limits of a Store.
type Limits struct {
	Bytes       int // of all entries
	TenantBytes int // of those of one tenant
}

// Store is the store. Safe for concurrent use. What is too old stays until something newer takes its place: who reads it looks at its age.
type Store struct {
	limits  Limits
	entries *otter.Cache[recall.Key, *item]
	near    *shelves
	changes atomic.Uint64 // entries that came or went
	kept    kept

	mu      sync.Mutex
	tenants map[recall.Key]*share
}

// item is an entry, whose vector stands in a shelf instead.
type item struct {
	key   recall.Key
	entry recall.Entry
	place place // of shelves
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
	s := &Store{limits: l, near: newShelves(), tenants: map[recall.Key]*share{}}
	var err error
	s.entries, err = otter.New(&otter.Options[recall.Key, *item]{
		MaximumWeight: uint64(l.Bytes),
		Weigher:       func(_ recall.Key, it *item) uint32 { return uint32(weight(&it.entry, it.place.dims)) }, //nolint:gosec // far below
		Executor:      func(evict func()) { evict() },
		OnDeletion:    func(d otter.DeletionEvent[recall.Key, *item]) { s.gone(d.Value) },
	})
	if err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	return s, nil
}

func weight(e *recall.Entry, dims int) int {
	bytes := overhead + len(e.Completion.Content) + len(e.Completion.Reasoning) + len(e.Completion.Model) + len(e.Completion.Field) + len(e.Backend) +
		len(e.Question)
	if dims > 0 {
		bytes += vector.RowBytes(dims)
	}
	return bytes
}

// Get returns the entry of a key. It never fails.
func (s *Store) Get(_ context.Context, k recall.Key) (recall.Entry, bool, error) {
	it, ok := s.entries.GetIfPresent(k)
	if !ok {
		return recall.Entry{}, false, nil
	}
	return s.whole(it), true, nil
}

// whole is the entry with its vector, as long as that is on its shelf.
func (s *Store) whole(it *item) recall.Entry {
	e := it.entry
	e.Vector = s.near.vector(it)
	return e
}

// Put keeps an entry; of a tenant that has more than its share by then the oldest go. One over the share itself is not kept. It never fails.
func (s *Store) Put(_ context.Context, k recall.Key, e recall.Entry) error {
	it := &item{key: k, entry: e}
	it.entry.Vector = nil
	row, ok := vector.Round(e.Vector)
	if ok && e.Frame != (recall.Key{}) && len(row) <= longest {
		it.place.dims = len(row)
	}
	if weight(&it.entry, it.place.dims) > s.limits.TenantBytes {
		return nil
	}
	s.changes.Add(1)
	s.came(it) // first, since the cache may push it out at once
	if it.place.dims > 0 {
		s.near.add(it, row)
	}
	s.entries.Set(k, it)
	for _, old := range s.over(e.Tenant) {
		s.entries.Invalidate(old)
	}
	return nil
}

// came counts an entry to its tenant's share.
func (s *Store) came(it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[it.entry.Tenant]
	if t == nil {
		t = &share{}
		s.tenants[it.entry.Tenant] = t
	}
	t.bytes, t.live, t.keys = t.bytes+weight(&it.entry, it.place.dims), t.live+1, append(t.keys, it.key)
}

// gone counts an entry out. The cache calls it, so it must not call the cache.
func (s *Store) gone(it *item) {
	s.changes.Add(1)
	if it.place.dims > 0 {
		s.near.remove(it)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[it.entry.Tenant]
	if t == nil {
		return
	}
	if t.bytes, t.live = t.bytes-weight(&it.entry, it.place.dims), t.live-1; t.live == 0 {
		delete(s.tenants, it.entry.Tenant)
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
			bytes -= weight(&e.Value.entry, e.Value.place.dims)
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

// Near compares with every entry of the frame, some thousand at a time, between which others may put and drop. Its error is that of ctx.
func (s *Store) Near(ctx context.Context, q recall.Query) ([]recall.Neighbor, error) {
	best, err := s.near.search(ctx, q)
	if err != nil {
		return nil, err
	}
	var out []recall.Neighbor
	for _, b := range best {
		// It may have been dropped, or another put in its place, since it was compared.
		if it, ok := s.entries.GetIfPresent(b.item.key); ok && it == b.item {
			out = append(out, recall.Neighbor{Key: it.key, Cosine: b.cosine, Entry: s.whole(it)})
		}
	}
	return out, nil
}

// Drop looks at every entry, and removes the snapshot if it names any: what was dropped must not come back with the next process. Its errors are that of
// ctx, when only some are gone, and that of a file that cannot be removed.
func (s *Store) Drop(ctx context.Context, f recall.Filter) (n int, err error) {
	defer func() {
		if n > 0 {
			err = errors.Join(err, s.unkeep())
		}
	}()
	for k, it := range s.entries.All() {
		if err := ctx.Err(); err != nil {
			return n, fmt.Errorf("drop: %w", err)
		}
		if f.Names(&it.entry) {
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
