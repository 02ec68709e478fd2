package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

// A pair is two texts and what is known of them.
type pair struct {
	line   int
	a, b   string
	score  *float64 // nil where nobody graded it
	label  *int     // nil where there is none
	source string
	kind   string // of change, where one text is the other with a change

	tooLong         bool // for one vector
	cosine, overlap float64
}

type pairs struct {
	rows   []pair
	sha256 string
}

func readPairs(file string) (pairs, error) {
	var d pairs
	var err error
	d.sha256, err = readLines(file, func(n int, line []byte) error {
		var raw struct {
			A      *string  `json:"a"`
			B      *string  `json:"b"`
			Score  *float64 `json:"score"`
			Label  *int     `json:"label"`
			Source string   `json:"source"`
			Kind   string   `json:"kind"`
		}
		if err := json.Unmarshal(line, &raw); err != nil { // its own words could hold some of the line
			return errors.New("not a JSON object with the fields a, b, score, label, source and kind as they must be")
		}
		switch {
		case raw.A == nil || raw.B == nil:
			return errors.New("fields a and b must be strings")
		case raw.Score != nil && !(*raw.Score >= 0 && *raw.Score <= 1):
			return errors.New("field score must be within 0 and 1")
		case raw.Label != nil && *raw.Label != 0 && *raw.Label != 1:
			return errors.New("field label must be 0 or 1")
		}
		d.rows = append(d.rows, pair{line: n, a: *raw.A, b: *raw.B, score: raw.Score, label: raw.Label, source: raw.Source, kind: raw.Kind})
		return nil
	})
	if err == nil && len(d.rows) == 0 {
		err = fmt.Errorf("%s: no rows", file)
	}
	return d, err
}

// measurePairs fills in the cosine and the overlap of the pairs, and returns those with vectors, the number without, and the model.
func measurePairs(ctx context.Context, s *Shelf, f *evalFlags, rows []pair, progress io.Writer) (_ []pair, tooLong int, _ *catalog.Entry, err error) {
	name, err := nameFor(s, "similarity", f.model)
	if err != nil {
		return nil, 0, nil, err
	}
	trunk, e, err := s.Tried(ctx, name)
	if err != nil {
		return nil, 0, nil, err
	}
	embedder, err := trunk.Embedder(e)
	if err != nil {
		return nil, 0, nil, err
	}
	err = inParallel(ctx, len(rows), progress, func(ctx context.Context, i int) error {
		err := rows[i].measure(ctx, embedder)
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", f.data, rows[i].line, err)
		}
		return nil
	})
	var judged []pair
	for _, r := range rows {
		if !r.tooLong {
			judged = append(judged, r)
		}
	}
	return judged, len(rows) - len(judged), e, err
}

func (p *pair) measure(ctx context.Context, embedder *onnx.Embedder) error {
	a, err := embedder.Embed(ctx, p.a)
	if err == nil {
		var b []float32
		if b, err = embedder.Embed(ctx, p.b); err == nil {
			for i := range a {
				p.cosine += float64(a[i]) * float64(b[i])
			}
			p.overlap = jaccard(p.a, p.b)
		}
	}
	if errors.Is(err, classifiers.ErrTooLong) {
		p.tooLong, err = true, nil
	}
	return err
}

// jaccard is the share of the words of two texts that both have, in [0, 1]; of two texts without words 1.
func jaccard(a, b string) float64 {
	x, y := wordsOf(a), wordsOf(b)
	both := 0
	for w := range x {
		if y[w] {
			both++
		}
	}
	if len(x)+len(y) == 0 {
		return 1
	}
	return float64(both) / float64(len(x)+len(y)-both)
}

// wordsOf are the runs of letters and digits of a text, in lower case.
func wordsOf(text string) map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		words[w] = true
	}
	return words
}

type sourcePairs struct {
	name string
	rows []pair
}

// bySource groups the pairs: all of them under "all", then by source, by name.
func bySource(rows []pair) []sourcePairs {
	by := map[string][]pair{}
	for _, p := range rows {
		by[p.source] = append(by[p.source], p)
	}
	out := []sourcePairs{{"all", rows}}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		out = append(out, sourcePairs{name, by[name]})
	}
	return out
}
