package chat

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/pipeline"
)

// patches returns what the replacements change, in ascending order and without overlap. It reads the body a second time: where texts stand is
// asked of few bodies, and to note it in all of them would cost each one more allocation.
func (b *Body) patches(replacements []pipeline.Replacement) []change {
	if len(replacements) == 0 {
		return nil
	}
	s := newScanner(b.raw, b.limits)
	s.locate = true
	s.body(&Body{raw: b.raw})

	sorted := slices.Clone(replacements)
	slices.SortStableFunc(sorted, func(a, b pipeline.Replacement) int { return cmp.Compare(a.Ref, b.Ref) })
	var patches []change
	for len(sorted) > 0 {
		ref, n := int(sorted[0].Ref), 1
		for n < len(sorted) && sorted[n].Ref == sorted[0].Ref {
			n++
		}
		switch leaf := ref - len(s.texts); {
		case ref < 0 || leaf >= len(s.leaves):
		case leaf < 0:
			patches = append(patches, b.patch(s.textSpans[ref], masks(s.texts[ref], sorted[:n]))...)
		default:
			patches = append(patches, b.patch(s.leafSpans[leaf], masks(s.leaves[leaf].Text, sorted[:n]))...)
		}
		sorted = sorted[n:]
	}
	slices.SortFunc(patches, func(a, b change) int { return cmp.Compare(a.start, b.start) })
	return patches
}

// mask is what replacements of one text come to: whole characters of it, in offsets of the unescaped text.
type mask struct {
	start, end int
	with       string
	order      int // of the replacement that with comes from
}

// masks returns the masks of text in ascending order. No two of them overlap.
func masks(text string, replacements []pipeline.Replacement) []mask {
	all := make([]mask, len(replacements))
	for i, r := range replacements {
		start := min(max(r.Start, 0), len(text))
		end := min(max(r.End, start), len(text))
		for start < len(text) && !utf8.RuneStart(text[start]) {
			start--
		}
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		all[i] = mask{start, end, r.With, i}
	}
	slices.SortStableFunc(all, func(a, b mask) int { return cmp.Compare(a.start, b.start) })
	out := all[:1]
	for _, m := range all[1:] {
		last := &out[len(out)-1]
		if m.start >= last.end && m.start > last.start {
			out = append(out, m)
			continue
		}
		last.end = max(last.end, m.end)
		if m.order > last.order {
			last.with, last.order = m.with, m.order
		}
	}
	return out
}

// patch returns what the masks change in the literal at span.
func (b *Body) patch(at span, masks []mask) []change {
	w := walk{rest: b.raw[at.start+1 : at.end-1], pos: at.start + 1}
	out := make([]change, 0, len(masks))
	for _, m := range masks {
		start, end := w.to(m.start), w.to(m.end)
		with := quote(nil, m.with)
		with = with[1 : len(with)-1]
		if !bytes.Equal(b.raw[start:end], with) {
			out = append(out, change{start: start, end: end, text: string(with)})
		}
	}
	return out
}

// walk goes along a literal and counts in both, the raw bytes and the unescaped ones.
type walk struct {
	rest  []byte // of what stands between the quotes
	pos   int    // where it begins in the body
	count int    // unescaped bytes so far
}

// to goes on until n bytes of the unescaped text lie behind, and returns where that is in the body. Within an escape there is no such place.
func (w *walk) to(n int) int {
	for w.count < n {
		// An unescaped text is never longer than its literal, so that many raw bytes are there.
		raw := bytes.IndexByte(w.rest[:n-w.count], '\\')
		if raw < 0 {
			raw = n - w.count
		}
		text := raw
		if raw == 0 {
			raw, text = 2, 1
			if r, ok := unit(w.rest); ok {
				raw = 6
				if utf16.IsSurrogate(r) {
					low, _ := unit(w.rest[6:])
					r, raw = utf16.DecodeRune(r, low), 12
				}
				text = utf8.RuneLen(r)
			}
		}
		w.rest, w.pos, w.count = w.rest[raw:], w.pos+raw, w.count+text
	}
	return w.pos
}
