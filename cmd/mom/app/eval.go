package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// newEval gathers the tasks: one file each, which reads its rows by readRows, judges them by inParallel and prints what pkg/evaluate makes of the
// answers.
func newEval() *cobra.Command {
	c := &cobra.Command{
		Use:   "eval TASK --data FILE",
		Short: "Measure a model of MoM's own on labelled texts",
		Long: `Measure a model of MoM's own on labelled texts, as it is served: the same graph, tokenizer, windows and temperature as behind Envoy. Nothing
is sent anywhere.`,
		Example: "  mom eval domain --data models/recipes/samples/everyday.jsonl",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newEvalDomain(), newEvalDifficulty(), newEvalJailbreak(), newEvalSimilarity(), newEvalCache(), newEvalRouting(), newEvalPII())
	return c
}

// evalFlags are common to every task.
type evalFlags struct {
	where             Places
	data, model, by   string
	limit             int
	asJSON, asOptions bool
}

func (f *evalFlags) flags(c *cobra.Command) {
	f.common(c)
	c.Flags().StringVar(&f.by, "by", "source", "field to count accuracy by")
}

// common are the flags without --by.
func (f *evalFlags) common(c *cobra.Command) {
	c.Flags().StringVarP(&f.data, "data", "d", "", "labelled texts, one JSON object a line, gzip or not (required)")
	c.Flags().StringVar(&f.model, "model", "", "name of the model (default the first in the models folder for the task)")
	c.Flags().IntVar(&f.limit, "limit", 0, "judge only this many rows, spread evenly over the file (0: all)")
	jsonFlag(c, &f.asJSON)
	f.where.flags(c)
}

func (f *evalFlags) check() error {
	switch {
	case f.data == "":
		return usageError{errors.New("--data names no file of labelled texts")}
	case f.limit < 0:
		return usageError{fmt.Errorf("--limit %d is negative", f.limit)}
	}
	return nil
}

// An evalReport is what a task prints, as JSON as it stands or for a reader.
type evalReport interface{ print(w io.Writer) error }

// evalHead says what was measured, and on what.
type evalHead struct {
	Task  string     `json:"task"`
	Model evalModel  `json:"model"`
	Data  evalSource `json:"data"`
}

// An evalSource is a file that was read.
type evalSource struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // of the file as it lies there
	Rows   int    `json:"rows"`   // in the file
	Judged int    `json:"judged"`
}

func newHead(e *catalog.Entry, file, digest string, rows, judged int) evalHead {
	return evalHead{e.Task, evalModel{e.Name, e.Version, e.Graph.SHA256, e.Temperature}, evalSource{filepath.Base(file), digest, rows, judged}}
}

func (h evalHead) line(p *printer) {
	p.line("%s %s on %s: %d of %d rows judged", h.Model.Name, h.Model.Version, h.Data.File, h.Data.Judged, h.Data.Rows)
}

// run judges with a shelf of models and prints the report.
func (f *evalFlags) run(c *cobra.Command, judge func(ctx context.Context, s *Shelf, progress io.Writer) (evalReport, error)) error {
	s := NewShelf(f.where)
	r, err := judge(c.Context(), s, c.ErrOrStderr())
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if !f.asJSON {
		return r.print(c.OutOrStdout())
	}
	enc := json.NewEncoder(c.OutOrStdout())
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// progressEvery is how often a run that takes long says how far it is.
const progressEvery = 2 * time.Second

// inParallel calls judge with 0 to n-1, one call a core, until one fails or ctx ends.
func inParallel(ctx context.Context, n int, progress io.Writer, judge func(ctx context.Context, i int) error) error {
	var done atomic.Int64
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	finished, reported := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(reported)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-finished:
				return
			case <-tick.C:
				fmt.Fprintf(progress, "mom: %d of %d rows\n", done.Load(), n)
			}
		}
	}()
	for i := range n {
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := judge(inner, i); err != nil {
				return err
			}
			done.Add(1)
			return nil
		})
	}
	err := group.Wait()
	close(finished)
	<-reported
	if ctx.Err() != nil {
		return fmt.Errorf("stopped after %d of %d rows", done.Load(), n)
	}
	return err
}
