package pattern

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A view is a text as the recognisers read it: decimal digits of every script, full-width forms, dashes and spaces are ASCII, and what has no width
// is left out, so that neither hides a number. Every other code point is as it was.
type view struct {
	text   string
	s      string
	seams  []seam // where the two go apart, in order; none for most texts
	words  []run  // the runs of ASCII letters and digits in s
	digits []run  // the runs of ASCII digits in s
}

// A seam says that from byte at of the view on, the text is at byte from.
type seam struct{ at, from int }

// A run is the part [start, end) of a view.
type run struct{ start, end int }

func newView(text string) *view {
	v := &view{text: text, s: text}
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			v.normalise()
			break
		}
	}
	v.words = make([]run, 0, len(v.s)/6)
	for i := 0; i < len(v.s); i++ {
		if !isAlnum(v.s[i]) {
			continue
		}
		word := run{start: i}
		for i < len(v.s) && isAlnum(v.s[i]) {
			if !isDigit(v.s[i]) {
				i++
				continue
			}
			digits := run{start: i}
			for i < len(v.s) && isDigit(v.s[i]) {
				i++
			}
			digits.end = i
			v.digits = append(v.digits, digits)
		}
		word.end = i
		v.words = append(v.words, word)
	}
	return v
}

// normalise fills s and seams. Nothing is copied before the first code point that changes.
func (v *view) normalise() {
	var b strings.Builder
	same := 0 // the text up to here is in b
	put := func(i, size int, with string) {
		if b.Cap() == 0 {
			b.Grow(len(v.text))
		}
		b.WriteString(v.text[same:i])
		if n := len(v.seams); n == 0 || v.seams[n-1] != (seam{b.Len(), i}) {
			v.seams = append(v.seams, seam{b.Len(), i})
		}
		b.WriteString(with)
		same = i + size
		v.seams = append(v.seams, seam{b.Len(), same})
	}
	for i, r := range v.text {
		if r < utf8.RuneSelf {
			continue
		}
		if to := plain(r); to == 0 {
			put(i, utf8.RuneLen(r), "")
		} else if to < utf8.RuneSelf {
			put(i, utf8.RuneLen(r), string(to))
		}
	}
	if len(v.seams) > 0 {
		b.WriteString(v.text[same:])
		v.s = b.String()
	}
}

// plain is the ASCII character that a code point stands for, the code point itself where it stands for none, and 0 where it has no width.
func plain(r rune) rune {
	switch {
	case r >= '！' && r <= '～': // the full-width forms, in ASCII's order
		return r - '！' + '!'
	case r >= '\u2010' && r <= '\u2015', r == '\u2212', r == '\ufe58', r == '\ufe63':
		return '-'
	case r == '\u00ad', r >= '\u200b' && r <= '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2060' && r <= '\u2064', r == '\ufeff':
		return 0
	case r == '\u3002':
		return '.'
	case unicode.Is(unicode.Zs, r):
		return ' '
	case unicode.Is(unicode.Nd, r):
		for _, block := range unicode.Nd.R16 {
			if rune(block.Lo) <= r && r <= rune(block.Hi) {
				return '0' + (r-rune(block.Lo))%10 // every block is tens in order
			}
		}
		for _, block := range unicode.Nd.R32 {
			if rune(block.Lo) <= r && r <= rune(block.Hi) {
				return '0' + (r-rune(block.Lo))%10
			}
		}
	}
	return r
}

// original turns a part of the view, not empty, into the part of the text it was made of.
func (v *view) original(start, end int) (from, to int) {
	from, last := v.place(start), v.place(end-1)
	if !utf8.RuneStart(v.text[last]) { // the last byte of a code point that is in the view as it was
		return from, last + 1
	}
	_, size := utf8.DecodeRuneInString(v.text[last:])
	return from, last + size
}

func (v *view) place(at int) int {
	i := sort.Search(len(v.seams), func(i int) bool { return v.seams[i].at > at }) - 1
	if i < 0 {
		return at
	}
	return v.seams[i].from + at - v.seams[i].at
}

// at is the byte of the view at i, 0 outside it.
func (v *view) at(i int) byte {
	if i < 0 || i >= len(v.s) {
		return 0
	}
	return v.s[i]
}

// apart reports whether [start, end) is no part of a longer code: neither letters and digits nor a mark between such touch it.
func (v *view) apart(start, end int) bool {
	before, after := v.at(start-1), v.at(end)
	if isWord(before) || isWord(after) {
		return false
	}
	if strings.IndexByte("-./:+", before) >= 0 && before != 0 && isWord(v.at(start-2)) && (before != ':' || isDigit(v.at(start-2))) {
		return false
	}
	return after == 0 || strings.IndexByte("-./:@", after) < 0 || !isWord(v.at(end+1))
}

func isDigit(c byte) bool { return c-'0' < 10 }

func isLetter(c byte) bool { return c|0x20-'a' < 26 }

func isAlnum(c byte) bool { return isDigit(c) || isLetter(c) }

func isWord(c byte) bool { return isAlnum(c) || c == '_' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isHex(c byte) bool { return isDigit(c) || c|0x20-'a' < 6 }
