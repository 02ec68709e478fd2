package extproc

import (
	"strings"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
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
	statSelected    = "selected"    // only asked what would be chosen
	statError       = "error"       // refused with a 5xx: we could not decide
)

// stats is the content of mom.stats. Its strings come from closed sets, so that counters stay bounded whatever clients send.
type stats struct {
	decision, domain, model, requested, guard string

	experiment string // left out where it is "": not every installation has one

	cache cacheStats
}

// cacheStats are what the memory came to. Its fields are left out where they are zero: not every installation has one.
type cacheStats struct {
	state, why string
	tokens     int   // that were not paid for
	microUSD   int64 // that they would have cost
}

// unknownStats goes with the first reply: an access logger renders a missing value as an empty tag.
var unknownStats = stats{decision: statNone, domain: "none", model: "none", requested: "none", guard: statGuardUnknown}

func (s stats) write(r *reply, took time.Duration) {
	o := r.object(nsStats)
	r.textEntry("decision", s.decision)
	r.textEntry("domain", strings.ReplaceAll(s.domain, " ", "_"))
	r.textEntry("model", s.model)
	r.textEntry("requested", s.requested)
	r.textEntry("guard", s.guard)
	s.cache.write(r)
	if s.experiment != "" {
		r.textEntry("experiment", s.experiment)
	}
	if took > 0 {
		r.numberEntry("router_ms", float64(took.Microseconds())/1000)
	}
	r.endObject(o)
}

func (s cacheStats) write(r *reply) {
	if s.state != "" {
		r.textEntry("cache", s.state)
	}
	if s.why != "" {
		r.textEntry("cache_why", s.why)
	}
	if s.tokens > 0 {
		r.numberEntry("saved_tokens", float64(s.tokens))
	}
	if s.microUSD > 0 {
		r.numberEntry("saved_microusd", float64(s.microUSD))
	}
}

// stats describes a plan within the closed label sets of the configuration.
func (g *Gateway) stats(req *pipeline.Request, plan *pipeline.Plan, guard string) stats {
	s := stats{decision: statRoute, domain: "none", model: g.backend(plan.Tiers[0].Model), requested: "mom", guard: guard}
	if e := plan.Experiment; e.ID != "" && !req.Caller.Retry { // a repeated request is not a second one
		s.experiment = e.ID + "." + e.Arm
	}
	if g.Domains[plan.Domain] {
		s.domain = plan.Domain
	}
	switch {
	case req.Alias == pipeline.Named && s.model == otherModel:
		s.decision, s.requested = statPassthrough, "other"
	case req.Alias == pipeline.Named:
		s.decision, s.requested = statExplicit, "explicit"
	case plan.Degraded != "":
		s.decision = statDegraded
	}
	return s
}

// otherModel is the label of every model that is not configured.
const otherModel = "other"

// backend is a model's label within the closed set.
func (g *Gateway) backend(model string) string {
	if g.Backends[model] {
		return model
	}
	return otherModel
}

// groupNames are the names of a plan's priority groups; the specifier wants them to differ and reads no meaning from them.
var groupNames = [...]string{"tier1", "tier2", "tier3", "tier4", "tier5", "tier6", "tier7", "tier8"}

// MaxTiers is the longest plan that Envoy is told.
const MaxTiers = len(groupNames)

// writeRoute writes the plan as the cluster specifier reads it: attempt n goes to group n, the last repeats.
func writeRoute(r *reply, plan *pipeline.Plan) {
	o := r.object(nsRoute)
	groups := r.list("priority_groups")
	for i, t := range plan.Tiers {
		group := r.open(listValues)
		fields := r.open(valueStruct)
		r.textEntry("name", groupNames[i])
		clusters := r.list("clusters")
		item := r.open(listValues)
		cluster := r.open(valueStruct)
		r.textEntry("cluster_name", t.Cluster)
		r.numberEntry("weight", 1)
		r.close(cluster)
		r.close(item)
		r.endObject(clusters)
		r.close(fields)
		r.close(group)
	}
	r.endObject(groups)
	r.endObject(o)
}

// writeTiers writes one list of splices per group, each turning the body of attempt 1 into that group's own; the first is empty.
func writeTiers(r *reply, body *chat.Body, plan *pipeline.Plan) {
	o := r.object(nsTiers)
	edits := r.list("edits")
	for i, t := range plan.Tiers {
		item := r.open(listValues)
		splices := r.open(valueOf)
		if i > 0 {
			for _, s := range body.Between(plan.Tiers[0].Edits, t.Edits, plan.Replacements...) {
				writeSplice(r, s)
			}
		}
		r.close(splices)
		r.close(item)
	}
	r.endObject(edits)
	r.endObject(o)
}

// writeSplice writes [offset, length, text].
func writeSplice(r *reply, s chat.Splice) {
	item := r.open(listValues)
	triple := r.open(valueOf)
	for _, n := range [...]int{s.Offset, s.Length} {
		v := r.open(listValues)
		r.number(float64(n))
		r.close(v)
	}
	v := r.open(listValues)
	r.text(valueString, s.Text)
	r.close(v)
	r.close(triple)
	r.close(item)
}
