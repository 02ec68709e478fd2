// Package milvus is a store of answers in a Milvus server, which several processes may share and which keeps them over a restart of all of them.
//
// It never waits for the server but in a call, and then for as long as the caller's context allows. It never trusts a row: what comes back is decoded
// strictly and compared with what was asked. No text of a user stands in an expression, and none in an error.
//
// Reads are of bounded staleness, the server's own five seconds: an answer is found some tenths of a second after it was put, by the process that put it
// as by all others, and one that was dropped is not served for longer than that bound.
package milvus

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/mom-router/mom/pkg/recall"
)

// Config is what a Store is built from.
type Config struct {
	Address  string      // host:port
	Database string      // "" is the server's default
	TLS      *tls.Config // nil is a connection in the clear
	// Credentials returns a user and a password, both "" for none. It is called for every new connection, so that they may change.
	Credentials func() (user, password string, err error)
	// Prefix begins the collection's name: letters, digits and _, a letter first.
	Prefix string
	// Embedder stands for all that decides what a vector means; "" where no entry has one.
	Embedder string
	// Dimension is that of the vectors, 0 where no entry has one.
	Dimension int
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Consistency of reads; the zero value is bounded staleness. Only tests want another.
	Consistency Consistency
}

// Consistency says what a read sees.
type Consistency int

// The consistencies.
const (
	Bounded Consistency = iota // what was written some seconds ago, without waiting
	Strong                     // all that was written, after a wait of some tenths of a second
)

func (c Consistency) level() entity.ConsistencyLevel {
	if c == Strong {
		return entity.ClStrong
	}
	return entity.ClBounded
}

// Store is the store. Safe for concurrent use.
type Store struct {
	c          Config
	collection string
	dimension  int // of the collection's vectors: one is there even where no entry has one

	ready  atomic.Pointer[connection] // nil while there is none
	doubt  chan struct{}              // a call has failed: look whether the connection still serves
	cancel context.CancelFunc
	ended  chan struct{}

	mu  sync.Mutex
	why error // why there is no connection
}

// connection is a client whose collection was found in order and loaded.
type connection struct{ client.Client }

var _ recall.Store = (*Store)(nil)

var prefix = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// ErrNotConnected wraps every error of a call that met no connection.
var ErrNotConnected = errors.New("not connected")

// New returns a store that connects in the background, again and again until Close. Errors are those of the configuration.
func New(c Config) (*Store, error) {
	switch {
	case c.Address == "":
		return nil, errors.New("milvus: no address")
	case !prefix.MatchString(c.Prefix):
		return nil, fmt.Errorf("milvus: %q does not begin a collection's name: want a letter, then letters, digits and _, 64 in all", c.Prefix)
	case (c.Embedder == "") != (c.Dimension == 0) || c.Dimension < 0 || c.Dimension > 32768:
		return nil, fmt.Errorf("milvus: %d dimensions of the embedder %q", c.Dimension, c.Embedder)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Credentials == nil {
		c.Credentials = func() (string, string, error) { return "", "", nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Store{
		c: c, collection: name(c), dimension: max(c.Dimension, 2),
		doubt: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{}), why: errors.New("the first attempt is under way"),
	}
	go s.keep(ctx)
	return s, nil
}

// name is the collection's. Entries of another embedder, dimension or layout are in another collection: their vectors mean something else.
func name(c Config) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, c.Embedder)
	if plain == "" {
		plain = "exact"
	}
	id := sha256.Sum256([]byte(c.Embedder)) // two embedders that differ in a dash are two
	return strings.Join([]string{c.Prefix, layout, plain[:min(len(plain), 100)], hex.EncodeToString(id[:4]), strconv.Itoa(c.Dimension)}, "_")
}

// Collection is the name of the collection.
func (s *Store) Collection() string { return s.collection }

// Close ends the connection and what works in the background. Calls fail from then on.
func (s *Store) Close() error {
	s.cancel()
	<-s.ended
	return nil
}

// Connected says why there is no connection, nil when there is one.
func (s *Store) Connected() error {
	if s.ready.Load() != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("milvus: %w: %w", ErrNotConnected, s.why)
}

// use calls the server, and has the connection looked at when that fails.
func (s *Store) use(ctx context.Context, what string, call func(*connection) error) error {
	c := s.ready.Load()
	if c == nil {
		return s.Connected()
	}
	err := call(c)
	if err == nil {
		return nil
	}
	if end := ctx.Err(); errors.Is(end, context.Canceled) {
		return fmt.Errorf("milvus: %s: %w", what, end)
	}
	select {
	case s.doubt <- struct{}{}:
	default:
	}
	return fmt.Errorf("milvus: %s: %w", what, err)
}
