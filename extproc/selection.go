package extproc

import (
	"encoding/json"
	"time"

	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
)

// pathSelect is where a client asks what would be chosen for a chat request, and nothing is.
const pathSelect = "/mom/v1/route"

// selection is the answer to it, in the words that chat-ui's proposal has for it.
type selection struct {
	RouteName string    `json:"routeName"` // the decision's name
	Model     string    `json:"model"`     // the backend that would be asked first
	Tier      string    `json:"tier"`      // as in x-mom-tier, or explicit for a model that the client named
	Metadata  cot.Trail `json:"cotMetadata"`
}

// selected answers a request that asks for the choice alone. No backend hears of it.
func (x *exchange) selected(plan *pipeline.Plan, s stats, took time.Duration) (done bool) {
	out := selection{RouteName: plan.Decision, Model: plan.Tiers[0].Model, Tier: string(plan.By), Metadata: cot.FromPlan(*plan, 0)}
	if out.Tier == "" {
		out.Tier = "explicit"
	}
	out.Metadata.Guard = x.guarded.cot()
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // strings and booleans always marshal
	}
	x.at = atResponse
	s.decision = statSelected
	reply := &pipeline.Reply{Status: 200, Headers: map[string]string{"content-type": "application/json"}, Body: body, Details: "mom_selected"}
	immediate(&x.out, reply, x.gateway.reasons(plan, 0, x.guarded, pipeline.Recalled{}), s, took)
	return true
}
