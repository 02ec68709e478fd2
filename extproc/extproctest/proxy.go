package extproctest

import (
	"slices"
	"strconv"
	"strings"
)

// oursEarly are the headers that early_header_mutation_extensions removes from every request.
func oursEarly(name string) bool {
	return internal(name) || strings.HasPrefix(name, "x-ai-eg-") || strings.HasPrefix(name, "x-gateway-destination-endpoint") ||
		name == "x-selected-model" || name == "x-inference-provider"
}

// internal are the headers that the tier filter keeps from backends, and backends from clients.
func internal(name string) bool {
	for _, prefix := range []string{"x-mom-", "x-vsr-", "x-router-", "x-vllm-semantic-router-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func credential(name string) bool {
	return slices.Contains([]string{"authorization", "x-api-key", "api-key", "cookie"}, name)
}

// route reports whether the route table leads to backends. Without the decision every path leads to the cluster that has no endpoints.
func (p *play) route() bool {
	path, _ := p.head.get(":path")
	decision, _ := p.head.get("x-mom-decision")
	return decision == "route" && strings.HasPrefix(path, "/v1/")
}

// proxy is the router filter: the plan, one attempt after the other, and the response's way back.
func (p *play) proxy() {
	if !p.decided {
		p.res.Outcome, p.res.Details = Undecided, "no_healthy_upstream"
		p.respond(localReply(503), attributes("mom_undecided", 0))
		return
	}
	groups, edits := p.plan()
	p.res.Outcome = Forwarded
	for n := 1; ; n++ {
		cluster := groups[min(n, len(groups))-1]
		if cluster == "mom_undecided" || p.set.Clusters != nil && !slices.Contains(p.set.Clusters, cluster) {
			p.res.Details = "cluster_not_found" // terminal, whatever the plan goes on to say
			p.respond(localReply(503), attributes(cluster, n))
			return
		}
		up := p.attempt(n, cluster, edits)
		p.res.Attempts = append(p.res.Attempts, up)
		r := p.ask(up)
		if r.Status == 0 {
			r.Status = 200
		}
		failed := r.Reset || r.Status >= 500 || r.Status == 429
		switch {
		case failed && n <= p.set.NumRetries:
		case r.Reset:
			p.res.Details = "upstream_reset_before_response_started"
			p.respond(localReply(503), attributes(cluster, n))
			return
		default:
			p.respond(p.answer(r, n), attributes(cluster, n))
			return
		}
	}
}

// attempt is the request as it leaves for the n-th attempt. The attempts share one header map: what the tier filter removed stays removed.
func (p *play) attempt(n int, cluster string, edits [][]splice) Upstream {
	p.head = p.head.with("x-envoy-attempt-count", strconv.Itoa(n))
	if !p.set.Bare {
		p.head = p.head.drop(internal).drop(credential)
	}
	body := p.body
	if n > 1 && len(edits) > 0 && len(body) > 0 {
		for _, e := range edits[min(n, len(edits))-1] {
			body = e.apply(body)
		}
		p.head = p.head.with("content-length", strconv.Itoa(len(body)))
	}
	up := Upstream{Attempt: n, Cluster: cluster, Headers: p.head.http(), Body: slices.Clone(body)}
	up.Method, _ = p.head.get(":method")
	up.Path, _ = p.head.get(":path")
	return up
}

// answer is a backend's response as the filter is shown it.
func (p *play) answer(r Response, n int) *response {
	out := &response{status: r.Status, body: r.Body, cut: r.Cut, trailers: r.Trailers, head: fields{{":status", strconv.Itoa(r.Status)}}}
	for _, h := range r.Headers {
		if name := strings.ToLower(h[0]); p.set.Bare || !internal(name) {
			out.head = append(out.head, field{name, h[1]})
		}
	}
	if _, ok := out.head.get("content-type"); !ok && len(r.Body) > 0 {
		out.head = append(out.head, field{"content-type", "application/json"})
	}
	if _, ok := out.head.get("transfer-encoding"); !ok {
		out.head = out.head.with("content-length", strconv.Itoa(len(r.Body)))
	}
	out.head = append(out.head, field{"x-envoy-attempt-count", strconv.Itoa(n)})
	return out
}
