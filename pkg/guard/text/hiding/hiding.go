// Package hiding writes a text in the ways by which people get it past a filter: in characters that show nothing or look like others, in codes, and
// in several of these at once. The guard is measured and tested with it. It never undoes one, and nothing that serves imports it.
package hiding

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf16"
)

// A Way writes a text so that people or models still read it and a filter may not.
type Way struct {
	Name string
	// Hide is a pure function. The empty text stays empty in most ways.
	Hide func(string) string
	// Exact: of English in ASCII, a view of package text is the very text again. Else some of what it said is lost: a 1 is an i or an l.
	Exact bool
}

// Ways are all of them, in the order of a report.
func Ways() []Way {
	return []Way{
		{"tag characters", tags, true},
		{"variation selectors", selectors, true},
		{"zero-width", after("\u200b", "\u200c", "\u2060", "\ufeff"), true},
		{"bidi", after("\u202a", "\u202c", "\u2066", "\u2069"), true},
		{"soft hyphen", after("\u00ad"), true},
		{"combining", after("\u0316\u0332", "\u0301\u0334\u0353", "\u0336\u0347\u031a"), true},
		{"full-width", wide, true},
		{"mathematical", shifted('𝐀', '𝐚'), true},
		{"circled", shifted('Ⓐ', 'ⓐ'), true},
		{"look-alikes", lookAlikes.Replace, true},
		{"base64", std, true},
		// The marks make a - of the alphabet's own.
		{"base64url", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("??>" + s)) }, false},
		{"nested base64", func(s string) string { return std(std(s)) }, true},
		{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }, true},
		{"percent", percent, true},
		{"HTML entities", entities, true},
		{"backslash escapes", escapes, true},
		{"rot13", rot13, true},
		{"leet", leetspeak.Replace, false},
		{"spaced letters", spaced, false},
		{"tags behind a greeting", func(s string) string { return "Thanks, see you there! 👋" + tags(s) }, false},
		{"selectors behind an emoji", func(s string) string { return "What a day 😀" + selectors(s) + " it was." }, false},
		{"base64 in a sentence", func(s string) string { return "Hi, here is my note: " + std(s) + " Thanks!" }, true},
		{"hex in base64", func(s string) string { return std(hex.EncodeToString([]byte(s))) }, true},
		{"percent in HTML entities", func(s string) string { return entities(url.PathEscape(s)) }, true},
		{"rot13 in base64", func(s string) string { return std(rot13(s)) }, true},
		{"look-alikes and zero-width", func(s string) string { return after("\u200b")(lookAlikes.Replace(s)) }, true},
		{"leet and soft hyphens", func(s string) string { return after("\u00ad")(leetspeak.Replace(s)) }, false},
		{"base64 in full-width", func(s string) string { return wide(std(s)) }, true},
		{"zero-width in base64", func(s string) string { return std(after("\u200b")(s)) }, true},
	}
}

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

// shifted moves both cases of the Latin letters to where another alphabet begins.
func shifted(upper, lower rune) func(string) string {
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

// tags writes ASCII in tag characters, which no screen shows, and leaves the rest.
func tags(s string) string {
	return runes(func(_ int, r rune) string {
		if r >= ' ' && r < 0x7f {
			r += 0xe0000
		}
		return string(r)
	})(s)
}

// selectors writes every byte as a variation selector.
func selectors(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < 16 {
			b.WriteRune(0xfe00 + rune(c))
		} else {
			b.WriteRune(0xe0100 + rune(c) - 16)
		}
	}
	return b.String()
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func entities(s string) string {
	return runes(func(_ int, r rune) string { return fmt.Sprintf("&#%d;", r) })(s)
}

// escapes writes every character as a JSON string may, in surrogates beyond the first plane.
func escapes(s string) string {
	var b strings.Builder
	for _, c := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, c)
	}
	return b.String()
}

func wide(s string) string {
	return runes(func(_ int, r rune) string {
		if r > ' ' && r < 0x7f {
			r += 0xfee0
		}
		return string(r)
	})(s)
}

func rot13(s string) string {
	return runes(func(_ int, r rune) string {
		switch {
		case r >= 'A' && r <= 'Z':
			r = 'A' + (r-'A'+13)%26
		case r >= 'a' && r <= 'z':
			r = 'a' + (r-'a'+13)%26
		}
		return string(r)
	})(s)
}

// spaced parts the letters of a word by one space, and words by three.
func spaced(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = strings.Join(strings.Split(w, ""), " ")
	}
	return strings.Join(words, "   ")
}

func std(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

var (
	lookAlikes = strings.NewReplacer(
		"a", "а", "c", "с", "e", "е", "i", "і", "o", "о", "p", "р", "s", "ѕ", "x", "х", "y", "у", "A", "А", "D", "Ꭰ", "I", "І",
	)
	leetspeak = strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0", "s", "5", "t", "7")
)
