package app

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/load"
	"github.com/mom-router/mom/pkg/route/omni"
	"github.com/mom-router/mom/pkg/route/signal"
	"github.com/mom-router/mom/pkg/route/strategy"
)

// choosing is how the decisions put their models in order.
type choosing struct {
	rules   map[string]rules // by the key path they stand at
	omni    *omni.Router     // nil: there is none
	load    *load.Load
	signals []string // for which a strategy needs a model
	headers []string // that a strategy reads
}

// rules are decisions, and what is taken without one, with their strategies.
type rules struct {
	decisions []route.Decision
	byDefault route.Choice
}

// all returns the decisions of all rules.
func (c *choosing) all() []route.Decision {
	var out []route.Decision
	for _, path := range slices.Sorted(maps.Keys(c.rules)) {
		out = append(out, c.rules[path].decisions...)
	}
	return out
}

// newChoosing makes the strategies of the compiled decisions, by the key path of their rules, and returns what is wrong with them by the file's own keys.
func newChoosing(cfg *config.Config, names signal.Names, compiled map[string][]route.Decision) (choosing, config.Faults) {
	c := choosing{rules: map[string]rules{}}
	var faults config.Faults
	var models []string
	for i, m := range cfg.Models {
		models = append(models, m.Name)
		faults = append(faults, qualityFaults(cfg, names, "models["+strconv.Itoa(i)+"].quality", m.Quality)...)
	}
	c.load = load.New(models...)
	var err error
	if c.omni, err = newOmni(cfg); err != nil {
		faults = append(faults, cfg.Fault("omni", "%v", err))
	}
	for path, said := range cfg.Everywhere() {
		out := rules{decisions: slices.Clone(compiled[path]), byDefault: choice(said.Default)}
		for i, d := range said.Decisions {
			s, more := c.strategy(cfg, names, d.Name, fmt.Sprintf("%s.decisions[%d].strategy", path, i), d.Choice)
			faults = append(faults, more...)
			for k := range out.decisions { // one with a fault is not there
				if out.decisions[k].Name == d.Name {
					out.decisions[k].Strategy = s
				}
			}
		}
		var more config.Faults
		out.byDefault.Strategy, more = c.strategy(cfg, names, "default", path+".default.strategy", said.Default)
		faults = append(faults, more...)
		c.rules[path] = out
	}
	return c, faults
}

// strategy makes the strategy of one decision, nil where the models keep their order.
func (c *choosing) strategy(cfg *config.Config, names signal.Names, name, path string, choice config.Choice) (strategy.Strategy, config.Faults) {
	said := choice.Strategy
	if said.Name == "" || said.Name == "first" && len(said.Settings) == 0 {
		return nil, nil
	}
	d := strategy.Decision{Name: name, Load: c.load, Omni: c.omni, Exemplars: names.Similarity}
	for _, m := range cfg.Models {
		if !slices.Contains(choice.Models, m.Name) {
			continue
		}
		model := strategy.Model{Name: m.Name, Quality: m.Quality}
		if m.Price != nil {
			model.Price = &strategy.Price{Input: m.Price.Input, Output: m.Price.Output}
		}
		d.Models = append(d.Models, model)
	}
	s, err := strategy.New(said.Name, said.Settings, d)
	var wrong strategy.Faults
	if errors.As(err, &wrong) {
		var faults config.Faults
		for _, f := range wrong {
			at := path
			if f.Key != "" {
				at += "." + said.Name + "." + f.Key
			}
			faults = append(faults, cfg.Fault(at, "%s", f.Message))
		}
		return nil, faults
	}
	for _, signal := range strategy.Asks(said.Name) {
		if signal == "domain" && cfg.Brain.Model == "" {
			continue // it goes by the mean then
		}
		c.signals = append(c.signals, signal)
	}
	if said.Name == "weighted" {
		c.headers = strategy.ConversationHeaders()
	}
	return s, nil
}

// qualityFaults finds domains that nobody will ever read.
func qualityFaults(cfg *config.Config, names signal.Names, path string, quality map[string]float64) config.Faults {
	var faults config.Faults
	for label := range quality {
		if label != "" && names.Domains != nil && !slices.Contains(names.Domains, label) {
			faults = append(faults, cfg.Fault(path+"."+label, "no domain is named %q%s", label, config.DidYouMean(label, names.Domains)))
		}
	}
	return faults
}

// newOmni makes the router that asks a language model, nil when the file has none. It reads what the file names: routes and the key.
func newOmni(cfg *config.Config) (*omni.Router, error) {
	o := cfg.Omni
	if o.URL == "" {
		return nil, nil //nolint:nilnil // none is no error
	}
	c := omni.Config{
		URL: o.URL, Model: o.Model, Timeout: o.Timeout, MaxTokens: o.MaxTokens, Context: o.Context, Other: o.Other, Fallback: o.Fallback,
	}
	for _, r := range o.Routes {
		c.Routes = append(c.Routes, omni.Route(r))
	}
	if o.RoutesFile != "" {
		raw, err := os.ReadFile(o.RoutesFile)
		if err != nil {
			return nil, fmt.Errorf("routes_file: %w", err)
		}
		if c.Routes, err = omni.ParseRoutes(raw); err != nil {
			return nil, fmt.Errorf("routes_file: %w", err)
		}
	}
	for _, r := range c.Routes {
		for _, m := range r.Models {
			if !slices.ContainsFunc(cfg.Models, func(known config.Model) bool { return known.Name == m }) {
				return nil, fmt.Errorf("route %q: no model is named %q", r.Name, m)
			}
		}
		if len(r.Models) > extproc.MaxTiers {
			return nil, fmt.Errorf("route %q: a plan may name at most %d models", r.Name, extproc.MaxTiers)
		}
	}
	if o.KeyEnv != "" {
		if c.Key = os.Getenv(o.KeyEnv); c.Key == "" {
			return nil, fmt.Errorf("api_key_env: the environment has no %s", o.KeyEnv)
		}
	}
	return omni.New(c)
}

// lacks is what a model says that it cannot do.
func lacks(m config.Model) route.Lacks {
	if !m.Says {
		return route.Lacks{}
	}
	cannot := func(ability string) bool { return !slices.Contains(m.Supports, ability) }
	return route.Lacks{Tools: cannot("tools"), Images: cannot("images"), JSON: cannot("json")}
}
