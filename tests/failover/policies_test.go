package failover_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
)

// ruled is a mom.yaml with a policy beside the rules of its own.
const ruled = stack.Config + `policies:
  support: {default: {models: [larger-model]}}
`

// byHost adds routes for two hosts before the one of everybody: one selects a policy that is there, the other one that is not.
func byHost(yaml string) string {
	const first = "              - name: mom_undecided\n"
	route := func(host, policy string) string {
		return `              - name: mom_undecided_` + policy + `
                match: {prefix: /, headers: [{name: ":authority", string_match: {exact: ` + host + `}}]}
                route: {cluster: mom_undecided, timeout: 1s}
                typed_per_filter_config:
                  mom.ext_proc: {"@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute, overrides: {grpc_initial_metadata: [{key: mom-policy, value: ` + policy + `}]}}
`
	}
	return strings.Replace(yaml, first, route("support.example", "support")+route("sales.example", "sales")+first, 1)
}

// TestAnEnvoyRouteSelectsThePolicy and nothing that a client sends does.
func TestAnEnvoyRouteSelectsThePolicy(t *testing.T) {
	s := stack.Start(t, stack.Options{Config: ruled, Envoy: byHost})
	forged := map[string]string{
		"mom-policy": "support", "x-mom-policy": "support", "grpc-metadata-mom-policy": "support", "x-envoy-mom-policy": "support", "te": "trailers",
		"x-forwarded-host": "support.example", "x-original-host": "support.example", "host-policy": "support",
	}
	for _, c := range []struct {
		name, host string
		headers    map[string]string
		want       string
	}{
		{"no route selects one", "mom.example", nil, "200 small-model"},
		{"the route of the host does", "support.example", nil, "200 larger-model"},
		{"a client that forges all it can does not", "mom.example", forged, "200 small-model"},
		{"nor does it leave one so", "support.example", map[string]string{"mom-policy": "sales", "x-mom-policy": ""}, "200 larger-model"},
		{"one that nobody has is refused", "sales.example", nil, "503 "},
		{"and so it is for who forges another", "sales.example", forged, "503 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Small.Play(stack.Answer("from small"))
			s.Large.Play(stack.Answer("from large"))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(`{"model":"MoM","messages":[{"role":"user","content":"hi"}]}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			req.Header.Set("content-type", "application/json")
			for name, value := range c.headers {
				req.Header.Set(name, value)
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("x-mom-model")); got != c.want {
				t.Errorf("%s, want %s: %s", got, c.want, text)
			}
			if n := len(s.Small.Received()) + len(s.Large.Received()); (n == 1) != (resp.StatusCode == 200) {
				t.Errorf("status %d, and %d requests at backends", resp.StatusCode, n)
			}
		})
	}
}
