package text

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	zwnj, zwj    = '\u200c', '\u200d'
	vs15, vs16   = '\ufe0e', '\ufe0f'
	blackFlag    = '\U0001f3f4'
	keycap       = '\u20e3'
	firstRegion  = '\U0001f1e6' // regional indicator A
	lastRegion   = '\U0001f1ff'
	minHidden    = 2 // bytes behind one character
	minScattered = 8 // bytes behind many
)

// reveal decodes what is written in invisible characters and drops the others.
func reveal(in []rune) []rune {
	out := make([]rune, 0, len(in))
	var scattered []byte // selectors that stood alone
	for i := 0; i < len(in); {
		r := in[i]
		switch {
		case r >= ' ' && r < 0x7f || r == '\n' || r == '\t' || r == '\r':
			out = append(out, r)
			i++
		case r == blackFlag && flagTags(in[i+1:]):
			end := i + 7 // the flag, five tags, the end
			out = append(out, in[i:end]...)
			i = end
		case isTag(r):
			end := i
			for end < len(in) && isTag(in[end]) {
				end++
			}
			out = apart(out, decodeTags(in[i:end]), in[end:])
			i = end
		case isSelector(r):
			end := i
			for end < len(in) && isSelector(in[end]) {
				end++
			}
			if selects(out, r, in[i+1:]) {
				out = append(out, r)
				i++
			}
			hidden, ok := hiddenText(selectorBytes(in[i:end]))
			if ok {
				out = apart(out, hidden, in[end:])
			} else {
				scattered = append(scattered, selectorBytes(in[i:end])...)
			}
			i = end
		case r >= firstRegion && r <= lastRegion:
			end, broken := i, false
			for end < len(in) && (in[end] >= firstRegion && in[end] <= lastRegion || invisible(in[end])) {
				broken = broken || invisible(in[end])
				end++
			}
			out = append(out, regions(in[i:end], broken)...)
			i = end
		case r == zwj || r == zwnj:
			if joins(out, r, in[i+1:]) {
				out = append(out, r)
			}
			i++
		case invisible(r), r == keycap && !capped(out):
			i++
		case r == '\u0085' || r == '\u2028' || r == '\u2029' || r == '\v' || r == '\f':
			out = append(out, '\n')
			i++
		case unicode.Is(unicode.Zs, r) || r == '\u2800': // the braille cell without dots
			out = append(out, ' ')
			i++
		case unicode.IsControl(r):
			i++
		default:
			out = append(out, r)
			i++
		}
	}
	if hidden, ok := hiddenText(scattered); ok && len(scattered) >= minScattered {
		out = apart(out, hidden, nil)
	}
	return out
}

func isTag(r rune) bool      { return r >= 0xe0000 && r <= 0xe007f }
func isSelector(r rune) bool { return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef }

// decodeTags reads tag characters as the ASCII in their low bits.
func decodeTags(in []rune) []rune {
	var out []rune
	for _, r := range in {
		if c := r & 0x7f; c >= ' ' && c < 0x7f || c == '\n' || c == '\t' {
			out = append(out, c)
		}
	}
	return out
}

// apart appends a hidden text, with a space where it would grow together with what is seen. A few characters may be the rest of a word.
func apart(out, hidden, rest []rune) []rune {
	const word = 4
	if len(hidden) >= word && len(out) > 0 && !unicode.IsSpace(out[len(out)-1]) && !unicode.IsSpace(hidden[0]) {
		out = append(out, ' ')
	}
	out = append(out, hidden...)
	if len(hidden) >= word && len(rest) > 0 && wordRune(rest[0]) && wordRune(hidden[len(hidden)-1]) {
		out = append(out, ' ')
	}
	return out
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// selectorBytes reads variation selectors as bytes: VS1 is 0, VS256 is 255.
func selectorBytes(in []rune) []byte {
	out := make([]byte, len(in))
	for i, r := range in {
		if r >= 0xe0100 {
			out[i] = byte(r - 0xe0100 + 16)
		} else {
			out[i] = byte(r - 0xfe00)
		}
	}
	return out
}

// hiddenText reads bytes as UTF-8, or as half bytes where none is above 15. Characters that could hide a further text are left out.
func hiddenText(b []byte) ([]rune, bool) {
	if len(b) < minHidden {
		return nil, false
	}
	if !slices.ContainsFunc(b, func(c byte) bool { return c > 15 }) {
		if len(b)%2 != 0 {
			return nil, false
		}
		pairs := make([]byte, len(b)/2)
		for i := range pairs {
			pairs[i] = b[2*i]<<4 | b[2*i+1]
		}
		b = pairs
	}
	if len(b) < minHidden || !utf8.Valid(b) || !readable(string(b)) {
		return nil, false
	}
	out := []rune(string(b))
	out = slices.DeleteFunc(out, func(r rune) bool {
		return invisible(r) || isTag(r) || isSelector(r) || unicode.IsControl(r) && r != '\n' && r != '\t' || r == zwj || r == zwnj
	})
	return out, len(out) > 0
}

// selects reports whether a selector at the front has its place: an emoji in front, or a digit in a keycap.
func selects(out []rune, r rune, rest []rune) bool {
	if r != vs15 && r != vs16 || len(out) == 0 {
		return false
	}
	last := out[len(out)-1]
	if last >= '0' && last <= '9' || last == '#' || last == '*' {
		return len(rest) > 0 && rest[0] == keycap
	}
	return isEmoji(last)
}

// capped reports whether a keycap has its place: around a digit. Around anything else, and in rows, it keeps emoji that are letters from being read as such.
func capped(out []rune) bool {
	n := len(out)
	if n > 0 && out[n-1] == vs16 {
		n--
	}
	return n > 0 && (out[n-1] >= '0' && out[n-1] <= '9' || out[n-1] == '#' || out[n-1] == '*')
}

// joins reports whether a joiner has its place: between emoji, or behind a letter or mark of a script that is written with joiners.
func joins(out []rune, r rune, rest []rune) bool {
	for len(rest) > 0 && invisible(rest[0]) {
		rest = rest[1:]
	}
	if len(out) == 0 {
		return false
	}
	last := out[len(out)-1]
	if last == vs16 || isEmoji(last) {
		return r == zwj && len(rest) > 0 && isEmoji(rest[0])
	}
	return joined(last) && (r == zwj || len(rest) > 0 && joined(rest[0]))
}
