package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
)

// A tag is what the model says of a token: that it begins a span of a type, goes on with one, or is of no type.
type tag struct {
	label  int // index among the types, or none
	begins bool
}

// none is the label of what is of no type.
const none = -1

// Log-odds against steps that are rare in texts, and the least probability of a tag, which one has that the graph did not rank. Nothing between 2 and 8
// for the first two, nor a tenth or ten times the third, moved F1 on validation rows by a point. As in models/recipes.
const (
	again    = 3 // a span right after one of its own type: most often the model saw two beginnings in one name
	orphan   = 5 // a span that nothing begins
	unranked = 1e-4
)

// A path looks for the likeliest way through the words of a text whose tags come token by token (Viterbi): what each token alone looks like most is a
// poor reading, half a name here and another type there. All the pieces of a word have one type, and only its first may begin a span: a tokenizer cuts a
// rare name into pieces that say little alone, and half a name that is found is half a name that is forwarded.
type path struct {
	text string
	tags []tag
	enc  encoding

	word   []piece // the one that is being read
	states []state // of all words; before them what is before the text
	words  []word
	labels []int // scratch
}

// A piece is a token with the tags it may be.
type piece struct {
	start, end int     // bytes
	ranked     []int64 // numbers of tags; lent, as p
	p          []float32
}

// A word is a run of tokens that is read as one.
type word struct {
	start, end int // bytes
	tokens     int
	apart      bool // on another line or in another cell of a table than the word before it
	first      int  // of its states
}

// A state is one way to read a word, and the best way to come there.
type state struct {
	label  int
	begins bool
	sum    float64 // of logarithms, over the way to here
	p      float64 // sum of the type's probabilities over the word's tokens
	before int     // the state of the word before
}

// add takes the next token with its tags, the likeliest first, and their probabilities.
func (p *path) add(token int, ranked []int64, scores []float32) error {
	at := piece{ranked: ranked, p: scores}
	for i, n := range ranked {
		if n < 0 || n >= int64(len(p.tags)) {
			return fmt.Errorf("tag %d is none of %d", n, len(p.tags))
		}
		if !(scores[i] >= 0 && scores[i] <= 1) { // also a NaN
			return fmt.Errorf("score of a tag is %v", scores[i])
		}
	}
	at.start, at.end = p.enc.place(token)
	if len(p.word) > 0 && !p.goesOn(p.word[len(p.word)-1].end, at.start) {
		p.endWord()
	}
	p.word = append(p.word, at)
	return nil
}

// goesOn reports whether a token that begins at start is of the word of the token that ends at end: nothing lies between them, and there are
// letters or digits on both sides. Tokens of one code point overlap.
func (p *path) goesOn(end, start int) bool {
	if start != end {
		return start < end
	}
	before, _ := utf8.DecodeLastRuneInString(p.text[:end])
	after, _ := utf8.DecodeRuneInString(p.text[start:])
	return ofWord(before) && ofWord(after)
}

func ofWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// endWord makes the states of the word that was read: of no type, and of every type that one of its pieces may be, as a beginning or not.
func (p *path) endWord() {
	w := word{start: p.word[0].start, end: p.word[len(p.word)-1].end, tokens: len(p.word), first: len(p.states)}
	before := p.states[:w.first]
	if n := len(p.words); n > 0 {
		last := p.words[n-1]
		before = before[last.first:]
		w.apart = strings.ContainsAny(p.text[min(last.end, w.start):w.start], "\n\r\t")
	}
	p.labels = append(p.labels[:0], none) // at most one a type: a word may be as long as the text
	for _, at := range p.word {
		for _, t := range at.ranked {
			if label := p.tags[t].label; !slices.Contains(p.labels, label) {
				p.labels = append(p.labels, label)
			}
		}
	}
	for _, label := range p.labels {
		total, rest := 0.0, 0.0
		for i, at := range p.word {
			of := p.chance(at, func(t tag) bool { return t.label == label })
			total += of
			if i > 0 {
				rest += math.Log(max(of, unranked))
			}
		}
		for _, begins := range []bool{false, true} {
			if begins && label == none {
				continue
			}
			first := p.chance(p.word[0], func(t tag) bool { return t == tag{label, begins} })
			s := state{label: label, begins: begins, p: total, sum: math.Inf(-1)}
			for i, b := range before {
				if sum := b.sum - s.against(b, w.apart); sum > s.sum {
					s.sum, s.before = sum, w.first-len(before)+i
				}
			}
			s.sum += math.Log(max(first, unranked)) + rest
			p.states = append(p.states, s)
		}
	}
	p.words, p.word = append(p.words, w), p.word[:0]
}

// chance is the sum of the probabilities of the tags of a piece that are meant.
func (p *path) chance(at piece, meant func(tag) bool) float64 {
	sum := 0.0
	for i, t := range at.ranked {
		if meant(p.tags[t]) {
			sum += float64(at.p[i])
		}
	}
	return sum
}

// against is what speaks against s after b.
func (s state) against(b state, apart bool) float64 {
	same := s.label != none && s.label == b.label
	switch {
	case s.begins && same && !apart:
		return again
	case !s.begins && s.label != none && !same:
		return orphan
	}
	return 0
}

// spans returns the spans on the likeliest way, with the mean probability of their type over their tokens, without white space around them: some
// tokenizers count it to the words.
func (p *path) spans(types []string) []classifiers.Span {
	if len(p.word) > 0 {
		p.endWord()
	}
	if len(p.words) == 0 {
		return nil
	}
	chosen := make([]state, len(p.words))
	at := p.words[len(p.words)-1].first
	for i := at; i < len(p.states); i++ {
		if p.states[i].sum > p.states[at].sum {
			at = i
		}
	}
	for i := len(chosen) - 1; i >= 0; i-- {
		chosen[i] = p.states[at]
		at = chosen[i].before
	}
	var spans []classifiers.Span
	for i := 0; i < len(chosen); {
		first, tokens, sum := i, 0, 0.0
		for i++; i < len(chosen) && chosen[i].label == chosen[first].label && !chosen[i].begins && !p.words[i].apart; i++ {
		}
		if chosen[first].label == none {
			continue
		}
		for j := first; j < i; j++ {
			tokens, sum = tokens+p.words[j].tokens, sum+chosen[j].p
		}
		span := classifiers.Span{Label: types[chosen[first].label], P: float32(min(1, sum/float64(tokens))), Start: p.words[first].start}
		part := p.text[span.Start:max(span.Start, p.words[i-1].end)]
		span.Start += len(part) - len(strings.TrimLeftFunc(part, unicode.IsSpace))
		span.End = span.Start + len(strings.TrimSpace(part))
		if span.Start < span.End {
			spans = append(spans, span)
		}
	}
	return spans
}
