package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLeet     = 24 // bytes of a word; longer ones are identifiers
	maxCapitals = 14 // of one in capitals
)

// Leet returns a second view of a normal text, with digits and signs that stand for letters (1gn0r3, p@$$w0rd) and letters set apart
// (i g n o r e, i.g.n.o.r.e) undone, and whether there was any. One word must have more than four letters, or two must change. Words with a digit
// at an end alone, in capitals, of hexadecimal digits or with other signs stay: they are versions, numbers, names and code. Where letters are
// set apart by one space and words by none more, the spaces come back between frequent words.
func Leet(s string) (string, bool) {
	l := leet{in: s}
	l.apart()
	l.digits(unleet)
	if l.count < 2 && !l.long {
		return s, false
	}
	if l.count > 1 {
		l.digits(unleetMore) // in such a text n0 is no, and 1n is in
	}
	return l.in, l.in != s
}

type leet struct {
	in    string
	count int  // words changed
	long  bool // one of them has more than four letters
}

func (l *leet) changed(word string) {
	l.count++
	l.long = l.long || utf8.RuneCountInString(word) > 4
}

// digits undoes leetspeak, word by word, by a rule for one.
func (l *leet) digits(undo func(string) (string, bool)) {
	if !strings.ContainsAny(l.in, leetSigns) {
		return
	}
	var out strings.Builder
	from := 0
	for i := 0; i < len(l.in); {
		if !leetByte(l.in[i]) {
			i++
			continue
		}
		start := i
		for i < len(l.in) && leetByte(l.in[i]) {
			i++
		}
		if start > 0 && !before(l.in[start-1]) || i < len(l.in) && !behind(l.in, i) {
			continue
		}
		end := i
		for end > start && strings.IndexByte("!+|", l.in[end-1]) >= 0 && (end-start > maxLeet || !english(spell(l.in[start:end]))) {
			end-- // punctuation
		}
		if word, ok := undo(l.in[start:end]); ok {
			out.WriteString(l.in[from:start])
			out.WriteString(word)
			from = end
			l.changed(word)
		}
	}
	if from > 0 {
		out.WriteString(l.in[from:])
		l.in = out.String()
	}
}

// leetSigns stand for the letters in leetLetters.
const (
	leetSigns   = "0134578@$!|+9"
	leetLetters = "oieastbasiitg"
)

func leetByte(c byte) bool {
	return letter(c) || strings.IndexByte(leetSigns, c) >= 0 || c == '2' || c == '6'
}

// before and behind report whether a word may start after, or end before, a byte; an identifier goes on.
func before(c byte) bool {
	return c >= utf8.RuneSelf || strings.IndexByte(" \n\t\r\"'([{,;:-*>", c) >= 0
}

func behind(s string, i int) bool {
	if strings.IndexByte(".:", s[i]) >= 0 { // at the end of a sentence, not in an address
		return i+1 == len(s) || blank(s[i+1])
	}
	return s[i] >= utf8.RuneSelf || strings.IndexByte(" \n\t\r\"')]},;?-*<", s[i]) >= 0
}

// unleet returns the word that is meant, and whether it is leetspeak at all.
func unleet(w string) (string, bool) {
	if len(w) < 3 || len(w) > maxLeet || strings.ContainsAny(w, "26") {
		return "", false
	}
	letters, upper, hex, between := 0, 0, 0, 0
	for i := range len(w) {
		switch {
		case letter(w[i]):
			letters++
			if w[i] < 'a' {
				upper++
			}
		case i > 0 && i+1 < len(w):
			between++
		}
		if digit(w[i]) < 16 {
			hex++
		}
	}
	if letters == len(w) {
		return "", false
	}
	spelled := spell(w)
	if known := english(strings.ToLower(spelled)); known {
		return spelled, letters > 0 && (between > 0 || letters > 1)
	}
	// No frequent word: then it must look like leetspeak, and what comes of it like a word.
	name := upper > 0 && upper < letters && (upper > 1 || !letter(w[0]) || w[0] >= 'a')
	capitals := upper == letters && (len(w) > maxCapitals || between < 2 || 4*between < len(w))
	if between == 0 || 2*letters < len(w) || hex == len(w) || name || capitals || strings.ContainsAny(w, "!|+") || !vowels(spelled) {
		return "", false
	}
	last := strings.LastIndexAny(w, leetSigns)
	if !strings.ContainsAny(w, "0134578$9") || between < 2 && last+2 >= len(w) { // an address; Conv3d
		return "", false
	}
	// Digits that stand together are a number: h264, utf16le.
	for i := 1; i < len(w); i++ {
		if isDigit(w[i]) && isDigit(w[i-1]) {
			return "", false
		}
	}
	return spelled, len(w) > 4
}

// unleetMore is unleet where a text is leetspeak beyond doubt: frequent words may be short, digits may stand together.
func unleetMore(w string) (string, bool) {
	letters := 0
	for i := range len(w) {
		if letter(w[i]) {
			letters++
		}
	}
	if letters == 0 || letters == len(w) || len(w) < 2 || len(w) > maxLeet || strings.ContainsAny(w, "26") {
		return "", false
	}
	spelled := spell(w)
	if english(strings.ToLower(spelled)) {
		return spelled, true
	}
	return spelled, len(w) > 3 && letters+1 < len(w) && 2*letters+2 >= len(w) && strings.ContainsFunc(w, unicode.IsLower) && vowels(spelled)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// spell replaces signs by letters. A one may be i or l: the spelling that is a frequent word is taken, else i.
func spell(w string) string {
	out := []byte(w)
	capital := !strings.ContainsFunc(w, unicode.IsLower)
	var ones []int
	for i, c := range out {
		if at := strings.IndexByte(leetSigns, c); at >= 0 {
			out[i] = leetLetters[at]
			if out[i] == 'i' {
				ones = append(ones, i)
			}
			if capital {
				out[i] -= 0x20
			}
		}
	}
	if len(ones) > 4 {
		return string(out)
	}
	for choice := range 1 << len(ones) {
		try := []byte(string(out))
		for bit, at := range ones {
			if choice>>bit&1 == 1 {
				try[at] += 'l' - 'i'
			}
		}
		if english(strings.ToLower(string(try))) {
			return string(try)
		}
	}
	return string(out)
}

// vowels reports whether a word could be spoken: a vowel in every stretch of five letters, and not vowels alone.
func vowels(w string) bool {
	run, some := 0, 0
	for i := range len(w) {
		if strings.IndexByte("aeiouyAEIOUY", w[i]) >= 0 {
			run = 0
			some++
		} else if run++; run > 4 {
			return false
		}
	}
	return some > 0 && 3*some < 2*len(w)+1
}
