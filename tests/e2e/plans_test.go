package e2e_test

import (
	"fmt"
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
	wantTrail(t, a.header, "large-model", "2")
	wantClean(t, s.Large.Received()[0], "large-model")
	if n := len(s.Small.Received()); n != 0 {
		t.Errorf("the removed host got %d requests", n)
	}
}

// TestUnknownCluster: a plan that Envoy cannot follow ends in an error, not at some other backend.
func TestUnknownCluster(t *testing.T) {
	s := stack.Start(t, stack.Options{Config: strings.Replace(stack.Config, "cluster: small", "cluster: nowhere", 1)})
	chat(t, s, good).wantFault(t, http.StatusServiceUnavailable, "gateway_error")
	wantUntouched(t, s)
	if a := chat(t, s, body("large-model", "hi")); a.status != http.StatusOK {
		t.Errorf("the other backend: status %d: %s", a.status, a.body)
	}
}

// TestHostedBackend follows the instructions that envoy.yaml gives for a backend with a key, and sees that the key goes there and nowhere else.
func TestHostedBackend(t *testing.T) {
	const key = "sk-of-large"
	s := stack.Start(t, stack.Options{
		Config: strings.Replace(stack.Config, "models: [small-model, large-model]", "models: [large-model, small-model]", 1),
		Envoy: func(yaml string) string {
			from := strings.Index(yaml, "  #   typed_extension_protocol_options:")
			to := strings.Index(yaml, "  - name: small\n")
			if from < 0 || to < from {
				t.Fatal("envoy.yaml no longer says how to add a hosted backend")
			}
			chain := strings.ReplaceAll(strings.ReplaceAll("\n"+yaml[from:to], "\n  # ", "\n  "), "NAME", "large")
			at := strings.Index(yaml, "  - name: large\n") + len("  - name: large\n")
			yaml = yaml[:at] + chain[1:] + yaml[at:]
			secret := fmt.Sprintf("  secrets: [{name: large_key, generic_secret: {secret: {inline_string: %s}}}]\n", key)
			return strings.Replace(yaml, "static_resources:\n", "static_resources:\n"+secret, 1)
		},
	})
	s.Large.Play(stack.Status(503))
	s.Small.Play(stack.Status(500), stack.Answer("s"))
	a := chat(t, s, good, with("authorization", "Bearer sk-of-the-client"))
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	wantTrail(t, a.header, "small-model", "3")
	large, small := s.Large.Received(), s.Small.Received()
	if len(large) != 1 || len(small) != 2 {
		t.Fatalf("large got %d, small %d requests; want 1, 2", len(large), len(small))
	}
	if got := large[0].Header.Values("authorization"); len(got) != 1 || got[0] != "Bearer "+key {
		t.Errorf("large got authorization %q, want its own key", got)
	}
	if large[0].Model() != "large-model" {
		t.Errorf("large got model %q", large[0].Model())
	}
	for _, got := range small {
		wantClean(t, got, "small-model") // neither large's key nor the client's
	}
}
