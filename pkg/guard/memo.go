package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	memoEntries = 100_000   // some 15 MB; a value of some size counts as more than one
	memoAge     = time.Hour // so that no hash of what a user said stays for longer
)

// A memo remembers what a model said of a text that was let through, so that a chat pays for a turn once and not with every turn after it. It knows
// a text by a keyed hash, whose key no one else has and which ends with the process: with any other, somebody could look for a harmless text that
// shares the hash of a harmful one, or try from outside which texts were seen. Safe for concurrent use.
type memo[V any] struct {
	secret []byte
	known  *otter.Cache[[sha256.Size]byte, entry[V]]
	now    func() time.Time
}

type entry[V any] struct {
	value V
	at    time.Time
}

// newMemo returns an empty one; weigh says for how many entries a value counts, at least 1.
func newMemo[V any](weigh func(V) uint32) (*memo[V], error) {
	known, err := otter.New(&otter.Options[[sha256.Size]byte, entry[V]]{
		MaximumWeight: memoEntries,
		Weigher:       func(_ [sha256.Size]byte, e entry[V]) uint32 { return weigh(e.value) },
		Executor:      func(evict func()) { evict() },
	})
	if err != nil {
		return nil, fmt.Errorf("memo: %w", err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return &memo[V]{secret: secret, known: known, now: time.Now}, nil
}

// key is the hash of a text and of how it is read.
func (m *memo[V]) key(kind Kind, body string) (key [sha256.Size]byte) {
	h := hmac.New(sha256.New, m.secret)
	_, _ = h.Write([]byte{byte(kind)})
	_, _ = h.Write([]byte(body))
	h.Sum(key[:0])
	return key
}

func (m *memo[V]) get(key [sha256.Size]byte) (V, bool) {
	e, ok := m.known.GetIfPresent(key)
	if !ok || m.now().Sub(e.at) > memoAge {
		var none V
		return none, false
	}
	return e.value, true
}

func (m *memo[V]) put(key [sha256.Size]byte, v V) { m.known.Set(key, entry[V]{v, m.now()}) }

// pending is a text that is to be read, and its key in the memo.
type pending struct {
	Text
	key [sha256.Size]byte
}

func texts(list []pending) []Text {
	out := make([]Text, len(list))
	for i, t := range list {
		out[i] = t.Text
	}
	return out
}

// unknown returns the texts that are not remembered, and calls known for each of the others, with what is known of it.
func unknown[V any](all []Text, m *memo[V], known func(Text, V)) []pending {
	var todo []pending
	for _, t := range all {
		key := m.key(t.Kind, t.Body)
		if v, ok := m.get(key); ok {
			known(t, v)
			continue
		}
		todo = append(todo, pending{t, key})
	}
	return todo
}
