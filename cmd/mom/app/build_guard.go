package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/mom-router/mom/classifiers/pattern"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

// guards are the stages that guard, as configured.
type guards struct {
	jailbreak *guard.Jailbreak            // nil when off
	heads     map[string]*onnx.Classifier // what it judges by, by catalog.RoleUser and RoleDocument
	pii       *guard.PII                  // nil when off
	counter   classifiers.Counter
	windows   int // forward passes one request may need
	steps     []pipeline.Step
	names     []string
}

// newGuards opens the models and builds the stages, none where the guard is off. What it cannot build is an error: no request may pass unread
// because a model is missing.
func newGuards(ctx context.Context, cfg *config.Config, models *Shelf) (*guards, error) {
	g := &guards{windows: cfg.Guard.MaxWindows}
	if !cfg.Guard.On() {
		return g, nil
	}
	if faults := guardFaults(cfg, models.where); faults != nil {
		return nil, faults.Err()
	}
	limits := guard.Limits{MaxWindows: cfg.Guard.MaxWindows, BlockUnscannable: cfg.Guard.Unscannable == "block", Refusal: cfg.Guard.BlockAs == "refusal"}
	count := func(t *onnx.Trunk) (err error) {
		if g.counter != nil {
			return nil
		}
		g.counter, limits.Counter = t, t
		if g.windows == 0 {
			g.windows, err = models.windows(ctx, t, cfg.GuardTimeout)
			limits.MaxWindows = g.windows
		}
		return err
	}
	if cfg.Guard.Jailbreak.Action != "off" {
		trunk, entry, err := models.Tried(ctx, cfg.Guard.Jailbreak.Model)
		if err == nil {
			err = count(trunk)
		}
		if err == nil {
			g.heads, err = guardHeads(trunk, entry)
		}
		if err == nil {
			g.jailbreak, err = newJailbreak(cfg, g.heads, entry, limits)
		}
		if err != nil {
			return nil, fmt.Errorf("guard.jailbreak: %w", err)
		}
		g.add(g.jailbreak, cfg.GuardTimeout, cfg.Guard.Jailbreak.FailOpen)
	}
	if cfg.Guard.PII.Policy != "off" {
		trunk, entry, err := models.Tried(ctx, cfg.Guard.PII.Model)
		if err == nil {
			err = count(trunk)
		}
		if err == nil {
			g.pii, err = newPII(cfg, trunk, entry, limits)
		}
		if err != nil {
			return nil, fmt.Errorf("guard.pii: %w", err)
		}
		g.add(g.pii, cfg.GuardTimeout, cfg.Guard.PII.FailOpen)
	}
	return g, nil
}

func (g *guards) add(s pipeline.Stage, limit time.Duration, open bool) {
	g.steps = append(g.steps, pipeline.Step{Stage: s, Timeout: limit, FailOpen: open})
	g.names = append(g.names, s.Name())
}

func newJailbreak(cfg *config.Config, heads map[string]*onnx.Classifier, e *catalog.Entry, limits guard.Limits) (*guard.Jailbreak, error) {
	t := guard.Thresholds(cfg.Guard.Jailbreak.Thresholds)
	if t.User == 0 {
		t.User = e.Thresholds[catalog.RoleUser]
	}
	if t.Document == 0 {
		t.Document = e.Thresholds[catalog.RoleDocument]
	}
	if t.Instructions == 0 {
		t.Instructions = guard.InstructionsFrom(t.User)
	}
	return guard.NewJailbreak(guard.JailbreakConfig{
		User: heads[catalog.RoleUser], Document: heads[catalog.RoleDocument], Thresholds: t,
		Block: cfg.Guard.Jailbreak.Action == "block", BlockHarmful: cfg.Guard.Harmful == "block", Limits: limits,
	})
}

func newPII(cfg *config.Config, trunk *onnx.Trunk, e *catalog.Entry, limits guard.Limits) (*guard.PII, error) {
	tagger, err := trunk.Tagger(e)
	if err != nil {
		return nil, err
	}
	byRole := map[string]map[string]guard.Action{}
	for role, types := range cfg.Guard.PII.Roles {
		byRole[role] = actions(types)
	}
	policy, err := guard.NewPolicy(cfg.Guard.PII.Policy, actions(cfg.Guard.PII.Types), byRole)
	if err != nil {
		return nil, err
	}
	// Under the manifest's threshold most finds in ordinary prompts are mistakes.
	return guard.NewPII(guard.PIIConfig{
		Tagger: pattern.Beside(tagger), Policy: policy, FlagFrom: e.Threshold, BlockFrom: cfg.Guard.PII.MinConfidence, Limits: limits,
		Restored: cfg.Guard.PII.Restore,
		Shown: func(kind string) bool {
			return slices.ContainsFunc(cfg.Models, func(m config.Model) bool { return m.Sees(kind) })
		},
	})
}

func actions(types map[string]string) map[string]guard.Action {
	out := map[string]guard.Action{}
	for kind, a := range types {
		out[kind] = guard.Action(a)
	}
	return out
}

// guardFaults is what only the models' manifests can tell about the guard's section.
func guardFaults(cfg *config.Config, where Places) config.Faults {
	dir, err := where.modelsDir()
	if err != nil {
		return config.Faults{cfg.Fault("guard", "%v", err)}
	}
	var faults config.Faults
	manifest := func(path, task, name string) *catalog.Entry {
		e, err := catalog.Read(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			faults = append(faults, cfg.Fault(path, "no model %s is in %s; add it, or write guard: {enabled: false} to serve without a guard", name, dir))
		case err != nil:
			faults = append(faults, cfg.Fault(path, "%v", err))
		case e.Task != task:
			faults = append(faults, cfg.Fault(path, "model %s is for task %q, not %q", name, e.Task, task))
		default:
			return e
		}
		return nil
	}
	if j := cfg.Guard.Jailbreak; j.Action != "off" {
		if e := manifest("guard.jailbreak", "jailbreak", j.Model); e != nil && cfg.Guard.Harmful == "block" && !slices.Contains(e.Labels, harmfulLabel) {
			faults = append(faults, cfg.Fault("guard.harmful", "model %s does not tell what is harmful", j.Model))
		}
	}
	if p := cfg.Guard.PII; p.Policy != "off" {
		if e := manifest("guard.pii", "pii", p.Model); e != nil {
			faults = append(faults, kindFaults(cfg, piiKinds(e))...)
		}
	}
	return faults
}

// kindFaults names every kind of personal data in the file that nothing finds.
func kindFaults(cfg *config.Config, kinds []string) config.Faults {
	var faults config.Faults
	check := func(kind, path string) {
		if !slices.Contains(kinds, kind) {
			faults = append(faults, cfg.Fault(path, "nothing finds this kind%s", config.DidYouMean(kind, kinds)))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(cfg.Guard.PII.Types)) {
		check(kind, "guard.pii.types."+kind)
	}
	for _, role := range slices.Sorted(maps.Keys(cfg.Guard.PII.Roles)) {
		for _, kind := range slices.Sorted(maps.Keys(cfg.Guard.PII.Roles[role])) {
			check(kind, "guard.pii.roles."+role+"."+kind)
		}
	}
	for i, m := range cfg.Models {
		for k, kind := range m.PII {
			if kind != config.AllPII && kind != "" { // "" could not be read, which has been said
				check(kind, fmt.Sprintf("models[%d].pii[%d]", i, k))
			}
		}
	}
	return faults
}

// piiKinds are the kinds of data that the model and the recognisers beside it find.
func piiKinds(e *catalog.Entry) []string {
	kinds := pattern.New().Labels()
	for _, l := range e.Labels {
		if _, kind, ok := strings.Cut(l, "-"); ok && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
