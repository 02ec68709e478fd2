package chat

import (
	"fmt"
	"unicode/utf8"
)

// scanner walks one body, from front to back and once. A fault of the JSON is sticky: it is kept in fault, and next and elem then say that there
// is nothing more, so every loop ends. A fault of the shape is only noted, because a body that is not JSON at all is to be called that.
type scanner struct {
	raw    []byte
	text   string // the same bytes as raw; every string handed out is a piece of it, or unescaped from it
	pos    int    // never beyond len(raw)
	limits Limits

	keys  int      // object members so far
	names []string // the keys of the objects that are open, outermost first; see object
	path  []step   // where the scanner stands
	texts []string // backs the Texts of all messages

	fault *Fault
	shape *Fault
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

// skip reads one value, whose first byte is next, and keeps nothing of it. Elements of an array are of the array's kind.
func (s *scanner) skip(k *kind) {
	switch c := s.peek(); c {
	case '{':
		o := s.object(k)
		for {
			key, ok := s.next(&o)
			if !ok {
				return
			}
			s.skip(k.inside(key))
		}
	case '[':
		for a := s.array(); s.elem(&a); {
			s.skip(k)
		}
	case '"':
		s.scanString()
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
