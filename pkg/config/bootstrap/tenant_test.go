package bootstrap_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/config/bootstrap"
)

// TestTenantsAreVerified begins with an Envoy that verifies tokens and certificates and forwards what they say, and takes one thing away.
func TestTenantsAreVerified(t *testing.T) {
	data, err := os.ReadFile("testdata/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const (
		tokens = "          - name: jwt\n            typed_config:\n" +
			"              \"@type\": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication\n" +
			"              providers: {one: {payload_in_metadata: jwt_payload}}\n"
		behind = "              failure_mode_allow: false\n"
		chain  = "    - filters:\n"
		ca     = "validation_context: {trusted_ca: {filename: ca.pem}}"
		tls    = "    - transport_socket:\n        name: tls\n        typed_config:\n" +
			"          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext\n" +
			"          require_client_certificate: true\n          common_tls_context: {" + ca + "}\n      filters:\n"
		forwards = "forwarding_namespaces: {untyped: [envoy.filters.http.jwt_authn, another]}, "
		shows    = "              request_attributes: [connection.uri_san_peer_certificate]\n"
		socket   = "static_resources.listeners[0].filter_chains[0].transport_socket"
		http     = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters"
	)
	processor := strings.Replace(filter, "http_filters[0]", "http_filters[1]", 1)
	verifying := strings.NewReplacer(chain, tls, "          http_filters:\n", "          http_filters:\n"+tokens, "metadata_options: {", "metadata_options: {"+forwards,
		behind, behind+shows).Replace(string(data))
	const claim, san = "{metadata: {namespace: envoy.filters.http.jwt_authn, path: [jwt_payload, sub]}}", "{san: uri}"
	for _, tc := range []struct{ name, tenant, old, changed, want string }{
		{"a claim", claim, "", "", ""},
		{"a certificate", san, "", "", ""},
		{"a header, of which nobody can tell", "{header: x-tenant}", "", "", ""},
		{"metadata of a filter that nobody knows", "{metadata: {namespace: another, path: [tenant]}}", tokens, "", ""},
		{"a claim that is not forwarded", claim, forwards, "",
			processor + ".metadata_options.forwarding_namespaces.untyped: envoy.filters.http.jwt_authn is missing: nobody would be a tenant (recall.tenant.metadata)"},
		{"a claim of tokens that nobody verifies", claim, tokens, "          - {name: another}\n",
			http + ": no provider of a JwtAuthentication filter has payload_in_metadata: jwt_payload, so nobody would be a tenant (recall.tenant.metadata)"},
		{"a claim that is written elsewhere", claim, "payload_in_metadata: jwt_payload", "payload_in_metadata: other",
			http + ": no provider of a JwtAuthentication filter has payload_in_metadata: jwt_payload, so nobody would be a tenant (recall.tenant.metadata)"},
		{"a claim of two issuers", claim, "{one: {payload_in_metadata: jwt_payload}}", "{one: {payload_in_metadata: jwt_payload}, two: {payload_in_metadata: jwt_payload}}",
			http + ": 2 providers have payload_in_metadata: jwt_payload: callers of two issuers could be one tenant (recall.tenant.metadata)"},
		{"two issuers with a name each", claim, "{one: {payload_in_metadata: jwt_payload}}", "{one: {payload_in_metadata: jwt_payload}, two: {payload_in_metadata: other}}", ""},
		{"a claim that comes too late", claim, "  clusters:\n", "late\n",
			http + ": the JwtAuthentication filter must stand before the external processor: else nobody is a tenant (recall.tenant.metadata)"},
		{"a certificate that is not shown", san, shows, "",
			processor + ".request_attributes: connection.uri_san_peer_certificate is missing: nobody would be a tenant (recall.tenant.san)"},
		{"another name in it", "{san: dns}", "", "",
			processor + ".request_attributes: connection.dns_san_peer_certificate is missing: nobody would be a tenant (recall.tenant.san)"},
		{"no TLS", san, tls, chain, socket + ": must be TLS that asks for the client's certificate: else nobody is a tenant (recall.tenant.san)"},
		{"certificates that anybody signs", san, ca, "", socket + ".typed_config.common_tls_context.validation_context: must have a trusted_ca, and no " +
			"trust_chain_verification: ACCEPT_UNTRUSTED: else a client's certificate may say what it likes (recall.tenant.san)"},
		{"certificates that are not trusted", san, "{trusted_ca: {filename: ca.pem}}", "{trusted_ca: {filename: ca.pem}, trust_chain_verification: ACCEPT_UNTRUSTED}",
			socket + ".typed_config.common_tls_context.validation_context: must have a trusted_ca, and no " +
				"trust_chain_verification: ACCEPT_UNTRUSTED: else a client's certificate may say what it likes (recall.tenant.san)"},
		{"an authority that comes over xDS", san, ca, "validation_context_sds_secret_config: {name: ca}", ""},
		{"answers that cannot be read", claim, "allow_mode_override: true", "", processor + ".allow_mode_override: must be true: else no answer is remembered (recall)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(verifying, tc.old) {
				t.Fatalf("the file holds no %q", tc.old)
			}
			file := strings.Replace(verifying, tc.old, tc.changed, 1)
			if tc.changed == "late\n" { // the filter goes behind the other
				file = strings.Replace(strings.Replace(verifying, tokens, "", 1), tc.old, tokens+tc.old, 1)
			}
			b, err := bootstrap.Parse("envoy.yaml", []byte(file))
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse("mom.yaml", []byte("models: [{name: small}, {name: large}]\nrecall: {scope: tenant, tenant: "+tc.tenant+"}\n"))
			if err != nil {
				t.Fatal(err)
			}
			want := tc.want
			if want != "" {
				want = "envoy.yaml: " + want
			}
			if diff := cmp.Diff(want, b.Compare(c).Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
