package chat

import (
	"cmp"
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

// Apply returns the body with the edits and replacements made: the value of a top-level field is replaced, a field that is not there is put
// right behind the opening brace, the bytes that a replacement names are replaced inside their literals, every other byte stays. Where nothing
// changes it returns the raw body itself, else one new slice. Neither may be written to.
//
// Of two edits of one field the later counts, and an edit of a field counts before all replacements in it. Replacements in one text that
// overlap or begin at the same byte become one: all that any of them names goes, and the later's With stands for it. One of a text that is not
// there does nothing. One in a key may make two keys of an object the same, which only the caller can know.
func (b *Body) Apply(edits []pipeline.Edit, replacements ...pipeline.Replacement) []byte {
	changes := b.changes(edits, nil, b.patches(replacements))
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
	f, t := b.changes(from, to, patches), b.changes(to, from, patches)
	shift := 0 // how much further a byte of raw stands in Apply(from)
	for len(f) > 0 || len(t) > 0 {
		var span, old, now change
		switch {
		case len(t) == 0 || len(f) > 0 && f[0].start < t[0].start:
			span = f[0]
		default:
			span = t[0]
		}
		span.text = string(b.raw[span.start:span.end])
		old, now = span, span
		if len(f) > 0 && f[0].start == span.start {
			old, f = f[0], f[1:]
		}
		if len(t) > 0 && t[0].start == span.start {
			now, t = t[0], t[1:]
		}
		if old.text != now.text {
			splices = append(splices, Splice{Offset: old.start + shift, Length: len(old.text), Text: now.text})
		}
		shift += old.grows()
	}
	slices.Reverse(splices)
	return splices
}

// change replaces a span of raw. An insertion is one whose span is empty.
type change struct {
	start, end int
	text       string
}

func (c change) grows() int { return len(c.text) - (c.end - c.start) }

// changes returns what the edits and patches change, in ascending order. No two changes overlap: the insertion stands behind the brace, and
// between it and the first value there is at least a key. Of a field that only the others edit the patches become one change, so that a span of
// the one list is a span of the other or touches none of it.
func (b *Body) changes(edits, others []pipeline.Edit, patches []change) []change {
	var changes []change
	var inserted []byte
	for i, e := range edits {
		if names(edits[i+1:], e.Field) {
			continue
		}
		at := slices.IndexFunc(b.fields, func(f field) bool { return f.name == e.Field })
		if at < 0 {
			// A body that was parsed has at least a model, so a comma always follows.
			inserted = append(quote(inserted, e.Field), ':')
			inserted = append(append(inserted, e.JSON...), ',')
			continue
		}
		f := b.fields[at]
		if string(b.raw[f.start:f.end]) != e.JSON {
			changes = append(changes, change{start: f.start, end: f.end, text: e.JSON})
		}
	}
	if len(inserted) > 0 {
		changes = append(changes, change{start: b.open, end: b.open, text: string(inserted)})
	}
	if len(patches) > 0 {
		rest := patches
		for _, f := range b.fields {
			n := 0
			for n < len(rest) && rest[n].start < f.start {
				n++ // in the keys of the top-level object
			}
			changes = append(changes, rest[:n]...)
			rest, n = rest[n:], 0
			for n < len(rest) && rest[n].start < f.end {
				n++
			}
			switch inside := rest[:n]; {
			case n == 0 || names(edits, f.name):
			case names(others, f.name):
				changes = append(changes, change{start: f.start, end: f.end, text: string(b.build(inside, f.start, f.end))})
			default:
				changes = append(changes, inside...)
			}
			rest = rest[n:]
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.start, b.start) })
	return changes
}

func names(edits []pipeline.Edit, field string) bool {
	return slices.ContainsFunc(edits, func(e pipeline.Edit) bool { return e.Field == field })
}
