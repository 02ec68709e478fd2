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
	"github.com/mom-router/mom/pkg/route/signal"
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
}

// Why a plan is not the intended one: the values of Plan.Degraded.
const (
	BrainError    = "brain_error"    // the domain could not be read
	BrainUnsure   = "brain_unsure"   // it was read, below the threshold
	SignalError   = "signal_error"   // another signal could not be found
	DecisionError = "decision_error" // a condition could not be evaluated
)

// StageRoute is the name of the Router in the trail.
const StageRoute = "route"

// Router is the stage that leaves a pipeline.Plan. The plans it hands out share their tiers: they are read, never changed.
type Router struct {
	reader      *signal.Reader
	decisions   []decision
	byDefault   pipeline.Plan
	explicit    map[string]pipeline.Plan
	passthrough string
	models      []Model
	tenants     map[string][]string
	sticky      *Sticky
	sees        map[string]func(kind string) bool // by model; nil is none, as for a model that is not there
	refuse      func(*pipeline.Request, pipeline.Guarded, []string) pipeline.Outcome
}

type decision struct {
	when Condition
	plan pipeline.Plan
}

// New builds a Router; every plan is made here, so that a request only picks one. Errors name all decisions that are not whole.
func New(c Config) (*Router, error) {
	r := &Router{
		reader: c.Reader, explicit: make(map[string]pipeline.Plan, len(c.Backends)), passthrough: c.Passthrough, models: list(c), tenants: c.Tenants, sticky: c.Sticky,
		sees: make(map[string]func(string) bool, len(c.Backends)), refuse: c.Refuse,
	}
	if r.reader == nil {
		r.reader = new(signal.Reader)
	}
	backends := make(map[string]Backend, len(c.Backends))
	for _, b := range c.Backends {
		if _, twice := backends[b.Name]; twice || b.Name == "" || b.Cluster == "" {
			return nil, fmt.Errorf("backend %q has no name, no cluster, or stands here twice", b.Name)
		}
		backends[b.Name], r.sees[b.Name] = b, b.Sees
		r.explicit[b.Name] = explicit(b.Name, b.Cluster)
	}
	var faults []error
	add := func(name string, choice Choice) pipeline.Plan {
		p, err := plan(name, choice, backends)
		if err != nil {
			faults = append(faults, fmt.Errorf("decision %q: %w", name, err))
		}
		return p
	}
	for _, d := range c.Decisions {
		if d.When.program == nil {
			faults = append(faults, fmt.Errorf("decision %q has no condition", d.Name))
		}
		r.decisions = append(r.decisions, decision{when: d.When, plan: add(d.Name, d.Choice)})
	}
	r.byDefault = add("default", c.Default)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return r, nil
}

// plan turns a choice into tiers.
func plan(name string, c Choice, backends map[string]Backend) (pipeline.Plan, error) {
	p := pipeline.Plan{Decision: name, Headers: c.Headers}
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

// Run leaves a plan, blocks with a 404 when the client names a model nobody has, and as the guard does when no backend in question may see what the
// guard found. It fails in that case alone, and only where nobody has said how to refuse: what it does not know leads to the default.
func (r *Router) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	found, _ := pipeline.Find[pipeline.Guarded](trail)
	named, known := r.explicit[req.Model]
	var p pipeline.Plan
	var lost error
	permitted := false // any tier of the last plan
	fits := func(p pipeline.Plan) pipeline.Plan {
		p = r.permitted(p, req.Caller.Tenant)
		permitted = len(p.Tiers) > 0
		return r.allowed(p, found.Redactions)
	}
	set := r.reader.Read(req)
	switch {
	case req.Alias == pipeline.MoM:
		kept := false
		if p, kept = r.sticky.choice(req); !kept {
			p, lost = r.choose(ctx, set)
		}
		if ctx.Err() != nil {
			return pipeline.Outcome{}, ctx.Err() // it was the request's time that ran out, and not the model's
		}
		allowed := fits(p)
		if len(allowed.Tiers) == 0 && p.Decision != r.byDefault.Decision {
			// The decision's models may not have it. It is then as if none had held.
			p.Decision, p.Tiers, p.Headers = r.byDefault.Decision, r.byDefault.Tiers, r.byDefault.Headers
			allowed = fits(p)
		}
		p = allowed
	case known:
		p = fits(named)
	case r.passthrough != "":
		p = fits(explicit(req.Model, r.passthrough))
	default:
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: notFound(), Note: "unknown model"}, nil
	}
	switch {
	case len(p.Tiers) > 0:
	case !permitted && req.Alias == pipeline.Named: // to this tenant it is not there
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: notFound(), Note: "a model the tenant may not have"}, nil
	case !permitted:
		return pipeline.Outcome{Verdict: pipeline.Block, Reply: notPermitted(), Note: "no model the tenant may have"}, nil
	default:
		if r.refuse == nil {
			return pipeline.Outcome{}, errRefuse
		}
		return r.refuse(req, found, barred(found.Redactions)), nil
	}
	n := note(p, set)
	if req.Alias == pipeline.Named && !known {
		n = "explicit, passed through" // the name is whatever the client wrote
	}
	if len(p.Replacements) > 0 {
		n += ", redacted"
	}
	return pipeline.Outcome{Finding: p, Note: n, Lost: lost}, nil
}

// choose finds the first decision that holds. Where one cannot be told, whether it was meant is not known, and a later one may rest on its not being so:
// then the default is taken. The error is the reason, where that is a fault.
func (r *Router) choose(ctx context.Context, set *signal.Set) (p pipeline.Plan, err error) {
	p = r.byDefault
	vars := set.Variables(ctx)
	for _, d := range r.decisions {
		holds, reason := d.when.holds(vars)
		if reason != nil {
			p.Degraded, err = degraded(reason)
			break
		}
		if holds {
			p = d.plan
			break
		}
	}
	if d, ok := set.Read(); ok && d.Sure {
		p.Domain = d.Label
	}
	return p, err
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
