package pattern

import "strings"

// How far before and after a find its words are looked for, and those that rule it out, in bytes of the view.
const (
	farBefore  = 64
	farAfter   = 24
	closeAfter = 28
)

// near reports whether one of the words stands before [start, end), or after it on the same line.
func (v *view) near(start, end int, words []string) bool {
	after := v.s[end:min(end+farAfter, len(v.s))]
	if i := strings.IndexByte(after, '\n'); i >= 0 {
		after = after[:i]
	}
	return hasWord(v.s[max(0, start-farBefore):start], words) || hasWord(after, words)
}

// justBefore reports whether one of the words stands just before start, on the same line.
func (v *view) justBefore(start int, words []string) bool {
	before := v.s[max(0, start-closeAfter):start]
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	return hasWord(before, words)
}

// hasWord reports whether a part of a text has one of the words, whole, or from its beginning on where the word ends in *. A word in letters that
// are not ASCII may stand anywhere: some scripts put nothing between words.
func hasWord(part string, words []string) bool {
	if part == "" {
		return false
	}
	part = strings.ToLower(part)
	for _, w := range words {
		stem, open := strings.CutSuffix(w, "*")
		for from := 0; ; {
			i := strings.Index(part[from:], stem)
			if i < 0 {
				break
			}
			i += from
			end := i + len(stem)
			if (i == 0 || !isAlnum(part[i-1]) || !isAlnum(stem[0])) && (open || end == len(part) || !isAlnum(part[end]) || !isAlnum(stem[len(stem)-1])) {
				return true
			}
			from = i + 1
		}
	}
	return false
}
