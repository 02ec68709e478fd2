package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
)

// TestTierWithoutHosts: a cluster that lost its last host costs an attempt, not the request.
func TestTierWithoutHosts(t *testing.T) {
	s := stack.Start(t, stack.Options{Envoy: func(yaml string) string {
		at := strings.Index(yaml, "cluster_name: small")
		head, rest := yaml[:at], yaml[at:]
		from := strings.Index(rest, "lb_endpoints: [{endpoint")
		to := from + strings.Index(rest[from:], "\n")
		return head + rest[:from] + "lb_endpoints: []}" + rest[to:]
	}})
	a := chat(t, s, good)
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	wantTrail(t, a.header, "larger-model", "2")
	wantClean(t, s.Large.Received()[0], "larger-model")
	if n := len(s.Small.Received()); n != 0 {
		t.Errorf("the removed host got %d requests", n)
	}
}

// TestUnknownCluster: a plan that Envoy cannot follow ends in an error, not at some other backend.
func TestUnknownCluster(t *testing.T) {
	s := stack.Start(t, stack.Options{Config: strings.Replace(stack.Config, "cluster: small", "cluster: nowhere", 1)})
	chat(t, s, good).wantFault(t, http.StatusServiceUnavailable, "gateway_error")
	wantUntouched(t, s)
	if a := chat(t, s, body("larger-model", "hi")); a.status != http.StatusOK {
		t.Errorf("the other backend: status %d: %s", a.status, a.body)
	}
}
