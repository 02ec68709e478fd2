package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxLatinMarks = 3        // Vietnamese needs two, transcriptions three
	maxRareMarks  = 1        // of those among them that no spelling puts on Latin letters, strokes and frames too
	maxMarks      = 4        // of the marks that belong to no script: a pointed Hebrew or Arabic letter
	maxOwnMarks   = 8        // of the script's own: a Burmese or Tibetan stack
	negation      = '\u0338' // makes one sign of = and itself
)

// stack cuts piles of combining marks and drops strokes and frames around Latin letters and ASCII. It must come before NFC, which would break up long piles.
func stack(in []rune) []rune {
	out := in[:0]
	base := ' '
	for i := 0; i < len(in); {
		r := in[i]
		if !isMark(r) {
			base = r
			out = append(out, r)
			i++
			continue
		}
		end := i
		for end < len(in) && isMark(in[end]) {
			end++
		}
		pile := in[i:end]
		i = end
		if base < 0x80 || unicode.Is(unicode.Latin, base) {
			kept, rare := len(out), 0
			for _, m := range pile {
				if rareMark(m) {
					rare++
				}
				if latinMark(m) && (base >= 0x80 || letter(byte(base))) || m == keycap && isDigit(byte(base)) || m == negation && strings.ContainsRune("=<>", base) {
					out = append(out, m)
				}
			}
			if len(pile) > maxLatinMarks || rare > maxRareMarks {
				out = out[:kept]
			}
			continue
		}
		loose, own := 0, 0
		for _, m := range pile {
			count, limit := &own, maxOwnMarks
			if unicode.Is(unicode.Inherited, m) {
				count, limit = &loose, maxMarks
			}
			if *count++; *count <= limit {
				out = append(out, m)
			}
		}
	}
	return out
}

// isMark reports whether r is a combining mark; a selector that reveal kept is not.
func isMark(r rune) bool { return r >= 0x300 && r != vs15 && r != vs16 && unicode.Is(unicode.M, r) }

// latinMark reports whether a mark has its place on a Latin letter. Strokes and frames are no spelling.
func latinMark(r rune) bool {
	return r >= 0x300 && r <= 0x36f && (r < 0x334 || r > 0x338) || r >= 0x1ab0 && r <= 0x1aff && r != 0x1abe || r >= 0x1dc0 && r <= 0x1dff
}

// rareMark reports whether a mark is a stroke, a frame, or one that only phonetic notations put on Latin letters, and hardly two on one. U+0358 is
// written in Taiwan.
func rareMark(m rune) bool {
	switch {
	case !latinMark(m):
		return true
	case m < 0x316 || m > 0x362:
		return false
	}
	return m < 0x323 && m != 0x31b || m >= 0x329 && m <= 0x333 && m != 0x32d && m != 0x32e && m != 0x330 && m != 0x331 || m >= 0x339 && m <= 0x33f ||
		m >= 0x346 && m != 0x358
}

const (
	minBare  = 5 // letters
	bareRate = 4 // of five letters
)

// bare takes the accents off Latin words of five letters and more in which four of five letters have one, as no living spelling does.
func bare(s string) string {
	var out strings.Builder
	from := 0 // s[:from] is in out
	for i := 0; i < len(s); {
		start, letters, accents := i, 0, 0
		for i < len(s) {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r < 0x80 && letter(byte(r)):
				letters++
				if next, _ := utf8.DecodeRuneInString(s[i+n:]); next >= 0x300 && latinMark(next) {
					accents++
				}
			case r >= 0xc0 && accented(s[i:i+n]):
				letters++
				accents++
			case !latinMark(r):
				n = 0
			}
			if n == 0 {
				break
			}
			i += n
		}
		if letters >= minBare && 5*accents >= bareRate*letters {
			out.WriteString(s[from:start])
			for _, r := range norm.NFD.String(s[start:i]) {
				if !latinMark(r) {
					out.WriteRune(r)
				}
			}
			from = i
		}
		if i < len(s) {
			_, n := utf8.DecodeRuneInString(s[i:])
			i += n
		}
	}
	if from == 0 {
		return s
	}
	out.WriteString(s[from:])
	return out.String()
}

// accented reports whether a character is an ASCII letter with marks.
func accented(one string) bool {
	d := norm.NFD.PropertiesString(one).Decomposition()
	return len(d) > 0 && letter(d[0])
}
