package chat

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mom-router/mom/pkg/pipeline"
)

// SetModel returns the edit that sets the model field to name, which should be valid UTF-8.
func SetModel(name string) pipeline.Edit {
	return pipeline.Edit{Field: "model", JSON: string(quote(nil, name))}
}

// quote appends s as a JSON string with no more escapes than JSON needs. Bytes that are not UTF-8 become U+FFFD.
func quote(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // it quotes in any case; the error only tells of the U+FFFD
	return dst
}

// Apply returns the body with the edits and replacements made: a field is edited where it stands, one that is not there is put right behind the
// opening brace, the bytes that a replacement names are replaced inside their literals, every other byte stays. Another spelling of an edited field
// that some parser would take for it goes. Where nothing changes it returns the raw body itself, else one new slice. Neither may be written to.
//
// The edits of one field are made one after the other, of the edits of its members and of the system prompt the last. A replacement counts wherever the
// text it is in is still there. Replacements in one text that overlap or begin at the same byte become one: all that any of them names goes, and the
// later's With stands for it. One of a text that is not there does nothing. One in a key may make two keys of an object the same, which only the caller
// can know.
func (b *Body) Apply(edits []pipeline.Edit, replacements ...pipeline.Replacement) []byte {
	changes := b.changes(edits, b.patches(replacements))
	if len(changes) == 0 {
		return b.raw
	}
	return b.build(changes, 0, len(b.raw))
}

// build returns raw[start:end] with these changes made, all of which lie in it.
func (b *Body) build(changes []change, start, end int) []byte {
	size := end - start
	for _, c := range changes {
		size += c.grows()
	}
	out, done := make([]byte, 0, size), start
	for _, c := range changes {
		out = append(out, b.raw[done:c.start]...)
		out = append(out, c.text...)
		done = c.end
	}
	return append(out, b.raw[done:end]...)
}

// Splice replaces Length bytes at Offset by Text.
type Splice struct {
	Offset, Length int
	Text           string
}

// Between returns what turns Apply(from, replacements...) into Apply(to, replacements...). Offsets are those of the former, descending, and the
// splices do not overlap, so that they can be made one after the other. It is nil when the two are the same.
func (b *Body) Between(from, to []pipeline.Edit, replacements ...pipeline.Replacement) []Splice {
	var splices []Splice
	patches := b.patches(replacements)
	f, t := b.changes(from, patches), b.changes(to, patches)
	shift := 0 // how much further a byte of raw stands in Apply(from)
	for len(f)+len(t) > 0 {
		hull := b.hull(f, t)
		inF, inT := hull.begun(f), hull.begun(t)
		old, now := string(b.build(f[:inF], hull.start, hull.end)), string(b.build(t[:inT], hull.start, hull.end))
		if old != now {
			splices = append(splices, Splice{Offset: hull.start + shift, Length: len(old), Text: now})
		}
		shift += len(old) - (hull.end - hull.start)
		f, t = f[inF:], t[inT:]
	}
	slices.Reverse(splices)
	return splices
}

// hull is the span of the first changes of either list and of all that overlap with it.
func (b *Body) hull(f, t []change) span {
	h := span{start: len(b.raw)}
	for _, list := range [...][]change{f, t} {
		if len(list) > 0 {
			h.start = min(h.start, list[0].start)
		}
	}
	for h.end = h.start; ; {
		end := h.end
		for _, list := range [...][]change{f, t} {
			for _, c := range list[:h.begun(list)] {
				h.end = max(h.end, c.end)
			}
		}
		if h.end == end {
			return h
		}
	}
}

// begun is how many of the changes begin in the span, or where it begins.
func (s span) begun(list []change) (n int) {
	for n < len(list) && (list[n].start < s.end || list[n].start == s.start) {
		n++
	}
	return n
}

// change replaces a span of raw. An insertion is one whose span is empty.
type change struct {
	start, end int
	text       string
}

func (c change) grows() int { return len(c.text) - (c.end - c.start) }
