package chat

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mom-router/mom/pkg/pipeline"
)

// changes returns what the edits and patches change, in ascending order. No two changes overlap.
func (b *Body) changes(edits []pipeline.Edit, patches []change) []change {
	var changes []change
	var inserted []byte
	gone := make([]bool, len(b.fields))
	for i, e := range edits {
		if names(edits[:i], e.Field) {
			continue // done with the first one
		}
		at := -1
		for k, f := range b.fields {
			if f.name == e.Field {
				at = k
			} else if alike(f.name, e.Field) {
				gone[k] = true
			}
		}
		var v value
		if at >= 0 {
			v = b.value(at)
		}
		for _, e := range edits[i:] {
			if e.Field == edits[i].Field {
				v = v.edited(e)
			}
		}
		switch {
		case at < 0 && v.there:
			// A body that was parsed has at least a model, so a comma always follows.
			inserted = append(quote(inserted, e.Field), ':')
			inserted = append(append(inserted, v.json...), ',')
		case at >= 0 && !v.there:
			gone[at] = true
		case at >= 0 && v.sent:
			changes = append(changes, v.inside...)
		case at >= 0 && (len(patches) > 0 || string(b.raw[b.fields[at].start:b.fields[at].end]) != v.json):
			// Also where it is the same: what is replaced in the client's value is not replaced in ours.
			changes = append(changes, change{start: b.fields[at].start, end: b.fields[at].end, text: v.json})
		}
	}
	changes = append(changes, b.removals(gone)...)
	if len(inserted) > 0 {
		changes = append(changes, change{start: b.open, end: b.open, text: string(inserted)})
	}
	edited := changes
	for _, p := range patches {
		if !slices.ContainsFunc(edited, func(c change) bool { return p.start < c.end && c.start < p.end || c.start < p.start && p.start < c.end }) {
			changes = append(changes, p)
		}
	}
	// Of two at one byte the insertion comes first, and that of an edit before that of a patch.
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	return changes
}

func names(edits []pipeline.Edit, field string) bool {
	return slices.ContainsFunc(edits, func(e pipeline.Edit) bool { return e.Field == field })
}

// alike says whether some parser takes the two names for one.
func alike(name, field string) bool {
	var one, other [64]byte
	folded := fold(one[:0], name)
	return folded != nil && bytes.Equal(folded, fold(other[:0], field))
}

// removals returns what takes the fields away that are gone, each with a comma. At least the model stays.
func (b *Body) removals(gone []bool) []change {
	var out []change
	for i := 0; i < len(gone); i++ {
		if !gone[i] {
			continue
		}
		first := i
		for i+1 < len(gone) && gone[i+1] {
			i++
		}
		if first > 0 {
			out = append(out, change{start: b.fields[first-1].end, end: b.fields[i].end})
			continue
		}
		comma := b.fields[i].end + bytes.IndexByte(b.raw[b.fields[i].end:], ',')
		out = append(out, change{start: b.open, end: comma + 1})
	}
	return out
}

// value is that of a field while edits are made, one after the other.
type value struct {
	there  bool
	json   string
	sent   bool     // it is the client's, changed by inside alone
	start  int      // of the client's, in raw
	inside []change // of raw
}

func (b *Body) value(at int) value {
	f := b.fields[at]
	return value{there: true, json: string(b.raw[f.start:f.end]), sent: true, start: f.start}
}

// edited returns the value after an edit.
func (v value) edited(e pipeline.Edit) value {
	instead := value{there: true, json: e.JSON}
	switch e.How {
	case pipeline.SetField:
		if e.Key != "" {
			return v.member(e)
		}
		return instead
	case pipeline.DefaultField:
		if !v.there || v.json == "null" {
			return instead
		}
	case pipeline.CapField:
		if v.there && v.json != "null" && above(v.json, e.JSON) {
			return instead
		}
	case pipeline.StripField:
		return value{}
	case pipeline.PrependSystem, pipeline.AppendSystem, pipeline.ReplaceSystem:
		if v.sent {
			v.inside = []change{system([]byte(v.json), v.start, e)}
		}
	}
	return v
}

// above says whether a value is more than a number. What is no number is: some parsers would make one of it.
func above(v, most string) bool {
	if v[0] != '-' && !isDigit(v[0]) {
		return true
	}
	n, _ := strconv.ParseFloat(v, 64) // beyond its range it is infinite
	limit, _ := strconv.ParseFloat(most, 64)
	return n > limit
}

// member sets a member of the value; what is no object becomes one.
func (v value) member(e pipeline.Edit) value {
	key := string(quote(nil, e.Key))
	if !v.there || v.json[0] != '{' {
		return value{there: true, json: "{" + key + ":" + e.JSON + "}"}
	}
	c := change{start: 1, end: 1, text: key + ":" + e.JSON}
	members := 0
	eachMember([]byte(v.json), func(name string, start, end int) {
		members++
		if name == e.Key {
			c = change{start: start, end: end, text: e.JSON}
		}
	})
	if c.end == 1 && members > 0 {
		c.text += ","
	}
	if v.sent {
		v.inside = []change{{start: v.start + c.start, end: v.start + c.end, text: c.text}}
		return v
	}
	v.json = v.json[:c.start] + c.text + v.json[c.end:]
	return v
}

// eachMember calls f with the name of each member of an object that was parsed before, and where its value stands in it.
func eachMember(object []byte, f func(name string, start, end int)) {
	d := jsontext.NewDecoder(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return
		}
		key := name.String()
		v, err := d.ReadValue()
		if err != nil {
			return
		}
		end := int(d.InputOffset())
		f(key, end-len(v), end)
	}
}
