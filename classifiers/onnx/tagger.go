package onnx

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
)

// A Tagger is the view of a trunk that finds spans. Safe for concurrent use until the trunk is closed.
type Tagger struct {
	trunk      *Trunk
	manifest   *catalog.Manifest
	types      []string
	tag, score int // of its outputs
}

var _ classifiers.Tagger = (*Tagger)(nil)

// Tagger makes the view of a pii model that has the trunk's graph, tokenizer and windows.
func (t *Trunk) Tagger(e *catalog.Entry) (*Tagger, error) {
	v, err := t.tagger(&e.Manifest)
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", e.Name, err)
	}
	return v, nil
}

func (t *Trunk) tagger(m *catalog.Manifest) (*Tagger, error) {
	if err := t.fits(m, "pii"); err != nil {
		return nil, err
	}
	tag, err := t.place(m.Outputs[catalog.OutputTag], true, perToken, "int64 [batch, tokens]")
	if err != nil {
		return nil, err
	}
	score, err := t.place(m.Outputs[catalog.OutputScore], false, perToken, "float32 [batch, tokens]")
	if err != nil {
		return nil, err
	}
	return &Tagger{trunk: t, manifest: m, types: m.Types(), tag: tag, score: score}, nil
}

// Labels returns the types of the manifest's labels, without B- and I-.
func (t *Tagger) Labels() []string { return t.types }

// Tag reads the text by windows. Of the tokens that two windows share, the first half is the earlier window's and the second the later's, so that
// each token is judged where more of its surroundings are seen. A word across that seam is still one word.
func (t *Tagger) Tag(ctx context.Context, text string) ([]classifiers.Span, error) {
	var spans spanner
	how := reading{places: true, windows: t.trunk.opt.MaxWindows}
	_, err := t.trunk.called(ctx, t.manifest, text, how, func(enc encoding, w window) error {
		if spans.text == "" {
			spans = spanner{text: text, labels: t.manifest.Labels, enc: enc}
		}
		from, to := w.from, w.to
		if from > 0 {
			from += t.manifest.Overlap / 2
		}
		if to < len(enc.ids) {
			to -= t.manifest.Overlap - t.manifest.Overlap/2
		}
		for i := from; i < to; i++ {
			at := len(t.trunk.tok.prefix) + i - w.from
			if err := spans.add(i, w.ints[t.tag][at], w.floats[t.score][at]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return spans.result(), nil
}

// A spanner makes spans of tags that come token by token. All the pieces of a word have one type, and only its first may begin a span: a tokenizer
// cuts a rare name into pieces that say little alone, and half a name that is found is half a name that is forwarded. An I- without its B- begins
// a span: a model that misses the first token of a name has still found a name.
type spanner struct {
	text   string
	labels []string
	enc    encoding
	done   []classifiers.Span

	word []piece

	open   classifiers.Span // no Label: none is open
	tokens int
	sum    float64
}

// A piece is a token with its tag: B or I of a type, or no type.
type piece struct {
	first      bool
	label      string
	score      float32
	start, end int
}

func (s *spanner) add(token int, tag int64, score float32) error {
	if tag < 0 || tag >= int64(len(s.labels)) {
		return fmt.Errorf("tag %d is none of %d", tag, len(s.labels))
	}
	if !(score >= 0 && score <= 1) { // also a NaN
		return fmt.Errorf("score of a tag is %v", score)
	}
	kind, label, _ := strings.Cut(s.labels[tag], "-")
	start, end := s.enc.place(token)
	if len(s.word) > 0 && !s.goesOn(s.word[len(s.word)-1].end, start) {
		s.endWord()
	}
	s.word = append(s.word, piece{kind == "B", label, score, start, end})
	return nil
}

// goesOn reports whether a token that begins at start is of the word of the token that ends at end: nothing lies between them, and there are
// letters or digits on both sides. Tokens of one code point overlap.
func (s *spanner) goesOn(end, start int) bool {
	if start != end {
		return start < end
	}
	before, _ := utf8.DecodeLastRuneInString(s.text[:end])
	after, _ := utf8.DecodeRuneInString(s.text[start:])
	return ofWord(before) && ofWord(after)
}

func ofWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// endWord gives the pieces of a word the type with the largest sum of probabilities, the earliest of equals. A word whose first piece goes on goes
// on, whatever that piece's type was.
func (s *spanner) endWord() {
	type total struct {
		label string
		sum   float64
	}
	var totals []total // at most one a type: a word may be as long as the text
	for _, p := range s.word {
		at := slices.IndexFunc(totals, func(t total) bool { return t.label == p.label })
		if at < 0 {
			at, totals = len(totals), append(totals, total{label: p.label})
		}
		totals[at].sum += float64(p.score)
	}
	var most total
	for i, t := range totals {
		if i == 0 || t.sum > most.sum {
			most = t
		}
	}
	for i, p := range s.word {
		// A first piece of no type is a beginning too, as in models/recipes.
		s.extend(most.label, i == 0 && (p.first || p.label == ""), p)
	}
	s.word = s.word[:0]
}

// extend makes the open span longer by a piece of this type, or begins one.
func (s *spanner) extend(label string, first bool, p piece) {
	if label == "" {
		s.close()
		return
	}
	// What stands on another line or in another cell of a table is another name, whatever the tag says. Tokens of one code point overlap.
	if first || label != s.open.Label || strings.ContainsAny(s.text[min(s.open.End, p.start):p.start], "\n\r\t") {
		s.close()
		s.open = classifiers.Span{Label: label, Start: p.start}
	}
	s.open.End = p.end
	s.sum += float64(p.score)
	s.tokens++
}

// close ends the open span, without white space around it: some tokenizers count it to the words.
func (s *spanner) close() {
	if s.open.Label == "" {
		return
	}
	part := s.text[s.open.Start:max(s.open.Start, s.open.End)]
	s.open.Start += len(part) - len(strings.TrimLeftFunc(part, unicode.IsSpace))
	s.open.End = s.open.Start + len(strings.TrimSpace(part))
	s.open.P = float32(s.sum / float64(s.tokens))
	if s.open.Start < s.open.End {
		s.done = append(s.done, s.open)
	}
	s.open, s.tokens, s.sum = classifiers.Span{}, 0, 0
}

func (s *spanner) result() []classifiers.Span {
	s.endWord()
	s.close()
	return s.done
}
