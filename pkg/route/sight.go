package route

import (
	"errors"
	"slices"

	"github.com/mom-router/mom/pkg/pipeline"
)

// errRefuse stands for a request that no backend may see and nobody can refuse.
var errRefuse = errors.New("no backend may see what the request holds")

// allowed returns the plan without the tiers that may not have the request, maybe without any, and with what is to be replaced for those that are left.
func (r *Router) allowed(p pipeline.Plan, redactions []pipeline.Redaction) pipeline.Plan {
	if len(redactions) == 0 {
		return p
	}
	tiers := slices.Clone(p.Tiers) // plans share theirs
	p.Tiers = slices.DeleteFunc(tiers, func(t pipeline.Tier) bool {
		return slices.ContainsFunc(redactions, func(d pipeline.Redaction) bool { return d.Barred && !r.shows(t.Model, d.Kind) })
	})
	for _, d := range redactions {
		hidden := func(t pipeline.Tier) bool { return !r.shows(t.Model, d.Kind) }
		if !slices.ContainsFunc(p.Tiers, hidden) {
			continue
		}
		// Two kinds of the same bytes have one placeholder.
		if n := len(p.Replacements) - 1; n < 0 || p.Replacements[n] != d.Replacement {
			p.Replacements = append(p.Replacements, d.Replacement)
		}
	}
	return p
}

// shows says whether a model may see a kind of personal data as it is.
func (r *Router) shows(model, kind string) bool {
	sees := r.backends[model].Sees
	return sees != nil && sees(kind)
}

// barred returns the kinds that a backend must be allowed to see to have the request, sorted.
func barred(redactions []pipeline.Redaction) []string {
	var kinds []string
	for _, d := range redactions {
		if d.Barred && !slices.Contains(kinds, d.Kind) {
			kinds = append(kinds, d.Kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// hidden is what somebody may not see who may see no personal data.
func hidden(redactions []pipeline.Redaction) []pipeline.Replacement {
	var out []pipeline.Replacement
	for _, d := range redactions {
		out = append(out, d.Replacement)
	}
	return out
}

// redacted is the part of a note that says so.
func redacted(p pipeline.Plan) string {
	if len(p.Replacements) == 0 {
		return ""
	}
	return ", redacted"
}
