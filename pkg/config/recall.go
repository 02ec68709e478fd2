package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Recall says whether earlier answers are given again, and to whom.
type Recall struct {
	Store string // memory; "" switches it off
	// Shared is true where everybody who may call is one tenant. Else Tenant says who calls.
	Shared      bool
	Tenant      Tenant
	TTL         time.Duration // how long an answer may serve
	Bytes       int64         // of all answers
	TenantBytes int64         // of those of one tenant
	Semantic    Semantic
	// Secret keys what a store holds, 32 bytes or more: who knows it can tell what was asked. Without one each process makes its own.
	Secret Secret
	// Snapshot is the file in which the memory outlives the process; "" for none. Never without a Secret.
	Snapshot string
}

// Tenant says where Envoy tells who calls: in one of these places. Envoy must set or verify it: whoever can choose it can read that tenant's answers.
type Tenant struct {
	Header    string   // a request header, in lower case
	Namespace string   // dynamic metadata of one of Envoy's filters
	Path      []string // the keys, from the outermost, under which it stands there; at least one where Namespace is set
	SAN       string   // uri or dns: the first such name in the client's certificate
}

// Attribute is Envoy's name for what SAN stands for, "" without one.
func (t Tenant) Attribute() string {
	if t.SAN == "" {
		return ""
	}
	return "connection." + t.SAN + "_san_peer_certificate"
}

// recalling is a recall section that says nothing but that there is one.
func recalling() Recall {
	return Recall{Store: "memory", TTL: time.Hour, Bytes: 64 << 20, TenantBytes: 16 << 20, Semantic: meaning()}
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
	r.object(n, path, append(c.Recall.Semantic.keys(r),
		key{"store", func(n ast.Node, p string) { readSwitch(r, n, p, &c.Recall.Store, "memory", "off") }},
		key{"scope", func(n ast.Node, p string) { r.word(n, p, &scope, "tenant", "shared") }},
		key{"tenant", func(n ast.Node, p string) {
			readTenant(r, n, p, &c.Recall.Tenant)
		}},
		key{"ttl", func(n ast.Node, p string) { r.duration(n, p, &c.Recall.TTL, time.Second, 365*24*time.Hour) }},
		key{"size", func(n ast.Node, p string) { r.size(n, p, &c.Recall.Bytes, 1<<20, 1<<40) }},
		key{"tenant_size", func(n ast.Node, p string) { r.size(n, p, &c.Recall.TenantBytes, 1<<16, 1<<40) }},
		key{"secret", func(n ast.Node, p string) { readSecret(r, n, p, &c.Recall.Secret) }},
		key{"snapshot", func(n ast.Node, p string) { readPath(r, n, p, &c.Recall.Snapshot) }},
	)...)
	if c.Recall.Store == "off" {
		c.Recall = Recall{}
		return
	}
	c.Recall.Semantic.check(r, path)
	c.Recall.Shared = scope == "shared"
	_, named := r.lines[path+".tenant"]
	switch {
	case scope == "":
		r.fault(path, line(n), "say whose answers may be shared: scope: tenant with tenant: {...}, or scope: shared where all callers are one tenant")
	case scope == "tenant" && !named:
		r.fault(path+".scope", lineOf(r.lines, path+".scope"), "needs tenant: "+tenantForms+", which Envoy vouches for")
	case scope == "shared" && named:
		r.fault(path+".tenant", lineOf(r.lines, path+".tenant"), "the scope is shared, so this would change nothing")
	}
	if _, secret := r.lines[path+".secret"]; c.Recall.Snapshot != "" && !secret {
		r.fault(path+".snapshot", lineOf(r.lines, path+".snapshot"), "needs secret: {file: PATH} or {env: NAME}, or the next process cannot read it")
	}
	if c.Recall.TenantBytes > c.Recall.Bytes {
		if _, ok := r.lines[path+".tenant_size"]; ok {
			r.fault(path+".tenant_size", lineOf(r.lines, path+".tenant_size"), "is more than size")
		}
		c.Recall.TenantBytes = c.Recall.Bytes
	}
}

const tenantForms = "{metadata: {namespace: NAME, path: [KEY, ...]}}, {san: uri}, {san: dns} or {header: NAME}"

// readTenant reads the one place where Envoy tells who calls.
func readTenant(r *reader, n ast.Node, path string, into *Tenant) {
	before := len(r.faults)
	r.object(n, path,
		key{"header", func(n ast.Node, p string) { readHeader(r, n, p, &into.Header) }},
		key{"metadata", func(n ast.Node, p string) {
			r.object(n, p,
				key{"namespace", func(n ast.Node, p string) { readName(r, n, p, &into.Namespace) }},
				key{"path", func(n ast.Node, p string) { readKeys(r, n, p, &into.Path) }})
			for _, k := range []string{"namespace", "path"} {
				if _, ok := r.lines[p+"."+k]; !ok {
					r.fault(p, line(n), "needs %q", k)
				}
			}
		}},
		key{"san", func(n ast.Node, p string) { r.word(n, p, &into.SAN, "uri", "dns") }},
	)
	places := 0
	for _, k := range []string{"header", "metadata", "san"} {
		if _, ok := r.lines[path+"."+k]; ok {
			places++
		}
	}
	if places != 1 && len(r.faults) == before {
		r.fault(path, line(n), "must be one of %s", tenantForms)
	}
}

// readKeys reads the keys that lead to a value. Unlike names they may repeat.
func readKeys(r *reader, n ast.Node, path string, into *[]string) {
	r.list(n, path, func(n ast.Node, p string) {
		s, ok := r.text(n, p)
		if ok && s == "" {
			r.fault(p, line(n), "the key is empty")
		}
		*into = append(*into, s)
	})
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
