package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
)

// signalNames returns what conditions may call the signals. No model is loaded: the domains stand in the brain's manifest, and are nil when there is no
// brain.
func signalNames(cfg *config.Config, where Places) (signal.Names, error) {
	var names signal.Names
	if cfg.Brain.Model == "" {
		return names, nil
	}
	dir, err := where.modelsDir()
	if err != nil {
		return names, err
	}
	entry, err := catalog.Read(filepath.Join(dir, cfg.Brain.Model))
	if err != nil {
		return names, err
	}
	names.Domains = entry.Labels
	return names, nil
}

// newReader opens the models of the signals that the decisions ask for, and the brain's in any case, so that a fault of it shows at the start.
func newReader(ctx context.Context, cfg *config.Config, models *Shelf, decisions []route.Decision) (*signal.Reader, error) {
	c := signal.Config{Timeout: cfg.BrainTimeout}
	if cfg.Brain.Model != "" {
		m, err := models.Model(ctx, cfg.Brain.Model)
		if err != nil {
			return nil, fmt.Errorf("brain: %w", err)
		}
		c.Domain, c.Sure = m, cfg.Brain.MinConfidence
		if c.Sure == 0 {
			c.Sure = m.entry.Threshold
		}
	}
	if asksFor(decisions, "difficulty") {
		m, err := models.Model(ctx, difficultyModel)
		if err != nil {
			return nil, fmt.Errorf("difficulty: %w", err)
		}
		c.Difficulty = m
	}
	reader, err := signal.NewReader(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("signals: %w", err)
	}
	return reader, nil
}

// difficultyModel is the folder of the model that tells how hard a question is.
const difficultyModel = "mom-difficulty-flash"

// asksFor says whether any condition asks for a signal.
func asksFor(decisions []route.Decision, name string) bool {
	return slices.ContainsFunc(decisions, func(d route.Decision) bool {
		return slices.ContainsFunc(d.When.Signals(), func(s string) bool { return s == name || strings.HasPrefix(s, name+".") })
	})
}

// headers returns the request headers that conditions ask for.
func headers(decisions []route.Decision) []string {
	var names []string
	for _, d := range decisions {
		for _, s := range d.When.Signals() {
			if name, ok := strings.CutPrefix(s, "header."); ok && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
