package guard_test

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mom-router/mom/pkg/guard/text"
	"github.com/mom-router/mom/pkg/guard/text/hiding"
)

// encodedRows is every pair in every encoding, as the one turn of a user.
func encodedRows() []row {
	var rows []row
	for _, e := range hiding.Ways() {
		for i, p := range pairs {
			write := func(s string) string { return say(e.Hide(s)) }
			rows = append(rows, both("encoding: "+e.Name, sentence(i), p, write, say(p.attack))...)
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
	holds := func(view string) bool { return strings.Contains(letters(view), letters(sentence)) }
	return slices.ContainsFunc(texts, func(t string) bool { return slices.ContainsFunc(text.Views(t), holds) })
}
