package guard

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/pipeline"
)

// trace says where in the request a text comes from, part by part, in order. What no part covers, such as a line break between two, is of our making.
type trace []part

// part is the bytes [start, end) of a text, and the bytes [from, to) of a text of the request that say the same.
type part struct {
	start, end int
	ref        pipeline.Ref
	from, to   int
	how        copied
}

// copied says how a part came from there.
type copied uint8

const (
	bytewise copied = iota
	asOne           // as one character that is written otherwise there
	lost            // in a code, or where no placeholder may stand
	kept            // as the name of a function, which has to stay
)

// place is the bytes [from, to) of a text of the request, and those [start, end) that they are read as.
type place struct {
	ref        pipeline.Ref
	from, to   int
	start, end int
}

// places returns where the bytes [start, end) of the text come from and may be replaced, nowhere in a name that is kept. ok is false where they, or
// some of them, cannot be.
func (tr trace) places(start, end int) (found []place, ok bool) {
	first := sort.Search(len(tr), func(i int) bool { return tr[i].end > start })
	for _, p := range tr[first:] {
		if p.start >= end {
			break
		}
		if p.start == p.end {
			continue
		}
		at := place{p.ref, p.from, p.to, max(start, p.start), min(end, p.end)}
		switch p.how {
		case bytewise:
			at.from, at.to = p.from+max(start-p.start, 0), p.to-max(p.end-end, 0)
		case asOne:
		case lost:
			return nil, false
		case kept:
			ok = true
			continue
		}
		if n := len(found) - 1; n >= 0 && found[n].ref == at.ref && found[n].to == at.from {
			found[n].to, found[n].end = at.to, at.end
			continue
		}
		found = append(found, at)
	}
	return found, ok || len(found) > 0
}

// follow is the trace of texts that follow each other in the request and are joined by a separator of so many bytes.
func follow(first pipeline.Ref, texts []string, separator int) trace {
	tr := make(trace, 0, len(texts))
	at := 0
	for i, text := range texts {
		tr = append(tr, part{start: at, end: at + len(text), ref: first + pipeline.Ref(i), to: len(text)})
		at += len(text) + separator
	}
	return tr
}

// through is the trace of a text that was made of another, whose trace is given: each part's place in the other becomes its place in the request.
func (tr trace) through(other trace) trace {
	out := make(trace, 0, len(tr))
	next := 0 // in other, as both are in order
	for _, p := range tr {
		for next < len(other) && other[next].end <= p.from {
			next++
		}
		for k := next; k < len(other) && other[k].start < p.to; k++ {
			o, q := other[k], p
			q.ref = o.ref
			switch {
			case p.how == bytewise:
				low, high := max(p.from, o.start), min(p.to, o.end)
				q.start, q.end = p.start+low-p.from, p.start+high-p.from
				q.from, q.to = o.from+low-o.start, o.from+high-o.start
			case p.from >= o.start && p.to <= o.end:
				q.from, q.to = o.from+p.from-o.start, o.from+p.to-o.start
			default:
				q.how = lost // one escape over two texts
			}
			out = append(out, q)
		}
	}
	return out
}

// moved is the trace of the text with so many bytes before it.
func (tr trace) moved(by int) trace {
	out := make(trace, len(tr))
	for i, p := range tr {
		p.start, p.end = p.start+by, p.end+by
		out[i] = p
	}
	return out
}

// literal is the trace of the string that a JSON literal stands for, which begins at from with its quote. The string stands at start.
func literal(quoted, text string, start, from int) trace {
	var tr trace
	rest, at := quoted[1:len(quoted)-1], from+1
	for len(text) > 0 {
		raw := strings.IndexByte(rest, '\\')
		if raw < 0 {
			raw = len(rest)
		}
		how, n := bytewise, raw
		if raw == 0 {
			how, raw = asOne, 2
			_, n = utf8.DecodeRuneInString(text)
			if rest[1] == 'u' {
				if raw = 6; n == 4 {
					raw = 12 // a pair of surrogates
				}
			}
		}
		if n > len(text) || raw > len(rest) || how == bytewise && rest[:raw] != text[:n] {
			// What is no UTF-8 reads otherwise.
			return append(tr, part{start: start, end: start + len(text), from: at, to: from + len(quoted) - 1, how: lost})
		}
		tr = append(tr, part{start: start, end: start + n, from: at, to: at + raw, how: how})
		rest, text, at, start = rest[raw:], text[n:], at+raw, start+n
	}
	return tr
}
