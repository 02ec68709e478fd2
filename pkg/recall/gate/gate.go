// Package gate decides from the words of two questions whether the answer to one may be given to the other. It is for questions that a sentence
// encoder finds alike: small edits that reverse or move the meaning (a name, a number, a negation) hardly change a vector, and they are what the
// gate looks for. Numbers, dates, units, operators, negations, quantifiers, opposites, languages, formats and all words that are not of a small
// list of general ones must be equal, as must be who does what to whom. Words count as equal with another ending, or where the lexicon says so.
//
// It is a pure function of the two texts: no model, no clock, no file. It never finds two texts alike by itself; two it lets through may still have
// nothing in common. What it cannot read (another language, source code, a very long text) is the same only word for word. It errs towards no.
package gate

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// Reason says why two texts are not the same. It is one of the constants below and never holds a word of a text.
type Reason string

// The reasons.
const (
	Number     Reason = "number"
	Date       Reason = "date"
	Unit       Reason = "unit"
	Symbol     Reason = "symbol"     // operators, or the order of a sum
	Negation   Reason = "negation"   // one text says no more often than the other
	Quantifier Reason = "quantifier" // all, some, at least
	Antonym    Reason = "antonym"    // one text has the opposite of a word of the other, or lacks a word that has one
	Language   Reason = "language"
	Format     Reason = "format"
	Name       Reason = "name"     // a name, an identifier, or any other word that must be equal
	Question   Reason = "question" // who against when
	Tense      Reason = "tense"    // was against is
	Order      Reason = "order"    // the same words in other roles
	Word       Reason = "word"     // one general word in place of another and nothing else, or nothing but general words
	Unread     Reason = "unread"   // a language that the gate cannot read or source code, and other words
	Size       Reason = "size"     // a very long text, and another
)

var reasons = [...]Reason{
	asked: Question, number: Number, date: Date, unit: Unit, symbol: Symbol, negation: Negation, quantifier: Quantifier, opposite: Antonym,
	language: Language, format: Format, name: Name,
}

const (
	maxBytes  = 4096 // of a text that is read; longer ones are compared as a whole
	maxTokens = 256  // that say something; the cost of Same grows with their square
)

// Features are what the gate keeps of a text. They hold words of it, so they belong beside the text and nowhere else. The zero value is that of an
// empty text. They are never changed, and safe to share.
type Features struct {
	terms   []term   // what says something, in the order of the text
	bag     []term   // the same without general words, sorted by kind and concept
	anchors []anchor // what prepositions and negations stand before
	agent   string   // what the first by stands before, and in verb what before that: in the passive, who did it
	verb    string
	sum     string // numbers, operators and variables in their order, if there is an operator
	asked   string // who, when, where, how; empty for others
	kind    question
	modal   string // the first word, where it is can, should, must or the like
	tense   byte   // of the first auxiliary: p, n, f, or 0
	unread  bool   // in a language that the gate cannot read
	whole   string // all tokens; for a long text its digest
	long    bool
}

// A term is a token that says something.
type term struct {
	concept string
	surface string // in lower case
	kind    kind
	proper  bool // written as a name
}

// An anchor is a preposition and the term that follows it.
type anchor struct{ role, concept string }

// question tells what a thing is from how one does it.
type question uint8

const (
	otherQuestion question = iota
	definition             // what is X
	procedure              // how do I X
)

// Read returns the features of a text. Any string will do.
func Read(text string) Features {
	if len(text) > maxBytes {
		return digest(text)
	}
	if code(text) {
		return Features{whole: strings.Join(strings.Fields(text), " "), unread: true}
	}
	tokens := scan(text)
	if len(tokens) == 0 {
		return Features{whole: strings.TrimSpace(text), unread: true}
	}
	if len(tokens) > 2*maxTokens {
		return digest(text)
	}
	f := build(tokens)
	if len(f.terms) > maxTokens {
		return digest(text)
	}
	return f
}

// code reports whether a text has source code in it, of which every sign counts.
func code(text string) bool {
	for _, mark := range []string{"```", "{", "};", "&&", "||", "==", "!=", "=>", "->", "();", "::", "</", "/>", "(\"", "('", "\n\t"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

func digest(text string) Features {
	sum := sha256.Sum256([]byte(text))
	return Features{whole: string(sum[:]), long: true}
}

// Same reports whether the answer to one text may be given to the other, and if not, why not. It is symmetric, and true of a text and itself.
func Same(a, b *Features) (bool, Reason) {
	switch {
	case a.long != b.long || a.long && a.whole != b.whole:
		return false, Size
	case a.whole == b.whole:
		return true, ""
	case a.unread || b.unread:
		return false, Unread
	}
	if r := missing(a.bag, b.bag); r != "" {
		return false, r
	}
	if len(a.bag) == 0 {
		return false, Word // "who are you" and "who am I" have nothing to go by
	}
	switch {
	case a.sum != b.sum:
		return false, Symbol
	case a.asked != b.asked && (a.asked != "" && b.asked != "" || a.kind == definition && b.asked != "how" || b.kind == definition && a.asked != "how"), a.kind != b.kind && a.kind != otherQuestion && b.kind != otherQuestion,
		a.modal != b.modal && a.modal != "" && b.modal != "":
		return false, Question
	case a.tense != b.tense && (a.tense != 0 && b.tense != 0 || a.tense == 'f' || b.tense == 'f'):
		return false, Tense
	case exchanged(a.terms, b.terms):
		return false, Word
	case turned(a, b):
		return false, Order
	}
	return true, ""
}

// missing returns the reason for the first term that one bag has and the other has not.
func missing(a, b []term) Reason {
	var only [2][]term
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch c := compareAt(a, b, i, j); {
		case c < 0:
			only[0] = append(only[0], a[i])
			i++
		case c > 0:
			only[1] = append(only[1], b[j])
			j++
		case a[i].proper && b[j].proper && a[i].surface != b[j].surface:
			return Name // Adam is not Adams
		default:
			i, j = i+1, j+1
		}
	}
	for _, x := range only[0] {
		for _, y := range only[1] {
			if lexicon.opposed[[2]string{x.concept, y.concept}] {
				return Antonym
			}
			if negated(x.concept, y.concept) || negated(y.concept, x.concept) {
				return Negation
			}
		}
	}
	first := kind(255)
	for _, side := range only {
		if len(side) > 0 {
			first = min(first, side[0].kind)
		}
	}
	if first == 255 {
		return ""
	}
	return reasons[first]
}

func compareAt(a, b []term, i, j int) int {
	switch {
	case i == len(a):
		return 1
	case j == len(b):
		return -1
	}
	return compareTerms(a[i], b[j])
}

func compareTerms(x, y term) int {
	if x.kind != y.kind {
		return int(x.kind) - int(y.kind)
	}
	return strings.Compare(x.concept, y.concept)
}

// negated reports whether one word is the other with a negative prefix or ending.
func negated(long, short string) bool {
	for _, p := range []string{"un", "in", "im", "il", "ir", "dis", "non", "de", "mis", "anti"} {
		if rest, ok := strings.CutPrefix(long, p); ok && rest == short {
			return true
		}
	}
	for _, s := range []string{"less", "free"} {
		if rest, ok := strings.CutSuffix(long, s); ok && (rest == short || rest == strings.TrimSuffix(short, "ful")) {
			return true
		}
	}
	return false
}

// exchanged reports whether two texts differ in one place alone, where one general word stands for another. What a paraphrase does is done to more
// than one place, or adds a word; this is an edit.
func exchanged(a, b []term) bool {
	n := 0
	for n < len(a) && n < len(b) && a[n].concept == b[n].concept {
		n++
	}
	a, b = a[n:], b[n:]
	m := 0
	for m < len(a) && m < len(b) && a[len(a)-1-m].concept == b[len(b)-1-m].concept {
		m++
	}
	return n+m > 0 && len(a)-m == 1 && len(b)-m == 1
}

func sortBag(terms []term) []term {
	bag := make([]term, 0, len(terms))
	for _, t := range terms {
		if t.kind > asked {
			bag = append(bag, t)
		}
	}
	slices.SortFunc(bag, func(x, y term) int {
		if c := compareTerms(x, y); c != 0 {
			return c
		}
		return strings.Compare(x.surface, y.surface)
	})
	// A name said twice is one name; numbers, units, operators and negations count.
	return slices.CompactFunc(bag, func(x, y term) bool {
		return x == y && x.kind > negation && x.kind != symbol
	})
}
