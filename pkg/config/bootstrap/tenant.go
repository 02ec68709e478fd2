package bootstrap

import (
	"slices"
	"strconv"
)

// jwt is the namespace of the filter that verifies JSON Web Tokens.
const jwt = "envoy.filters.http.jwt_authn"

// tenant looks whether what tells tenants apart reaches MoM, and whether Envoy verifies it. A request header is the word of whoever may set it, which no
// file shows.
func (k *comparison) tenant() {
	t := k.c.Recall.Tenant
	for _, f := range k.b.filters {
		if t.Namespace != "" && !holds(get(f.m, "metadata_options", "forwarding_namespaces", "untyped"), t.Namespace) {
			k.fault(f.path+".metadata_options.forwarding_namespaces.untyped", t.Namespace+" is missing: nobody would be a tenant (recall.tenant.metadata)")
		}
		if a := t.Attribute(); a != "" && !holds(f.m["request_attributes"], a) {
			k.fault(f.path+".request_attributes", a+" is missing: nobody would be a tenant (recall.tenant.san)")
		}
	}
	if t.Namespace == jwt && len(t.Path) > 0 {
		for _, m := range k.b.managers {
			k.tokens(m, t.Path[0])
		}
	}
	if t.SAN != "" {
		for _, c := range k.b.chains {
			k.certificates(c)
		}
	}
}

// tokens looks for the one provider of tokens that writes the payload, and whether it does so before MoM reads it.
func (k *comparison) tokens(manager node, payload string) {
	writers, late := 0, false
	seen := false // the external processor
	for _, f := range list(manager, "http_filters") {
		seen = seen || len(typed(f, processorType)) > 0
		for _, verifier := range typed(f, ".jwt_authn.v3.JwtAuthentication") {
			providers, _ := verifier.m["providers"].(map[string]any)
			for _, p := range providers {
				if m, ok := p.(map[string]any); ok && m["payload_in_metadata"] == payload {
					writers++
					late = late || seen
				}
			}
		}
	}
	at := join(manager.path, "http_filters")
	switch {
	case writers == 0:
		k.fault(at, "no provider of a JwtAuthentication filter has payload_in_metadata: "+payload+", so nobody would be a tenant (recall.tenant.metadata)")
	case writers > 1:
		k.fault(at, strconv.Itoa(writers)+" providers have payload_in_metadata: "+payload+": callers of two issuers could be one tenant (recall.tenant.metadata)")
	case late:
		k.fault(at, "the JwtAuthentication filter must stand before the external processor: else nobody is a tenant (recall.tenant.metadata)")
	}
}

// certificates looks whether the names in a client's certificate are more than its own word.
func (k *comparison) certificates(chain node) {
	at := join(chain.path, "transport_socket")
	socket, _ := chain.m["transport_socket"].(map[string]any)
	contexts := typed(node{path: at, m: socket}, ".DownstreamTlsContext")
	if len(contexts) == 0 {
		k.fault(at, "must be TLS that asks for the client's certificate: else nobody is a tenant (recall.tenant.san)")
	}
	for _, c := range contexts {
		common, _ := c.m["common_tls_context"].(map[string]any)
		combined, _ := common["combined_validation_context"].(map[string]any)
		switch {
		case common["validation_context_sds_secret_config"] != nil || combined["validation_context_sds_secret_config"] != nil: // not in this file
		case !verifies(common["validation_context"]) && !verifies(combined["default_validation_context"]):
			k.fault(c.path+".common_tls_context.validation_context", "must have a trusted_ca, and no trust_chain_verification: ACCEPT_UNTRUSTED: "+
				"else a client's certificate may say what it likes (recall.tenant.san)")
		}
	}
}

// verifies says whether a validation context lets only certificates through that an authority signed.
func verifies(v any) bool {
	c, _ := v.(map[string]any)
	trust, set := c["trust_chain_verification"]
	return (c["trusted_ca"] != nil || c["ca_certificate_provider_instance"] != nil) && (!set || trust == "VERIFY_TRUST_CHAIN")
}

// holds says whether v is a list with s in it.
func holds(v any, s string) bool {
	items, _ := v.([]any)
	return slices.Contains(items, any(s))
}
