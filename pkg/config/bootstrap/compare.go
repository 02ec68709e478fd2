package bootstrap

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mom-router/mom/pkg/config"
)

// Compare returns everything in which the Envoy file and c do not fit together: a model without its cluster, too few retries for the
// longest plan, and whatever would let a request reach a backend without a verdict. Empty when they fit.
func (b *Bootstrap) Compare(c *config.Config) config.Faults {
	k := &comparison{b: b, c: c}
	k.clusters()
	if len(b.filters) == 0 {
		k.fault("", "no HTTP connection manager has an external processor (ext_proc) filter")
	}
	for _, f := range b.filters {
		k.filter(f)
	}
	for _, h := range b.hosts {
		k.host(h)
	}
	k.tenant()
	k.policies()
	return k.faults
}

type comparison struct {
	b      *Bootstrap
	c      *config.Config
	faults config.Faults
}

func (k *comparison) fault(path, message string) {
	k.faults = append(k.faults, config.Fault{File: k.b.file, Path: path, Message: message})
}

// clusters looks up what MoM will name. Envoy answers an unknown cluster with 503 and tries no other backend.
func (k *comparison) clusters() {
	names := k.b.Clusters()
	look := func(path, name string) {
		if name == "" || k.b.dynamic || slices.Contains(names, name) { // a name that could not be read is a fault already
			return
		}
		k.faults = append(k.faults, k.c.Fault(path, "Envoy has no cluster named %q%s", name, config.DidYouMean(name, names)))
	}
	for i, m := range k.c.Models {
		look("models["+strconv.Itoa(i)+"].cluster", m.Cluster)
	}
	if k.c.Passthrough != "" {
		look("unknown_models.passthrough", k.c.Passthrough)
	}
}

// filter looks at the external processor: what makes it fail open, and what it must hand on.
func (k *comparison) filter(f node) {
	if open, _ := f.m["failure_mode_allow"].(bool); open {
		k.fault(f.path+".failure_mode_allow", "must be false: a request would pass unseen while MoM is down")
	}
	wait := 200 * time.Millisecond // Envoy's default
	if s, ok := f.m["message_timeout"].(string); ok {
		wait, _ = time.ParseDuration(s)
	}
	if wait <= k.c.RequestTimeout {
		k.fault(f.path+".message_timeout", wait.String()+" is not longer than MoM's timeouts.request, "+k.c.RequestTimeout.String()+
			": Envoy would answer before MoM does")
	}
	if mode, _ := get(f.m, "processing_mode", "request_body_mode").(string); mode != "BUFFERED" {
		k.fault(f.path+".processing_mode.request_body_mode", "must be BUFFERED: MoM judges the whole body")
	}
	const guards = "else answers would pass unread (guard.output, guard.pii.restore)"
	switch {
	case k.c.Guard.Screens() || k.c.Guard.Restores():
		k.override(f, "STREAMED", guards)
	case k.c.Recall.Store != "":
		k.override(f, "STREAMED", "else no answer is remembered (recall)")
	}
	if k.c.Guard.Screens() && k.c.Guard.Output == "block" {
		k.override(f, "BUFFERED", guards)
	}
	k.headers(f)
	open := get(f.m, "metadata_options", "receiving_namespaces", "untyped")
	for _, ns := range []string{"mom.stats", "mom.route", "mom.tiers"} {
		if !holds(open, ns) {
			k.fault(f.path+".metadata_options.receiving_namespaces.untyped", ns+" is missing: Envoy would drop what MoM writes there")
		}
	}
}

// headers looks whether MoM may set the headers that decisions name. Envoy drops what it may not, and counts it.
func (k *comparison) headers(f node) {
	text, _ := get(f.m, "mutation_rules", "allow_expression", "regex").(string)
	if text == "" {
		return // whoever allows nothing in particular has rules of another kind
	}
	allowed, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		return // Envoy will say so
	}
	look := func(path string, c config.Choice) {
		for _, h := range c.Headers {
			if !allowed.MatchString(h.Name) {
				k.faults = append(k.faults, k.c.Fault(path+".headers."+h.Name, "Envoy's mutation_rules do not let MoM set it: %s", text))
			}
		}
	}
	for path, rules := range k.c.Everywhere() {
		look(path+".default", rules.Default)
		for i, d := range rules.Decisions {
			look(path+".decisions["+strconv.Itoa(i)+"]", d.Choice)
		}
	}
}

// policies looks whether every policy that a route selects is there: of another MoM answers 503.
func (k *comparison) policies() {
	for _, n := range k.b.routes {
		for i, m := range list(n, "overrides", "grpc_initial_metadata") {
			name, _ := m.m["value"].(string)
			if m.m["key"] != "mom-policy" || slices.ContainsFunc(k.c.Policies, func(p config.Policy) bool { return p.Name == name }) {
				continue
			}
			var names []string
			for _, p := range k.c.Policies {
				names = append(names, p.Name)
			}
			k.fault(n.path+".overrides.grpc_initial_metadata["+strconv.Itoa(i)+"].value", fmt.Sprintf("MoM has no policy named %q%s", name, config.DidYouMean(name, names)))
		}
	}
}

// override looks whether MoM may ask for the response's body in a mode. Envoy passes over what it does not allow, silently, and compares its list by every
// field but the first.
func (k *comparison) override(f node, mode, reason string) {
	if on, _ := f.m["allow_mode_override"].(bool); !on {
		k.fault(f.path+".allow_mode_override", "must be true: "+reason)
		return
	}
	const modes = "allowed_override_modes"
	if f.m[modes] == nil || slices.ContainsFunc(list(f, modes), func(n node) bool {
		request, there := n.m["request_body_mode"]
		return n.m["response_body_mode"] == mode && (!there || request == "NONE") && n.m["response_header_mode"] == "SEND" &&
			n.m["request_trailer_mode"] == "SKIP" && n.m["response_trailer_mode"] == "SKIP"
	}) {
		return
	}
	k.fault(f.path+"."+modes, "must list {request_header_mode: SEND, request_body_mode: NONE, request_trailer_mode: SKIP, response_header_mode: SEND, "+
		"response_body_mode: "+mode+", response_trailer_mode: SKIP}: "+reason)
}

// chat is the path whose route decides where an undecided request goes.
const chat = "/v1/chat/completions"

// host looks at the routes of a virtual host, in order.
func (k *comparison) host(h node) {
	routes := list(h, "routes")
	first := slices.IndexFunc(routes, func(r node) bool {
		if len(list(r, "match", "headers")) > 0 {
			return false
		}
		prefix, isPrefix := get(r.m, "match", "prefix").(string)
		return isPrefix && strings.HasPrefix(chat, prefix) || get(r.m, "match", "path") == chat
	})
	if first < 0 || !k.leadsNowhere(routes[first]) {
		at := h.path + ".routes"
		if first >= 0 {
			at = routes[first].path
		}
		k.fault(at, "a chat request without a decision must lead to a cluster without endpoints (route: {cluster: ...}), so that nothing passes unseen")
	}
	for i, r := range routes {
		if _, forwards := r.m["route"].(map[string]any); !forwards || k.leadsNowhere(r) || i == first {
			continue
		}
		if !slices.ContainsFunc(list(r, "match", "headers"), isDecided) {
			k.fault(r.path+".match", "leads to a backend, so it must require the header x-mom-decision: route")
		}
		k.retries(h, r)
	}
}

// leadsNowhere says whether a route is to a cluster that surely has no endpoint.
func (k *comparison) leadsNowhere(r node) bool {
	name, _ := get(r.m, "route", "cluster").(string)
	return slices.ContainsFunc(k.b.clusters, func(c cluster) bool { return c.name == name && c.empty })
}

func isDecided(header node) bool {
	return header.m["name"] == "x-mom-decision" && header.m["invert_match"] != true &&
		(get(header.m, "string_match", "exact") == "route" || header.m["exact_match"] == "route")
}

// retries looks whether Envoy would walk the longest plan to its end.
func (k *comparison) retries(h, r node) {
	need := k.c.LongestPlan() - 1
	policy, ok := get(r.m, "route", "retry_policy").(map[string]any)
	at := r.path + ".route.retry_policy"
	if !ok {
		if policy, ok = h.m["retry_policy"].(map[string]any); ok {
			at = h.path + ".retry_policy"
		}
	}
	have := 0
	if ok {
		have = 1 // Envoy's default
		switch n := policy["num_retries"].(type) {
		case uint64:
			have = int(min(n, 1<<20))
		case int64:
			have = int(n)
		}
	}
	switch {
	case have < need:
		k.fault(at+".num_retries", "the longest plan has "+strconv.Itoa(need+1)+" models, so it must be at least "+strconv.Itoa(need)+", is "+strconv.Itoa(have))
	case need > 0 && policy["refresh_cluster_on_retry"] != true:
		k.fault(at+".refresh_cluster_on_retry", "must be true: a retry would stay on the first model of the plan")
	}
}
