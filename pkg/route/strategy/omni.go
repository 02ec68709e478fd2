package strategy

import (
	"context"
	"slices"

	"github.com/mom-router/mom/pkg/route/omni"
)

// byOmni puts the models of the route that a language model chose in front.
type byOmni struct{ router *omni.Router }

func newOmni(r *reader, d *Decision) Strategy {
	if d.Omni == nil {
		r.fault("", "the file has no section omni that says whom to ask")
	}
	return &byOmni{d.Omni}
}

func (o *byOmni) Order(ctx context.Context, a Asked) (Choice, error) {
	route, err := o.router.Choose(ctx, a.Signals.Request(), a.Hidden)
	if err != nil {
		return Choice{}, err
	}
	out := make([]string, 0, len(a.Candidates))
	for _, m := range route.Models {
		if slices.Contains(a.Candidates, m) && !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for _, m := range a.Candidates {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return Choice{Models: out, Why: "route " + route.Name}, nil
}
