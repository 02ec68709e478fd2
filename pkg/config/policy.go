package config

import (
	"github.com/goccy/go-yaml/ast"
)

// keys are those of a set of rules.
func (c *Rules) keys(r *reader) []key {
	return []key{
		{"decisions", func(n ast.Node, p string) { r.list(n, p, func(n ast.Node, p string) { c.readDecision(r, n, p) }) }},
		{"default", func(n ast.Node, p string) { r.object(n, p, choiceKeys(r, &c.Default)...) }},
	}
}

func (c *Config) readPolicies(r *reader, n ast.Node, path string) {
	r.entries(n, path, func(name string, n ast.Node, p string) {
		if !isWord(name, 64) {
			r.fault(p, line(n), "%q is not a name of letters, digits, - _ and inner dots, at most 64", name)
		}
		policy := Policy{Name: name}
		r.object(n, p, policy.keys(r)...)
		if _, ok := r.lines[p+".default"]; !ok {
			r.fault(p, line(n), "needs %q", "default")
		}
		c.Policies = append(c.Policies, policy)
	})
}

func (c *Config) readTenants(r *reader, n ast.Node, path string) {
	r.entries(n, path, func(name string, n ast.Node, p string) {
		if name == "" || len(name) > 256 {
			r.fault(p, line(n), "a tenant's name has 1..256 bytes")
		}
		t := TenantModels{Name: name}
		r.object(n, p, key{"models", func(n ast.Node, p string) { readNames(r, n, p, &t.Models) }})
		if _, ok := r.lines[p+".models"]; !ok {
			r.fault(p, line(n), "needs %q", "models")
		}
		c.Tenants = append(c.Tenants, t)
	})
}

// checkTenants looks whether somebody says who calls, and finds every model.
func (c *Config) checkTenants(r *reader, models []string) {
	if len(c.Tenants) > 0 && (c.Recall.Shared || c.Recall.Tenant.Header == "" && c.Recall.Tenant.Namespace == "" && c.Recall.Tenant.SAN == "") {
		r.fault("tenants", lineOf(r.lines, "tenants"), "nobody says who calls: it is recall.tenant, with recall.scope: tenant, that does")
	}
	for _, t := range c.Tenants {
		c.checkNames(r, "tenants."+t.Name+".models", t.Models, models)
	}
}
