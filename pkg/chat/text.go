package chat

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads the string whose quote is next and returns it unescaped.
func (s *scanner) string() string {
	start, end, escaped := s.scanString()
	if s.fault != nil {
		return ""
	}
	if !escaped {
		return s.text[start:end]
	}
	return unescape(s.text[start:end])
}

// scanString checks the string whose quote is next and returns the span between its quotes, and whether it holds an escape.
func (s *scanner) scanString() (start, end int, escaped bool) {
	raw, i := s.raw, s.pos+1
	start = i
	for {
		i += plain(raw[i:])
		if i >= len(raw) {
			s.pos = len(raw)
			s.unexpected()
			return 0, 0, false
		}
		switch c := raw[i]; {
		case c == '"':
			s.pos = i + 1
			return start, i, escaped
		case c == '\\':
			escaped = true
			n := s.escape(i)
			if n == 0 {
				return 0, 0, false
			}
			i += n
		case c < ' ':
			s.refuseJSON(invalidJSON, "a raw control character in a string", i)
			return 0, 0, false
		default:
			// Text in other scripts comes in runs: stay here until the next ASCII byte.
			for i < len(raw) && raw[i] >= utf8.RuneSelf {
				r, size := utf8.DecodeRune(raw[i:])
				if r == utf8.RuneError && size == 1 {
					s.refuseJSON(invalidUTF8, "a byte sequence that is not UTF-8", i)
					return 0, 0, false
				}
				i += size
			}
		}
	}
}

// plain returns how many bytes at the front of b are ASCII and neither quote, backslash nor control character. It looks at eight at once.
func plain(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// In each term the high bit of a byte is set when that byte is found. A borrow can set it wrongly only above a byte that was found
		// rightly, so the lowest one is always true.
		found := ((w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash | w) & highs
		if found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(b) && b[n] >= ' ' && b[n] != '"' && b[n] != '\\' && b[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// escape checks the escape sequence at i and returns its length, 0 for a fault. A pair of surrogates is one sequence.
func (s *scanner) escape(i int) int {
	rest := s.raw[i:]
	if len(rest) < 2 {
		s.pos = len(s.raw)
		s.unexpected()
		return 0
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, ok := unit(rest)
		switch {
		case !ok:
		case !utf16.IsSurrogate(r):
			return 6
		default:
			if low, ok := unit(rest[6:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				return 12
			}
			s.refuseJSON(invalidUnicode, "half of a surrogate pair", i)
			return 0
		}
	}
	s.refuseJSON(invalidJSON, "an invalid escape sequence", i)
	return 0
}

// unit returns the value of the \uXXXX at the front of b.
func unit[T string | []byte](b T) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for i := 2; i < 6; i++ {
		c := b[i]
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape returns what stands between the quotes of a string, which scanString has found sound.
func unescape(quoted string) string {
	var b strings.Builder
	b.Grow(len(quoted))
	for {
		i := strings.IndexByte(quoted, '\\')
		if i < 0 {
			b.WriteString(quoted)
			return b.String()
		}
		b.WriteString(quoted[:i])
		c := quoted[i+1]
		rest := quoted[i+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := unit(quoted[i:])
			rest = quoted[i+6:]
			if utf16.IsSurrogate(r) {
				low, _ := unit(rest)
				r, rest = utf16.DecodeRune(r, low), rest[6:]
			}
			b.WriteRune(r)
			quoted = rest
			continue
		}
		b.WriteByte(c)
		quoted = rest
	}
}
