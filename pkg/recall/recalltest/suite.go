// Package recalltest is the suite that every store of answers must pass.
package recalltest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/recall"
)

// Entry makes an entry of a tenant whose answer is text.
func Entry(tenant byte, text string) recall.Entry {
	return recall.Entry{
		Tenant: recall.Key{tenant}, Backend: "small", Given: time.Unix(1_700_000_000, 0).UTC(),
		Expires:    time.Unix(4_000_000_000, 0).UTC(),
		Completion: chat.Completion{Model: "small-2", Content: text, Reasoning: "why", Field: "reasoning", Prompt: 3, Answer: 4},
	}
}

// Options say where a store may do less than the suite asks of it otherwise.
type Options struct {
	// Loose: Near may miss some, and Size may be late.
	Loose bool
}

// Dimensions are those of the vectors that the suite puts.
const Dimensions = 16

// Run tries a store that is empty, has room for some thousand small entries, and takes vectors of as many Dimensions. open is called for each part.
func Run(t *testing.T, open func(t *testing.T) recall.Store, o Options) {
	t.Run("by key", func(t *testing.T) { keyed(t, open) })
	t.Run("near", func(t *testing.T) { near(t, open, o) })
	t.Run("tenants", func(t *testing.T) { apart(t, open, o) })
	t.Run("drop", func(t *testing.T) { drop(t, open) })
	t.Run("size", func(t *testing.T) { size(t, open, o) })
	t.Run("an end", func(t *testing.T) { end(t, open) })
}

// keyed tries Get and Put.
func keyed(t *testing.T, open func(t *testing.T) recall.Store) {
	ctx := context.Background()
	get := func(t *testing.T, s recall.Store, k recall.Key) (recall.Entry, bool) {
		t.Helper()
		e, ok, err := s.Get(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		return e, ok
	}
	put := func(t *testing.T, s recall.Store, k recall.Key, e recall.Entry) {
		t.Helper()
		if err := s.Put(ctx, k, e); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("what was never put is not there", func(t *testing.T) {
		if e, ok := get(t, open(t), recall.Key{1}); ok {
			t.Errorf("found %+v", e)
		}
	})
	t.Run("an entry comes back as it was put", func(t *testing.T) {
		s := open(t)
		for i, text := range []string{"Yes.", "ä😀\n\"\\\x00", string(make([]byte, 10_000))} {
			want := Entry(byte(i), text)
			put(t, s, recall.Key{byte(i)}, want)
			got, ok := get(t, s, recall.Key{byte(i)})
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%v %s", ok, diff)
			}
		}
	})
	t.Run("the later of two entries counts", func(t *testing.T) {
		s := open(t)
		put(t, s, recall.Key{1}, Entry(1, "old"))
		put(t, s, recall.Key{1}, Entry(1, "new"))
		if e, _ := get(t, s, recall.Key{1}); e.Completion.Content != "new" {
			t.Errorf("got %q", e.Completion.Content)
		}
	})
	t.Run("keys that differ in one bit are two", func(t *testing.T) {
		s := open(t)
		put(t, s, recall.Key{1}, Entry(1, "one"))
		for i := range len(recall.Key{}) {
			for bit := range 8 {
				k := recall.Key{1}
				k[i] ^= 1 << bit
				if _, ok := get(t, s, k); ok {
					t.Errorf("byte %d, bit %d: found", i, bit)
				}
			}
		}
	})
	t.Run("it may be asked from many sides", func(t *testing.T) {
		s := open(t)
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for i := range 50 {
					k := recall.Key{byte(g), byte(i)}
					if err := s.Put(ctx, k, Entry(byte(g), fmt.Sprint(g, i))); err != nil {
						t.Error(err)
						return
					}
					if e, ok, err := s.Get(ctx, k); err != nil || ok && e.Completion.Content != fmt.Sprint(g, i) {
						t.Errorf("%v %v %+v", err, ok, e)
					}
				}
			})
		}
		all.Wait()
	})
	t.Run("it finds what a map finds, or nothing", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			s, want := open(t), map[recall.Key]string{}
			rt.Repeat(map[string]func(*rapid.T){
				"put": func(rt *rapid.T) {
					k := recall.Key{rapid.Byte().Draw(rt, "key") % 8}
					want[k] = rapid.StringN(1, 20, 60).Draw(rt, "text")
					put(t, s, k, Entry(k[0], want[k]))
				},
				"get": func(rt *rapid.T) {
					k := recall.Key{rapid.Byte().Draw(rt, "key") % 8}
					if e, ok := get(t, s, k); ok && e.Completion.Content != want[k] {
						rt.Fatalf("got %q, want %q", e.Completion.Content, want[k])
					}
				},
			})
		})
	})
}
