package onnx

import (
	"context"
	"fmt"
	"strings"
	"unicode"

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
// each token is judged where more of its surroundings are seen.
func (t *Tagger) Tag(ctx context.Context, text string) ([]classifiers.Span, error) {
	var spans spanner
	how := reading{offsets: true, windows: t.trunk.opt.MaxWindows}
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

// A spanner makes spans of tags that come token by token. An I- without its B- begins a span: a model that misses the first token of a name has
// still found a name.
type spanner struct {
	text   string
	labels []string
	enc    encoding
	done   []classifiers.Span

	open   classifiers.Span // no Label: none is open
	tokens int
	sum    float64
}

func (s *spanner) add(token int, tag int64, score float32) error {
	if tag < 0 || tag >= int64(len(s.labels)) {
		return fmt.Errorf("tag %d is none of %d", tag, len(s.labels))
	}
	if !(score >= 0 && score <= 1) { // also a NaN
		return fmt.Errorf("score of a tag is %v", score)
	}
	kind, label, _ := strings.Cut(s.labels[tag], "-")
	if label == "" {
		s.close()
		return nil
	}
	start, end := s.enc.place(token)
	if kind == "B" || label != s.open.Label {
		s.close()
		s.open = classifiers.Span{Label: label, Start: start}
	}
	s.open.End = end
	s.sum += float64(score)
	s.tokens++
	return nil
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
	s.close()
	return s.done
}
