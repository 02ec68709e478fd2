package onnx

import (
	"context"
	"errors"

	"github.com/mom-router/mom/classifiers/catalog"
)

// SelfTest makes every view that a model has, which must have the trunk's graph, tokenizer and windows, and tries each by the manifest's samples.
// A model is not to be served before it passes.
func (t *Trunk) SelfTest(ctx context.Context, e *catalog.Entry) error {
	m := &e.Manifest
	switch e.Task {
	case "pii":
		v, err := t.Tagger(e)
		if err != nil {
			return err
		}
		return catalog.SelfTestTagger(ctx, m, v)
	case "similarity":
		v, err := t.Embedder(e)
		if err != nil {
			return err
		}
		return catalog.SelfTestEmbedder(ctx, m, v)
	case "jailbreak":
		return errors.Join(t.tryClassifier(ctx, e, catalog.RoleUser), t.tryClassifier(ctx, e, catalog.RoleDocument))
	default:
		return t.tryClassifier(ctx, e, "")
	}
}

func (t *Trunk) tryClassifier(ctx context.Context, e *catalog.Entry, role string) error {
	c, err := t.Classifier(e, role)
	if err != nil {
		return err
	}
	return catalog.SelfTestRole(ctx, &e.Manifest, role, c)
}
