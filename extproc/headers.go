package extproc

import (
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
)

// Header names of ours, section "HTTP contract" of docs/http.md.
const (
	headerDecision = "x-mom-decision" // towards Envoy's routes it is always "route"; towards the client the decision's name
	headerStream   = "x-mom-stream"
	headerDomain   = "x-mom-domain"
	headerModel    = "x-mom-model"
	headerTier     = "x-mom-tier"
	headerDegraded = "x-mom-degraded"
	headerCOT      = "x-vllm-semantic-router-cot"
)

// ours reports whether a header (lower case) is one that only this filter may set, so that neither a client nor a backend can speak in our name.
func ours(name string) bool {
	return strings.HasPrefix(name, "x-mom-") || strings.HasPrefix(name, "x-vsr-") || strings.HasPrefix(name, "x-router-") ||
		strings.HasPrefix(name, headerCOT)
}

// header is one header to set.
type header struct{ name, value string }

// strip lists the headers of ours that the other side sent, but for those in keep, which a set overwrites anyway.
func strip(headers *corev3.HeaderMap, keep []header) []string {
	var names []string
next:
	for _, h := range headers.GetHeaders() {
		if !ours(h.GetKey()) {
			continue
		}
		for _, k := range keep {
			if k.name == h.GetKey() {
				continue next
			}
		}
		names = append(names, h.GetKey())
	}
	return names
}

// value is a header's content, whichever of the two fields Envoy used.
func value(h *corev3.HeaderValue) string {
	if raw := h.GetRawValue(); raw != nil {
		return string(raw)
	}
	return h.GetValue()
}

// ascii makes s fit for a header that anyone may decode: printable ASCII, at most 256 bytes, anything else an underscore.
func ascii(s string) string {
	const most = 256
	clean := len(s) <= most
	for i := 0; clean && i < len(s); i++ {
		clean = s[i] >= ' ' && s[i] <= '~'
	}
	if clean {
		return s
	}
	out := make([]byte, 0, min(len(s), most))
	for _, r := range s {
		if len(out) == most {
			break
		}
		if r < ' ' || r > '~' {
			r = '_'
		}
		out = append(out, byte(r))
	}
	return string(out)
}
