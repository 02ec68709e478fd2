package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Recall says whether earlier answers are given again, and to whom.
type Recall struct {
	Store string // memory; "" switches it off
	// Shared is true where everybody who may call is one tenant. Else TenantHeader names the request header, in lower case, that says who calls. Envoy
	// must set or verify it: whoever can choose its value can read that tenant's answers.
	Shared       bool
	TenantHeader string
	TTL          time.Duration // how long an answer may serve
	Bytes        int64         // of all answers
	TenantBytes  int64         // of those of one tenant
}

// recalling is a recall section that says nothing but that there is one.
func recalling() Recall {
	return Recall{Store: "memory", TTL: time.Hour, Bytes: 64 << 20, TenantBytes: 16 << 20}
}

// readRecall accepts off or a mapping: whose answers may be shared has to be written out.
func (c *Config) readRecall(r *reader, n ast.Node, path string) {
	if !isMapping(n) {
		var off string
		readSwitch(r, n, path, &off, "off")
		return
	}
	c.Recall = recalling()
	scope := ""
	r.object(n, path,
		key{"store", func(n ast.Node, p string) { readSwitch(r, n, p, &c.Recall.Store, "memory", "off") }},
		key{"scope", func(n ast.Node, p string) { r.word(n, p, &scope, "tenant", "shared") }},
		key{"tenant", func(n ast.Node, p string) {
			r.object(n, p, key{"header", func(n ast.Node, p string) { readHeader(r, n, p, &c.Recall.TenantHeader) }})
		}},
		key{"ttl", func(n ast.Node, p string) { r.duration(n, p, &c.Recall.TTL, time.Second, 365*24*time.Hour) }},
		key{"size", func(n ast.Node, p string) { r.size(n, p, &c.Recall.Bytes, 1<<20, 1<<40) }},
		key{"tenant_size", func(n ast.Node, p string) { r.size(n, p, &c.Recall.TenantBytes, 1<<16, 1<<40) }},
	)
	if c.Recall.Store == "off" {
		c.Recall = Recall{}
		return
	}
	c.Recall.Shared = scope == "shared"
	_, header := r.lines[path+".tenant"]
	switch {
	case scope == "":
		r.fault(path, line(n), "say whose answers may be shared: scope: tenant with tenant: {header: NAME}, or scope: shared where all callers are one tenant")
	case scope == "tenant" && !header:
		r.fault(path+".scope", lineOf(r.lines, path+".scope"), "needs tenant: {header: NAME}, a header that Envoy vouches for")
	case scope == "shared" && header:
		r.fault(path+".tenant", lineOf(r.lines, path+".tenant"), "the scope is shared, so this would change nothing")
	}
	if c.Recall.TenantBytes > c.Recall.Bytes {
		if _, ok := r.lines[path+".tenant_size"]; ok {
			r.fault(path+".tenant_size", lineOf(r.lines, path+".tenant_size"), "is more than size")
		}
		c.Recall.TenantBytes = c.Recall.Bytes
	}
}

// readHeader reads the name of a request header.
func readHeader(r *reader, n ast.Node, path string, into *string) {
	s, ok := r.text(n, path)
	if !ok {
		return
	}
	plain := s != "" && len(s) <= 64
	for i := range len(s) {
		b := s[i]
		plain = plain && (b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-')
	}
	if !plain {
		r.fault(path, line(n), "%q is not a header's name in lower case (letters, digits and -)", s)
		return
	}
	*into = s
}
