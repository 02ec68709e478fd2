package gate

import (
	_ "embed"
	"strings"
)

// kind is what a token is to the gate. The order is that in which two texts are compared, and so which reason is given when several hold.
type kind uint8

const (
	silent     kind = iota // says nothing of the subject
	loose                  // a general word, which a paraphrase may add, drop or exchange
	asked                  // which question is asked: who, when, where, how
	number                 // an amount, a year, a version, an ordinal
	date                   // a day, a month, a time of day
	unit                   // a unit, a currency
	symbol                 // an operator
	negation               // not, without, except
	quantifier             // all, some, at least
	opposite               // a word that has an opposite
	language               // the name of a language
	format                 // what the answer shall look like
	name                   // everything else: names, things, identifiers
)

// An entry is what the lexicon knows of a word or phrase.
type entry struct {
	concept string // the first word of its group
	kind    kind
}

type phrase struct {
	words []string
	entry entry
}

// vocabulary is the lexicon as it is looked up.
type vocabulary struct {
	words   map[string]entry
	phrases map[string][]phrase // by their first word, the longest first
	opposed map[[2]string]bool  // two concepts of opposite sides, both ways
}

//go:embed lexicon.txt
var lexiconText string

// lexicon is read once and never changes.
var lexicon = readLexicon(lexiconText)

var sections = map[string]kind{
	"silent": silent, "loose": loose, "asked": asked, "alike": name, "opposite": opposite, "negation": negation,
	"quantifier": quantifier, "unit": unit, "language": language, "format": format,
}

// readLexicon reads the format that the head of lexicon.txt tells of. What a word means first, it means.
func readLexicon(text string) vocabulary {
	v := vocabulary{words: map[string]entry{}, phrases: map[string][]phrase{}, opposed: map[[2]string]bool{}}
	section := silent
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
		case line[0] == '[':
			section = sections[strings.Trim(line, "[]")]
		case strings.HasPrefix(line, "* "):
			for w := range strings.SplitSeq(line[2:], ", ") {
				v.add(w, entry{w, section})
			}
		default:
			var sides []string
			for side := range strings.SplitSeq(line, " / ") {
				sides = append(sides, v.group(strings.Split(side, ", "), section))
			}
			for i, a := range sides {
				for _, b := range sides[i+1:] {
					v.opposed[[2]string{a, b}], v.opposed[[2]string{b, a}] = true, true
				}
			}
		}
	}
	return v
}

// group adds words that stand for one concept and returns it. If the first is known already, the others join what it is.
func (v *vocabulary) group(words []string, section kind) string {
	e, known := v.get(words[0])
	if !known {
		e = entry{words[0], section}
	}
	for _, w := range words {
		v.add(w, e)
	}
	return e.concept
}

func (v *vocabulary) get(w string) (entry, bool) {
	first, rest, _ := strings.Cut(w, " ")
	if rest == "" {
		e, ok := v.words[w]
		return e, ok
	}
	for _, p := range v.phrases[first] {
		if strings.Join(p.words, " ") == w {
			return p.entry, true
		}
	}
	return entry{}, false
}

func (v *vocabulary) add(w string, e entry) {
	if _, known := v.get(w); known {
		return
	}
	words := strings.Fields(w)
	if len(words) == 1 {
		v.words[w] = e
		return
	}
	list := v.phrases[words[0]]
	i := 0
	for i < len(list) && len(list[i].words) >= len(words) {
		i++
	}
	list = append(list, phrase{})
	copy(list[i+1:], list[i:])
	list[i] = phrase{words, e}
	v.phrases[words[0]] = list
}

// find returns what the lexicon knows of a word in lower case, in any of its forms.
func (v *vocabulary) find(w string) (entry, bool) {
	if e, ok := v.words[w]; ok {
		return e, true
	}
	n := len(w)
	if n < 4 {
		return entry{}, false
	}
	switch w[n-1] {
	case 's':
		switch {
		case strings.HasSuffix(w, "ies"):
			return v.first(w[:n-3]+"y", w[:n-1])
		case strings.HasSuffix(w, "es"):
			return v.first(w[:n-1], w[:n-2])
		case w[n-2] != 's':
			return v.first(w[:n-1])
		}
	case 'd':
		switch {
		case strings.HasSuffix(w, "ied"):
			return v.first(w[:n-3] + "y")
		case strings.HasSuffix(w, "ed"):
			return v.first(w[:n-2], w[:n-1], undouble(w[:n-2]))
		}
	case 'g':
		if n > 5 && strings.HasSuffix(w, "ing") {
			return v.first(w[:n-3], w[:n-3]+"e", undouble(w[:n-3]))
		}
	}
	return entry{}, false
}

func (v *vocabulary) first(forms ...string) (entry, bool) {
	for _, w := range forms {
		if e, ok := v.words[w]; ok && len(w) > 2 {
			return e, true
		}
	}
	return entry{}, false
}

// stem returns the form under which a word that the lexicon does not know is compared: without plural, -ing and -ed, and without a last e.
func stem(w string) string {
	n := len(w)
	switch {
	case n > 4 && strings.HasSuffix(w, "ies"):
		return w[:n-3] + "y"
	case n > 4 && (strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "oes")):
		w = w[:n-2]
	case n > 3 && w[n-1] == 's' && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		w = w[:n-1]
	case n > 5 && strings.HasSuffix(w, "ied"):
		return w[:n-3] + "y"
	case n > 4 && strings.HasSuffix(w, "ed") && hasVowel(w[:n-2]):
		w = undouble(w[:n-2])
	case n > 5 && strings.HasSuffix(w, "ing") && hasVowel(w[:n-3]):
		w = undouble(w[:n-3])
	}
	if n := len(w); n > 3 && w[n-1] == 'e' {
		w = w[:n-1]
	}
	return w
}

func undouble(w string) string {
	if n := len(w); n > 3 && w[n-1] == w[n-2] && !strings.ContainsRune("lsz", rune(w[n-1])) {
		return w[:n-1]
	}
	return w
}

func hasVowel(w string) bool { return strings.ContainsAny(w, "aeiouy") }
