package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
)

// signalNames returns what conditions may call the signals. No model is loaded: the domains stand in the brain's manifest, and are nil when there is no
// brain.
func signalNames(cfg *config.Config, where Places) (signal.Names, error) {
	names := signal.Names{Languages: cfg.Signals.Languages}
	for _, s := range cfg.Signals.Similarity {
		names.Similarity = append(names.Similarity, s.Name)
	}
	for _, k := range cfg.Signals.Keywords {
		names.Keywords = append(names.Keywords, k.Name)
	}
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
func newReader(ctx context.Context, cfg *config.Config, models *Shelf, by choosing) (*signal.Reader, error) {
	faults := signalFaults(cfg, models.where)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(cfg.Signals.Timezone)
	if err != nil {
		return nil, config.Faults{cfg.Fault("signals.timezone", "%v", err)}
	}
	c := signal.Config{Timeout: cfg.BrainTimeout, Languages: cfg.Signals.Languages, Zone: zone}
	for _, k := range cfg.Signals.Keywords {
		c.Keywords = append(c.Keywords, signal.Keywords{Name: k.Name, Words: k.Words, Literals: k.Literals, Patterns: k.Regex, Exact: k.Exact})
	}
	if len(cfg.Signals.Similarity) > 0 {
		trunk, entry, err := models.Tried(ctx, cfg.Signals.Embedder)
		if err != nil {
			return nil, fmt.Errorf("similarity: %w", err)
		}
		if c.Embedder, err = trunk.Embedder(entry); err != nil {
			return nil, fmt.Errorf("similarity: %w", err)
		}
		for _, s := range cfg.Signals.Similarity {
			texts, err := exemplars(cfg, s)
			if err != nil {
				return nil, err
			}
			c.Similarity = append(c.Similarity, signal.Exemplars{Name: s.Name, Texts: texts, Top: s.Top})
		}
	}
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
	if asksFor(by, "difficulty") {
		if err := forSignal(models.where, cfg.Signals.Difficulty, "difficulty"); err != nil {
			return nil, config.Faults{cfg.Fault("signals.models.difficulty", "%v", err)}
		}
		m, err := models.Model(ctx, cfg.Signals.Difficulty)
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

// exemplars returns those in the configuration and then those in the file it names, a line each; blank lines and those that begin with # are none.
func exemplars(cfg *config.Config, s config.Similarity) ([]string, error) {
	texts := slices.Clone(s.Exemplars)
	if s.File == "" {
		return texts, nil
	}
	path := "signals.similarity." + s.Name + ".file"
	data, err := os.ReadFile(cfg.Beside(s.File))
	if err != nil {
		return nil, config.Faults{cfg.Fault(path, "%v", err)}
	}
	if !utf8.Valid(data) {
		return nil, config.Faults{cfg.Fault(path, "%s is not UTF-8", s.File)}
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			texts = append(texts, line)
		}
	}
	if len(texts) == 0 {
		return nil, config.Faults{cfg.Fault(path, "%s holds no exemplar", s.File)}
	}
	return texts, nil
}

// signalFaults is what only the rooms, the models' manifests and other files can tell about signals.
func signalFaults(cfg *config.Config, where Places) config.Faults {
	var faults config.Faults
	add := func(path string, err error) {
		if err != nil {
			faults = append(faults, cfg.Fault(path, "%v", err))
		}
	}
	for _, k := range cfg.Signals.Keywords {
		for i, p := range k.Regex {
			_, err := regexp.Compile(p)
			add(fmt.Sprintf("signals.keywords.%s.regex[%d]", k.Name, i), err)
		}
	}
	add("signals.languages", signal.CheckLanguages(cfg.Signals.Languages))
	for _, s := range cfg.Signals.Similarity {
		var file config.Faults
		if _, err := exemplars(cfg, s); errors.As(err, &file) {
			faults = append(faults, file...)
		}
	}
	if len(cfg.Signals.Similarity) > 0 {
		add("signals.similarity", forSignal(where, cfg.Signals.Embedder, "similarity"))
	}
	return faults
}

// forSignal says what keeps a model from a task.
func forSignal(where Places, name, task string) error {
	dir, err := where.modelsDir()
	if err != nil {
		return err
	}
	entry, err := catalog.Read(filepath.Join(dir, name))
	if err == nil && entry.Task != task {
		err = fmt.Errorf("model %s is for task %q, not %q", name, entry.Task, task)
	}
	return err
}

// asksFor says whether any condition or strategy asks for a signal.
func asksFor(by choosing, name string) bool {
	return slices.Contains(by.signals, name) || slices.ContainsFunc(by.all(), func(d route.Decision) bool {
		return slices.ContainsFunc(d.When.Signals(), func(s string) bool { return s == name || strings.HasPrefix(s, name+".") })
	})
}

// headers returns the request headers that conditions and strategies ask for.
func headers(by choosing) []string {
	names := slices.Clone(by.headers)
	for _, d := range by.all() {
		for _, s := range d.When.Signals() {
			if name, ok := strings.CutPrefix(s, "header."); ok && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// chooser builds the stage that chooses, alone, for those who ask it why.
func chooser(ctx context.Context, cfg *config.Config, models *Shelf) (*route.Router, error) {
	names, err := signalNames(cfg, models.where)
	if err != nil {
		return nil, fmt.Errorf("brain: %w", err)
	}
	compiled, faults := decisions(cfg, names)
	by, more := newChoosing(cfg, names, compiled)
	if err := faults.Join(more...).Err(); err != nil {
		return nil, err
	}
	reader, err := newReader(ctx, cfg, models, by)
	if err != nil {
		return nil, err
	}
	return newRouter(cfg, "route", by, reader, nil, nil)
}
