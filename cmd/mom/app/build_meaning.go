package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/mom-router/mom/pkg/recall/evidence"
	"go.uber.org/zap"
)

// newMeaning opens the model by which questions in other words are found, nil where that is off.
func newMeaning(ctx context.Context, cfg *config.Config, models *Shelf, log *zap.Logger) (*recall.Meaning, error) {
	c := cfg.Recall.Semantic
	if c.Model == "" {
		return nil, nil //nolint:nilnil // off is no error
	}
	if err := meaningFaults(cfg, models.where).Err(); err != nil {
		return nil, err
	}
	trunk, entry, err := models.Tried(ctx, c.Model)
	if err != nil {
		return nil, fmt.Errorf("recall.semantic: %w", err)
	}
	embedder, err := trunk.Embedder(entry)
	if err != nil {
		return nil, fmt.Errorf("recall.semantic: %w", err)
	}
	threshold := c.Threshold
	if threshold == 0 {
		threshold = entry.Threshold
	}
	return &recall.Meaning{
		Embedder: embedder, Model: []byte(entry.Graph.SHA256 + entry.Tokenizer.SHA256 + entry.Output), Threshold: threshold,
		MaxError: c.MaxError, Shadow: c.Shadow, Changed: func(s evidence.State) {
			low, high := s.Wrong.Wilson()
			log.Warn("too many answers to questions in other words were wrong", zap.String("mode", s.Mode), zap.Float64("least_cosine", s.From),
				zap.Int("checked", s.Wrong.N), zap.Int("wrong", s.Wrong.Hits), zap.Stringer("wrong_low", low), zap.Stringer("wrong_high", high))
		},
	}, nil
}

// meaningFaults is what only the model's manifest can tell about recall.semantic.
func meaningFaults(cfg *config.Config, where Places) config.Faults {
	const path = "recall.semantic"
	c := cfg.Recall.Semantic
	if c.Model == "" {
		return nil
	}
	dir, err := where.modelsDir()
	if err != nil {
		return config.Faults{cfg.Fault(path, "%v", err)}
	}
	e, err := catalog.Read(filepath.Join(dir, c.Model))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return config.Faults{cfg.Fault(path, "no model %s is in %s; add it, or write semantic: off to answer the same words only", c.Model, dir)}
	case err != nil:
		return config.Faults{cfg.Fault(path, "%v", err)}
	case e.Task != "similarity":
		return config.Faults{cfg.Fault(path, "model %s is for task %q, not %q", c.Model, e.Task, "similarity")}
	case c.Threshold == 0 && e.Threshold == 0:
		return config.Faults{cfg.Fault(path, "the manifest of %s has no threshold; set one here", c.Model)}
	}
	return nil
}
