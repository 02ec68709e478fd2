package text

import (
	"slices"
	"strings"
	"unicode"
)

//go:generate go run confusables_make.go $UNICODE_SECURITY_TABLES

const symbolBits = 7 // of an entry of confusables hold the letter

// lookalike returns the Latin letter or digit that UTS 39 takes r for, 0 for none. Small capitals, which UTS 39 leaves, are read as letters.
func lookalike(r rune) rune {
	if r < 0x250 {
		return 0
	}
	at, _ := slices.BinarySearch(confusables[:], uint32(r)<<symbolBits)
	if at < len(confusables) && confusables[at]>>symbolBits == uint32(r) {
		return rune(confusables[at] & (1<<symbolBits - 1))
	}
	switch r {
	case 'ᴀ':
		return 'a'
	case 'ʙ':
		return 'b'
	case 'ᴅ':
		return 'd'
	case 'ᴇ':
		return 'e'
	case 'ꜰ':
		return 'f'
	case 'ɢ':
		return 'g'
	case 'ʜ':
		return 'h'
	case 'ᴊ':
		return 'j'
	case 'ᴋ':
		return 'k'
	case 'ʟ':
		return 'l'
	case 'ᴍ':
		return 'm'
	case 'ɴ':
		return 'n'
	case 'ᴘ':
		return 'p'
	case 'ꞯ':
		return 'q'
	case 'ʀ':
		return 'r'
	case 'ᴛ':
		return 't'
	}
	return 0
}

// likeInWord returns the Latin letter that r is close to, 0 for none. UTS 39 does not take these for confusable; inside a Latin word they are read
// all the same.
func likeInWord(r rune) rune {
	switch r {
	case 'к', 'κ':
		return 'k'
	case 'м':
		return 'm'
	case 'т', 'τ':
		return 't'
	case 'в', 'β':
		return 'b'
	case 'н':
		return 'h'
	case 'п', 'η', 'ո':
		return 'n'
	case 'и':
		return 'u'
	case 'я':
		return 'r'
	case 'ω':
		return 'w'
	case 'ε', 'є', 'э':
		return 'e'
	case 'χ':
		return 'x'
	case 'ѵ':
		return 'v'
	case 'ά':
		return 'a'
	case 'ό':
		return 'o'
	case 'έ':
		return 'e'
	case 'ί', 'ї':
		return 'i'
	}
	return 0
}

// word is what latin needs to know of a run of letters.
type word struct {
	start, end int  // in the runes of the line
	latin      int  // letters that are Latin already
	odd        int  // Latin letters outside the alphabets, such as small capitals, that look like others
	like       int  // letters of other scripts that UTS 39 maps
	near       int  // letters of other scripts that are close to a Latin one
	other      int  // letters of other scripts that nothing maps
	symbol     bool // one Greek letter, as in a formula
}

func (w word) letters() int { return w.latin + w.odd + w.like + w.near + w.other }

// mixed reports whether the word is a Latin one with look-alikes in it.
func (w word) mixed() bool {
	latin := w.latin + w.odd
	switch {
	case w.like+w.near+w.odd == 0:
		return false
	case w.other > 0: // one letter that nothing maps does not hide a word; more make it a real one
		return w.like > 0 && latin > 0 && w.letters() >= 4*w.other && w.latin+w.like > 2*w.other
	case latin == 0:
		return false
	case w.odd > 0 && w.odd == w.letters() && w.odd == 1: // one small capital is a symbol of its own
		return false
	case w.near > 0:
		return w.letters() > 2 && 2*(latin+w.like) >= w.letters()
	}
	return true
}

// foreign reports whether all of the word is written in other letters that look Latin, as аре is, but also Russian сор.
func (w word) foreign() bool { return w.like+w.odd > 0 && w.like+w.odd == w.letters() && !w.symbol }

// latin replaces look-alikes by the Latin letters they stand for, line by line. Words of one script stay where the line has other words of it.
func latin(s string) string {
	if !slices.ContainsFunc([]rune(s), func(r rune) bool { return lookalike(r) != 0 || likeInWord(r) != 0 }) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for line := range strings.Lines(s) {
		out.WriteString(latinLine(line))
	}
	return out.String()
}

func latinLine(line string) string {
	in := []rune(line)
	found := wordsOf(in)
	latin, foreign, candidates := 0, 0, 0
	for _, w := range found {
		switch {
		case w.mixed():
			latin += w.letters()
		case w.foreign():
			candidates++
		case w.like+w.near+w.other == 0:
			latin += w.latin + w.odd
		default:
			foreign += w.letters()
		}
	}
	beside := latin > 4*foreign && latin > 2
	if !beside && candidates > 1 && foreign == 0 {
		known := 0
		for _, w := range found {
			if w.foreign() && english(strings.ToLower(mapped(in[w.start:w.end]))) {
				known++
			}
		}
		beside = known > 1
	}
	changed := false
	for _, w := range found {
		if w.mixed() || beside && w.foreign() {
			changed = true
			for i, r := range in[w.start:w.end] {
				if to := lookalike(r); to != 0 {
					in[w.start+i] = to
				} else if to := likeInWord(r); to != 0 {
					in[w.start+i] = to
				}
			}
		}
	}
	if !changed {
		return line
	}
	return string(in)
}

// mapped is a word with its look-alikes replaced.
func mapped(in []rune) string {
	out := make([]rune, len(in))
	for i, r := range in {
		if out[i] = lookalike(r); out[i] == 0 {
			out[i] = r
		}
	}
	return string(out)
}

func wordsOf(in []rune) []word {
	var found []word
	inside := false
	for i, r := range in {
		like := lookalike(r)
		if like == 0 && !wordRune(r) && (!inside || !isMark(r)) {
			inside = false
			continue
		}
		if !inside {
			found = append(found, word{start: i})
			inside = true
		}
		w := &found[len(found)-1]
		w.end = i + 1
		w.symbol = w.start == i && unicode.IsLower(r) && unicode.Is(unicode.Greek, r)
		switch {
		case r < 0x80:
			if unicode.IsLetter(r) {
				w.latin++
			}
		case unicode.Is(unicode.Latin, r):
			if like != 0 {
				w.odd++
			} else {
				w.latin++
			}
		case like != 0:
			w.like++
		case likeInWord(r) != 0:
			w.near++
		case unicode.IsLetter(r):
			w.other++
		}
	}
	return found
}
