// Package text turns one string into the views that a guard must read: what a model's tokenizer would make of it once nothing hides it
// (Normal), the same with leetspeak and spaced letters undone (Leet), and what is written in it as code, such as base64 (Decoded). All are
// pure functions of the string, bounded and linear. The package never judges a text, never logs one, and knows no model and no request.
package text

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

const (
	maxBlank  = 128 // longer runs of blanks are cut; below it lie the indentation of code and the columns of tables
	maxRounds = 8   // Normal settles after two or three; see FuzzNormal
)

// Normal returns s with what hides text from a reader of tokens undone:
//
//   - Tag characters are decoded in place, the three flags of Unicode's emoji list aside; so are variation selectors that carry bytes.
//   - Zero-width and bidi characters, soft hyphens, controls but tab and line breaks go; joiners stay where emoji, Indic scripts or Arabic need
//     them, and VS15 and VS16 behind an emoji.
//   - Compatibility forms are folded as in NFKC where that yields letters or digits; full-width punctuation beside Chinese, Japanese or Korean,
//     fractions, superscript digits, Thai and Lao AM, and single Hangul letters stay. The rest is in NFC.
//   - Stacks of combining marks are cut, strokes through Latin letters go, and accents from words that have them on nearly every letter.
//   - Letters that look Latin become Latin in words of mixed script, and in whole words beside Latin text (UTS 39, Unicode 18.0).
//   - Every space is a plain one; runs of more than 128 blanks become four spaces, or two line breaks where they held one.
//
// It is total: invalid bytes become U+FFFD. It is idempotent, and at most 4 times as long as s, and 16 bytes. Where nothing changes it returns s
// itself, for plain ASCII without an allocation.
func Normal(s string) string {
	if plain(s) {
		return s
	}
	was := s
	for range maxRounds {
		next := round(was)
		if next == was {
			break
		}
		was = next
	}
	if was == s {
		return s
	}
	return was
}

// round is one pass of Normal. What one step uncovers another may have to treat, so Normal repeats it until nothing changes.
func round(s string) string {
	s = norm.NFC.String(string(stack(fold(reveal([]rune(s))))))
	return squeeze(latin(bare(s)))
}

// plain reports whether Normal has nothing to do, for which printable ASCII without long runs of blanks suffices.
func plain(s string) bool {
	blanks := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c-'!' < 0x7f-'!' {
			blanks = 0
			continue
		}
		if !blank(c) {
			return false
		}
		if blanks++; blanks > maxBlank {
			return false
		}
	}
	return true
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// squeeze cuts long runs of blanks: they push a text out of a reader's window.
func squeeze(s string) string {
	var out strings.Builder
	from := 0 // s[:from] is in out
	for i := 0; i < len(s); {
		if !blank(s[i]) {
			i++
			continue
		}
		end, short := i, "    "
		for ; end < len(s) && blank(s[end]); end++ {
			if s[end] == '\n' {
				short = "\n\n"
			}
		}
		if end-i > maxBlank {
			out.WriteString(s[from:i])
			out.WriteString(short)
			from = end
		}
		i = end
	}
	if from == 0 {
		return s
	}
	out.WriteString(s[from:])
	return out.String()
}
