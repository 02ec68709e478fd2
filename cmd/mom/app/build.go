package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
	"go.uber.org/zap"
)

// Build makes one generation of everything that decides: the stages, in order, and the door in front of them. A fault that only a room can find,
// such as an expression that does not compile, comes back as config.Faults like the file's own.
func Build(ctx context.Context, cfg *config.Config, models *Shelf) (*extproc.Gateway, error) {
	g, _, err := build(ctx, cfg, models, zap.NewNop())
	return g, err
}

func build(ctx context.Context, cfg *config.Config, models *Shelf, log *zap.Logger) (*extproc.Gateway, *guards, error) {
	guarding, err := newGuards(ctx, cfg, models)
	if err != nil {
		return nil, nil, err
	}
	g, err := guardedBy(ctx, cfg, models, guarding, log)
	return g, guarding, err
}

// guardedBy puts the guards before all else: whatever model a request names, they read it.
func guardedBy(ctx context.Context, cfg *config.Config, models *Shelf, guarding *guards, log *zap.Logger) (*extproc.Gateway, error) {
	steps := slices.Clone(guarding.steps)
	memory, err := newRecall(ctx, cfg, models, guarding.names, log)
	if err != nil {
		return nil, err
	}
	if memory != nil {
		// Without its memory a request is only asked again.
		steps = append(steps, pipeline.Step{Stage: memory, Timeout: recallTimeout, FailOpen: true})
	}
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
	var sticky *route.Sticky
	if cfg.Sticky != "off" {
		if sticky, err = route.NewSticky(cfg.Sticky == "conversation"); err != nil {
			return nil, err
		}
	}
	router, err := newRouter(cfg, "route", by, reader, sticky, guarding.pii)
	if err != nil {
		return nil, err
	}
	policies := map[string]*route.Router{}
	for _, p := range cfg.Policies {
		if policies[p.Name], err = newRouter(cfg, "policies."+p.Name, by, reader, sticky, guarding.pii); err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.Name, err)
		}
	}
	steps = append(steps, pipeline.Step{Stage: route.NewPolicies(router, policies, experiments(cfg))})
	run, err := pipeline.New(steps...)
	if err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	g := &extproc.Gateway{
		Parser:   newParser(cfg),
		Runner:   run,
		Expose:   exposed[cfg.ExposeHeaders],
		Tenant:   tenant(cfg.Recall.Tenant),
		Guards:   guarding.names,
		Timeout:  cfg.RequestTimeout,
		Restore:  cfg.Guard.Restores(),
		Headers:  headers(by),
		Policies: map[string]bool{},
		Load:     by.load,
		Backends: map[string]bool{},
		Domains:  map[string]bool{},
	}
	if cfg.Guard.Screens() {
		screen, err := guard.NewScreen(guard.ScreenConfig{
			Jailbreak: guarding.jailbreak, PII: guarding.pii, Block: cfg.Guard.Output == "block", Refusal: cfg.Guard.BlockAs == "refusal",
		})
		if err != nil {
			return nil, config.Faults{cfg.Fault("guard.output", "%v", err)}
		}
		g.Screen = screen
	}
	if memory != nil { // a nil *Recall in the interface would not be nil
		g.Memory = memory
	}
	for _, m := range router.Models() {
		g.Models = append(g.Models, extproc.Model{ID: m.ID, Context: m.Context})
	}
	if sticky != nil { // a nil *Sticky in the interface would not be nil
		g.Choices = sticky
	}
	for name := range policies {
		g.Policies[name] = true
	}
	for _, m := range cfg.Models {
		g.Backends[m.Name] = true
	}
	for _, l := range names.Domains {
		g.Domains[l] = true
	}
	return g, nil
}

var exposed = map[config.Expose]extproc.Expose{
	config.ExposeAll: extproc.ExposeAll, config.ExposeCoT: extproc.ExposeCOT, config.ExposeNone: extproc.ExposeNone,
}

func newParser(cfg *config.Config) *chat.Parser {
	p := &chat.Parser{Aliases: map[string]pipeline.Alias{}, Limits: chat.Limits{Bytes: int(cfg.BodyLimit)}, Ask: cfg.Recall.Store != ""}
	for _, a := range cfg.AliasesMoM {
		p.Aliases[a] = pipeline.MoM
	}
	for _, a := range cfg.AliasesOmni {
		p.Aliases[a] = pipeline.Omni
	}
	return p
}

// newRouter builds what chooses by the rules at a key path. pii refuses what no backend may see, nil when it is off.
func newRouter(cfg *config.Config, path string, by choosing, reader *signal.Reader, sticky *route.Sticky, pii *guard.PII) (*route.Router, error) {
	c := route.Config{
		Aliases: cfg.AliasesMoM, Passthrough: cfg.Passthrough, Decisions: by.rules[path].decisions, Default: by.rules[path].byDefault, Reader: reader,
		Omni: by.omni, OmniAliases: cfg.AliasesOmni, Unsure: cfg.Omni.Unsure, Sticky: sticky, Tenants: map[string][]string{},
	}
	for _, t := range cfg.Tenants {
		c.Tenants[t.Name] = t.Models
	}
	if pii != nil {
		c.Refuse = pii.Refuse
	}
	for _, m := range cfg.Models {
		c.Backends = append(c.Backends, route.Backend{
			Name: m.Name, Cluster: m.Cluster, Context: m.Context, MaxTokens: m.MaxTokens, Dialect: route.Dialect(m.Reasoning), Sees: m.Sees,
			Lacks: lacks(m),
		})
	}
	return route.New(c)
}

// experiments are those of the file, each under the policy that it parts.
func experiments(cfg *config.Config) map[string]*route.Experiment {
	all := map[string]*route.Experiment{}
	for _, e := range cfg.Experiments {
		out := &route.Experiment{ID: e.ID}
		for _, a := range e.Arms {
			out.Arms = append(out.Arms, route.Arm(a))
		}
		all[e.Policy] = out
	}
	return all
}

// decisions compiles the conditions of each set of rules, by the key path it stands at, and returns what is wrong with them by the file's own keys.
func decisions(cfg *config.Config, names signal.Names) (map[string][]route.Decision, config.Faults) {
	conditions, err := route.NewCompiler(names)
	if err != nil {
		return nil, config.Faults{cfg.Fault("route", "%v", err)}
	}
	out := map[string][]route.Decision{}
	var faults config.Faults
	for path, rules := range cfg.Everywhere() {
		for i, d := range rules.Decisions {
			if d.When == "" {
				continue // the file's own check has said so
			}
			when, err := conditions.Compile(d.When)
			if err != nil {
				faults = append(faults, cfg.Fault(fmt.Sprintf("%s.decisions[%d].when", path, i), "%v", err))
				continue
			}
			out[path] = append(out[path], route.Decision{Name: d.Name, When: when, Choice: choice(d.Choice)})
		}
	}
	if cfg.LongestPlan() > extproc.MaxTiers {
		faults = append(faults, cfg.Fault("route", "a plan may name at most %d models", extproc.MaxTiers))
	}
	return out, faults
}

var (
	reasoned = map[string]pipeline.Reasoning{"on": pipeline.On, "off": pipeline.Off, "low": pipeline.Low, "medium": pipeline.Medium, "high": pipeline.High}
	edited   = map[string]pipeline.How{
		"strip": pipeline.StripField, "set": pipeline.SetField, "default": pipeline.DefaultField, "cap": pipeline.CapField,
		"prepend": pipeline.PrependSystem, "append": pipeline.AppendSystem, "replace": pipeline.ReplaceSystem,
	}
)

func choice(c config.Choice) route.Choice {
	out := route.Choice{Models: c.Models, Reasoning: reasoned[c.Reasoning]}
	if c.System.How != "" {
		out.Edits = append(out.Edits, chat.EditSystem(edited[c.System.How], c.System.Text))
	}
	for _, p := range c.Params {
		out.Edits = append(out.Edits, pipeline.Edit{How: edited[p.How], Field: p.Name, JSON: p.JSON})
	}
	for _, h := range c.Headers {
		out.Headers = append(out.Headers, pipeline.Header(h))
	}
	return out
}
