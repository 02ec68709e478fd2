package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/spf13/cobra"
)

func newBench() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Time MoM's own models and its memory on this machine",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newBenchClassify(), newBenchRecall())
	return c
}

// benchFlags are those of mom bench classify.
type benchFlags struct {
	where           Places
	model           string
	threads, rounds int
	asJSON          bool
}

func newBenchClassify() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "classify",
		Short: "Time a model and all others that share its graph",
		Long: `Time a model and all others that share its graph, on texts of 8, 32, 128 and 512 tokens.

Each call pays for its own forward passes. Beside it, by turns, runs the bare graph on the same tokens. Printed are, each the least of the rounds,
  ms       of a text, as a clock has it
  cpu ms   of a text, of the whole process; raw ms, of the bare graph
  ratio    of the two, the median of the rounds
  allocs   allocations of a call
  passes   forward passes of a text, one for each window
then what all views cost together on one text, by their ratio over that of the first view alone, and how long 512 tokens take with two workers and with
one.
A view that takes one window alone has no row for longer texts. The machine should be idle.`,
		Example: "  mom bench classify --json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if f.threads < 1 || f.rounds < 1 {
				return usageError{errors.New("--threads and --rounds must be at least 1")}
			}
			r, err := benchClassify(c.Context(), &f, c.ErrOrStderr())
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
	c.Flags().StringVar(&f.model, "model", "", "name of the model (default the first in the models folder)")
	c.Flags().IntVar(&f.threads, "threads", 1, "workers: forward passes at once")
	c.Flags().IntVar(&f.rounds, "rounds", 9, "rounds, of which the least is printed")
	jsonFlag(c, &f.asJSON)
	f.where.flags(c)
	return c
}

// benchTokens are the lengths of the texts.
var benchTokens = []int{8, 32, 128, 512}

// benchReport is what mom bench classify prints.
type benchReport struct {
	Model   evalModel      `json:"model"`
	Threads int            `json:"threads"`
	Rounds  int            `json:"rounds"`
	Views   []benchRow     `json:"views"`
	All     []benchAll     `json:"all_views"`
	Workers []benchWorkers `json:"workers"`
}

type benchRow struct {
	View     string  `json:"view"`
	Tokens   int     `json:"tokens"` // of the text, special ones counted
	MS       float64 `json:"ms"`
	CPU      float64 `json:"cpu_ms"`
	Raw      float64 `json:"raw_ms"`
	Ratio    float64 `json:"ratio"`
	RatioMin float64 `json:"ratio_min"`
	RatioMax float64 `json:"ratio_max"`
	Allocs   int     `json:"allocs"`
	Passes   int     `json:"passes"`
}

type benchAll struct {
	Tokens int     `json:"tokens"`
	Views  int     `json:"views"`
	CPU    float64 `json:"cpu_ms"`
	Over   float64 `json:"over_first_view"` // its ratio to the bare graph over that of the first view
	Passes int     `json:"passes"`
}

type benchWorkers struct {
	Tokens int     `json:"tokens"`
	One    float64 `json:"one_worker_ms"`
	Two    float64 `json:"two_workers_ms"`
	Ratio  float64 `json:"two_over_one"`
}

func benchClassify(ctx context.Context, f *benchFlags, progress io.Writer) (r benchReport, err error) {
	family, err := graphFamily(f)
	if err != nil {
		return r, err
	}
	first := family[0]
	r.Model = evalModel{first.Name, first.Version, first.Graph.SHA256, first.Temperature}
	r.Threads, r.Rounds = f.threads, f.rounds
	trunk, views, err := openViews(f, family, f.threads)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, trunk.Close()) }()
	for _, tokens := range benchTokens {
		fmt.Fprintf(progress, "mom: %d tokens\n", tokens)
		text, err := textOf(trunk, tokens)
		if err != nil {
			return r, err
		}
		if err := r.bench(ctx, trunk, views, tokens, text); err != nil {
			return r, err
		}
	}
	fmt.Fprintln(progress, "mom: two workers and one")
	return r, r.benchWorkers(ctx, f, family)
}

// callsOf is how often a round calls, so that it takes some tenths of a second whatever the length.
func callsOf(tokens int) int { return max(1, 400/tokens) }

// bench adds the rows of one text.
func (r *benchReport) bench(ctx context.Context, t *onnx.Trunk, views []benchView, tokens int, text string) error {
	var fit []benchView // those that take a text so long
	var first onnx.Tax
	for _, v := range views {
		tax, err := t.Measure(ctx, text, r.Rounds, callsOf(tokens), v.judge)
		if errors.Is(err, classifiers.ErrTooLong) {
			continue
		}
		if err != nil {
			return err
		}
		if len(fit) == 0 {
			first = tax
		}
		fit = append(fit, v)
		r.Views = append(r.Views, benchRow{
			v.name, tokens, milliseconds(tax.Wall), milliseconds(tax.CPU), milliseconds(tax.Raw), tax.Ratio, tax.Min, tax.Max, tax.Allocs, tax.Passes,
		})
	}
	if len(fit) < 2 {
		return nil
	}
	all, err := t.Measure(ctx, text, r.Rounds, callsOf(tokens), func(ctx context.Context, text string) error {
		for _, v := range fit {
			if err := v.judge(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
	r.All = append(r.All, benchAll{tokens, len(fit), milliseconds(all.CPU), all.Ratio / first.Ratio, all.Passes})
	return err
}

// benchWorkers times the first view of the longest text with one worker and with two, by turns.
func (r *benchReport) benchWorkers(ctx context.Context, f *benchFlags, family []*catalog.Entry) (err error) {
	tokens := benchTokens[len(benchTokens)-1]
	var text string
	var trunks [2]*onnx.Trunk
	var views [2]benchView
	for i := range trunks {
		t, all, err := openViews(f, family[:1], i+1)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, t.Close()) }()
		if text, err = textOf(t, tokens); err != nil {
			return err
		}
		trunks[i], views[i] = t, all[0]
	}
	var least [2]time.Duration
	for round := range r.Rounds {
		for i, t := range trunks {
			tax, err := t.Measure(ctx, text, 1, callsOf(tokens), views[i].judge)
			if errors.Is(err, classifiers.ErrTooLong) {
				return nil
			}
			if err != nil {
				return err
			}
			if round == 0 || tax.Wall < least[i] {
				least[i] = tax.Wall
			}
		}
	}
	r.Workers = append(r.Workers, benchWorkers{tokens, milliseconds(least[0]), milliseconds(least[1]), float64(least[1]) / float64(least[0])})
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r benchReport) print(w io.Writer) error {
	p := &printer{w: w}
	p.line("%s %s, %d workers, %d rounds", r.Model.Name, r.Model.Version, r.Threads, r.Rounds)
	p.line("\n%-20s  tokens        ms    cpu ms    raw ms  ratio  (rounds)        allocs  passes", "view")
	for _, v := range r.Views {
		p.line("%-20s  %6d  %8.2f  %8.2f  %8.2f  %5.3f  %5.3f to %5.3f  %6d  %6d", v.View, v.Tokens, v.MS, v.CPU, v.Raw, v.Ratio, v.RatioMin, v.RatioMax, v.Allocs, v.Passes)
	}
	if len(r.All) > 0 {
		p.line("\nall views on one text: cpu ms, over the first view alone")
	}
	for _, a := range r.All {
		p.line("%d views  %12d  %18.2f  %17.3f  %25s  %6d", a.Views, a.Tokens, a.CPU, a.Over, "", a.Passes)
	}
	for _, x := range r.Workers {
		p.line("\n%d tokens: %.2f ms with one worker, %.2f ms with two, %.3f of it", x.Tokens, x.One, x.Two, x.Ratio)
	}
	return p.err
}
