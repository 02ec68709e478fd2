package guard_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/mom-router/mom/pkg/guard/text"
)

// encoding is a way to write a sentence so that people or models still read it and a filter may not.
type encoding struct {
	name string
	hide func(string) string
}

// leet is the one encoding that cannot be undone whole: 1 is an i or an l.
const leet = "leet"

// runes applies f to every rune.
func runes(f func(i int, r rune) string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for i, r := range []rune(s) {
			b.WriteString(f(i, r))
		}
		return b.String()
	}
}

// after puts one of the strings, in turn, behind every letter.
func after(marks ...string) func(string) string {
	return runes(func(i int, r rune) string {
		if !unicode.IsLetter(r) {
			return string(r)
		}
		return string(r) + marks[i%len(marks)]
	})
}

// moved moves both cases of the Latin letters to where another alphabet begins.
func moved(upper, lower rune) func(string) string {
	return runes(func(_ int, r rune) string {
		switch {
		case r >= 'A' && r <= 'Z':
			r += upper - 'A'
		case r >= 'a' && r <= 'z':
			r += lower - 'a'
		}
		return string(r)
	})
}

// bytewise writes every byte by a format.
func bytewise(format string) func(string) string {
	return runes(func(_ int, r rune) string { return fmt.Sprintf(format, r) })
}

var (
	wide = runes(func(_ int, r rune) string {
		if r > ' ' && r < 0x7f {
			r += 0xfee0
		}
		return string(r)
	})
	lookAlikes = strings.NewReplacer(
		"a", "а", "c", "с", "e", "е", "i", "і", "o", "о", "p", "р", "s", "ѕ", "x", "х", "y", "у", "A", "А", "D", "Ꭰ", "I", "І",
	)
	leetspeak = strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0", "s", "5", "t", "7")
)

var encodings = []encoding{
	{"tag characters", func(s string) string {
		return "Thanks, see you there! 👋" + runes(func(_ int, r rune) string { return string(0xE0000 + r) })(s)
	}},
	{"variation selectors", func(s string) string {
		return "What a day 😀" + runes(func(_ int, r rune) string { return string(0xE0100 + r - 16) })(s) + " it was."
	}},
	{"zero-width", after("\u200b", "\u200c", "\u2060", "\ufeff")},
	{"bidi", after("\u202a", "\u202c", "\u2066", "\u2069")},
	{"soft hyphen", after("\u00ad")},
	{"combining", after("\u0316\u0332", "\u0301\u0334\u0353", "\u0336\u0347\u031a")},
	{"full-width", wide},
	{"mathematical", moved('𝐀', '𝐚')},
	{"circled", moved('Ⓐ', 'ⓐ')},
	{"look-alikes", lookAlikes.Replace},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	// The marks make a - of the alphabet's own.
	{"base64url", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("??>" + s)) }},
	{"nested base64", func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
	}},
	{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"percent", bytewise("%%%02X")},
	{"HTML entities", bytewise("&#%d;")},
	{"backslash escapes", bytewise(`\u%04x`)},
	{"rot13", runes(func(_ int, r rune) string {
		switch {
		case r >= 'A' && r <= 'Z':
			r = 'A' + (r-'A'+13)%26
		case r >= 'a' && r <= 'z':
			r = 'a' + (r-'a'+13)%26
		}
		return string(r)
	})},
	{leet, leetspeak.Replace},
	{"spaced letters", func(s string) string {
		words := strings.Fields(s)
		for i, w := range words {
			words[i] = strings.Join(strings.Split(w, ""), " ")
		}
		return strings.Join(words, "   ")
	}},
}

// encodedRows is every pair in every encoding, as the one turn of a user.
func encodedRows() []row {
	var rows []row
	for _, e := range encodings {
		for i, p := range pairs {
			write := func(s string) string { return say(e.hide(s)) }
			rows = append(rows, both("encoding: "+e.name, sentence(i), p, write, say(p.attack))...)
		}
	}
	return rows
}

// letters is what is left of a text for a comparison.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// shows reports whether a view of any of the texts holds the sentence.
func shows(sentence string, texts ...string) bool {
	return inView(texts, func(v string) bool { return strings.Contains(letters(v), letters(sentence)) })
}

// showsMost reports whether a view of any of the texts holds two of three words of the sentence.
func showsMost(sentence string, texts ...string) bool {
	return inView(texts, func(v string) bool {
		words, n := strings.Fields(sentence), 0
		for _, w := range words {
			if strings.Contains(letters(v), letters(w)) {
				n++
			}
		}
		return 3*n >= 2*len(words)
	})
}

func inView(texts []string, holds func(string) bool) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return slices.ContainsFunc(text.Views(t), holds) })
}

// What is hidden is really hidden, and what a guard reads of it is the sentence.
func TestEncodings(t *testing.T) {
	for _, e := range encodings {
		found := shows
		if e.name == leet {
			found = showsMost
		}
		for _, p := range pairs {
			for _, s := range []string{p.attack, p.twin} {
				if hidden := e.hide(s); strings.Contains(hidden, s) || !found(s, hidden) {
					t.Errorf("%s: no view of %+q has the sentence back", e.name, hidden)
				}
			}
		}
	}
}
