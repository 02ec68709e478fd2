package onnx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
)

// A Tagger is the view of a trunk that finds spans. Safe for concurrent use until the trunk is closed.
type Tagger struct {
	trunk      *Trunk
	manifest   *catalog.Manifest
	types      []string
	tags       []tag // by number
	tag, score int   // of its outputs
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
	tags, err := t.place(m.Outputs[catalog.OutputTag], true, perToken, "int64 [batch, tokens] or [batch, tokens, ranks]")
	if err != nil {
		return nil, err
	}
	score, err := t.place(m.Outputs[catalog.OutputScore], false, perToken, "float32 [batch, tokens] or [batch, tokens, ranks]")
	if err != nil {
		return nil, err
	}
	if one, other := t.outputs[tags].depth, t.outputs[score].depth; one != other {
		return nil, fmt.Errorf("graph: ranks %d tags of a token and %d scores", one, other)
	}
	v := &Tagger{trunk: t, manifest: m, types: m.Types(), tag: tags, score: score}
	for _, label := range m.Labels {
		kind, name, _ := strings.Cut(label, "-")
		v.tags = append(v.tags, tag{slices.Index(v.types, name), kind == "B"})
	}
	return v, nil
}

// Labels returns the types of the manifest's labels, without B- and I-.
func (t *Tagger) Labels() []string { return t.types }

// Tag reads the text by windows. Of the tokens that two windows share, the first half is the earlier window's and the second the later's, so that
// each token is judged where more of its surroundings are seen. A word across that seam is still one word.
func (t *Tagger) Tag(ctx context.Context, text string) ([]classifiers.Span, error) {
	var p path
	ranks := max(1, t.trunk.outputs[t.tag].depth)
	how := reading{places: true, windows: t.trunk.opt.MaxWindows}
	_, err := t.trunk.called(ctx, t.manifest, text, how, func(enc encoding, w window) error {
		if p.text == "" {
			p = path{text: text, tags: t.tags, enc: enc, states: []state{{label: none}}}
		}
		from, to := w.from, w.to
		if from > 0 {
			from += t.manifest.Overlap / 2
		}
		if to < len(enc.ids) {
			to -= t.manifest.Overlap - t.manifest.Overlap/2
		}
		for i := from; i < to; i++ {
			at := (len(t.trunk.tok.prefix) + i - w.from) * ranks
			if err := p.add(i, w.ints[t.tag][at:at+ranks], w.floats[t.score][at:at+ranks]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.spans(t.types), nil
}
