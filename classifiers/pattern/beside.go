package pattern

import (
	"context"
	"slices"
	"strings"

	"github.com/mom-router/mom/classifiers"
)

// Beside returns a tagger that finds what the recognisers and what tagger finds, which must not be nil. Where two finds overlap, the more probable
// one stays whole, the recognisers' where they are equal, and of the other what lies outside it, if there are letters or digits in it: no reader
// makes another's find shorter. Of finds of one label, one within the other, the longer stays, with the larger probability. Of kinds that have a form of
// their own the recognisers alone make finds: a number that fails its checksum is no card, whatever it looks like; there the model only bears out what
// a recogniser doubts. What a recogniser is sure of (a checksum, a form that nothing else has) stays whatever the model says. The labels
// are tagger's, then those only the recognisers have. An error of tagger is an error: without it names would go unseen.
//
// A caller drops what is under Cut. A threshold of the model's own is best applied to tagger before: any up to 0.85 may as well be applied after.
func Beside(tagger classifiers.Tagger) classifiers.Tagger {
	b := &beside{model: tagger, own: New(), labels: slices.Clone(tagger.Labels())}
	for _, l := range b.own.Labels() {
		if !slices.Contains(b.labels, l) {
			b.labels = append(b.labels, l)
		}
	}
	return b
}

type beside struct {
	model  classifiers.Tagger
	own    *Tagger
	labels []string
}

func (b *beside) Labels() []string { return b.labels }

func (b *beside) Tag(ctx context.Context, text string) ([]classifiers.Span, error) {
	found, err := b.own.Tag(ctx, text)
	if err != nil {
		return nil, err
	}
	more, err := b.model.Tag(ctx, text)
	if err != nil {
		return nil, err
	}
	found, more = agreed(found, whole(text, more))
	var certain, rest []classifiers.Span
	for _, s := range found {
		if s.P >= sure {
			certain = append(certain, s)
		} else {
			rest = append(rest, s)
		}
	}
	// The recognisers' come first: where two are equal, the first stays.
	return settle(text, append(certain, ranked(append(rest, more...))...), true), nil
}

// formed are the kinds whose values can be told from all else by their form.
var formed = []string{"CREDIT_CARD", "IBAN_CODE", "EMAIL_ADDRESS", "IP_ADDRESS", "MAC_ADDRESS", "DOMAIN_NAME"}

// names are the kinds whose values are words. Two of one kind with nothing but a space between are hardly ever two.
var names = []string{"PERSON", "ORGANIZATION", "STREET_ADDRESS", "LOCATION"}

// whole puts together what a model has cut: finds of one label with nothing between them and, of names, with one space; these also lose the comma,
// semicolon or colon at their ends. The larger probability counts. The finds are in order and without overlaps, and so is the result.
func whole(text string, model []classifiers.Span) []classifiers.Span {
	out := make([]classifiers.Span, 0, len(model))
	for _, m := range model {
		words := slices.Contains(names, m.Label)
		if words {
			part := text[m.Start:m.End]
			m.Start += len(part) - len(strings.TrimLeft(part, ",;:"))
			m.End = max(m.Start, m.End-(len(part)-len(strings.TrimRight(part, ",;:"))))
			if m.Start == m.End {
				continue
			}
		}
		if last := len(out) - 1; last >= 0 && out[last].Label == m.Label {
			if between := text[out[last].End:m.Start]; between == "" || between == " " && words {
				out[last].End, out[last].P = m.End, max(out[last].P, m.P)
				continue
			}
		}
		out = append(out, m)
	}
	return out
}

// agreed makes one find of the recognisers' and the model's of one label where one holds the other, and drops the model's of formed kinds. Both are in
// order and without overlaps, and so are the results, each for itself.
func agreed(found, model []classifiers.Span) (ours, theirs []classifiers.Span) {
	found, model = slices.Clone(found), slices.Clone(model)
	first := 0
	for i := range model {
		m := &model[i]
		drop := slices.Contains(formed, m.Label)
		for first < len(found) && found[first].End <= m.Start {
			first++
		}
		for k := first; k < len(found) && found[k].Start < m.End; k++ {
			s := &found[k]
			if s.Label != m.Label {
				continue
			}
			switch within := s.Start >= m.Start && s.End <= m.End; {
			case within && !drop && s.P < sure && s.End-s.Start < m.End-m.Start:
				m.P = max(m.P, s.P)
				s.Label = ""
			case drop || (m.Start >= s.Start && m.End <= s.End):
				s.P = max(s.P, m.P)
				drop = true
			}
		}
		if drop {
			m.Label = ""
		}
	}
	gone := func(s classifiers.Span) bool { return s.Label == "" }
	return slices.DeleteFunc(found, gone), slices.DeleteFunc(model, gone)
}
