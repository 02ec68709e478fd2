package text

import (
	"slices"
	"strings"
	"unicode"
)

const (
	minSpaced   = 4  // letters of a word that is spaced out
	minSentence = 10 // letters that are taken for more than one word
)

// apart joins letters that stand alone, parted by one and the same sign.
func (l *leet) apart() {
	var out strings.Builder
	s, from := l.in, 0
	for i := 0; i < len(s); {
		end, word := spacedOut(s, i, from > 0 && !strings.ContainsFunc(s[from:i], wordRune))
		if word == "" {
			for i = max(end, i+1); i < len(s) && wordByte(s[i]) && wordByte(s[i-1]); {
				i++ // letters that stand alone start where words do
			}
			continue
		}
		out.WriteString(s[from:i])
		if !strings.HasPrefix(s[end:], "  ") && !strings.HasSuffix(s[:i], "  ") {
			word = segmented(word) // else two spaces part the words already
		}
		out.WriteString(word)
		l.changed(word)
		if strings.HasPrefix(s[end:], "  ") {
			out.WriteByte(' ')
			for end < len(s) && s[end] == ' ' {
				end++
			}
		}
		from, i = end, end
	}
	if from > 0 {
		out.WriteString(s[from:])
		l.in = out.String()
	}
}

// spacedOut returns the word that letters set apart from i on make, and where they end; "" where they make none, and i where there are no such
// letters. Behind such a word, and signs that end it, two letters do.
func spacedOut(s string, i int, behind bool) (end int, word string) {
	if !spacedByte(s[i]) || i > 0 && wordByte(s[i-1]) || i+2 >= len(s) || strings.IndexByte(" .-_*,/|~", s[i+1]) < 0 {
		return i, ""
	}
	sign := s[i+1]
	letters := []byte{s[i]}
	end = i + 1
	for end+1 < len(s) && s[end] == sign && spacedByte(s[end+1]) && (end+2 == len(s) || !wordByte(s[end+2])) {
		letters = append(letters, s[end+1])
		end += 2
	}
	least := minSpaced
	if sign != ' ' && sign != ',' && sign != '/' {
		least-- // a.l.l
	}
	if behind {
		least = 2
	}
	w := string(letters)
	if len(letters) < least || alphabetical(w) || len(letters) < minSentence && !vowels(spell(w)) && !english(strings.ToLower(spell(w))) || !strings.ContainsFunc(w, unicode.IsLetter) {
		return end, ""
	}
	if !strings.ContainsFunc(w, unicode.IsLower) && (sign == ',' || sign == '.' && len(w) < minSpaced+2) { // points of a figure; U.S.S.R.
		return end, ""
	}
	return end, w
}

// segmented puts the spaces back into letters that were all set apart alike: between frequent words, as few as possible, and what lies between them.
func segmented(w string) string {
	const longest, short, unknown = 15, 2, 3 // letters of a frequent word, the cost of one of two letters, and of a letter of no such word
	lower := strings.ToLower(w)
	cost := make([]int, len(w)+1)
	start := make([]int, len(w)+1) // of the last word before each place, -1 for a letter of none
	for end := 1; end <= len(w); end++ {
		cost[end], start[end] = cost[end-1]+unknown, -1
		for from := max(0, end-longest); from <= end-2; from++ {
			if !english(lower[from:end]) {
				continue
			}
			price := 1
			if end-from == 2 {
				price = short
			}
			if cost[from]+price < cost[end] {
				cost[end], start[end] = cost[from]+price, from
			}
		}
	}
	if cost[len(w)] > unknown*len(w)/2 { // mostly no words, so no sentence
		return w
	}
	var parts []string
	for end := len(w); end > 0; {
		from := start[end]
		for from < 0 {
			from = end - 1
			for from > 0 && start[from] < 0 {
				from--
			}
		}
		parts = append(parts, w[from:end])
		end = from
	}
	slices.Reverse(parts)
	return strings.Join(parts, " ")
}

func spacedByte(c byte) bool { return letter(c) || strings.IndexByte("013457@$", c) >= 0 }

// alphabetical reports whether letters are a list: a b c d, x y z.
func alphabetical(w string) bool {
	for i := 1; i < len(w); i++ {
		if w[i] != w[i-1]+1 {
			return false
		}
	}
	return true
}
