// Package route is the stage that chooses: a Router asks the signals of a request for what the configured decisions rest on, and turns the first that
// holds into a plan of backends. Named models get a plan of one, untouched; unknown names are refused. Of what the guard found, no backend gets what
// it may not see.
//
// It knows models only by their signals and backends only by name. It never edits bytes (a plan says which fields are to be set), never talks to a
// backend, and never puts text of a user into a finding, a note or an error.
package route

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/omni"
	"github.com/mom-router/mom/pkg/route/signal"
	"github.com/mom-router/mom/pkg/route/strategy"
)

// Config is what a Router is built from.
type Config struct {
	Aliases     []string   // the names that stand for the router itself, for Models
	Backends    []Backend  // at least one, names unique
	Passthrough string     // the cluster of names that are no backend; "" refuses them
	Decisions   []Decision // in order: the first whose condition holds wins
	Default     Choice     // when none holds, or the first that might cannot be told
	// Reader finds what the conditions ask for; nil knows no model.
	Reader *signal.Reader
	// Omni is asked where the decisions cannot tell, and by its own aliases; nil: nobody is. Where the brain is only unsure, Unsure must say so.
	Omni        *omni.Router
	OmniAliases []string
	Unsure      bool

	// Sticky keeps choices for the requests that follow; nil keeps none.
	Sticky *Sticky
	// Tenants names the models that a tenant may have; * stands for all who have no entry. Who has none at all may have every model.
	Tenants map[string][]string

	// Refuse is the outcome of a request with personal data of these kinds that no backend in question may see. nil makes that an error.
	Refuse func(req *pipeline.Request, found pipeline.Guarded, kinds []string) pipeline.Outcome
}

// Backend is one model that can answer.
type Backend struct {
	Name    string
	Cluster string
	Context int // tokens; 0 when not known
	// MaxTokens is the most it may be asked to answer; 0 is no limit.
	MaxTokens int
	Dialect   Dialect
	// Lacks is what it cannot do.
	Lacks Lacks
	// Sees says which kinds of personal data it may see as they are; nil is none.
	Sees func(kind string) bool
}

// Decision is a Choice under a condition. The names default and explicit are taken.
type Decision struct {
	Name string
	When Condition
	Choice
}

// Choice names the backends to try, in order, and how the request is to read for them.
type Choice struct {
	Models    []string // at least one, each a Backend's name
	Reasoning pipeline.Reasoning
	Edits     []pipeline.Edit   // made for each of them, before those of the reasoning
	Headers   []pipeline.Header // to be set on the request
	// Strategy puts the models in order for each request; nil keeps theirs.
	Strategy strategy.Strategy
}

// Why a plan is not the intended one: the values of Plan.Degraded.
const (
	BrainError    = "brain_error"    // the domain could not be read
	BrainUnsure   = "brain_unsure"   // it was read, below the threshold
	SignalError   = "signal_error"   // another signal could not be found
	DecisionError = "decision_error" // a condition could not be evaluated
	StrategyError = "strategy_error" // the models could not be put in order
)

// StageRoute is the name of the Router in the trail.
const StageRoute = "route"

// Router is the stage that leaves a pipeline.Plan. The plans it hands out share their tiers: they are read, never changed.
type Router struct {
	reader      *signal.Reader
	decisions   []decision
	byDefault   decision
	omni        *omni.Router
	routes      map[string]pipeline.Plan // of omni's routes
	unsure      bool
	backends    map[string]Backend
	explicit    map[string]pipeline.Plan
	passthrough string
	models      []Model
	tenants     map[string][]string
	sticky      *Sticky
	refuse      func(*pipeline.Request, pipeline.Guarded, []string) pipeline.Outcome
}

type decision struct {
	when     Condition
	plan     pipeline.Plan
	strategy strategy.Strategy // nil keeps the order of the plan
}

// New builds a Router; every plan is made here, so that a request only picks one. Errors name all decisions that are not whole.
func New(c Config) (*Router, error) {
	r := &Router{
		reader: c.Reader, omni: c.Omni, unsure: c.Unsure, explicit: make(map[string]pipeline.Plan, len(c.Backends)), passthrough: c.Passthrough,
		models: list(c), tenants: c.Tenants, sticky: c.Sticky, backends: make(map[string]Backend, len(c.Backends)), routes: map[string]pipeline.Plan{},
		refuse: c.Refuse,
	}
	if r.reader == nil {
		r.reader = new(signal.Reader)
	}
	for _, b := range c.Backends {
		if _, twice := r.backends[b.Name]; twice || b.Name == "" || b.Cluster == "" {
			return nil, fmt.Errorf("backend %q has no name, no cluster, or stands here twice", b.Name)
		}
		r.backends[b.Name] = b
		r.explicit[b.Name] = explicit(b.Name, b.Cluster)
	}
	var faults []error
	add := func(name string, choice Choice) pipeline.Plan {
		p, err := plan(name, choice, r.backends)
		if err != nil {
			faults = append(faults, fmt.Errorf("decision %q: %w", name, err))
		}
		return p
	}
	for _, d := range c.Decisions {
		if d.When.program == nil {
			faults = append(faults, fmt.Errorf("decision %q has no condition", d.Name))
		}
		r.decisions = append(r.decisions, decision{when: d.When, plan: add(d.Name, d.Choice), strategy: d.Strategy})
	}
	r.byDefault = decision{plan: add("default", c.Default), strategy: c.Default.Strategy}
	for _, route := range c.Omni.Routes() {
		p := add(route.Name, Choice{Models: route.Models})
		p.By = pipeline.ByOmni
		r.routes[route.Name] = p
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return r, nil
}

// plan turns a choice into tiers.
func plan(name string, c Choice, backends map[string]Backend) (pipeline.Plan, error) {
	p := pipeline.Plan{Decision: name, By: pipeline.ByMoM, Headers: c.Headers}
	if len(c.Models) == 0 {
		return p, errors.New("it names no model")
	}
	for _, m := range c.Models {
		b, ok := backends[m]
		if !ok {
			return p, fmt.Errorf("no backend is named %q", m)
		}
		tier := pipeline.Tier{Model: b.Name, Cluster: b.Cluster, Edits: append([]pipeline.Edit{chat.SetModel(b.Name)}, c.Edits...), Optimized: optimizes(c.Edits)}
		reasoning, ok, err := b.Dialect.edit(c.Reasoning)
		if err != nil {
			return p, err
		}
		if ok {
			tier.Reasoning, tier.Edits = c.Reasoning, append(tier.Edits, reasoning)
		}
		tier.Edits = append(tier.Edits, b.limits()...)
		p.Tiers = append(p.Tiers, tier)
	}
	return p, nil
}

// explicit is the plan of a model the client named: one tier, every byte as it was.
func explicit(model, cluster string) pipeline.Plan {
	return pipeline.Plan{Decision: "explicit", Tiers: []pipeline.Tier{{Model: model, Cluster: cluster}}}
}

// Name returns StageRoute.
func (r *Router) Name() string { return StageRoute }

// Run leaves a plan. It blocks with a 404 when the client names a model nobody has, with a 400 when no backend in question can answer, and as the guard
// does when none may see what the guard found. It fails in that case alone, and only where nobody has said how to refuse: what it does not know leads
// to the default.
func (r *Router) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	found, _ := pipeline.Find[pipeline.Guarded](trail)
	named, known := r.explicit[req.Model]
	set, n := r.reader.Read(req), ""
	switch {
	case req.Alias != pipeline.Named:
		return r.choose(ctx, set, found)
	case known:
		n = "explicit: " + req.Model
	case r.passthrough != "":
		named = explicit(req.Model, r.passthrough)
		n = "explicit, passed through" // the name is whatever the client wrote
	default:
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: notFound(), Note: "unknown model"}, nil
	}
	p := r.permitted(named, req.Caller.Tenant)
	if len(p.Tiers) == 0 { // to this tenant it is not there
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: notFound(), Note: "a model the tenant may not have"}, nil
	}
	if p = r.allowed(p, found.Redactions); len(p.Tiers) == 0 {
		return r.refused(unseen, set, found)
	}
	return pipeline.Outcome{Finding: p, Note: n + redacted(p)}, nil
}

// usable returns the plan without the tiers that the tenant may not have, that may not have the request, and that cannot answer it; where none is left,
// with the reason.
func (r *Router) usable(p pipeline.Plan, set *signal.Set, found pipeline.Guarded) (pipeline.Plan, misfit) {
	if p = r.permitted(p, set.Request().Caller.Tenant); len(p.Tiers) == 0 {
		return p, unpermitted
	}
	if p = r.allowed(p, found.Redactions); len(p.Tiers) == 0 {
		return p, unseen
	}
	return r.fitting(p, set)
}

// refused is the outcome of a request that no backend in question is for.
func (r *Router) refused(why misfit, set *signal.Set, found pipeline.Guarded) (pipeline.Outcome, error) {
	switch {
	case why == unpermitted:
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: notPermitted(), Note: "no model the tenant may have"}, nil
	case why != unseen:
		return r.unfit(why, set), nil
	case r.refuse == nil:
		return pipeline.Outcome{}, errRefuse
	}
	return r.refuse(set.Request(), found, barred(found.Redactions)), nil
}

// choose plans a request that leaves the choice to the router: who decides, which of the backends may and can answer, and in which order.
func (r *Router) choose(ctx context.Context, set *signal.Set, found pipeline.Guarded) (pipeline.Outcome, error) {
	var d decision
	var lost error
	if kept, ok := r.kept(set.Request()); ok {
		d.plan = kept // as it was ordered then
	} else {
		d, lost = r.decide(ctx, set, found.Redactions)
	}
	if ctx.Err() != nil {
		return pipeline.Outcome{}, ctx.Err() // it was the request's time that ran out, and not the model's
	}
	p, why := r.usable(d.plan, set, found)
	if len(p.Tiers) == 0 && d.plan.Decision != r.byDefault.plan.Decision {
		// The decision's models may not have it, or are not made for it. It is then as if none had held.
		d.plan.Decision, d.plan.Tiers, d.plan.Headers, d.strategy = r.byDefault.plan.Decision, r.byDefault.plan.Tiers, r.byDefault.plan.Headers, r.byDefault.strategy
		p, why = r.usable(d.plan, set, found)
	}
	if len(p.Tiers) == 0 {
		return r.refused(why, set, found)
	}
	n := ""
	if d.strategy != nil && len(p.Tiers) > 1 {
		var err error
		if p, n, err = order(ctx, d.strategy, p, set, hidden(found.Redactions)); err != nil {
			lost = errors.Join(lost, err)
		}
		if ctx.Err() != nil {
			return pipeline.Outcome{}, ctx.Err()
		}
	}
	return pipeline.Outcome{Finding: p, Note: note(p, set) + n + redacted(p), Lost: lost}, nil
}

// kept returns what was chosen for a request that this one goes on from. Who asks for the language model gets it.
func (r *Router) kept(req *pipeline.Request) (pipeline.Plan, bool) {
	if req.Alias != pipeline.MoM {
		return pipeline.Plan{}, false
	}
	return r.sticky.choice(req)
}

// decide asks who can tell, one after the other: the decisions, the language model, and then the default is taken. The error is why one could not,
// where that is a fault.
func (r *Router) decide(ctx context.Context, set *signal.Set, redactions []pipeline.Redaction) (d decision, lost error) {
	asks := set.Request().Alias == pipeline.Omni && r.omni != nil
	if !asks {
		if d, lost = r.hold(ctx, set); d.plan.Degraded == "" {
			return d, lost
		}
		d.plan.By = pipeline.ByFallback
		asks = r.omni != nil && (d.plan.Degraded != BrainUnsure || r.unsure)
	}
	if !asks || ctx.Err() != nil {
		return d, lost
	}
	route, err := r.omni.Choose(ctx, set.Request(), hidden(redactions))
	if err == nil {
		if p, ok := r.routes[route.Name]; ok {
			p.Degraded, p.Domain = d.plan.Degraded, d.plan.Domain
			return decision{plan: p}, lost
		}
	}
	if d.plan.Degraded == "" { // nobody else was asked
		d = r.byDefault
		d.plan.By, d.plan.Degraded = pipeline.ByFallback, reason(err)
	}
	return d, errors.Join(lost, err)
}

// hold finds the first decision that holds. Where one cannot be told, whether it was meant is not known, and a later one may rest on its not being so:
// then the default is taken. The error is the reason, where that is a fault.
func (r *Router) hold(ctx context.Context, set *signal.Set) (d decision, err error) {
	d = r.byDefault
	vars := set.Variables(ctx)
	for i := range r.decisions {
		holds, reason := r.decisions[i].when.holds(vars)
		if reason != nil {
			d.plan.Degraded, err = degraded(reason)
			break
		}
		if holds {
			d = r.decisions[i]
			break
		}
	}
	if read, ok := set.Read(); ok && read.Sure {
		d.plan.Domain = read.Label
	}
	return d, err
}

// degraded says why a plan is not the intended one, and whether that is a fault.
func degraded(reason error) (string, error) {
	var of *signal.Error
	switch {
	case errors.Is(reason, signal.ErrNothing):
		return "", nil // such as a request without any text, of which no domain is expected
	case errors.Is(reason, signal.ErrUnsure):
		return BrainUnsure, nil
	case errors.As(reason, &of) && of.Signal == "domain":
		return BrainError, of
	case errors.As(reason, &of):
		return SignalError, of
	}
	return DecisionError, reason
}

// note says a plan in one line of names that stand in the configuration or the model, and the domain where it was read.
func note(p pipeline.Plan, set *signal.Set) string {
	s := p.Decision + ": " + p.Tiers[0].Model
	if d, ok := set.Read(); ok {
		s += ", " + d.Label + " " + strconv.FormatFloat(d.Probability, 'f', 3, 64)
	}
	if p.Degraded != "" {
		s += " (" + p.Degraded + ")"
	}
	return s
}

// notFound is the answer to a model nobody has. It does not repeat the name: whatever a client writes must not come back in an error.
func notFound() *pipeline.Reply {
	return chat.ErrorReply(404, "invalid_request_error", "model_not_found", "model",
		"The requested model does not exist. GET /v1/models lists the models that do.", nil)
}
