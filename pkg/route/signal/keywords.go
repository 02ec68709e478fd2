package signal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	ahocorasick "github.com/petar-dambovaliev/aho-corasick"
	"golang.org/x/text/cases"
)

// Keywords are what a text may hold: any of them counts.
type Keywords struct {
	Name     string
	Words    []string // found where no letter, digit or underscore stands beside them
	Literals []string // found anywhere
	Patterns []string // RE2
	Exact    bool     // capitals and small letters are told apart
}

// keywords are Keywords, ready to be looked for: all words, and all literals, in one run over a text.
type keywords struct {
	name            string
	words, literals *ahocorasick.AhoCorasick
	patterns        []*regexp.Regexp
	exact           bool
}

func (k Keywords) compile() (keywords, error) {
	out := keywords{name: k.Name, exact: k.Exact}
	list := func(texts []string) *ahocorasick.AhoCorasick {
		if len(texts) == 0 {
			return nil
		}
		texts = slices.Clone(texts)
		for i, t := range texts {
			if !k.Exact {
				t = cases.Fold().String(t)
			}
			texts[i] = t
		}
		// The standard matches overlap, so that a longer word which does not end here hides no shorter one that does.
		b := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{MatchKind: ahocorasick.StandardMatch, DFA: true})
		a := b.Build(texts)
		return &a
	}
	out.words, out.literals = list(k.Words), list(k.Literals)
	for _, p := range k.Patterns {
		if !k.Exact {
			p = "(?i:" + p + ")"
		}
		re, err := regexp.Compile(p)
		if err != nil {
			return out, err
		}
		out.patterns = append(out.patterns, re)
	}
	return out, nil
}

// in says whether the text holds any of them; folded is the same text without capitals, made only when it is asked for.
func (k *keywords) in(text string, folded func() string) bool {
	if k.words != nil || k.literals != nil {
		listed := text
		if !k.exact {
			listed = folded()
		}
		if k.literals != nil && k.literals.IterOverlapping(listed).Next() != nil {
			return true
		}
		if k.words != nil {
			found := k.words.IterOverlapping(listed)
			for m := found.Next(); m != nil; m = found.Next() {
				if standsAlone(listed, m.Start(), m.End()) {
					return true
				}
			}
		}
	}
	return slices.ContainsFunc(k.patterns, func(re *regexp.Regexp) bool { return re.MatchString(text) })
}

// standsAlone says whether text[from:to] begins and ends where words do.
func standsAlone(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	first, _ := utf8.DecodeRuneInString(text[from:to])
	last, _ := utf8.DecodeLastRuneInString(text[from:to])
	after, _ := utf8.DecodeRuneInString(text[to:])
	return (from == 0 || !joined(before, first)) && (to == len(text) || !joined(last, after))
}

// joined says whether two neighbours are of one word. Scripts that put no spaces between words say nothing by having none.
func joined(a, b rune) bool {
	return inWord(a) && inWord(b) && !unspaced(a) && !unspaced(b) || unicode.Is(unicode.M, b)
}

func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

func unspaced(r rune) bool {
	return r > unicode.MaxLatin1 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// Keyword says whether the last user turn, the whole of it, holds any of the keywords of a set; not when nobody configured the set.
func (s *Set) Keyword(name string) bool {
	at := slices.IndexFunc(s.reader.keywords, func(k keywords) bool { return k.name == name })
	if at < 0 {
		return false
	}
	if s.held == nil {
		s.held = make([]found[bool], len(s.reader.keywords))
	}
	holds, _ := s.held[at].get(func() (bool, error) { return s.reader.keywords[at].in(s.whole(), s.foldedWhole), nil })
	return holds
}

// whole returns the last user turn as the user wrote it, for what reads it without a model.
func (s *Set) whole() string { return strings.Join(s.req.LastUser(), "\n") }

func (s *Set) foldedWhole() string {
	folded, _ := s.folded.get(func() (string, error) { return cases.Fold().String(s.whole()), nil })
	return folded
}

func compileKeywords(sets []Keywords) ([]keywords, error) {
	out := make([]keywords, 0, len(sets))
	for _, k := range sets {
		compiled, err := k.compile()
		if err != nil {
			return nil, fmt.Errorf("keywords %q: %w", k.Name, err)
		}
		out = append(out, compiled)
	}
	return out, nil
}
