package chat

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/pipeline"
)

// scanner walks one body, from front to back and once. A fault of the JSON is sticky: it is kept in fault, and next and elem then say that there
// is nothing more, so every loop ends. A fault of the shape is only noted, because a body that is not JSON at all is to be called that.
type scanner struct {
	raw    []byte
	text   string // the same bytes as raw; every string handed out is a piece of it, or unescaped from it
	pos    int    // never beyond len(raw)
	limits Limits

	scratch *scratch
	keys    int      // object members so far
	names   []string // the keys of the objects that are open, outermost first; see object
	path    []step   // where the scanner stands
	texts   []string // backs the Texts of all messages

	leaves    []pipeline.Leaf
	paths     strings.Builder // the chunk that new paths of leaves are a part of
	lastPaths [2]string       // the paths rendered last: in a free object keys and values take turns

	attached, readable bool // whether the content part holds something that is not for a guard to read, or a data URL of text
	unscannable        int  // see pipeline.Request
	images, files      int  // see pipeline.Needs

	locate               bool // to note the spans too
	textSpans, leafSpans []span

	fault *Fault
	shape *Fault
}

// scratch is what most bodies need of the scanner's own, in one allocation.
type scratch struct {
	names [32]string
	path  [16]step
	line  [128]byte // a path is rendered here
}

func newScanner(raw []byte, limits Limits) scanner {
	c := new(scratch)
	return scanner{raw: raw, text: string(raw), limits: limits, scratch: c, names: c.names[:0], path: c.path[:0]}
}

// span is where the literal of a text stands in raw, quotes included.
type span struct{ start, end int }

// span returns the span of the literal that begins at byte at. Its end is looked up again, because the scanner may have gone on.
func (s *scanner) span(at int) span {
	pos := s.pos
	s.pos = at
	s.scanString()
	end := s.pos
	s.pos = pos
	return span{at, end}
}

// peek returns the next byte, 0 at the end: no JSON has a 0 where it counts.
func (s *scanner) peek() byte {
	if s.pos < len(s.raw) {
		return s.raw[s.pos]
	}
	return 0
}

// blank skips JSON's four white-space characters.
func (s *scanner) blank() {
	for s.pos < len(s.raw) {
		switch s.raw[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

// take skips blanks and then c; anything else is a fault.
func (s *scanner) take(c byte) bool {
	s.blank()
	if s.peek() != c {
		s.unexpected()
		return false
	}
	s.pos++
	return true
}

func (s *scanner) refuseJSON(code, what string, at int) {
	if s.fault == nil {
		s.fault = &Fault{Status: 400, Code: code, Message: fmt.Sprintf("The request body is not strict JSON: %s at byte %d.", what, at)}
	}
}

// unexpected is the fault of a byte that cannot stand where the scanner is.
func (s *scanner) unexpected() {
	switch rest := s.raw[s.pos:]; {
	case len(rest) == 0:
		s.refuseJSON(invalidJSON, "it ends too early", s.pos)
	case rest[0] >= utf8.RuneSelf && !startsWithRune(rest):
		s.refuseJSON(invalidUTF8, "a byte sequence that is not UTF-8", s.pos)
	default:
		s.refuseJSON(invalidJSON, "an unexpected character", s.pos)
	}
}

func startsWithRune(b []byte) bool {
	r, size := utf8.DecodeRune(b)
	return r != utf8.RuneError || size > 1
}

// member reads the value of the member that next came to in an object of kind k.
func (s *scanner) member(k *kind, key string) {
	if key == template && k.has(key) {
		s.refuse(unsupportedParameter, "", "is not supported")
	}
	s.skip(k.inside(key), k.hides(key))
}

// skip reads one value, whose first byte is next, and keeps nothing of it but its leaves. Elements of an array are of the array's kind and
// opacity.
func (s *scanner) skip(k *kind, how opacity) {
	switch c := s.peek(); c {
	case '{':
		o := s.object(k)
		for {
			key, ok := s.next(&o)
			if !ok {
				return
			}
			s.member(k, key)
		}
	case '[':
		for a := s.array(); s.elem(&a); {
			s.skip(k, how)
		}
	case '"':
		s.value(how)
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		if c == '-' || isDigit(c) {
			s.number()
			return
		}
		s.unexpected()
	}
}

func (s *scanner) literal(word string) {
	for i := 0; i < len(word); i++ {
		if s.peek() != word[i] {
			s.unexpected()
			return
		}
		s.pos++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads a number by the grammar of RFC 8259. Its value is never taken, so its size does not matter.
func (s *scanner) number() {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		s.digits()
	}
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	if !isDigit(s.peek()) {
		s.unexpected()
		return false
	}
	for isDigit(s.peek()) {
		s.pos++
	}
	return true
}
