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
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

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
		Example: "  mom eval domain --data models/recipes/everyday.jsonl",
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

// readRows reads the rows of a classifier; by is the field they are grouped by.
func readRows(file, by string) (dataset, error) {
	var d dataset
	var err error
	d.sha256, err = readLines(file, func(n int, line []byte) error {
		row, err := readRow(line, by)
		row.line = n
		d.rows = append(d.rows, row)
		return err
	})
	return d, err
}

// readLines hands each line of a file, gzip or not, to read with its number, and returns the SHA-256 of the file as it lies there. Empty lines are
// skipped, and the first faulty one ends it.
func readLines(file string, read func(n int, line []byte) error) (_ string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := sha256.New()
	src := bufio.NewReader(io.TeeReader(f, digest))
	var in io.Reader = src
	if magic, _ := src.Peek(2); string(magic) == "\x1f\x8b" { // by content: a download may have lost its .gz
		if in, err = gzip.NewReader(src); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		if len(lines.Bytes()) == 0 {
			continue
		}
		err := errNotUTF8
		if utf8.Valid(lines.Bytes()) {
			err = read(n, lines.Bytes())
		}
		if err != nil {
			return "", fmt.Errorf("%s: line %d: %w", file, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s: after line %d: %w", file, n, err)
	}
	if _, err := io.Copy(io.Discard, src); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// errNotUTF8: the decoder would put a replacement character where the bytes are wrong, and the figures would be of other texts.
var errNotUTF8 = errors.New("not UTF-8")

func readRow(line []byte, by string) (evalRow, error) {
	var r evalRow
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
