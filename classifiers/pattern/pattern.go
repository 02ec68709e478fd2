// Package pattern finds personal data that has a form of its own, such as card numbers, addresses of mail and keys of programs, by recognisers: a
// form, a checksum where there is one, and the words around it. Beside puts what they find together with what a model finds.
//
// It learns nothing, loads nothing, knows no names of people or places, and takes time in proportion to a text's length, whatever stands in it.
package pattern

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
)

// A recogniser is one form of personal data.
type recogniser struct {
	label string
	find  finder
	// words make a find more probable where one stands nearby; see view.near. In lower case, a * at the end for any ending.
	words []string
	// never are words that make it something else where one stands just before.
	never []string
	// alone and near are the probabilities without and with one of words nearby, 0 for no find at all. 0.99: a checksum and a word. 0.95: a
	// checksum, or a form that nothing else has. 0.85: a form and a word, or a clear form. 0.4: a form that other things have too.
	alone, near float32
}

// A finder calls hit for the parts [start, end) of a view that have its form, none empty. It takes time in proportion to the view's length,
// whatever is in it: what it reads ahead has a limit, or is not read again.
type finder func(v *view, hit func(start, end int))

// Cut is the probability under which a find is a hint: a form that other things have too, with neither a word nor a checksum to bear it out.
const Cut = 0.5

// sure is the probability from which on no model is asked.
const sure = 0.95

// A Tagger finds what its recognisers know. Safe for concurrent use.
type Tagger struct {
	table  []recogniser
	labels []string
}

var _ classifiers.Tagger = (*Tagger)(nil)

// New returns the tagger of all recognisers. A new one is a value in the table of one of the files below.
func New() *Tagger {
	t := &Tagger{table: slices.Concat(internet(), phones(), money(), nationals(), dates(), coins(), secrets())}
	for _, r := range t.table {
		if !slices.Contains(t.labels, r.label) {
			t.labels = append(t.labels, r.label)
		}
	}
	return t
}

// Labels returns what the recognisers find, in the order of their table.
func (t *Tagger) Labels() []string { return t.labels }

// Tag returns the spans in order, each with the probability of its recogniser; of those that overlap the most probable, then the longest, then the
// first. A caller that hides what is found drops those under Cut. A text of any length is read whole. Errors: invalid UTF-8 and the context's.
func (t *Tagger) Tag(ctx context.Context, text string) ([]classifiers.Span, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("pattern: text is not valid UTF-8")
	}
	v := newView(text)
	var found []classifiers.Span
	for i := range t.table {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := &t.table[i]
		r.find(v, func(start, end int) {
			p := r.alone
			if r.near > p && v.near(start, end, r.words) {
				p = r.near
			}
			if p == 0 || len(r.never) > 0 && v.justBefore(start, r.never) {
				return
			}
			span := classifiers.Span{Label: r.label, P: p}
			span.Start, span.End = v.original(start, end)
			found = append(found, span)
		})
	}
	return settle(text, ranked(found), false), nil
}
