package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/pattern"
	"github.com/spf13/cobra"
)

func newEvalPII() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "pii --data FILE",
		Short: "Measure how much personal data a model and the recognisers find",
		Long: `Measure how much personal data a model and the recognisers find, each alone and both together.

Each line of the file is a JSON object with the fields
  text    the text
  spans   what is in it: a list of {start, end, label}, in code points, end exclusive
  types   the labels that were looked for in the text at all; whatever is found of another is ignored
  source  where the row comes from (may be left out)
and any others. A text that is too long for the model is not judged, but counted and reported.

Printed are precision, recall and F1 of spans that are right to the character and of the right type, all with their 95 % intervals and n, for the
model, the recognisers and both: by label, by source, and for people, places and organisations together (names); the share of spans that something
found touches, whatever its type; the share of texts with a span that nothing touches; and what taking every run of capitalised words for a person
would have reached. Spans of the model under the threshold of its manifest do not count, nor the recognisers' hints.`,
		Example: "  mom eval pii --data pii/val.jsonl.gz",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			d, err := readTagged(f.data)
			if err != nil {
				return err
			}
			return f.run(c, func(ctx context.Context, s *Shelf, progress io.Writer) (evalReport, error) {
				return evalPII(ctx, s, &f, d, progress)
			})
		},
	}
	f.common(c)
	return c
}

// A taggedRow is a text with the spans that are in it, in bytes.
type taggedRow struct {
	line   int
	text   string
	gold   []classifiers.Span
	types  []string
	source string

	tooLong bool
	found   [][]classifiers.Span // by reader
}

type taggedRows struct {
	rows   []taggedRow
	sha256 string
}

func readTagged(file string) (taggedRows, error) {
	var d taggedRows
	var err error
	d.sha256, err = readLines(file, func(n int, line []byte) error {
		row, err := readTaggedRow(line)
		row.line = n
		d.rows = append(d.rows, row)
		return err
	})
	if err == nil && len(d.rows) == 0 {
		err = fmt.Errorf("%s: no rows", file)
	}
	return d, err
}

func readTaggedRow(line []byte) (taggedRow, error) {
	var raw struct {
		Text  *string `json:"text"`
		Spans []struct {
			Start int    `json:"start"`
			End   int    `json:"end"`
			Label string `json:"label"`
		} `json:"spans"`
		Types  []string `json:"types"`
		Source string   `json:"source"`
	}
	if err := json.Unmarshal(line, &raw); err != nil { // its own words could hold some of the line
		return taggedRow{}, errors.New("not a JSON object with the fields text, spans, types and source as they must be")
	}
	switch {
	case raw.Text == nil:
		return taggedRow{}, errors.New("field text must be a string")
	case len(raw.Types) == 0:
		return taggedRow{}, errors.New("field types must be a list of labels, at least one")
	}
	r := taggedRow{text: *raw.Text, types: raw.Types, source: raw.Source}
	starts := make([]int, 0, len(r.text)+1) // of each code point, and the end
	for i := range r.text {
		starts = append(starts, i)
	}
	starts = append(starts, len(r.text))
	for i, s := range raw.Spans {
		switch {
		case s.Start < 0 || s.End <= s.Start || s.End >= len(starts):
			return r, fmt.Errorf("spans[%d]: no part of the text, which has %d code points", i, len(starts)-1)
		case !slices.Contains(r.types, s.Label):
			return r, fmt.Errorf("spans[%d]: its label is none of types", i)
		}
		r.gold = append(r.gold, classifiers.Span{Label: s.Label, Start: starts[s.Start], End: starts[s.End]})
	}
	return r, nil
}

// A reader is one way to find spans.
type reader struct {
	name string
	tag  func(ctx context.Context, text string) ([]classifiers.Span, error)
}

// The readers, in this order.
const (
	byModel = iota
	byPattern
	byBoth
	byCapitals
)

// piiReaders are the model, the recognisers, both, and the baseline.
func piiReaders(model classifiers.Tagger, threshold float64) []reader {
	sure := surely{model, float32(threshold)}
	return []reader{
		byModel:    {"model", sure.Tag},
		byPattern:  {"recognisers", surely{pattern.New(), pattern.Cut}.Tag},
		byBoth:     {"both", surely{pattern.Beside(sure), float32(min(threshold, pattern.Cut))}.Tag},
		byCapitals: {"capitals", capitals},
	}
}

// surely is a tagger without its spans under a probability.
type surely struct {
	classifiers.Tagger
	least float32
}

func (s surely) Tag(ctx context.Context, text string) ([]classifiers.Span, error) {
	found, err := s.Tagger.Tag(ctx, text)
	return slices.DeleteFunc(found, func(f classifiers.Span) bool { return f.P < s.least }), err
}

// personLabel is the label of people.
const personLabel = "PERSON"

// capitals takes every run of words that begin with a capital, with one space between them, for a person.
func capitals(_ context.Context, text string) ([]classifiers.Span, error) {
	var found []classifiers.Span
	inWord := false
	for i, r := range text {
		letter := unicode.IsLetter(r) || unicode.IsNumber(r)
		switch n := len(found); {
		case letter && inWord && n > 0 && found[n-1].End == i:
			found[n-1].End = i + utf8.RuneLen(r)
		case letter && !inWord && unicode.IsUpper(r):
			if n > 0 && found[n-1].End == i-1 && text[i-1] == ' ' {
				found[n-1].End = i + utf8.RuneLen(r)
			} else {
				found = append(found, classifiers.Span{Label: personLabel, Start: i, End: i + utf8.RuneLen(r)})
			}
		}
		inWord = letter
	}
	return found, nil
}

func evalPII(ctx context.Context, s *Shelf, f *evalFlags, d taggedRows, progress io.Writer) (piiReport, error) {
	name, err := nameFor(s, "pii", f.model)
	if err != nil {
		return piiReport{}, err
	}
	trunk, e, err := s.Tried(ctx, name)
	if err != nil {
		return piiReport{}, err
	}
	tagger, err := trunk.Tagger(e)
	if err != nil {
		return piiReport{}, err
	}
	readers := piiReaders(tagger, e.Threshold)
	rows := spread(d.rows, f.limit)
	err = inParallel(ctx, len(rows), progress, func(ctx context.Context, i int) error {
		err := rows[i].read(ctx, readers)
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", f.data, rows[i].line, err)
		}
		return nil
	})
	if err != nil {
		return piiReport{}, err
	}
	return newPIIReport(e, f, d, rows, readers), nil
}

// read fills in what each reader finds.
func (r *taggedRow) read(ctx context.Context, readers []reader) error {
	r.found = make([][]classifiers.Span, len(readers))
	for i, reader := range readers {
		found, err := reader.tag(ctx, r.text)
		if errors.Is(err, classifiers.ErrTooLong) {
			r.tooLong = true
			return nil
		}
		if err != nil {
			return err
		}
		r.found[i] = found
	}
	return nil
}

func newPIIReport(e *catalog.Entry, f *evalFlags, d taggedRows, rows []taggedRow, readers []reader) piiReport {
	judged := slices.DeleteFunc(slices.Clone(rows), func(r taggedRow) bool { return r.tooLong })
	r := piiReport{
		evalHead: newHead(e, f.data, d.sha256, len(d.rows), len(judged)), TooLong: len(rows) - len(judged), Threshold: e.Threshold,
		Readers: make([]readerFigures, len(readers)),
	}
	for i, reader := range readers {
		r.Readers[i] = countReader(judged, i)
		r.Readers[i].Name = reader.name
	}
	return r
}
