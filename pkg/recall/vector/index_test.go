package vector_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/recall/vector"
)

// gaussian is a vector of no special direction.
func gaussian(random *rand.Rand, dims int) []float32 {
	v := make([]float32, dims)
	for i := range v {
		v[i] = float32(random.NormFloat64())
	}
	return v
}

// beside is a vector whose cosine with v is about so much.
func beside(random *rand.Rand, v []float32, cosine float64) []float32 {
	var length float64
	for _, x := range v {
		length += float64(x) * float64(x)
	}
	// In many dimensions two vectors without a special direction stand upright on each other.
	noise := math.Sqrt(length/float64(len(v))) * math.Tan(math.Acos(cosine))
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = x + float32(noise*random.NormFloat64())
	}
	return out
}

func round(t testing.TB, v []float32) []int8 {
	t.Helper()
	r, ok := vector.Round(v)
	if !ok {
		t.Fatal("no direction")
	}
	return r
}

func search[T comparable](x *vector.Index[T], q *vector.Query) map[T]float32 {
	out := map[T]float32{}
	for at := 0; at < x.Len(); {
		at = x.Search(q, at, func(what T, cosine float32) { out[what] = cosine })
	}
	return out
}

func query(t testing.TB, v []float32, floor float32) *vector.Query {
	t.Helper()
	q, ok := vector.NewQuery(v, floor)
	if !ok {
		t.Fatal("no direction")
	}
	return q
}

// angle is the cosine of two rounded vectors.
func angle(a, b []int8) float64 {
	dot := 0
	for i := range a {
		dot += int(a[i]) * int(b[i])
	}
	return float64(dot) / vector.Length(a) / vector.Length(b)
}

// Whatever is added and removed, a search finds what comparing one by one finds.
func TestIndexFindsWhatIsThere(t *testing.T) {
	for _, k := range vector.Kernels() {
		t.Run(k.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				dims := rapid.SampledFrom([]int{1, 3, 64, 100}).Draw(t, "dimensions")
				x := vector.NewIndex[int](k, dims)
				held, at := map[int][]int8{}, []int{} // at are the names in the order of their rows
				for name := range rapid.IntRange(0, 1500).Draw(t, "rows") {
					if len(at) > 0 && random.IntN(4) == 0 {
						i := random.IntN(len(at))
						if random.IntN(8) == 0 {
							i = len(at) - 1
						}
						last := len(at) - 1
						if moved := x.Remove(i); moved != at[last] {
							t.Fatalf("%d moved, want %d", moved, at[last])
						}
						delete(held, at[i])
						at[i] = at[last]
						at = at[:last]
						continue
					}
					r, ok := vector.Round(gaussian(random, dims))
					if !ok {
						continue
					}
					x.Add(r, name)
					held[name], at = r, append(at, name)
				}
				if x.Len() != len(at) {
					t.Fatalf("%d rows, want %d", x.Len(), len(at))
				}
				for i, name := range at {
					if !slices.Equal(x.Row(i), held[name]) {
						t.Fatalf("row %d is not that of %d", i, name)
					}
				}
				v := gaussian(random, dims)
				q, _ := vector.NewQuery(v, 0.1)
				r, _ := vector.Round(v)
				want := map[int]float32{}
				for name, row := range held {
					if cosine := angle(r, row); cosine >= 0.1 {
						want[name] = float32(cosine)
					}
				}
				if got := search(x, q); !maps.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }) {
					t.Fatalf("found %v, want %v", got, want)
				}
			})
		})
	}
}

// An index that empties must not hold the room of what it held.
func TestIndexShrinks(t *testing.T) {
	const rows, dims = 1000, 384
	random := rand.New(rand.NewPCG(1, 1))
	all := make([]*vector.Index[int], 40)
	r := round(t, gaussian(random, dims))
	fill := func() {
		for i := range all {
			all[i] = vector.NewIndex[int](vector.Kernels()[0], dims)
			for name := range rows {
				all[i].Add(r, name)
			}
			for all[i].Len() > 1 {
				all[i].Remove(0)
			}
		}
	}
	took := heap(fill)
	if most := len(all) * 8 * vector.RowBytes(dims); took > most {
		t.Errorf("%d indexes of one row take %d bytes, want at most %d", len(all), took, most)
	}
	runtime.KeepAlive(all)
}

// In a large index sketches are compared first, and what they lose is counted here: of questions that have a neighbour, in spaces without and with
// clusters, how many do not find the nearest.
func TestSketchesLoseLittle(t *testing.T) {
	const rows, dims, questions = 6000, 384, 2000
	for name, spread := range map[string]float64{"no clusters": 0, "30 clusters": 0.6} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, 7))
			var centres [][]float32
			for range 30 {
				centres = append(centres, gaussian(random, dims))
			}
			held := make([][]float32, rows)
			var at []int // what stands in each row
			x := vector.NewIndex[int](vector.Kernels()[0], dims)
			for i := range held {
				if held[i] = gaussian(random, dims); spread > 0 {
					held[i] = beside(random, centres[i%len(centres)], spread)
				}
				x.Add(round(t, held[i]), i)
				x.Add(round(t, gaussian(random, dims)), -1)
				at = append(at, i, -1)
			}
			for i := 0; i < len(at); { // what is moved must be found as well
				if at[i] >= 0 {
					i++
					continue
				}
				last := len(at) - 1
				x.Remove(i)
				at[i] = at[last]
				at = at[:last]
			}
			lost, asked := 0, 0
			for range questions {
				i := random.IntN(rows)
				v := beside(random, held[i], 0.85+0.15*random.Float64())
				if angle(round(t, v), round(t, held[i])) < 0.85 {
					continue
				}
				asked++
				if _, ok := search(x, query(t, v, 0.85))[i]; !ok {
					lost++
				}
			}
			t.Logf("%d of %d are lost", lost, asked)
			if asked < questions/2 || lost*1000 > asked {
				t.Errorf("%d of %d are lost, want at most one of a thousand", lost, asked)
			}
		})
	}
}

func TestAnotherNumberOfDimensionsFindsNothing(t *testing.T) {
	x := vector.NewIndex[int](vector.Kernels()[0], 3)
	x.Add([]int8{127, 0, 0}, 1)
	for _, v := range [][]float32{{1, 0}, {1, 0, 0, 0}} {
		if got := search(x, query(t, v, -1)); len(got) > 0 {
			t.Errorf("%v finds %v", v, got)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, rows := range []int{1000, 10_000, 100_000, 300_000} {
		for _, k := range vector.Kernels() {
			x := vector.NewIndex[int](k, 384)
			for i := range rows {
				x.Add(round(b, gaussian(random, 384)), i)
			}
			for _, c := range []struct {
				name  string
				floor float32
			}{{"sketched", 0.85}, {"exact", 0.3}} {
				q := query(b, gaussian(random, 384), c.floor)
				b.Run(fmt.Sprintf("rows=%d/%s/%s", rows, c.name, k.Name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						for at := 0; at < rows; {
							at = x.Search(q, at, func(int, float32) {})
						}
					}
				})
			}
		}
	}
}

// heap is how many bytes more are in use after f.
func heap(f func()) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}
