package onnx

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
)

// An Embedder is the view of a trunk that makes a vector of a text. Safe for concurrent use until the trunk is closed.
type Embedder struct {
	trunk    *Trunk
	manifest *catalog.Manifest
	at       int // of its output
}

var _ classifiers.Embedder = (*Embedder)(nil)

// Embedder makes the view of a similarity model that has the trunk's graph, tokenizer and windows.
func (t *Trunk) Embedder(e *catalog.Entry) (*Embedder, error) {
	v := &Embedder{trunk: t, manifest: &e.Manifest}
	err := t.fits(&e.Manifest, "similarity")
	if err == nil {
		at := find(t.outputs, e.Output)
		if at < 0 || t.outputs[at].ints || t.outputs[at].width < 2 {
			err = fmt.Errorf("graph: has no output %q that is float32 [batch, n], n of 2 or more", e.Output)
		}
		v.at = at
	}
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", e.Name, err)
	}
	return v, nil
}

// Dim returns the width of the graph's output.
func (e *Embedder) Dim() int { return e.trunk.outputs[e.at].width }

// Embed scales what the graph gives to length 1.
func (e *Embedder) Embed(ctx context.Context, text string) (v []float32, err error) {
	_, err = e.trunk.called(ctx, e.manifest, text, reading{windows: 1}, func(_ encoding, w window) error {
		v, err = unit(w.floats[e.at])
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Windows returns the vector of each window of a text, in order, each the caller's own: for those who compare parts and do not mind that none of
// them stands for the whole. Neighbours overlap, and a text that was just classified costs no pass. Errors are those of Embed, but that a text of
// several windows is not too long.
func (e *Embedder) Windows(ctx context.Context, text string) ([][]float32, error) {
	var out [][]float32
	_, err := e.trunk.called(ctx, e.manifest, text, reading{windows: e.trunk.opt.MaxWindows}, func(_ encoding, w window) error {
		v, err := unit(w.floats[e.at])
		out = append(out, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// unit returns a copy of length 1. A vector without a direction is like no text and like all.
func unit(v []float32) ([]float32, error) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	length := math.Sqrt(sum)
	if !(length > 0) || math.IsInf(length, 0) {
		return nil, errors.New("vector has no direction")
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(float64(x) / length)
	}
	return out, nil
}
