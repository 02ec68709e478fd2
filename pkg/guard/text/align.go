package text

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Alignment says where in a text its normal form comes from, piece by piece.
type Alignment []piece

// piece is the part [start, end) of the normal form and the part [from, to) of the text. Where same, they are so byte for byte.
type piece struct {
	start, end, from, to int
	same                 bool
}

// Align returns the alignment of s with Normal(s), which the caller has. ok is false where it cannot be told, as in long blanks of several kinds of
// spaces. Plain ASCII is aligned byte by byte, other text by character where the normal form of each is that of the whole, and else by word.
func Align(s, normal string) (a Alignment, ok bool) {
	i, j := 0, 0
	for i < len(s) {
		n := run(s[i:])
		part := s[i : i+n]
		form := Normal(part)
		isWord, m := !blank(part[0]), j+len(form)
		switch fits := strings.HasPrefix(normal[j:], form); {
		case fits && (!isWord || m == len(normal) || i+n < len(s) && blank(normal[m])):
			a = a.spell(part, form, j, i)
		case isWord:
			// What stands around a word can tell how it is read. It still has as many blanks in it.
			form = runs(normal[j:], form)
			a = append(a, piece{j, j + len(form), i, i + n, false})
		default:
			return nil, false
		}
		i, j = i+n, j+len(form)
	}
	if j < len(normal) {
		return nil, false
	}
	return a, true
}

// run returns the length of the blanks, or of what is none, at the front of s.
func run(s string) int {
	n := 1
	for n < len(s) && blank(s[n]) == blank(s[0]) {
		n++
	}
	return n
}

// runs returns the front of normal that has as many words as form and as much of the blanks around them.
func runs(normal, form string) string {
	end := 0
	for len(form) > 0 && end < len(normal) {
		n, m := run(form), run(normal[end:])
		if blank(form[0]) {
			m = min(n, m)
		}
		form, end = form[n:], end+m
	}
	return normal[:end]
}

// longWord is how much of a text without blanks is looked at by character.
const longWord = 16 << 10

// spell appends the pieces of one run: one where nothing changes, else one for each character with its marks, if they make up the form.
func (a Alignment) spell(part, form string, start, from int) Alignment {
	if part == form {
		if n := len(a) - 1; n >= 0 && a[n].same {
			a[n].end, a[n].to = a[n].end+len(part), a[n].to+len(part)
			return a
		}
		return append(a, piece{start, start + len(form), from, from + len(part), true})
	}
	n, whole := len(a), piece{start, start + len(form), from, from + len(part), false}
	if len(part) > longWord {
		return append(a, whole)
	}
	for i, j := 0, 0; i < len(part); {
		size := character(part[i:])
		one := Normal(part[i : i+size])
		if !strings.HasPrefix(form[j:], one) {
			return append(a[:n], whole)
		}
		a = append(a, piece{start + j, start + j + len(one), from + i, from + i + size, part[i:i+size] == one})
		i, j = i+size, j+len(one)
		if i == len(part) && j != len(form) {
			return append(a[:n], whole)
		}
	}
	return a
}

// character returns the length of the first character of s and of what joins it: marks, and what cannot be seen.
func character(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.In(r, unicode.M, unicode.Cf) {
			break
		}
		n += size
	}
	return n
}

// Back returns the part of the text that [start, end) of the normal form comes from, both not empty. A piece that changed is taken as a whole.
func (a Alignment) Back(start, end int) (from, to int) {
	first := sort.Search(len(a), func(i int) bool { return a[i].end > start })
	last := first + sort.Search(len(a)-first, func(i int) bool { return a[first+i].end >= end })
	from, to = a[first].from, a[last].to
	if a[first].same {
		from += start - a[first].start
	}
	if a[last].same {
		to = a[last].from + end - a[last].start
	}
	return from, to
}
