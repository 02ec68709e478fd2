package recall

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/mom-router/mom/pkg/chat"
)

// Key names an entry, or what entries have in common. Nobody without the secret can tell what was asked.
type Key [sha256.Size]byte

// Entry is an answer that was given.
type Entry struct {
	Tenant     Key // whose it is: compared again when it is read
	Completion chat.Completion
	Backend    string    // the configured name of the model that answered
	Given      time.Time // when
	Expires    time.Time // from when on it must not serve; never zero

	// Frame is all that was asked but the words of the last question; zero where no other question may get the answer.
	Frame Key
	// System stands for the texts of the system and developer turns; zero without any.
	System Key
	// Question is those words, for the gate: the only text of a user that a store keeps, and only where Vector is there.
	Question string
	// Vector is the question's embedding, of length one; nil where no other question may get the answer. A store may round it as vector.Round does.
	Vector []float32
}

// Query asks for the entries whose questions are like one.
type Query struct {
	Frame  Key       // the entries' own; never zero
	Vector []float32 // of length one and the dimension of the store
	Floor  float32   // the least cosine
	Top    int       // the most entries, at least 1
	Now    time.Time // entries that expire by then are not wanted
}

// Neighbor is an entry that was found by its question.
type Neighbor struct {
	Key    Key
	Cosine float32 // of the two vectors as the store keeps them, to 0.01
	Entry  Entry
}

// Filter names entries: those for which all that is set here holds. The zero Filter names all.
type Filter struct {
	Tenant  Key       // of this tenant; zero is any
	Backend string    // answered by this model; "" is any
	System  []byte    // whose System begins with these bytes; empty is any
	Before  time.Time // given before; zero is any
}

// Names says whether the filter names an entry.
func (f Filter) Names(e *Entry) bool {
	return (f.Tenant == Key{} || f.Tenant == e.Tenant) && (f.Backend == "" || f.Backend == e.Backend) &&
		(len(f.System) == 0 || e.System != Key{} && bytes.HasPrefix(e.System[:], f.System)) && (f.Before.IsZero() || e.Given.Before(f.Before))
}

// Size is what a store holds, about.
type Size struct {
	Entries int
	Bytes   int64 // 0 where the store cannot tell
}

// ErrOff is the error of a store that is known not to work at the moment, and was not asked.
var ErrOff = errors.New("the store is off")

// Store keeps entries for a while. Its methods are safe for concurrent use and honour ctx. An entry may be gone at any time, and one that expired may
// still be there: who reads it looks. An error says that the store could not do it, never that there is nothing.
type Store interface {
	// Get returns the entry of a key, and whether there is one.
	Get(ctx context.Context, k Key) (Entry, bool, error)
	// Put keeps an entry under a key, instead of one that stood there.
	Put(ctx context.Context, k Key, e Entry) error
	// Near returns entries of the query's frame, the nearest first. It may miss some; it never returns one of another frame or under the floor.
	Near(ctx context.Context, q Query) ([]Neighbor, error)
	// Drop forgets the entries that a filter names, and says how many they were.
	Drop(ctx context.Context, f Filter) (int, error)
	// Size says what is there.
	Size(ctx context.Context) (Size, error)
}
