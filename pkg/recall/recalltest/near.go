package recalltest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/recall"
)

// now is when the suite asks; the entries of Entry expire long after.
var now = time.Unix(1_700_000_060, 0).UTC()

// Asked makes the entry of a question, in a frame, whose vector has a cosine with Toward(1).
func Asked(frame recall.Key, question string, cosine float64) recall.Entry {
	e := Entry(1, "answer to "+question)
	e.Frame, e.Question, e.Vector = frame, question, Toward(cosine)
	return e
}

// Toward returns a vector of length one whose cosine with Toward(1) is the given one.
func Toward(cosine float64) []float32 {
	v := make([]float32, Dimensions)
	v[0], v[1] = float32(cosine), float32(math.Sqrt(1-cosine*cosine))
	return v
}

// like compares entries, vectors by what rounding leaves of them.
var like = cmp.Options{cmpopts.EquateApprox(0, 0.01)}

func put(t fataler, s recall.Store, k recall.Key, e recall.Entry) {
	t.Helper()
	if err := s.Put(context.Background(), k, e); err != nil {
		t.Fatalf("put: %v", err)
	}
}

func find(t fataler, s recall.Store, q recall.Query) []recall.Neighbor {
	t.Helper()
	found, err := s.Near(context.Background(), q)
	if err != nil {
		t.Fatalf("near: %v", err)
	}
	return found
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// near tries Near where it must be right, one reason after the other.
func near(t *testing.T, open func(t *testing.T) recall.Store, o Options) {
	frame := recall.Key{7}
	ask := func(floor float32, top int) recall.Query {
		return recall.Query{Frame: frame, Vector: Toward(1), Floor: floor, Top: top, Now: now}
	}
	questions := func(found []recall.Neighbor) []string {
		var out []string
		for _, n := range found {
			out = append(out, n.Entry.Question)
		}
		return out
	}
	for _, c := range []struct {
		name string
		put  func(t *testing.T, s recall.Store)
		ask  recall.Query
		want []string
	}{
		{name: "nothing is near nothing", put: func(*testing.T, recall.Store) {}, ask: ask(-1, 10)},
		{
			name: "the nearest come first, down to the floor",
			put: func(t *testing.T, s recall.Store) {
				for i, cosine := range []float64{0.5, 0.95, 0.2, 1, 0.88, 0.82, -1} {
					put(t, s, recall.Key{byte(i)}, Asked(frame, fmt.Sprint(cosine), cosine))
				}
			},
			ask: ask(0.85, 10), want: []string{"1", "0.95", "0.88"},
		},
		{
			name: "no more than asked for",
			put: func(t *testing.T, s recall.Store) {
				for i, cosine := range []float64{0.9, 0.95, 1, 0.85} {
					put(t, s, recall.Key{byte(i)}, Asked(frame, fmt.Sprint(cosine), cosine))
				}
			},
			ask: ask(0.5, 2), want: []string{"1", "0.95"},
		},
		{
			name: "not of another frame",
			put: func(t *testing.T, s recall.Store) {
				put(t, s, recall.Key{1}, Asked(frame, "own", 0.9))
				for bit := range 8 * len(frame) {
					other := frame
					other[bit/8] ^= 1 << (bit % 8)
					put(t, s, recall.Key{2, byte(bit)}, Asked(other, "another's", 1))
				}
			},
			ask: ask(0.5, 10), want: []string{"own"},
		},
		{
			name: "not what expired, or expires now",
			put: func(t *testing.T, s recall.Store) {
				for i, left := range []time.Duration{-time.Hour, 0, time.Second} {
					e := Asked(frame, left.String(), 0.9)
					e.Expires = now.Add(left)
					put(t, s, recall.Key{byte(i)}, e)
				}
			},
			ask: ask(0.5, 10), want: []string{"1s"},
		},
		{
			name: "not what has no vector",
			put: func(t *testing.T, s recall.Store) {
				e := Asked(frame, "exact", 1)
				e.Vector = nil
				put(t, s, recall.Key{1}, e)
			},
			ask: ask(-1, 10),
		},
		{
			name: "where it was put last",
			put: func(t *testing.T, s recall.Store) {
				put(t, s, recall.Key{1}, Asked(frame, "old", 1))
				put(t, s, recall.Key{2}, Asked(frame, "stays", 0.8))
				put(t, s, recall.Key{1}, Asked(frame, "new", 0.9))
			},
			ask: ask(0.5, 10), want: []string{"new", "stays"},
		},
		{
			name: "nowhere once it has no vector",
			put: func(t *testing.T, s recall.Store) {
				put(t, s, recall.Key{1}, Asked(frame, "old", 1))
				e := Asked(frame, "new", 1)
				e.Vector, e.Frame = nil, recall.Key{}
				put(t, s, recall.Key{1}, e)
			},
			ask: ask(-1, 10),
		},
		{
			name: "not with another number of dimensions",
			put: func(t *testing.T, s recall.Store) {
				for i, dimensions := range []int{1, Dimensions - 1, Dimensions + 1, 10 * Dimensions} {
					e := Asked(frame, fmt.Sprint(dimensions), 1)
					e.Vector = make([]float32, dimensions)
					e.Vector[0] = 1
					_ = s.Put(context.Background(), recall.Key{byte(i)}, e) // some can keep it, some cannot
				}
			},
			ask: ask(-1, 10),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.put(t, s)
			found := find(t, s, c.ask)
			got := questions(found)
			if !o.Loose && !slices.Equal(got, c.want) || slices.ContainsFunc(got, func(q string) bool { return !slices.Contains(c.want, q) }) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if !slices.IsSortedFunc(found, func(a, b recall.Neighbor) int { return -cmpFloat(a.Cosine, b.Cosine) }) {
				t.Errorf("out of order: %v", found)
			}
		})
	}
	t.Run("an entry is found whole", func(t *testing.T) {
		s := open(t)
		want := Asked(frame, "Why?", 0.9)
		want.System = recall.Key{9}
		put(t, s, recall.Key{1}, want)
		for _, n := range find(t, s, ask(0.5, 10)) {
			if diff := cmp.Diff(want, n.Entry, like, cmpopts.IgnoreFields(recall.Entry{}, "Vector")); diff != "" || n.Key != (recall.Key{1}) || math.Abs(float64(n.Cosine)-0.9) > 0.01 {
				t.Errorf("%v, cosine %v: %s", n.Key, n.Cosine, diff)
			}
		}
		got, _, err := s.Get(context.Background(), recall.Key{1})
		if diff := cmp.Diff(want, got, like); err != nil || diff != "" {
			t.Errorf("by its key: %v %s", err, diff)
		}
	})
	t.Run("a question of another number of dimensions finds nothing", func(t *testing.T) {
		s := open(t)
		put(t, s, recall.Key{1}, Asked(frame, "Why?", 1))
		for _, dimensions := range []int{0, 1, Dimensions - 1, Dimensions + 1, 10 * Dimensions} {
			q := ask(-1, 10)
			q.Vector = make([]float32, dimensions)
			if dimensions > 0 {
				q.Vector[0] = 1
			}
			if found, err := s.Near(context.Background(), q); err == nil && len(found) > 0 { // an error is as good
				t.Errorf("%d: found %v", dimensions, questions(found))
			}
		}
	})
}

func cmpFloat(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// apart does whatever comes to mind with the entries of some tenants, and compares what is near with what a list says.
func apart(t *testing.T, open func(t *testing.T) recall.Store, o Options) {
	s := open(t)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++ // each run has tenants and keys of its own, so that all can share a store
		mark := func(kind, i byte) recall.Key { return recall.Key{kind, byte(runs >> 8), byte(runs), i} }
		held := map[recall.Key]recall.Entry{}
		vector := rapid.Custom(func(rt *rapid.T) []float32 {
			v := make([]float32, Dimensions)
			v[0] = 1
			for i := range 3 {
				v[i+1] = float32(rapid.IntRange(-4, 4).Draw(rt, "x")) / 4
			}
			return unit(v)
		})
		tenant := rapid.Byte().Filter(func(b byte) bool { return b < 3 })
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				who := tenant.Draw(rt, "tenant")
				k := mark('k', 16*who+rapid.Byte().Draw(rt, "key")%8)
				e := Entry(0, "x")
				e.Tenant, e.Frame, e.Vector, e.Question = mark('t', who), mark('f', who), vector.Draw(rt, "vector"), string('a'+rune(who))
				e.Expires = now.Add(time.Duration(rapid.IntRange(-1, 2).Draw(rt, "left")) * time.Hour)
				put(rt, s, k, e)
				held[k] = e
			},
			"near": func(rt *rapid.T) {
				q := recall.Query{
					Frame: mark('f', tenant.Draw(rt, "tenant")), Vector: vector.Draw(rt, "vector"), Now: now,
					Floor: rapid.Float32Range(-1, 1).Draw(rt, "floor"), Top: rapid.IntRange(1, 4).Draw(rt, "top"),
				}
				judge(rt, q, held, find(rt, s, q), o)
			},
			"drop": func(rt *rapid.T) {
				who := mark('t', tenant.Draw(rt, "tenant"))
				if _, err := s.Drop(context.Background(), recall.Filter{Tenant: who}); err != nil {
					rt.Fatal(err)
				}
				for k, e := range held {
					if e.Tenant == who {
						delete(held, k)
					}
				}
			},
		})
	})
}

// judge compares what was found with what is held.
func judge(t *rapid.T, q recall.Query, held map[recall.Key]recall.Entry, found []recall.Neighbor, o Options) {
	t.Helper()
	sure := 0
	for _, e := range held {
		if e.Frame == q.Frame && e.Expires.After(q.Now) && cosine(e.Vector, q.Vector) >= q.Floor+0.01 {
			sure++
		}
	}
	if len(found) > q.Top || !o.Loose && len(found) < min(q.Top, sure) {
		t.Fatalf("found %d, want at most %d and no less than of the %d that are there", len(found), q.Top, sure)
	}
	seen := map[recall.Key]bool{}
	last := float32(2)
	for _, n := range found {
		e, ok := held[n.Key]
		switch {
		case !ok || seen[n.Key]:
			t.Fatalf("%v is not there, or found twice", n.Key)
		case n.Entry.Tenant != e.Tenant || n.Entry.Question != e.Question || e.Frame != q.Frame:
			t.Fatalf("%v is of another frame", n.Key)
		case !e.Expires.After(q.Now) || n.Cosine < q.Floor || n.Cosine > last || abs(n.Cosine-cosine(e.Vector, q.Vector)) > 0.01:
			t.Fatalf("cosine %v after %v, floor %v, expires %v", n.Cosine, last, q.Floor, e.Expires)
		}
		seen[n.Key], last = true, n.Cosine
	}
}

func abs(x float32) float32 { return max(x, -x) }

func cosine(a, b []float32) float32 {
	var sum float32
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func unit(v []float32) []float32 {
	over := float32(1 / math.Sqrt(float64(cosine(v, v))))
	for i := range v {
		v[i] *= over
	}
	return v
}
