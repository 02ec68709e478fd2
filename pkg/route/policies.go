package route

import (
	"context"
	"errors"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Policies is the stage that hands a request to the Router of the policy it is under. Which one that is the edge vouches for.
type Policies struct {
	otherwise *Router
	named     map[string]*Router
}

// NewPolicies returns the stage of the named policies; otherwise decides where none is named.
func NewPolicies(otherwise *Router, named map[string]*Router) *Policies {
	return &Policies{otherwise, named}
}

// errPolicy stands for a policy that nobody has. The edge refuses such a request before.
var errPolicy = errors.New("the policy that is selected is not configured")

// Name returns StageRoute.
func (p *Policies) Name() string { return StageRoute }

// Run is that of the policy's Router.
func (p *Policies) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	if req.Caller.Policy == "" {
		return p.otherwise.Run(ctx, req, trail)
	}
	r, ok := p.named[req.Caller.Policy]
	if !ok {
		return pipeline.Outcome{}, errPolicy
	}
	return r.Run(ctx, req, trail)
}
