package chat

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Placeholders are what stands in a redacted request in place of the client's own values, such as [EMAIL_ADDRESS_1]. They hold those values: they
// live as long as one exchange and belong in no log. A nil *Placeholders knows none.
type Placeholders struct {
	values  map[string]string
	longest int
}

// NewPlaceholders returns what req's replacements put in place of what; nil when no answer can hold any of it. A placeholder that the client itself
// wrote anywhere in the request is none: in an answer nobody could tell which of the two is meant.
func NewPlaceholders(req *pipeline.Request, replacements []pipeline.Replacement) *Placeholders {
	if len(replacements) == 0 {
		return nil
	}
	sorted := slices.Clone(replacements)
	slices.SortStableFunc(sorted, func(a, b pipeline.Replacement) int { return cmp.Compare(a.Ref, b.Ref) })
	p := &Placeholders{values: map[string]string{}}
	for ref, text := range req.All() {
		from, _ := slices.BinarySearchFunc(sorted, ref, byRef)
		to, _ := slices.BinarySearchFunc(sorted, ref+1, byRef)
		if from == to {
			continue
		}
		for _, m := range masks(text.Text, sorted[from:to]) {
			if _, known := p.values[m.with]; !known && len(m.with) > 2 && m.with[0] == '[' && strings.IndexByte(m.with, ']') == len(m.with)-1 {
				p.values[m.with] = strings.Clone(text.Text[m.start:m.end])
			}
		}
	}
	for _, text := range req.All() {
		for with := range p.values {
			if strings.Contains(text.Text, with) {
				delete(p.values, with)
			}
		}
	}
	for with := range p.values {
		p.longest = max(p.longest, len(with))
	}
	if len(p.values) == 0 {
		return nil
	}
	return p
}

func byRef(r pipeline.Replacement, ref pipeline.Ref) int { return cmp.Compare(r.Ref, ref) }

// begins says whether more of a text could make a placeholder of part.
func (p *Placeholders) begins(part []byte) bool {
	if len(part) >= p.longest {
		return false
	}
	for with := range p.values {
		if strings.HasPrefix(with, string(part)) {
			return true
		}
	}
	return false
}

// restorer finds placeholders in one text that comes in pieces.
type restorer struct {
	*Placeholders
	masks []mask // the placeholders that were found, for who hands them on to take
	tail  []byte // what may be the beginning of one
	size  int    // of the text so far
}

// next takes the next piece and returns how many bytes of the text are settled. last: nothing follows that could make a placeholder whole.
func (r *restorer) next(more []byte, last bool) (settled int) {
	if r.Placeholders == nil {
		r.size += len(more)
		return r.size
	}
	if len(r.tail) == 0 && bytes.IndexByte(more, '[') < 0 {
		r.size += len(more)
		return r.size
	}
	r.tail = append(r.tail, more...)
	r.size += len(more)
	begin := r.size - len(r.tail)
	at := 0
	for {
		open := bytes.IndexByte(r.tail[at:], '[')
		if open < 0 {
			at = len(r.tail)
			break
		}
		at += open
		rest := r.tail[at:]
		end := bytes.IndexByte(rest[:min(len(rest), r.longest)], ']') + 1
		if value, ok := r.values[string(rest[:end])]; ok {
			r.masks = append(r.masks, mask{start: begin + at, end: begin + at + end, with: value})
			at += end
			continue
		}
		if !last && r.begins(rest) {
			break
		}
		at++
	}
	r.tail = append(r.tail[:0], r.tail[at:]...)
	return r.size - len(r.tail)
}
