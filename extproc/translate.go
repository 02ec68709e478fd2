package extproc

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
	"google.golang.org/protobuf/encoding/protowire"
)

// passOn answers the request headers: wait for the body, with the client's copies of our headers gone and the counters' defaults written.
func passOn(r *reply, headers []field) {
	h := r.open(replyRequestHeaders)
	common := r.open(responseCommon)
	r.headers(commonHeaders, nil, strip(headers, nil))
	r.close(common)
	r.close(h)
	metadata := r.open(replyMetadata)
	unknownStats.write(r, 0)
	r.close(metadata)
}

// immediate ends the request with a reply of ours, and with more headers than its own.
func immediate(r *reply, p *pipeline.Reply, more []header, s stats, took time.Duration) {
	writeImmediate(r, p, more)
	metadata := r.open(replyMetadata)
	s.write(r, took)
	r.close(metadata)
}

func writeImmediate(r *reply, p *pipeline.Reply, more []header) {
	sets := append(make([]header, 0, len(p.Headers)+len(more)), more...)
	for name, v := range p.Headers {
		sets = append(sets, header{name, v})
	}
	slices.SortFunc(sets, func(a, b header) int { return cmp.Compare(a.name, b.name) })
	i := r.open(replyImmediate)
	status := r.open(immediateStatus)
	r.integer(statusCode, uint64(p.Status)) //nolint:gosec // 200..599
	r.close(status)
	r.headers(immediateHeaders, sets, nil)
	r.bytes(immediateBody, p.Body)
	r.text(immediateD, p.Details)
	r.close(i)
}

// replied classifies a reply of ours for the counters.
func replied(r *pipeline.Reply, otherwise, guard string) stats {
	s := unknownStats
	s.guard = guard
	switch {
	case r.Status >= 500:
		s.decision = statError
	case r.Status >= 400:
		s.decision = statBadRequest
	default:
		s.decision = otherwise
	}
	return s
}

// forward answers the request body with everything Envoy needs to proxy it, in one reply: the decision header that the routes to backends
// require, the plan, the body of attempt 1 and the splices for the later ones.
func forward(r *reply, body *chat.Body, plan *pipeline.Plan, s stats, took time.Duration, reads bool) {
	sets := make([]header, 0, 5)
	sets = append(sets, header{headerDecision, "route"}, header{headerStream, strconv.FormatBool(body.Request.Stream)},
		header{headerDomain, s.domain}, header{headerModel, s.model})
	for _, h := range plan.Headers {
		sets = append(sets, header{h.Name, h.Value})
	}
	var bytes []byte
	if edits := plan.Tiers[0].Edits; len(edits)+len(plan.Replacements) > 0 {
		bytes = body.Apply(edits, plan.Replacements...)
		// Envoy refuses a mutated body whose length is not the header's; without one it would send chunks, which many model servers refuse.
		sets = append(sets, header{"content-length", strconv.Itoa(len(bytes))})
	}
	var removes []string
	if reads { // what is compressed nobody here can read
		removes = []string{"accept-encoding"}
	}
	r.grow(1024 + len(bytes))
	b := r.open(replyRequestBody)
	common := r.open(responseCommon)
	r.headers(commonHeaders, sets, removes)
	if bytes != nil {
		mutation := r.open(commonBody)
		r.bytes(bodyBytes, bytes)
		r.close(mutation)
	}
	r.integer(commonClearRoute, 1)
	r.close(common)
	r.close(b)
	metadata := r.open(replyMetadata)
	s.write(r, took)
	writeRoute(r, plan)
	if len(plan.Tiers) > 1 {
		writeTiers(r, body, plan)
	}
	r.close(metadata)
}

// annotate answers the response headers: what a backend said in our name goes, and so do the headers in removes; what we have to say comes.
// output is for the counters, "" when nothing is known of the answer.
func (g *Gateway) annotate(r *reply, a *ask, plan *pipeline.Plan, guard guarded, memory pipeline.Recalled, removes []string, output string) {
	answered := answeredBy(a, plan)
	sets := g.reasons(plan, answered, guard, memory)
	if finalError(a.headers) {
		// Envoy has already tried every backend of the plan; an SDK's own retries would only multiply the load.
		sets = append(sets, header{"x-should-retry", "false"})
	}
	h := r.open(replyResponseHeaders)
	common := r.open(responseCommon)
	r.headers(commonHeaders, sets, append(removes, strip(a.headers, sets)...))
	r.close(common)
	r.close(h)
	if answered > 0 || output != "" {
		metadata := r.open(replyMetadata)
		o := r.object(nsStats)
		if answered > 0 {
			// The counters were told the first choice; this key of theirs is overwritten, the others stay.
			r.textEntry("model", g.backend(plan.Tiers[answered].Model))
		}
		if output != "" {
			r.textEntry("output", output)
		}
		r.endObject(o)
		r.close(metadata)
	}
}

// reasons are the headers that tell the client why the tier numbered answered (from 0) served the request.
func (g *Gateway) reasons(plan *pipeline.Plan, answered int, guard guarded, memory pipeline.Recalled) []header {
	if g.Expose == ExposeNone {
		return nil
	}
	sets := make([]header, 0, 14)
	trail := cot.FromPlan(*plan, answered)
	trail.Guard = guard.cot()
	if memory.State == pipeline.RecallMiss {
		trail.Memory = &cot.Memory{}
	}
	if line := trail.String(); line != "" { // a named model without a guard went through no stage worth telling
		sets = append(sets, header{headerCOT, line})
	}
	if g.Expose == ExposeCOT {
		return sets
	}
	sets = append(sets, guard.headers()...)
	if memory.State != "" {
		sets = append(sets, header{headerCache, memory.State})
	}
	model, decision := ascii(plan.Tiers[answered].Model), ascii(plan.Decision)
	sets = append(sets,
		header{headerDecision, decision}, header{headerModel, model},
		header{"x-router-route", decision}, header{"x-router-model", model},
		header{"x-vsr-selected-decision", decision}, header{"x-vsr-selected-model", model})
	if plan.Domain != "" {
		sets = append(sets, header{headerDomain, ascii(plan.Domain)}, header{"x-vsr-selected-category", ascii(plan.Domain)})
	}
	switch reasoning := plan.Tiers[answered].Reasoning; {
	case reasoning.Thinks():
		sets = append(sets, header{"x-vsr-selected-reasoning", "on"})
	case reasoning == pipeline.Off:
		sets = append(sets, header{"x-vsr-selected-reasoning", "off"})
	}
	if plan.Tiers[answered].Optimized {
		sets = append(sets, header{"x-vsr-injected-system-prompt", "true"})
	}
	if plan.By != pipeline.ByClient {
		sets = append(sets, header{headerTier, string(plan.By)})
	}
	if plan.Experiment.ID != "" {
		sets = append(sets, header{headerTrial, ascii(plan.Experiment.ID + ";arm=" + plan.Experiment.Arm)})
	}
	if plan.Degraded != "" {
		sets = append(sets, header{headerDegraded, ascii(plan.Degraded)})
	}
	return sets
}

// answeredBy is the index of the tier that Envoy's last attempt went to. When it does not say, it is the first.
func answeredBy(a *ask, plan *pipeline.Plan) int {
	return max(min(a.attempts, len(plan.Tiers)), 1) - 1
}

// statusOf returns the status of response headers, 0 where there is none.
func statusOf(headers []field) int {
	for _, h := range headers {
		if string(h.name) == ":status" {
			status, _ := strconv.Atoi(string(h.value))
			return status
		}
	}
	return 0
}

// finalError reports an upstream failure that an SDK would retry, unless the backend itself said what it wants.
func finalError(headers []field) bool {
	status := 0
	for _, h := range headers {
		switch string(h.name) {
		case ":status":
			status, _ = strconv.Atoi(string(h.value))
		case "x-should-retry":
			return false
		}
	}
	return status >= 500 || status == 429
}

// answers is the field of the reply in kind to each message.
var answers = [...]protowire.Number{
	askRequestHeaders: replyRequestHeaders, askRequestBody: replyRequestBody, askRequestTrailers: replyRequestTrailers,
	askResponseHeaders: replyResponseHeaders, askResponseBody: replyResponseBody, askResponseTrailers: replyResponseTrailers,
}

// plain answers a message of any kind with "go on" in its own kind; a message that is of none wants no answer.
func plain(r *reply, a *ask) {
	if a.kind != 0 {
		r.close(r.open(answers[a.kind]))
	}
}
