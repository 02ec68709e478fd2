package route

import (
	"fmt"
	"slices"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/signal"
)

// Lacks is what a backend cannot do; the zero value lacks nothing.
type Lacks struct{ Tools, Images, JSON bool }

// misfit says why a backend is not for a request; the later ones are the better reasons to tell.
type misfit uint8

const (
	fit misfit = iota
	tooLong
	needsJSON
	needsImages
	needsTools
	unseen      // it may not see what the request holds
	unpermitted // the tenant may not have it
)

// fits says whether a backend can answer: whether it can do what is asked, and holds the prompt. An answer has to fit beside it, but how long that gets
// nobody knows.
func (r *Router) fits(model string, set *signal.Set) misfit {
	b := r.backends[model]
	needs := set.Request().Needs
	switch {
	case b.Lacks.Tools && needs.Tools > 0:
		return needsTools
	case b.Lacks.Images && needs.Images > 0:
		return needsImages
	case b.Lacks.JSON && needs.JSON:
		return needsJSON
	case b.Context > 0 && set.Tokens() > b.Context:
		return tooLong
	}
	return fit
}

// fitting returns the plan without the tiers whose backends cannot answer, maybe without any, and the best reason for one that is gone.
func (r *Router) fitting(p pipeline.Plan, set *signal.Set) (pipeline.Plan, misfit) {
	why := fit
	for _, t := range p.Tiers {
		why = max(why, r.fits(t.Model, set))
	}
	if why == fit {
		return p, fit
	}
	tiers := slices.Clone(p.Tiers) // plans share theirs
	p.Tiers = slices.DeleteFunc(tiers, func(t pipeline.Tier) bool { return r.fits(t.Model, set) != fit })
	return p, why
}

// unfit answers a request that no backend in question can answer: the next one could not either, and the client may do something about it.
func (r *Router) unfit(why misfit, set *signal.Set) pipeline.Outcome {
	o := pipeline.Outcome{Verdict: pipeline.Block}
	refuse := func(code, param, message string) {
		o.Reply = chat.ErrorReply(400, "invalid_request_error", code, param, message, nil)
	}
	switch why {
	case needsTools:
		o.Note = "needs tools, which no model of the plan has"
		refuse("unsupported_parameter", "tools", "No model that this request can go to supports tools.")
	case needsImages:
		o.Note = "needs images, which no model of the plan reads"
		refuse("unsupported_content", "messages", "No model that this request can go to reads images.")
	case needsJSON:
		o.Note = "needs JSON, which no model of the plan promises"
		refuse("unsupported_parameter", "response_format", "No model that this request can go to supports this response format.")
	default:
		o.Note = fmt.Sprintf("about %d tokens, more than any model of the plan holds", set.Tokens())
		refuse("context_length_exceeded", "messages", fmt.Sprintf(
			"The messages have about %d tokens, and no model that this request can go to holds as many. Please shorten them.", set.Tokens()))
	}
	return o
}
