package pattern

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/mom-router/mom/classifiers"
)

// ranked puts the more probable spans first, then the longer, then the earlier.
func ranked(spans []classifiers.Span) []classifiers.Span {
	slices.SortStableFunc(spans, func(a, b classifiers.Span) int {
		return cmp.Or(cmp.Compare(b.P, a.P), cmp.Compare(b.End-b.Start, a.End-a.Start), cmp.Compare(a.Start, b.Start))
	})
	return spans
}

// settle returns the spans of a text in order and without overlaps. It takes them one after another; of one that overlaps those before it, it takes
// nothing, or with pieces what is left of it. Each byte of each span is looked at once.
func settle(text string, spans []classifiers.Span, pieces bool) []classifiers.Span {
	byStart := func(a, b classifiers.Span) int { return cmp.Compare(a.Start, b.Start) }
	out := slices.SortedFunc(slices.Values(spans), byStart)
	overlap := false
	for i := 1; i < len(out); i++ {
		overlap = overlap || out[i].Start < out[i-1].End
	}
	if !overlap {
		return out
	}
	out = out[:0]
	taken := make([]bool, len(text))
	for _, s := range spans {
		if !pieces && slices.Contains(taken[s.Start:s.End], true) {
			continue
		}
		for i := s.Start; i < s.End; {
			if taken[i] {
				i++
				continue
			}
			piece := s
			for piece.Start = i; i < s.End && !taken[i]; i++ {
				taken[i] = true
			}
			if piece.End = i; piece.End-piece.Start < s.End-s.Start {
				piece = trimmed(text, piece)
			}
			if piece.Start < piece.End {
				out = append(out, piece)
			}
		}
	}
	slices.SortFunc(out, byStart)
	return out
}

// trimmed is the span without what is no letter or digit around it.
func trimmed(text string, s classifiers.Span) classifiers.Span {
	mark := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }
	part := strings.TrimLeftFunc(text[s.Start:s.End], mark)
	s.Start = s.End - len(part)
	s.End = s.Start + len(strings.TrimRightFunc(part, mark))
	return s
}
