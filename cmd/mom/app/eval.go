package app

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

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
		Example: "  mom eval domain --data models/recipes/everyday.jsonl",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newEvalDomain())
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
	c.Flags().StringVarP(&f.data, "data", "d", "", "labelled texts, one JSON object a line, gzip or not (required)")
	c.Flags().StringVar(&f.model, "model", "", "name of the model (default the first in the models folder for the task)")
	c.Flags().StringVar(&f.by, "by", "source", "field to count accuracy by")
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

// A dataset is a file of labelled texts, read and checked as a whole before the first one is judged.
type dataset struct {
	rows   []evalRow
	sha256 string // of the file as it lies there
}

// An evalRow is one line of a data set.
type evalRow struct {
	line    int
	text    string
	label   string
	options []string
	group   string
}

// at names the row in an error.
func (r evalRow) at(file string) string { return fmt.Sprintf("%s: line %d", file, r.line) }

// readRows reads the file; by is the field the rows are grouped by. Empty lines are skipped, and the first faulty one ends it.
func readRows(file, by string) (_ dataset, err error) {
	f, err := os.Open(file)
	if err != nil {
		return dataset{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := sha256.New()
	src := bufio.NewReader(io.TeeReader(f, digest))
	var in io.Reader = src
	if magic, _ := src.Peek(2); string(magic) == "\x1f\x8b" { // by content: a download may have lost its .gz
		if in, err = gzip.NewReader(src); err != nil {
			return dataset{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	var d dataset
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		if len(lines.Bytes()) == 0 {
			continue
		}
		row, err := readRow(lines.Bytes(), by)
		row.line = n
		if err != nil {
			return dataset{}, fmt.Errorf("%s: %w", row.at(file), err)
		}
		d.rows = append(d.rows, row)
	}
	if err := lines.Err(); err != nil {
		return dataset{}, fmt.Errorf("%s: after line %d: %w", file, n, err)
	}
	if _, err := io.Copy(io.Discard, src); err != nil {
		return dataset{}, fmt.Errorf("%s: %w", file, err)
	}
	d.sha256 = hex.EncodeToString(digest.Sum(nil))
	return d, nil
}

func readRow(line []byte, by string) (evalRow, error) {
	var r evalRow
	// The decoder would put a replacement character where the bytes are wrong, and the figures would be of other texts.
	if !utf8.Valid(line) {
		return r, errors.New("not UTF-8")
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &fields); err != nil {
		return r, errors.New("not a JSON object")
	}
	for name, to := range map[string]*string{"text": &r.text, "label": &r.label} {
		var s *string
		if err := json.Unmarshal(fields[name], &s); err != nil || s == nil {
			return r, fmt.Errorf("field %s must be a string", name)
		}
		*to = *s
	}
	if raw, ok := fields["options"]; ok {
		if err := json.Unmarshal(raw, &r.options); err != nil || len(r.options) > len(letters) {
			return r, fmt.Errorf("field options must be a list of at most %d strings", len(letters))
		}
	}
	if raw, ok := fields[by]; ok {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			s = string(raw) // a number or a flag groups rows just as well
		}
		r.group = s
	}
	return r, nil
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// withOptions is the question followed by its lettered options, one a line, as an exam has it.
func (r evalRow) withOptions() string {
	var b strings.Builder
	b.WriteString(r.text)
	for i, option := range r.options {
		fmt.Fprintf(&b, "\n%c. %s", letters[i], option)
	}
	return b.String()
}

// spread returns limit of the rows at even distances, or all of them for 0. Files are sorted by source more often than not: their first rows
// would stand for one of them.
func spread[T any](rows []T, limit int) []T {
	if limit == 0 || limit >= len(rows) {
		return rows
	}
	out := make([]T, limit)
	for i := range out {
		out[i] = rows[i*len(rows)/limit]
	}
	return out
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
