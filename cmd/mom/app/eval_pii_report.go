package app

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/mom-router/mom/pkg/evaluate"
)

// piiReport is what mom eval pii prints.
type piiReport struct {
	evalHead
	TooLong   int             `json:"too_long"`
	Threshold float64         `json:"threshold"` // of the model's spans
	Readers   []readerFigures `json:"readers"`   // the model, the recognisers, both, capitals
}

// readerFigures are those of one way to find spans.
type readerFigures struct {
	Name    string         `json:"name"`
	All     spanFigures    `json:"all"`
	Names   spanFigures    `json:"names"`        // people, places and organisations
	Missed  evaluate.Share `json:"texts_missed"` // of the texts with spans, those with one that nothing touches
	Labels  []spanFigures  `json:"labels"`
	Sources []spanFigures  `json:"sources"`
}

// spanFigures count spans that are right to the character and of the right type.
type spanFigures struct {
	Name      string          `json:"name"`
	Precision evaluate.Share  `json:"precision"` // n: found
	Recall    evaluate.Share  `json:"recall"`    // n: in the texts
	F1        evaluate.Figure `json:"f1"`
	F1Low     evaluate.Figure `json:"f1_low"` // of its 95 % interval
	F1High    evaluate.Figure `json:"f1_high"`
	Touched   evaluate.Share  `json:"touched"` // of those in the texts, by something found, whatever its type
}

// nameLabels are the labels of names.
var nameLabels = []string{personLabel, "LOCATION", "ORGANIZATION"}

func countReader(rows []taggedRow, reader int) readerFigures {
	var out readerFigures
	labels, sources := map[string]*spanFigures{}, map[string]*spanFigures{}
	at := func(in map[string]*spanFigures, name string) *spanFigures {
		if in[name] == nil {
			in[name] = &spanFigures{Name: name}
		}
		return in[name]
	}
	for _, row := range rows {
		groups := func(label string) []*spanFigures {
			g := []*spanFigures{&out.All, at(labels, label), at(sources, row.source)}
			if slices.Contains(nameLabels, label) {
				g = append(g, &out.Names)
			}
			return g
		}
		right := map[spanKey]bool{}
		for _, s := range row.gold {
			right[spanKey{s.Start, s.End, s.Label}] = true
		}
		hit := map[spanKey]bool{}
		for _, s := range row.found[reader] {
			if !slices.Contains(row.types, s.Label) {
				continue // it was not looked for, so that nobody knows whether it is right
			}
			key := spanKey{s.Start, s.End, s.Label}
			hit[key] = true
			for _, g := range groups(s.Label) {
				g.Precision.Add(right[key])
			}
		}
		missed := false
		for _, s := range row.gold {
			touched := false
			for _, f := range row.found[reader] {
				touched = touched || f.Start < s.End && s.Start < f.End
			}
			missed = missed || !touched
			for _, g := range groups(s.Label) {
				g.Recall.Add(hit[spanKey{s.Start, s.End, s.Label}])
				g.Touched.Add(touched)
			}
		}
		if len(row.gold) > 0 {
			out.Missed.Add(missed)
		}
	}
	out.All.Name, out.Names.Name = "all", "names"
	out.Labels, out.Sources = figuresOf(labels), figuresOf(sources)
	out.All.setF1()
	out.Names.setF1()
	return out
}

type spanKey struct {
	start, end int
	label      string
}

func (s *spanFigures) setF1() {
	s.F1, s.F1Low, s.F1High = evaluate.F1(s.Recall.Hits, s.Precision.N, s.Recall.N)
}

// figuresOf are the figures by name.
func figuresOf(by map[string]*spanFigures) []spanFigures {
	out := []spanFigures{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		by[name].setF1()
		out = append(out, *by[name])
	}
	return out
}

func (r piiReport) print(w io.Writer) error {
	p := &printer{w: w}
	r.line(p)
	if r.TooLong > 0 {
		p.line("not judged: %d texts that are too long for the model", r.TooLong)
	}
	p.line("model's spans count from a probability of %v on", r.Threshold)
	for _, part := range []struct {
		title string
		of    func(readerFigures) spanFigures
	}{
		{"all types", func(f readerFigures) spanFigures { return f.All }},
		{"names (people, places, organisations)", func(f readerFigures) spanFigures { return f.Names }},
	} {
		p.line("\n%-38s  %s", part.title, spanHead)
		for _, f := range r.Readers {
			p.line("%-38s  %s", f.Name, part.of(f))
		}
	}
	p.line("\n%-38s  of those with any", "texts with a span that nothing touches")
	for _, f := range r.Readers {
		p.line("%-38s  %s", f.Name, percent(f.Missed))
	}
	r.table(p, "label", func(f readerFigures) []spanFigures { return f.Labels })
	r.table(p, "source", func(f readerFigures) []spanFigures { return f.Sources })
	return p.err
}

// spanHead is the head of what spanFigures print: shares with their intervals and n, found spans for precision and those in the texts for recall.
var spanHead = fmt.Sprintf("%-27s  %-27s  %-20s  %s", "precision (found)", "recall (in the texts)", "F1", "touched by anything")

func (s spanFigures) String() string {
	f1 := "-"
	if s.Precision.N+s.Recall.N > 0 {
		f1 = fmt.Sprintf("%s [%s, %s]", s.F1, s.F1Low, s.F1High)
	}
	return fmt.Sprintf("%-27s  %-27s  %-20s  %s", short(s.Precision), short(s.Recall), f1, short(s.Touched))
}

// table prints the figures of the model, the recognisers and both, one below the other.
func (r piiReport) table(p *printer, by string, of func(readerFigures) []spanFigures) {
	names := map[string]bool{}
	for _, f := range r.Readers {
		for _, s := range of(f) {
			names[s.Name] = true
		}
	}
	p.line("\n%-22s  %-14s  %s", by, "", spanHead)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		shown := name
		if shown == "" {
			shown = "(none)"
		}
		for _, f := range r.Readers[:byCapitals] {
			s := spanFigures{}
			s.setF1()
			if i := slices.IndexFunc(of(f), func(s spanFigures) bool { return s.Name == name }); i >= 0 {
				s = of(f)[i]
			}
			p.line("%-22s  %-14s  %s", shown, f.Name, s)
			shown = ""
		}
	}
}
