package pattern

import (
	"context"
	"slices"

	"github.com/mom-router/mom/classifiers"
)

// Beside returns a tagger that finds what the recognisers and what tagger finds, which must not be nil. Where two finds overlap, the more probable
// one stays whole, the recognisers' where they are equal, and of the other what lies outside it, if there are letters or digits in it: no reader
// makes another's find shorter. What a recogniser is sure of (a checksum, a form that nothing else has) stays whatever the model says. The labels
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
