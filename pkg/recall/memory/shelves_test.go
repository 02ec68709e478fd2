package memory_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/memory"
	"github.com/mom-router/mom/pkg/recall/recalltest"
)

const dims = 384

var now = time.Unix(1_700_000_060, 0)

func numbered(kind byte, i int) recall.Key {
	k := recall.Key{kind}
	binary.BigEndian.PutUint32(k[1:], uint32(i))
	return k
}

// asked is the entry of a question like no other.
func asked(random *rand.Rand, frame recall.Key, answer string) recall.Entry {
	e := recalltest.Entry(1, answer)
	e.Frame, e.Question, e.Vector = frame, "Why is the sky blue?", make([]float32, dims)
	for i := range e.Vector {
		e.Vector[i] = float32(random.NormFloat64())
	}
	return e
}

func put(t testing.TB, s *memory.Store, k recall.Key, e recall.Entry) {
	t.Helper()
	if err := s.Put(context.Background(), k, e); err != nil {
		t.Fatal(err)
	}
}

// The bound is on what the process takes, so what is counted must not be less.
func TestWhatIsCountedIsWhatIsTaken(t *testing.T) {
	for name, frame := range map[string]func(i int) recall.Key{
		"all in one frame":       func(int) recall.Key { return numbered('f', 0) },
		"each in a frame":        func(i int) recall.Key { return numbered('f', i) },
		"ten thousand in frames": func(i int) recall.Key { return numbered('f', i%100) },
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 1))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			s := open(t, memory.Limits{Bytes: 64 << 20, TenantBytes: 64 << 20})
			for i := range 10_000 {
				e := asked(random, frame(i), strings.Repeat("x", 200))
				e.Question = strings.Clone(e.Question)
				put(t, s, numbered('k', i), e)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			size, _ := s.Size(context.Background())
			taken := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			t.Logf("%d bytes an entry, %d counted", taken/10_000, size.Bytes/10_000)
			if size.Entries != 10_000 || taken > size.Bytes || taken < size.Bytes/2 {
				t.Errorf("%d entries take %d bytes, and %d are counted", size.Entries, taken, size.Bytes)
			}
		})
	}
}

// Over the bound vectors go with their entries, and the room they had.
func TestVectorsGoWithTheirEntries(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := open(t, memory.Limits{Bytes: 1 << 20, TenantBytes: 1 << 20})
	for i := range 5000 {
		put(t, s, numbered('k', i), asked(random, recall.Key{1}, "x"))
	}
	size, _ := s.Size(context.Background())
	found, err := s.Near(context.Background(), recall.Query{Frame: recall.Key{1}, Vector: asked(random, recall.Key{}, "").Vector, Floor: -1, Top: 10_000, Now: now})
	if err != nil || len(found) != size.Entries || size.Entries > 1000 || size.Entries < 100 {
		t.Errorf("%d found, %+v, %v", len(found), size, err)
	}
	if size.Bytes > 1<<20 {
		t.Errorf("%d bytes", size.Bytes)
	}
}

// What is put, dropped and pushed out while a search goes on must neither be mixed up nor found once it is gone.
func TestASearchLetsOthersIn(t *testing.T) {
	s := open(t, memory.Limits{Bytes: 32 << 20, TenantBytes: 16 << 20})
	random := rand.New(rand.NewPCG(1, 1))
	rows := make([]recall.Entry, 64)
	for i := range rows {
		rows[i] = asked(random, recall.Key{1}, "x")
	}
	for i := range 9000 { // more than two steps
		put(t, s, numbered('k', i), rows[i%len(rows)])
	}
	done := make(chan struct{})
	var others, searches sync.WaitGroup
	for g := range 2 {
		others.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				put(t, s, numbered('k', (g*4500+i)%9000), rows[i%len(rows)])
				if i%97 == 0 {
					if _, err := s.Drop(context.Background(), recall.Filter{Tenant: recall.Key{9}}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for g := range 2 {
		searches.Go(func() {
			for i := range 30 {
				q := recall.Query{Frame: recall.Key{1}, Vector: rows[(g+i)%len(rows)].Vector, Floor: 0.9, Top: 5, Now: now}
				found, err := s.Near(context.Background(), q)
				if err != nil {
					t.Error(err)
				}
				seen := map[recall.Key]bool{}
				for _, n := range found {
					if n.Cosine < 0.99 || n.Entry.Frame != q.Frame || seen[n.Key] {
						t.Errorf("cosine %v, frame %v, twice %v", n.Cosine, n.Entry.Frame[0], seen[n.Key])
					}
					seen[n.Key] = true
				}
			}
		})
	}
	searches.Wait()
	close(done)
	others.Wait()
}

func TestASearchWhoseTimeIsOverEnds(t *testing.T) {
	s := open(t, memory.Limits{Bytes: 1 << 20, TenantBytes: 1 << 20})
	e := asked(rand.New(rand.NewPCG(1, 1)), recall.Key{1}, "x")
	put(t, s, recall.Key{1}, e)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if found, err := s.Near(ctx, recall.Query{Frame: recall.Key{1}, Vector: e.Vector, Top: 1, Now: now}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v %v", found, err)
	}
	if n, err := s.Drop(ctx, recall.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v %v", n, err)
	}
}

// A search in a frame of any size makes the query and the answer, nothing for what it looks at.
func TestASearchAllocatesLittle(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := open(t, memory.Limits{Bytes: 64 << 20, TenantBytes: 64 << 20})
	for i := range 10_000 {
		put(t, s, numbered('k', i), asked(random, recall.Key{1}, "x"))
	}
	e := asked(random, recall.Key{1}, "y")
	put(t, s, recall.Key{2}, e)
	q := recall.Query{Frame: recall.Key{1}, Vector: e.Vector, Floor: 0.85, Top: 1, Now: now}
	if n := testing.AllocsPerRun(20, func() { _, _ = s.Near(context.Background(), q) }); n > 8 {
		t.Errorf("%v allocations", n)
	}
}
