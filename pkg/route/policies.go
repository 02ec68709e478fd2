package route

import (
	"context"
	"errors"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Policies is the stage that hands a request to the Router of the policy it is under. Which one that is the edge vouches for.
type Policies struct {
	otherwise   *Router
	named       map[string]*Router
	experiments map[string]*Experiment
}

// NewPolicies returns the stage of the named policies; otherwise decides where none is named. Experiments stand by the policy that they part.
func NewPolicies(otherwise *Router, named map[string]*Router, experiments map[string]*Experiment) *Policies {
	return &Policies{otherwise, named, experiments}
}

// errPolicy stands for a policy that nobody has. The edge refuses such a request before.
var errPolicy = errors.New("the policy that is selected is not configured")

// Name returns StageRoute.
func (p *Policies) Name() string { return StageRoute }

// Run is that of the policy's Router, or of the arm's in which the request is.
func (p *Policies) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	name, under := req.Caller.Policy, pipeline.Experiment{}
	if e, ok := p.experiments[name]; ok && req.Alias != pipeline.Named {
		if arm, ok := e.arm(req); ok {
			name, under = arm.Policy, pipeline.Experiment{ID: e.ID, Arm: arm.Name}
		}
	}
	r, ok := p.named[name]
	if name == "" {
		r, ok = p.otherwise, true
	}
	if !ok {
		return pipeline.Outcome{}, errPolicy
	}
	out, err := r.Run(ctx, req, trail)
	if plan, ok := out.Finding.(pipeline.Plan); ok && under.ID != "" {
		plan.Experiment = under
		out.Finding = plan
	}
	return out, err
}
