package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/mom-router/mom/pkg/recall/vector"
	"github.com/spf13/cobra"
)

// recallFlags are those of mom bench recall.
type recallFlags struct {
	where  Places
	model  string
	rows   []int
	rounds int
	asJSON bool
}

func newBenchRecall() *cobra.Command {
	var f recallFlags
	c := &cobra.Command{
		Use:   "recall",
		Short: "Time the search for a question in other words, and count what it misses",
		Long: `Time the search for a question in other words, in frames of some sizes, by each kernel of this machine and by plain Go.

The vectors are random, of 384 dimensions; nothing is near what is looked for, but in the last table. Printed are, each the least of the rounds,
  exact ms   of a search that compares every row
  ms         of one with a least cosine of 0.85, as it is served: in a large frame sketches are compared first
  ratio      of ms to the exact search in plain Go
  allocs     allocations of a search
then, of questions whose nearest neighbour has a cosine of 0.85 or more, how many do not find it; and what a search costs beside the forward pass of the
model that made the vector. The machine should be idle.`,
		Example: "  mom bench recall --json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if f.rounds < 1 || len(f.rows) == 0 {
				return usageError{errors.New("--rounds must be at least 1, and --rows name a size")}
			}
			for _, n := range f.rows {
				if n < 1 || n > 1_000_000 {
					return usageError{fmt.Errorf("--rows %d is not from 1 to 1000000", n)}
				}
			}
			r, err := benchRecall(c.Context(), &f, c.ErrOrStderr())
			if c.Context().Err() != nil {
				return errors.New("stopped")
			}
			if err != nil {
				return err
			}
			if !f.asJSON {
				return r.print(c.OutOrStdout())
			}
			enc := json.NewEncoder(c.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		},
	}
	c.Flags().StringVar(&f.model, "model", "mom-similarity-flash", "name of the model whose forward pass is compared with; empty for none")
	c.Flags().IntSliceVar(&f.rows, "rows", []int{1000, 10_000, 100_000, 300_000}, "sizes of the frames")
	c.Flags().IntVar(&f.rounds, "rounds", 25, "rounds, of which the least is printed")
	jsonFlag(c, &f.asJSON)
	f.where.flags(c)
	return c
}

// recallReport is what mom bench recall prints.
type recallReport struct {
	Dimensions int          `json:"dimensions"`
	Rounds     int          `json:"rounds"`
	Searches   []recallRow  `json:"searches"`
	Missed     []recallMiss `json:"missed"`
	Passes     []recallPass `json:"passes"`
}

type recallRow struct {
	Rows   int     `json:"rows"`
	Kernel string  `json:"kernel"`
	Exact  float64 `json:"exact_ms"`
	MS     float64 `json:"ms"`
	Ratio  float64 `json:"ratio"`
	Allocs int     `json:"allocs"`
}

type recallMiss struct {
	Space  string `json:"space"`
	Rows   int    `json:"rows"`
	Asked  int    `json:"asked"`
	Missed int    `json:"missed"`
}

type recallPass struct {
	Tokens int     `json:"tokens"`
	MS     float64 `json:"ms"` // of the bare graph
	Rows   int     `json:"rows"`
	Share  float64 `json:"search_share"` // of the fastest kernel's search
}

const (
	recallDims  = 384
	recallFloor = 0.85
	allFloor    = 0.3 // so low that sketches are of no use
)

func benchRecall(ctx context.Context, f *recallFlags, progress io.Writer) (recallReport, error) {
	r := recallReport{Dimensions: recallDims, Rounds: f.rounds}
	for _, n := range f.rows {
		fmt.Fprintf(progress, "mom: %d rows\n", n)
		if err := r.searches(ctx, n); err != nil {
			return r, err
		}
	}
	fmt.Fprintln(progress, "mom: what is missed")
	for _, space := range []string{"even", "clustered"} {
		if err := r.missed(ctx, space); err != nil {
			return r, err
		}
	}
	if f.model == "" {
		return r, nil
	}
	fmt.Fprintln(progress, "mom: forward passes")
	return r, r.passes(ctx, f)
}

// direction is a vector like no other.
func direction(random *rand.Rand) []float32 {
	v := make([]float32, recallDims)
	for i := range v {
		v[i] = float32(random.NormFloat64())
	}
	return v
}

// towards is a vector whose cosine with one of direction is about so much.
func towards(random *rand.Rand, v []float32, cosine float64) []float32 {
	noise := math.Tan(math.Acos(cosine))
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = x + float32(noise*random.NormFloat64())
	}
	return out
}

// add puts a vector into an index. None of these is without a direction.
func add(x *vector.Index[int], v []float32, name int) {
	if row, ok := vector.Round(v); ok {
		x.Add(row, name)
	}
}

// nearest searches the whole index for the nearest.
func nearest(x *vector.Index[int], v []float32, floor float32) (name int, cosine float32) {
	name = -1
	q, _ := vector.NewQuery(v, floor)
	for at := 0; at < x.Len(); {
		at = x.Search(q, at, func(n int, c float32) {
			if c > cosine {
				name, cosine = n, c
			}
		})
	}
	return name, cosine
}

// searches adds the rows of one size, plain Go's last and first measured.
func (r *recallReport) searches(ctx context.Context, n int) error {
	kernels := vector.Kernels()
	rows := make([]recallRow, len(kernels))
	plain := 0.0
	for i := len(kernels) - 1; i >= 0; i-- {
		random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same vectors each time
		x := vector.NewIndex[int](kernels[i], recallDims)
		for name := range n {
			add(x, direction(random), name)
		}
		v := direction(random)
		least := func(floor float32) float64 {
			best := time.Duration(math.MaxInt64)
			for range r.Rounds {
				start := time.Now()
				nearest(x, v, floor)
				best = min(best, time.Since(start))
			}
			return float64(best.Nanoseconds()) / 1e6
		}
		row := recallRow{Rows: n, Kernel: kernels[i].Name, Exact: least(allFloor), MS: least(recallFloor)}
		plain = cmp.Or(plain, row.Exact)
		row.Ratio = row.MS / plain
		row.Allocs = allocations(func() { nearest(x, v, recallFloor) })
		rows[i] = row
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	r.Searches = append(r.Searches, rows...)
	return nil
}

// allocations is how many f makes. What others make meanwhile is not in the least of some.
func allocations(f func()) int {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
	}
	return int(least) //nolint:gosec // few
}

// missed compares the nearest as it is served with the nearest there is.
func (r *recallReport) missed(ctx context.Context, space string) error {
	const n, questions, centres = 20_000, 2000, 100
	random := rand.New(rand.NewPCG(2, 2)) //nolint:gosec // the same vectors each time
	var centre [centres][]float32
	for i := range centre {
		centre[i] = direction(random)
	}
	x, held := vector.NewIndex[int](vector.Kernels()[0], recallDims), make([][]float32, n)
	for i := range held {
		if held[i] = direction(random); space == "clustered" {
			c := centre[i%centres]
			for j := range held[i] { // a cosine of 0.7 with the centre, and of a half with each other
				held[i][j] = (held[i][j] + c[j]) / math.Sqrt2
			}
		}
		add(x, held[i], i)
	}
	row := recallMiss{Space: space, Rows: n}
	for i := range questions {
		v := towards(random, held[random.IntN(n)], recallFloor+(1-recallFloor)*float64(i)/questions)
		want, cosine := nearest(x, v, allFloor)
		if cosine < recallFloor {
			continue
		}
		row.Asked++
		if got, _ := nearest(x, v, recallFloor); got != want {
			row.Missed++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	r.Missed = append(r.Missed, row)
	return nil
}

// passes compares the fastest kernel's searches with forward passes of short texts.
func (r *recallReport) passes(ctx context.Context, f *recallFlags) (err error) {
	models := NewShelf(f.where)
	defer func() { err = errors.Join(err, models.Close()) }()
	trunk, entry, err := models.Tried(ctx, f.model)
	if err != nil {
		return err
	}
	embedder, err := trunk.Embedder(entry)
	if err != nil {
		return err
	}
	for _, tokens := range []int{16, 32} {
		text, err := textOf(trunk, tokens)
		if err != nil {
			return err
		}
		tax, err := trunk.Measure(ctx, text, r.Rounds, 10, func(ctx context.Context, text string) error {
			_, err := embedder.Embed(ctx, text)
			return err
		})
		if err != nil {
			return err
		}
		pass := float64(tax.Raw.Nanoseconds()) / 1e6
		for _, s := range r.Searches {
			if s.Kernel == vector.Kernels()[0].Name {
				r.Passes = append(r.Passes, recallPass{tokens, pass, s.Rows, s.MS / pass})
			}
		}
	}
	return nil
}

func (r recallReport) print(w io.Writer) error {
	p := &printer{w: w}
	p.line("%d dimensions, %d rounds", r.Dimensions, r.Rounds)
	p.line("\n%8s  %-8s  %9s  %9s  %8s  %6s", "rows", "kernel", "exact ms", "ms", "ratio", "allocs")
	for _, s := range r.Searches {
		p.line("%8d  %-8s  %9.3f  %9.3f  %8.5f  %6d", s.Rows, s.Kernel, s.Exact, s.MS, s.Ratio, s.Allocs)
	}
	p.line("\n%-10s  %8s  %6s  %6s", "space", "rows", "asked", "missed")
	for _, m := range r.Missed {
		p.line("%-10s  %8d  %6d  %6d", m.Space, m.Rows, m.Asked, m.Missed)
	}
	if len(r.Passes) > 0 {
		p.line("\n%6s  %8s  %8s  %12s", "tokens", "pass ms", "rows", "search/pass")
	}
	for _, x := range r.Passes {
		p.line("%6d  %8.2f  %8d  %12.3f", x.Tokens, x.MS, x.Rows, x.Share)
	}
	return p.err
}
