package bootstrap_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/config/bootstrap"
)

const host = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0]"
const selects = `typed_per_filter_config: {mom: {"@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute, overrides: {grpc_initial_metadata: [{key: mom-policy, value: support}]}}}`
const filter = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config"

func TestCompare(t *testing.T) {
	data, err := os.ReadFile("testdata/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const two = "models: [{name: small}, {name: large}]\n"
	for _, tc := range []struct{ name, mom, old, changed, want string }{
		{"they fit", two, "", "", ""},
		{"a model without its cluster", "models:\n- {name: small}\n- {name: big, cluster: lagre}\n", "", "",
			`mom.yaml:3: models[1].cluster: Envoy has no cluster named "lagre"; did you mean "large"?`},
		{"a passthrough without its cluster", two + "unknown_models: {passthrough: legacy}\n", "", "",
			`mom.yaml:2: unknown_models.passthrough: Envoy has no cluster named "legacy"`},
		{"clusters that come over xDS cannot be missed", two + "unknown_models: {passthrough: legacy}\n", "admin:", "dynamic_resources: {cds_config: {ads: {}}}\nadmin:", ""},
		{"a plan of three with one retry", "models: [{name: small}, {name: large}, {name: s2, cluster: small}]\n", "", "",
			"envoy.yaml: " + host + ".routes[1].route.retry_policy.num_retries: the longest plan has 3 models, so it must be at least 2, is 1\n" +
				"envoy.yaml: " + host + ".routes[2].route.retry_policy.num_retries: the longest plan has 3 models, so it must be at least 2, is 1"},
		{"a route without a retry policy", two, "retry_policy: *retry", "timeout: 0s",
			"envoy.yaml: " + host + ".routes[2].route.retry_policy.num_retries: the longest plan has 2 models, so it must be at least 1, is 0"},
		{"the virtual host's retry policy counts", two, "retry_policy: *retry\n              - match: {prefix: /}\n                route: {cluster: undecided}\n",
			"timeout: 0s\n              - match: {prefix: /}\n                route: {cluster: undecided}\n              retry_policy: {num_retries: 1, refresh_cluster_on_retry: true}\n", ""},
		{"retries that stay on the first model", two, "refresh_cluster_on_retry: true", "retry_on: 5xx",
			"envoy.yaml: " + host + ".routes[1].route.retry_policy.refresh_cluster_on_retry: must be true: a retry would stay on the first model of the plan\n" +
				"envoy.yaml: " + host + ".routes[2].route.retry_policy.refresh_cluster_on_retry: must be true: a retry would stay on the first model of the plan"},
		{"no retries are needed for one model", "models: [{name: small}]\n", "num_retries: 1", "num_retries: 0", ""},
		{"a catch-all that leads to a backend", two, "{cluster: undecided}", "{cluster: small}",
			"envoy.yaml: " + host + ".routes[3]: a chat request without a decision must lead to a cluster without endpoints (route: {cluster: ...}), so that nothing passes unseen"},
		{"a catch-all that answers directly", two, "route: {cluster: undecided}", "direct_response: {status: 503}",
			"envoy.yaml: " + host + ".routes[3]: a chat request without a decision must lead to a cluster without endpoints (route: {cluster: ...}), so that nothing passes unseen"},
		{"no catch-all", two, "match: {prefix: /}", "match: {prefix: /v2/}",
			"envoy.yaml: " + host + ".routes: a chat request without a decision must lead to a cluster without endpoints (route: {cluster: ...}), so that nothing passes unseen"},
		{"an undecided cluster that has an endpoint", two, "endpoints: []", "endpoints: [{lb_endpoints: [{endpoint: {}}]}]",
			"envoy.yaml: " + host + ".routes[3]: a chat request without a decision must lead to a cluster without endpoints (route: {cluster: ...}), so that nothing passes unseen"},
		{"a backend behind another header", two, "[{name: x-mom-decision, string_match: {exact: route}}]", "[{name: x-api-version, present_match: true}]",
			"envoy.yaml: " + host + ".routes[2].match: leads to a backend, so it must require the header x-mom-decision: route"},
		{"a backend behind the header's absence", two, "{name: x-mom-decision, string_match: {exact: route}}]}\n", "{name: x-mom-decision, string_match: {exact: route}, invert_match: true}]}\n",
			"envoy.yaml: " + host + ".routes[2].match: leads to a backend, so it must require the header x-mom-decision: route"},
		{"a filter that fails open", two, "failure_mode_allow: false", "failure_mode_allow: true",
			"envoy.yaml: " + filter + ".failure_mode_allow: must be false: a request would pass unseen while MoM is down"},
		{"an Envoy that waits less than MoM works", two + "timeouts: {request: 5s}\n", "", "",
			"envoy.yaml: " + filter + ".message_timeout: 5s is not longer than MoM's timeouts.request, 5s: Envoy would answer before MoM does"},
		{"Envoy's default of 200 ms", two, "message_timeout: 5s", "stat_prefix: x",
			"envoy.yaml: " + filter + ".message_timeout: 200ms is not longer than MoM's timeouts.request, 4s: Envoy would answer before MoM does"},
		{"a body in pieces", two, "BUFFERED", "STREAMED",
			"envoy.yaml: " + filter + ".processing_mode.request_body_mode: must be BUFFERED: MoM judges the whole body"},
		{"a header that Envoy lets MoM set", "models: [{name: small}]\nroute: {default: {models: [small], headers: {x-llm-priority: low}}}\n", "processing_mode:",
			"mutation_rules: {allow_expression: {regex: \"x-(mom|llm)-.*|age\"}}\n              processing_mode:", ""},
		{"a header that it does not", "models: [{name: small}]\nroute: {default: {models: [small], headers: {x-team: a}}}\n", "processing_mode:",
			"mutation_rules: {allow_expression: {regex: \"x-(mom|llm)-.*|age\"}}\n              processing_mode:",
			"mom.yaml:2: route.default.headers.x-team: Envoy's mutation_rules do not let MoM set it: x-(mom|llm)-.*|age"},
		{"a policy that is there", two + "policies: {support: {default: {models: [small]}}}\n", "                route: {cluster: undecided}",
			"                route: {cluster: undecided}\n                " + selects, ""},
		{"a policy that nobody has", two + "policies: {suport: {default: {models: [small]}}}\n", "                route: {cluster: undecided}",
			"                route: {cluster: undecided}\n                " + selects,
			"envoy.yaml: " + host + ".routes[3].typed_per_filter_config.mom.overrides.grpc_initial_metadata[0].value: MoM has no policy named \"support\"; did you mean \"suport\"?"},
		{"a namespace that is not let in", two, "mom.route, ", "",
			"envoy.yaml: " + filter + ".metadata_options.receiving_namespaces.untyped: mom.route is missing: Envoy would drop what MoM writes there"},
		{"answers that are read, and modes for it", two + "guard: {output: block}\n", "", "", ""},
		{"any mode is allowed", two + "guard: {output: block}\n", "allowed_override_modes:", "x:", ""},
		{"answers that nobody may read", two + "guard: {output: flag}\n", "allow_mode_override: true", "",
			"envoy.yaml: " + filter + ".allow_mode_override: must be true: else answers would pass unread (guard.output, guard.pii.restore)"},
		{"which is nobody's concern where none is read", two, "allow_mode_override: true", "", ""},
		{"answers that can only be read by chunks", two + "guard: {output: block}\n", "response_body_mode: BUFFERED", "response_body_mode: NONE",
			"envoy.yaml: " + filter + ".allowed_override_modes: must list {request_header_mode: SEND, request_body_mode: NONE, request_trailer_mode: SKIP, " +
				"response_header_mode: SEND, response_body_mode: BUFFERED, response_trailer_mode: SKIP}: else answers would pass unread (guard.output, guard.pii.restore)"},
		{"which is enough where nothing blocks", two + "guard: {output: flag}\n", "response_body_mode: BUFFERED", "response_body_mode: NONE", ""},
		{"a mode that Envoy would compare in vain", two + "guard: {pii: {types: {PERSON: redact}, restore: true}}\n", "response_header_mode: SEND, response_body_mode: STREAMED", "response_body_mode: STREAMED",
			"envoy.yaml: " + filter + ".allowed_override_modes: must list {request_header_mode: SEND, request_body_mode: NONE, request_trailer_mode: SKIP, " +
				"response_header_mode: SEND, response_body_mode: STREAMED, response_trailer_mode: SKIP}: else answers would pass unread (guard.output, guard.pii.restore)"},
		{"no filter at all", two, "ext_proc.v3.ExternalProcessor", "buffer.v3.Buffer",
			"envoy.yaml: no HTTP connection manager has an external processor (ext_proc) filter"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(string(data), tc.old) {
				t.Fatalf("the fixture holds no %q", tc.old)
			}
			b, err := bootstrap.Parse("envoy.yaml", []byte(strings.Replace(string(data), tc.old, tc.changed, 1)))
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse("mom.yaml", []byte(tc.mom))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, b.Compare(c).Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAFaultyConfigurationIsComparedAsFarAsItCouldBeRead(t *testing.T) {
	b, err := bootstrap.Load("testdata/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("mom.yaml", []byte("models: [{name: 7}, {name: lagre}]\n"))
	if err == nil {
		t.Fatal("a number was accepted as a name")
	}
	want := `mom.yaml:1: models[1].cluster: Envoy has no cluster named "lagre"; did you mean "large"?`
	if diff := cmp.Diff(want, b.Compare(c).Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestClustersAreListedInTheFilesOrder(t *testing.T) {
	b, err := bootstrap.Load("testdata/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"undecided", "small", "large"}, b.Clusters()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsNoBootstrapIsAFault(t *testing.T) {
	for in, want := range map[string]string{
		"models: [{name: small}]\n": "e.yaml: no Envoy bootstrap: it has no static_resources",
		"a: [\n":                    "e.yaml:1: not YAML: sequence end token ']' not found",
		"a: &a [*a]\n":              "e.yaml: no Envoy bootstrap: it has no static_resources",
		"- 1\n":                     "e.yaml:1: not YAML: sequence was used where mapping is expected",
	} {
		_, err := bootstrap.Parse("e.yaml", []byte(in))
		var faults config.Faults
		if !errors.As(err, &faults) || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
	if _, err := bootstrap.Load("testdata/absent.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: got %v", err)
	}
}
