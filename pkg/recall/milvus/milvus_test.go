package milvus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/milvus"
	"github.com/mom-router/mom/pkg/recall/recalltest"
	"github.com/mom-router/mom/tests/stack"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("rapid.checks", "2") // each step is a call to a server
	os.Exit(stack.Main(m))
}

// patience is for a server on a busy machine to start, and for one call.
const patience = 2 * time.Minute

// asked is when the suite asks.
func asked() time.Time { return time.Unix(1_700_000_060, 0) }

func config(address string) milvus.Config {
	return milvus.Config{Address: address, Prefix: "mom", Embedder: "suite", Dimension: recalltest.Dimensions, Now: asked}
}

// open makes a store that is connected.
func open(t *testing.T, c milvus.Config) *milvus.Store {
	t.Helper()
	s := create(t, c)
	stack.Until(t, patience, "a connection", s.Connected)
	return s
}

func create(t *testing.T, c milvus.Config) *milvus.Store {
	t.Helper()
	s, err := milvus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// settled is a store whose reads see what it has written: it reads strongly once after each write, and what that has waited for is there for all.
type settled struct {
	*milvus.Store
	strong  *milvus.Store
	written atomic.Bool
}

func (s *settled) wait() {
	if s.written.Swap(false) {
		_, _, _ = s.strong.Get(context.Background(), recall.Key{0xff})
	}
}

func (s *settled) Put(ctx context.Context, k recall.Key, e recall.Entry) error {
	defer s.written.Store(true)
	return s.Store.Put(ctx, k, e)
}

func (s *settled) Drop(ctx context.Context, f recall.Filter) (int, error) {
	defer s.written.Store(true)
	return s.Store.Drop(ctx, f)
}

func (s *settled) Get(ctx context.Context, k recall.Key) (recall.Entry, bool, error) {
	s.wait()
	return s.Store.Get(ctx, k)
}

func (s *settled) Near(ctx context.Context, q recall.Query) ([]recall.Neighbor, error) {
	s.wait()
	return s.Store.Near(ctx, q)
}

func (s *settled) Size(ctx context.Context) (recall.Size, error) {
	s.wait()
	return s.Store.Size(ctx)
}

// suite runs the suite of all stores against one collection, emptied for each part.
func suite(t *testing.T, s recall.Store) {
	recalltest.Run(t, func(t *testing.T) recall.Store {
		if _, err := s.Drop(context.Background(), recall.Filter{}); err != nil {
			t.Fatal(err)
		}
		return s
	}, recalltest.Options{})
}

func put(t *testing.T, s recall.Store, k recall.Key, e recall.Entry) {
	t.Helper()
	if err := s.Put(t.Context(), k, e); err != nil {
		t.Fatal(err)
	}
}

// finds waits until a store has the entry of a key with this answer, which may take it some seconds.
func finds(t *testing.T, s recall.Store, k recall.Key, answer string) {
	t.Helper()
	stack.Until(t, patience, "the entry is found", func() error {
		e, ok, err := s.Get(t.Context(), k)
		switch {
		case err != nil:
			return err
		case !ok || e.Completion.Content != answer:
			return fmt.Errorf("there %v, %q", ok, e.Completion.Content)
		}
		return nil
	})
}

func near(t *testing.T, s recall.Store, frame recall.Key) []recall.Neighbor {
	t.Helper()
	found, err := s.Near(t.Context(), recall.Query{Frame: frame, Vector: recalltest.Toward(1), Floor: 0.5, Top: 3, Now: asked()})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// behaves is what both servers must do beyond the suite.
func behaves(t *testing.T, server *stack.Milvus) {
	address := server.Address
	t.Run("another process finds what one has put", func(t *testing.T) {
		a, b := open(t, config(address)), open(t, config(address))
		put(t, a, recall.Key{1}, recalltest.Asked(recall.Key{1}, "Why?", 1))
		finds(t, b, recall.Key{1}, "answer to Why?")
		if found := near(t, b, recall.Key{1}); len(found) != 1 || found[0].Key != (recall.Key{1}) {
			t.Errorf("near: %v", found)
		}
		if _, err := b.Drop(t.Context(), recall.Filter{}); err != nil {
			t.Fatal(err)
		}
		stack.Until(t, patience, "it is gone", func() error {
			if _, ok, err := a.Get(t.Context(), recall.Key{1}); ok || err != nil {
				return fmt.Errorf("there %v: %w", ok, err)
			}
			return nil
		})
	})
	t.Run("an entry that is put again in another frame is found there alone", func(t *testing.T) {
		s := open(t, config(address))
		put(t, s, recall.Key{2}, recalltest.Asked(recall.Key{2}, "old", 1))
		finds(t, s, recall.Key{2}, "answer to old")
		put(t, s, recall.Key{2}, recalltest.Asked(recall.Key{3}, "new", 1))
		finds(t, s, recall.Key{2}, "answer to new")
		if found := near(t, s, recall.Key{2}); len(found) != 0 {
			t.Errorf("in the old frame: %v", found)
		}
		if found := near(t, s, recall.Key{3}); len(found) != 1 || found[0].Entry.Question != "new" {
			t.Errorf("in the new frame: %v", found)
		}
	})
	t.Run("what has expired is not found, though it is there", func(t *testing.T) {
		c := config(address)
		s := open(t, c)
		c.Now = func() time.Time { return asked().Add(time.Hour) }
		later := open(t, c)
		e := recalltest.Asked(recall.Key{4}, "Why?", 1)
		e.Expires = asked().Add(time.Minute)
		put(t, s, recall.Key{4}, e)
		finds(t, s, recall.Key{4}, "answer to Why?")
		if _, ok, err := later.Get(t.Context(), recall.Key{4}); ok || err != nil {
			t.Errorf("there %v: %v", ok, err)
		}
		found, err := later.Near(t.Context(), recall.Query{Frame: recall.Key{4}, Vector: recalltest.Toward(1), Top: 1, Now: asked().Add(time.Hour)})
		if len(found) > 0 || err != nil {
			t.Errorf("near: %v %v", found, err)
		}
	})
	t.Run("an embedder of another dimension or name has a collection of its own", func(t *testing.T) {
		s := open(t, config(address))
		put(t, s, recall.Key{5}, recalltest.Asked(recall.Key{5}, "Why?", 1))
		finds(t, s, recall.Key{5}, "answer to Why?")
		for name, edit := range map[string]func(*milvus.Config){
			"dimension":   func(c *milvus.Config) { c.Dimension = 8 },
			"name":        func(c *milvus.Config) { c.Embedder = "suit-e" },
			"prefix":      func(c *milvus.Config) { c.Prefix = "other" },
			"no embedder": func(c *milvus.Config) { c.Embedder, c.Dimension = "", 0 },
		} {
			c := config(address)
			edit(&c)
			other := open(t, c)
			if other.Collection() == s.Collection() {
				t.Errorf("another %s, the same collection %s", name, s.Collection())
			}
			if _, ok, err := other.Get(t.Context(), recall.Key{5}); ok || err != nil {
				t.Errorf("another %s: there %v: %v", name, ok, err)
			}
		}
	})
	t.Run("an entry too large for a row is not kept, and no error", func(t *testing.T) {
		s := open(t, config(address))
		noise := make([]byte, 200<<10)
		_, _ = rand.Read(noise)
		put(t, s, recall.Key{6}, recalltest.Entry(6, string(noise)))
		put(t, s, recall.Key{7}, recalltest.Entry(7, strings.Repeat("This is said again and again. ", 10_000)))
		finds(t, s, recall.Key{7}, strings.Repeat("This is said again and again. ", 10_000))
		if _, ok, err := s.Get(t.Context(), recall.Key{6}); ok || err != nil {
			t.Errorf("there %v: %v", ok, err)
		}
	})
	restarted(t, server)
}

func restarted(t *testing.T, server *stack.Milvus) {
	address := server.Address
	t.Run("a server that was ended and started again has what it had", func(t *testing.T) {
		s := open(t, config(address))
		put(t, s, recall.Key{8}, recalltest.Asked(recall.Key{8}, "Why?", 1))
		finds(t, s, recall.Key{8}, "answer to Why?")
		server.Down(t)
		if _, ok, err := s.Get(t.Context(), recall.Key{8}); ok || err == nil {
			t.Errorf("while it is down: there %v: %v", ok, err)
		}
		server.Up(t)
		finds(t, s, recall.Key{8}, "answer to Why?")
		if found := near(t, s, recall.Key{8}); len(found) != 1 {
			t.Errorf("near: %v", found)
		}
		finds(t, open(t, config(address)), recall.Key{8}, "answer to Why?")
	})
}

func TestLite(t *testing.T) {
	t.Parallel() // it waits, mostly
	server := stack.NewLite(t)
	suite(t, open(t, config(server.Address))) // whose reads see all that was written
	behaves(t, server)
	t.Run("over TLS, if the certificate is the server's", func(t *testing.T) {
		address, roots := overTLS(t, server.Address)
		c := config(address)
		c.TLS = &tls.Config{RootCAs: roots, ServerName: "milvus.test"}
		s := open(t, c)
		put(t, s, recall.Key{9}, recalltest.Entry(9, "yes"))
		finds(t, s, recall.Key{9}, "yes")
		c.TLS = &tls.Config{RootCAs: roots, ServerName: "other.test"}
		other := create(t, c)
		stack.Until(t, patience, "the certificate is refused", func() error {
			if err := other.Connected(); err == nil || !strings.Contains(err.Error(), "certificate") {
				return fmt.Errorf("connected: %w", err)
			}
			return nil
		})
	})
}

func TestServer(t *testing.T) {
	t.Parallel() // it waits, mostly
	server := stack.NewMilvus(t, stack.MilvusOptions{})
	strong := config(server.Address)
	strong.Consistency = milvus.Strong
	plain := open(t, config(server.Address))
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", server.Process.Pid())); err != nil || its == own {
		t.Fatalf("the server is in our network %s: %v", its, err)
	}
	suite(t, &settled{Store: plain, strong: open(t, strong)})
	behaves(t, server)
}

func TestUsers(t *testing.T) {
	t.Parallel() // it waits, mostly
	server := stack.NewMilvus(t, stack.MilvusOptions{Users: true})
	var password atomic.Value
	password.Store("wrong")
	c := config(server.Address)
	c.Credentials = func() (string, string, error) { return "root", password.Load().(string), nil }
	s := create(t, c)
	stack.Until(t, patience, "the password is refused", func() error {
		if err := s.Connected(); err == nil || !strings.Contains(err.Error(), "auth") {
			return fmt.Errorf("connected: %w", err)
		}
		return nil
	})
	if _, _, err := s.Get(t.Context(), recall.Key{1}); !errors.Is(err, milvus.ErrNotConnected) {
		t.Errorf("get: %v", err)
	}
	password.Store("Milvus") // as when the file is another one by now
	stack.Until(t, patience, "a connection", s.Connected)
	put(t, s, recall.Key{1}, recalltest.Entry(1, "yes"))
	finds(t, s, recall.Key{1}, "yes")
}

func TestNobodyIsWaitedFor(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, address := range map[string]string{"a server that says nothing": silent.Addr().String(), "nobody": closed.Addr().String()} {
		s, err := milvus.New(config(address))
		if err != nil {
			t.Fatal(err)
		}
		// Without a deadline: a call that met no connection has nothing to wait for.
		if _, _, err := s.Get(context.Background(), recall.Key{1}); !errors.Is(err, milvus.ErrNotConnected) {
			t.Errorf("%s: get: %v", name, err)
		}
		if err := s.Put(context.Background(), recall.Key{1}, recalltest.Entry(1, "x")); !errors.Is(err, milvus.ErrNotConnected) {
			t.Errorf("%s: put: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Size(context.Background()); !errors.Is(err, milvus.ErrNotConnected) {
			t.Errorf("%s: closed: %v", name, err)
		}
	}
}

func TestConfigurationsThatMeanNothing(t *testing.T) {
	for name, edit := range map[string]func(*milvus.Config){
		"no address":                     func(c *milvus.Config) { c.Address = "" },
		"a prefix that begins with a _":  func(c *milvus.Config) { c.Prefix = "_a" },
		"a prefix with a dash":           func(c *milvus.Config) { c.Prefix = "a-b" },
		"an embedder without dimensions": func(c *milvus.Config) { c.Dimension = 0 },
		"dimensions without an embedder": func(c *milvus.Config) { c.Embedder = "" },
		"a negative dimension":           func(c *milvus.Config) { c.Dimension = -1 },
	} {
		c := config("127.0.0.1:1")
		edit(&c)
		if _, err := milvus.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// overTLS leads a port that speaks TLS to an address that does not, and returns it and who vouches for it.
func overTLS(t *testing.T, address string) (string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"milvus.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", address)
			if err != nil {
				_ = from.Close()
				continue
			}
			go func() { _, _ = io.Copy(to, from); _ = to.Close() }()
			go func() { _, _ = io.Copy(from, to); _ = from.Close() }()
		}
	}()
	return l.Addr().String(), roots
}
