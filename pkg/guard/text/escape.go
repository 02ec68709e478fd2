package text

import (
	"html"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escaped decodes the lines of s that hold an escape, all together.
func (d *decoder) escaped(s string, sign byte, decode func(string) string) {
	if d.full() || strings.IndexByte(s, sign) < 0 {
		return
	}
	var out strings.Builder
	for line := range strings.Lines(s) {
		if out.Len() > d.left {
			break
		}
		if strings.IndexByte(line, sign) < 0 {
			continue
		}
		if decoded := decode(line); decoded != line {
			out.WriteString(decoded)
		}
	}
	d.add(out.String())
}

// unentity decodes HTML entities. Those for quotes, ampersands and spaces alone hide nothing.
func unentity(s string) string {
	decoded := html.UnescapeString(s)
	if strings.Count(decoded, "<") == strings.Count(s, "<") && !strings.Contains(s, "&#") && !strings.Contains(decoded, "&#") {
		return s
	}
	return decoded
}

// unpercent decodes %XX and %uXXXX, where two at least are for letters, digits or spaces: a sign of per cent may stand before a number, and an address
// within another has escaped signs. In a line without spaces a plus is one, and counts.
func unpercent(s string) string {
	out := make([]byte, 0, len(s))
	found := 0
	plus := !strings.Contains(strings.TrimSpace(s), " ")
	for i := 0; i < len(s); {
		switch {
		case s[i] == '%' && hexDigits(s[i+1:], 2):
			c := byte(number(s[i+1:i+3], 16))
			out = append(out, c)
			i += 3
			if wordPart(c) || c == ' ' || c == '%' {
				found++
			}
		case strings.HasPrefix(s[i:], "%u") && hexDigits(s[i+2:], 4):
			r, n := utf16Unit(s[i:], "%u")
			out = utf8.AppendRune(out, r)
			i += n
			found++
		case s[i] == '+' && plus:
			out = append(out, ' ')
			i++
			found++
		default:
			out = append(out, s[i])
			i++
		}
	}
	if found < 2 || strings.IndexByte(s, '%') < 0 {
		return s
	}
	return string(out)
}

// unescape decodes backslash escapes as C, JSON, JavaScript and Python know them. Without one that gives a number nothing is hidden.
func unescape(s string) string {
	out := make([]byte, 0, len(s))
	numbers := 0
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			i++
			continue
		}
		rest := s[i+2:]
		numbers++
		switch c := s[i+1]; {
		case c == 'x' && hexDigits(rest, 2):
			out = append(out, byte(number(rest[:2], 16)))
			i += 4
			continue
		case c == 'u' && hexDigits(rest, 4):
			r, n := utf16Unit(s[i:], `\u`)
			out = utf8.AppendRune(out, r)
			i += n
			continue
		case c == 'U' && hexDigits(rest, 8):
			out = utf8.AppendRune(out, rune(min(number(rest[:8], 16), utf8.MaxRune+1)))
			i += 10
			continue
		case c == 'u' && strings.HasPrefix(rest, "{"):
			if end := strings.IndexByte(rest[:min(len(rest), 10)], '}'); end > 1 && hexDigits(rest[1:], end-1) {
				out = utf8.AppendRune(out, rune(min(number(rest[1:end], 16), utf8.MaxRune+1)))
				i += 3 + end
				continue
			}
		case c >= '0' && c <= '3' && len(rest) > 1 && digit(rest[0]) < 8 && digit(rest[1]) < 8:
			out = append(out, byte(number(s[i+1:i+4], 8)))
			i += 4
			continue
		}
		numbers--
		switch s[i+1] {
		case 'n', 'r':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '\\', '"', '\'', '/':
			out = append(out, s[i+1])
		default:
			out = append(out, s[i:i+2]...)
		}
		i += 2
	}
	if numbers == 0 {
		return s
	}
	return string(out)
}

// hexDigits reports whether n hexadecimal digits are at the front.
func hexDigits(s string, n int) bool {
	if len(s) < n {
		return false
	}
	for i := range n {
		if digit(s[i]) == 16 {
			return false
		}
	}
	return true
}

// number returns the value of at most eight digits.
func number(digits string, base int) int {
	n := 0
	for i := range len(digits) {
		n = n*base + digit(digits[i])
	}
	return n
}

// utf16Unit returns the character of the escape at the front, of two where they are a pair of surrogates, and how many bytes it took.
func utf16Unit(s, prefix string) (rune, int) {
	n := len(prefix) + 4
	r := rune(number(s[len(prefix):n], 16))
	if rest := s[n:]; utf16.IsSurrogate(r) && strings.HasPrefix(rest, prefix) && hexDigits(rest[len(prefix):], 4) {
		if pair := utf16.DecodeRune(r, rune(number(rest[len(prefix):n], 16))); pair != utf8.RuneError {
			return pair, 2 * n
		}
	}
	return r, n // half a pair becomes U+FFFD
}

// rotated returns s with those segments turned by 13 letters that come out as English, s itself where there is none. It reads at most limit bytes.
func rotated(s string, limit int) string {
	s = cut(s, limit)
	out := []byte(s)
	changed := false
	for from := 0; from < len(s); {
		end := from
		for end < len(s) && strings.IndexByte("\n:\"`", s[end]) < 0 {
			end++
		}
		if turnsEnglish(s[from:end]) {
			changed = true
			for i := from; i < end; i++ {
				out[i] = rot13(s[i])
			}
		}
		from = end + 1
	}
	if !changed {
		return s
	}
	return string(out)
}

// turnsEnglish reports whether more words are English after rot13 than before, clearly: two of seven letters together, and a quarter of all words.
func turnsEnglish(s string) bool {
	const fewest, letters = 2, 7
	before, after, all, matched := 0, 0, 0, 0
	var turned [16]byte
	for i := 0; i < len(s); {
		if !wordPart(s[i]) {
			i++
			continue
		}
		start, pure := i, true
		for i < len(s) && wordPart(s[i]) {
			pure = pure && letter(s[i])
			i++
		}
		all++
		if !pure || i-start < 2 || i-start > len(turned) {
			continue
		}
		w := turned[:i-start]
		for j := range w {
			w[j] = s[start+j] | 0x20
		}
		if english(string(w)) {
			before++
		}
		for j := range w {
			w[j] = rot13(w[j])
		}
		if english(string(w)) {
			after++
			matched += len(w)
		}
	}
	return after >= fewest && matched >= letters && after > 2*before && 4*after >= all
}

// wordPart reports whether a byte may be within a word or a name; letters beyond ASCII are.
func wordPart(c byte) bool { return wordByte(c) || c == '_' || c == '-' || c == '\'' || c >= 0x80 }

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func rot13(c byte) byte {
	switch {
	case !letter(c):
		return c
	case c|0x20 < 'n':
		return c + 13
	}
	return c - 13
}
