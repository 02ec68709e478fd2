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

// Apply returns the body with the edits made: the value of a top-level field is replaced, a field that is not there is put right behind the
// opening brace, every other byte stays. Of two edits of one field the later counts. Where nothing changes it returns the raw body itself,
// else one new slice. Neither may be written to.
func (b *Body) Apply(edits []pipeline.Edit) []byte {
	changes := b.changes(edits)
	if len(changes) == 0 {
		return b.raw
	}
	size := len(b.raw)
	for _, c := range changes {
		size += c.grows()
	}
	out, done := make([]byte, 0, size), 0
	for _, c := range changes {
		out = append(out, b.raw[done:c.start]...)
		out = append(out, c.text...)
		done = c.end
	}
	return append(out, b.raw[done:]...)
}

// Splice replaces Length bytes at Offset by Text.
type Splice struct {
	Offset, Length int
	Text           string
}

// Between returns what turns Apply(from) into Apply(to). Offsets are those of Apply(from), descending, and the splices do not overlap, so that
// they can be made one after the other. It is nil when the two are the same.
func (b *Body) Between(from, to []pipeline.Edit) []Splice {
	var splices []Splice
	f, t := b.changes(from), b.changes(to)
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

// changes returns what the edits change, in ascending order. No two changes touch: the insertion stands behind the brace, and between it and
// the first value there is at least a key.
func (b *Body) changes(edits []pipeline.Edit) []change {
	var changes []change
	var inserted []byte
	for i, e := range edits {
		if slices.ContainsFunc(edits[i+1:], func(later pipeline.Edit) bool { return later.Field == e.Field }) {
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
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.start, b.start) })
	return changes
}
