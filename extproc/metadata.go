package extproc

import (
	"strings"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"google.golang.org/protobuf/types/known/structpb"
)

// Metadata namespaces; Envoy must list them in receiving_namespaces.untyped.
const (
	nsStats = "mom.stats" // closed sets, turned into counters by the stats access logger
	nsRoute = "mom.route" // the plan, read by the priority_group cluster specifier
	nsTiers = "mom.tiers" // how the body reads for each later attempt, read by the Lua tier filter; may hold user text, never logged
)

// Values of mom.stats decision.
const (
	statNone        = "none"        // no verdict yet
	statRoute       = "route"       // the router chose
	statDegraded    = "degraded"    // it chose without what it wanted to know
	statExplicit    = "explicit"    // the client named a backend
	statPassthrough = "passthrough" // the client named an unknown model and the operator lets those through
	statBadRequest  = "bad_request" // refused with a 4xx
	statModels      = "models"      // answered here: the list of models, a preflight
	statAnswer      = "answer"      // answered here instead of by a backend
	statError       = "error"       // refused with a 5xx: we could not decide
)

// stats is the content of mom.stats. Its strings come from closed sets, so that counters stay bounded whatever clients send.
type stats struct{ decision, domain, model, requested string }

// unknownStats goes with the first reply: an access logger renders a missing value as an empty tag.
var unknownStats = stats{statNone, "none", "none", "none"}

func (s stats) fields(took time.Duration) *structpb.Value {
	f := object{
		"decision":  structpb.NewStringValue(s.decision),
		"domain":    structpb.NewStringValue(strings.ReplaceAll(s.domain, " ", "_")),
		"model":     structpb.NewStringValue(s.model),
		"requested": structpb.NewStringValue(s.requested),
	}
	if took > 0 {
		f["router_ms"] = structpb.NewNumberValue(float64(took.Microseconds()) / 1000)
	}
	return f.value()
}

// stats describes a plan within the closed label sets of the configuration.
func (g *Gateway) stats(req *pipeline.Request, plan *pipeline.Plan) stats {
	s := stats{decision: statRoute, domain: "none", model: "other", requested: "mom"}
	if g.Domains[plan.Domain] {
		s.domain = plan.Domain
	}
	if g.Backends[plan.Tiers[0].Model] {
		s.model = plan.Tiers[0].Model
	}
	switch {
	case req.Alias == pipeline.Named && s.model == "other":
		s.decision, s.requested = statPassthrough, "other"
	case req.Alias == pipeline.Named:
		s.decision, s.requested = statExplicit, "explicit"
	case plan.Degraded != "":
		s.decision = statDegraded
	}
	return s
}

// groupNames are the names of a plan's priority groups; the specifier wants them to differ and reads no meaning from them.
var groupNames = [...]string{"tier1", "tier2", "tier3", "tier4", "tier5", "tier6", "tier7", "tier8"}

// MaxTiers is the longest plan that Envoy is told.
const MaxTiers = len(groupNames)

// route is the plan as the cluster specifier reads it: attempt n goes to group n, the last repeats.
func route(plan *pipeline.Plan) *structpb.Value {
	groups := make([]*structpb.Value, 0, len(plan.Tiers))
	for i, t := range plan.Tiers {
		cluster := object{"cluster_name": structpb.NewStringValue(t.Cluster), "weight": structpb.NewNumberValue(1)}
		groups = append(groups, object{"name": structpb.NewStringValue(groupNames[i]), "clusters": list(cluster.value())}.value())
	}
	return object{"priority_groups": list(groups...)}.value()
}

// tiers is one list of splices per group, each turning the body of attempt 1 into that group's own; the first is empty.
func tiers(body *chat.Body, plan *pipeline.Plan) *structpb.Value {
	lists := make([]*structpb.Value, 0, len(plan.Tiers))
	lists = append(lists, list())
	for _, t := range plan.Tiers[1:] {
		splices := body.Between(plan.Tiers[0].Edits, t.Edits)
		edits := make([]*structpb.Value, 0, len(splices))
		for _, s := range splices {
			edits = append(edits, list(structpb.NewNumberValue(float64(s.Offset)), structpb.NewNumberValue(float64(s.Length)), structpb.NewStringValue(s.Text)))
		}
		lists = append(lists, list(edits...))
	}
	return object{"edits": list(lists...)}.value()
}

func list(values ...*structpb.Value) *structpb.Value {
	return structpb.NewListValue(&structpb.ListValue{Values: values})
}

type object map[string]*structpb.Value

func (o object) value() *structpb.Value { return structpb.NewStructValue(&structpb.Struct{Fields: o}) }
