package extproc

import (
	"sort"
	"strconv"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
	"google.golang.org/protobuf/types/known/structpb"
)

// passOn answers the request headers: wait for the body, with the client's copies of our headers gone and the counters' defaults written.
func passOn(headers *corev3.HeaderMap) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{
		Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{
			Response: &extprocv3.CommonResponse{HeaderMutation: mutation(nil, strip(headers, nil))},
		}},
		DynamicMetadata: &structpb.Struct{Fields: object{nsStats: unknownStats.fields(0)}},
	}
}

// immediate ends the request with a reply of ours.
func immediate(r *pipeline.Reply, s stats, took time.Duration) *extprocv3.ProcessingResponse {
	sets := make([]*corev3.HeaderValueOption, 0, len(r.Headers))
	for name, v := range r.Headers {
		sets = append(sets, set(name, v))
	}
	sort.Slice(sets, func(i, j int) bool { return sets[i].Header.Key < sets[j].Header.Key })
	return &extprocv3.ProcessingResponse{
		Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: &extprocv3.ImmediateResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(r.Status)},
			Headers: mutation(sets, nil),
			Body:    r.Body,
			Details: r.Details,
		}},
		DynamicMetadata: &structpb.Struct{Fields: object{nsStats: s.fields(took)}},
	}
}

// replied classifies a reply of ours for the counters.
func replied(r *pipeline.Reply, otherwise string) stats {
	s := unknownStats
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
func forward(body *chat.Body, plan *pipeline.Plan, s stats, took time.Duration) *extprocv3.ProcessingResponse {
	sets := make([]*corev3.HeaderValueOption, 0, 5)
	sets = append(sets,
		set(headerDecision, "route"),
		set(headerStream, strconv.FormatBool(body.Request.Stream)),
		set(headerDomain, s.domain),
		set(headerModel, s.model))
	common := &extprocv3.CommonResponse{ClearRouteCache: true}
	if edits := plan.Tiers[0].Edits; len(edits) > 0 {
		bytes := body.Apply(edits)
		common.BodyMutation = &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: bytes}}
		// Envoy refuses a mutated body whose length is not the header's; without one it would send chunks, which many model servers refuse.
		sets = append(sets, set("content-length", strconv.Itoa(len(bytes))))
	}
	common.HeaderMutation = mutation(sets, nil)
	metadata := object{nsStats: s.fields(took), nsRoute: route(plan)}
	if len(plan.Tiers) > 1 {
		metadata[nsTiers] = tiers(body, plan)
	}
	return &extprocv3.ProcessingResponse{
		Response:        &extprocv3.ProcessingResponse_RequestBody{RequestBody: &extprocv3.BodyResponse{Response: common}},
		DynamicMetadata: &structpb.Struct{Fields: metadata},
	}
}

// annotate answers the response headers: what a backend said in our name goes, what we have to say comes.
func (g *Gateway) annotate(m *extprocv3.ProcessingRequest, headers *corev3.HeaderMap, plan *pipeline.Plan) *extprocv3.ProcessingResponse {
	sets := g.reasons(plan, answeredBy(m, plan))
	if finalError(headers) {
		// Envoy has already tried every backend of the plan; an SDK's own retries would only multiply the load.
		sets = append(sets, set("x-should-retry", "false"))
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{
		Response: &extprocv3.CommonResponse{HeaderMutation: mutation(sets, strip(headers, sets))},
	}}}
}

// reasons are the headers that tell the client why the tier numbered answered (from 0) served the request.
func (g *Gateway) reasons(plan *pipeline.Plan, answered int) []*corev3.HeaderValueOption {
	if g.Expose == ExposeNone {
		return nil
	}
	sets := make([]*corev3.HeaderValueOption, 0, 12)
	if trail := cot.FromPlan(*plan, answered).String(); trail != "" { // a named model went through no stage worth telling
		sets = append(sets, set(headerCOT, trail))
	}
	if g.Expose == ExposeCOT {
		return sets
	}
	model, decision := ascii(plan.Tiers[answered].Model), ascii(plan.Decision)
	sets = append(sets,
		set(headerDecision, decision), set(headerModel, model),
		set("x-router-route", decision), set("x-router-model", model),
		set("x-vsr-selected-decision", decision), set("x-vsr-selected-model", model))
	if plan.Domain != "" {
		sets = append(sets, set(headerDomain, ascii(plan.Domain)), set("x-vsr-selected-category", ascii(plan.Domain)))
	}
	switch plan.Reasoning {
	case pipeline.On:
		sets = append(sets, set("x-vsr-selected-reasoning", "on"))
	case pipeline.Off:
		sets = append(sets, set("x-vsr-selected-reasoning", "off"))
	case pipeline.AsAsked:
	}
	if plan.Degraded != "" {
		return append(sets, set(headerTier, "fallback"), set(headerDegraded, ascii(plan.Degraded)))
	}
	if plan.Decision != explicitDecision {
		sets = append(sets, set(headerTier, "mom"))
	}
	return sets
}

// explicitDecision names the plan of a model that the client chose itself.
const explicitDecision = "explicit"

// answeredBy is the index of the tier that Envoy's last attempt went to. Without the attribute it is the first.
func answeredBy(m *extprocv3.ProcessingRequest, plan *pipeline.Plan) int {
	for _, s := range m.GetAttributes() {
		if n := s.GetFields()["upstream.request_attempt_count"].GetNumberValue(); n >= 1 {
			return min(int(n), len(plan.Tiers)) - 1
		}
	}
	return 0
}

// finalError reports an upstream failure that an SDK would retry, unless the backend itself said what it wants.
func finalError(headers *corev3.HeaderMap) bool {
	status := 0
	for _, h := range headers.GetHeaders() {
		switch h.GetKey() {
		case ":status":
			status, _ = strconv.Atoi(value(h))
		case "x-should-retry":
			return false
		}
	}
	return status >= 500 || status == 429
}

// plain answers a message of any kind with "go on" in its own kind, or returns nil for a message that wants no answer.
func plain(m *extprocv3.ProcessingRequest) *extprocv3.ProcessingResponse {
	switch m.Request.(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{}}}
	case *extprocv3.ProcessingRequest_RequestBody:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: &extprocv3.BodyResponse{}}}
	case *extprocv3.ProcessingRequest_RequestTrailers:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: &extprocv3.TrailersResponse{}}}
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{}}}
	case *extprocv3.ProcessingRequest_ResponseBody:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: &extprocv3.BodyResponse{}}}
	case *extprocv3.ProcessingRequest_ResponseTrailers:
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: &extprocv3.TrailersResponse{}}}
	}
	return nil
}
