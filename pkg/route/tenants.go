package route

import (
	"slices"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// everyOther is the name in Config.Tenants of all tenants that have no entry there, and of callers that nobody knows.
const everyOther = "*"

// permitted returns the plan without the tiers that the tenant may not have, maybe without any.
func (r *Router) permitted(p pipeline.Plan, tenant string) pipeline.Plan {
	models, ok := r.tenants[tenant]
	if !ok || tenant == everyOther { // a tenant may call itself so
		if models, ok = r.tenants[everyOther]; !ok {
			return p
		}
	}
	p.Tiers = slices.DeleteFunc(slices.Clone(p.Tiers), func(t pipeline.Tier) bool { return !slices.Contains(models, t.Model) })
	return p
}

// notPermitted is the answer to a tenant for whom no model is left to choose from.
func notPermitted() *pipeline.Reply {
	return chat.ErrorReply(403, "permission_error", "no_model_permitted", "model", "None of the models that could answer this request may be used here.", nil)
}
