package extproctest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
)

// field is one header line; its name is in lower case.
type field struct{ name, value string }

// fields are headers in order, pseudo headers among them. They are not changed in place.
type fields []field

func (f fields) get(name string) (string, bool) {
	for _, h := range f {
		if h.name == name {
			return h.value, true
		}
	}
	return "", false
}

func (f fields) without(name string) fields {
	return f.drop(func(n string) bool { return n == name })
}

func (f fields) drop(these func(name string) bool) fields {
	return slices.DeleteFunc(slices.Clone(f), func(h field) bool { return these(h.name) })
}

// with overwrites: every line of the name goes, one comes.
func (f fields) with(name, value string) fields { return append(f.without(name), field{name, value}) }

// proto is the headers as Envoy sends them: raw_value alone.
func (f fields) proto() *corev3.HeaderMap {
	m := &corev3.HeaderMap{Headers: make([]*corev3.HeaderValue, 0, len(f))}
	for _, h := range f {
		m.Headers = append(m.Headers, &corev3.HeaderValue{Key: h.name, RawValue: []byte(h.value)})
	}
	return m
}

func (f fields) http() http.Header {
	out := http.Header{}
	for _, h := range f {
		if !strings.HasPrefix(h.name, ":") {
			out.Add(h.name, h.value)
		}
	}
	return out
}

// owner says whose headers a mutation changes.
type owner string

const (
	ofRequest  owner = "request"
	ofResponse owner = "response"
	ofReply    owner = "ImmediateResponse"
)

// mutate applies a header mutation as Envoy does: removals first, then sets; what it may not touch is left out. ok is false where Envoy
// would refuse the whole reply.
func (p *play) mutate(of owner, f fields, m *extprocv3.HeaderMutation) (out fields, ok bool) {
	out, ok = f, true
	if m == nil {
		return out, ok
	}
	for _, name := range m.GetRemoveHeaders() {
		switch {
		case !token(name):
			p.violate("R5", "remove_headers names %q, not a lower-case token", name)
		case strings.HasPrefix(name, ":"), name == "host", !p.set.Mutable.MatchString(name):
			p.violate("R6", "remove_headers names %s, which a filter may not remove", name)
		default:
			out = out.without(name)
		}
	}
	for _, o := range m.GetSetHeaders() {
		name, value := o.GetHeader().GetKey(), string(o.GetHeader().GetRawValue())
		switch {
		case !token(name):
			p.violate("R5", "set_headers names %q, not a lower-case token", name)
			continue
		case o.GetHeader().GetValue() != "" && value != "":
			p.violate("R3", "header %s has value and raw_value set, want raw_value alone", name)
			ok = false
			continue
		case o.GetHeader().GetValue() != "":
			p.violate("R3", "header %s has value set, want raw_value: it arrives empty", name)
		case value == "":
			p.violate("R3", "header %s has no raw_value: it arrives empty", name)
		case o.GetAppendAction() != 0:
			p.violate("R4", "header %s has append_action %v, which ext_proc ignores", name, o.GetAppendAction())
		case o.GetKeepEmptyValue():
			p.violate("R4", "header %s has keep_empty_value, which ext_proc ignores", name)
		case strings.ContainsFunc(value, func(r rune) bool { return r != '\t' && r < ' ' || r == 0x7f }):
			p.violate("R5", "header %s holds a control byte", name)
			ok = false
			continue
		}
		if why := p.forbidden(of, name, value, o.GetAppend().GetValue()); why != "" {
			p.violate("R6", "set_headers names %s: %s", name, why)
			continue
		}
		if o.GetAppend().GetValue() {
			out = append(slices.Clone(out), field{name, value})
		} else {
			out = out.with(name, value)
		}
	}
	const most, kib60 = 100, 60 << 10
	size := 0
	for _, h := range out {
		size += len(h.name) + len(h.value)
	}
	if len(out) > most || size > kib60 {
		p.violate("R21", "%d headers of %d bytes after the mutation of the %s, want at most %d and %d", len(out), size, of, most, kib60)
		ok = false
	}
	return out, ok
}

// forbidden says why Envoy's mutation rules refuse a set, or "".
func (p *play) forbidden(of owner, name, value string, appended bool) string {
	switch {
	case strings.HasPrefix(name, ":") && appended:
		return "a pseudo header cannot be appended to"
	case name == ":path" && of == ofRequest:
		return ""
	case name == ":status" && of == ofResponse:
		if n, err := strconv.Atoi(value); err != nil || n < 200 || n > 599 {
			return fmt.Sprintf("%q is no final status", value)
		}
		return ""
	case strings.HasPrefix(name, ":"), name == "host":
		return "it belongs to Envoy"
	case strings.HasPrefix(name, "x-envoy-"):
		return "x-envoy-* belongs to Envoy"
	case !p.set.Mutable.MatchString(name):
		return "mutation_rules do not allow it"
	}
	return ""
}

// token reports a lower-case header name, pseudo headers included.
func token(name string) bool {
	name = strings.TrimPrefix(name, ":")
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
