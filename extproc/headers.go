package extproc

import (
	"bytes"

	"github.com/mom-router/mom/pkg/cot"
)

// Header names of ours, section "HTTP contract" of docs/http.md.
const (
	headerDecision = "x-mom-decision" // towards Envoy's routes it is always "route"; towards the client the decision's name
	headerStream   = "x-mom-stream"
	headerDomain   = "x-mom-domain"
	headerModel    = "x-mom-model"
	headerGuard    = "x-mom-guard"
	headerTier     = "x-mom-tier"
	headerCache    = "x-mom-cache"
	headerSimilar  = "x-mom-cache-similarity"
	headerTrial    = "x-mom-experiment"
	headerDegraded = "x-mom-degraded"
	headerCOT      = cot.Header
)

// prefixes of the headers that only this filter may set, so that neither a client nor a backend can speak in our name.
var prefixes = [...][]byte{[]byte("x-mom-"), []byte("x-vsr-"), []byte("x-router-"), []byte(headerCOT)}

// ours reports whether a header (lower case) is one of ours.
func ours(name []byte) bool {
	for _, p := range prefixes {
		if bytes.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// header is one header to set.
type header struct{ name, value string }

// strip lists the headers of ours that the other side sent, but for those in keep, which a set overwrites anyway.
func strip(headers []field, keep []header) []string {
	var names []string
next:
	for _, h := range headers {
		if !ours(h.name) {
			continue
		}
		for _, k := range keep {
			if k.name == string(h.name) {
				continue next
			}
		}
		names = append(names, string(h.name))
	}
	return names
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
