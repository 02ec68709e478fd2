package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
)

func TestRecall(t *testing.T) {
	memory := func(edit func(*config.Recall)) config.Recall {
		c := config.Recall{Store: "memory", TTL: time.Hour, Bytes: 64 << 20, TenantBytes: 16 << 20, Semantic: config.Semantic{Model: "mom-similarity-flash", MaxError: 0.01, Shadow: 0.01}}
		edit(&c)
		return c
	}
	for name, tt := range map[string]struct {
		file string
		want config.Recall
	}{
		"not there":        {"", config.Recall{}},
		"off":              {"recall: off\n", config.Recall{}},
		"off in a section": {"recall: {store: off}\n", config.Recall{}},
		"for one and all":  {"recall: {scope: shared}\n", memory(func(c *config.Recall) { c.Shared = true })},
		"for each tenant":  {"recall: {store: memory, scope: tenant, tenant: {header: x-tenant}}\n", memory(func(c *config.Recall) { c.Tenant.Header = "x-tenant" })},
		"by a claim": {"recall: {scope: tenant, tenant: {metadata: {namespace: envoy.filters.http.jwt_authn, path: [jwt_payload, sub]}}}\n", memory(func(c *config.Recall) {
			c.Tenant = config.Tenant{Namespace: "envoy.filters.http.jwt_authn", Path: []string{"jwt_payload", "sub"}}
		})},
		"by a certificate":  {"recall: {scope: tenant, tenant: {san: uri}}\n", memory(func(c *config.Recall) { c.Tenant.SAN = "uri" })},
		"for a short while": {"recall: {scope: shared, ttl: 5m}\n", memory(func(c *config.Recall) { c.Shared, c.TTL = true, 5*time.Minute })},
		"with bounds": {"recall: {scope: shared, size: 8MiB, tenant_size: 1MiB}\n", memory(func(c *config.Recall) {
			c.Shared, c.Bytes, c.TenantBytes = true, 8<<20, 1<<20
		})},
		"for the same words only": {"recall: {scope: shared, semantic: off}\n", memory(func(c *config.Recall) { c.Shared, c.Semantic = true, config.Semantic{} })},
		"for other words":         {"recall: {scope: shared, semantic: on}\n", memory(func(c *config.Recall) { c.Shared = true })},
		"for closer words of another model": {"recall: {scope: shared, semantic: {model: mine, threshold: 0.95}, max_error: 0.5%, shadow: 100%}\n", memory(func(c *config.Recall) {
			c.Shared, c.Semantic = true, config.Semantic{Model: "mine", Threshold: 0.95, MaxError: 0.005, Shadow: 1}
		})},
		"with a secret in a file": {"recall: {scope: shared, secret: {file: /etc/mom/recall.key}}\n", memory(func(c *config.Recall) {
			c.Shared, c.Secret.File = true, "/etc/mom/recall.key"
		})},
		"over a restart": {"recall: {scope: shared, secret: {env: MOM_RECALL_SECRET}, snapshot: recall.snapshot}\n", memory(func(c *config.Recall) {
			c.Shared, c.Secret.Env, c.Snapshot = true, "MOM_RECALL_SECRET", "recall.snapshot"
		})},
		"never checked": {"recall: {scope: shared, shadow: 0%}\n", memory(func(c *config.Recall) { c.Shared, c.Semantic.Shadow = true, 0 })},
		"smaller than a tenant's share": {"recall: {scope: shared, size: 8MiB}\n", memory(func(c *config.Recall) {
			c.Shared, c.Bytes, c.TenantBytes = true, 8<<20, 8<<20
		})},
	} {
		c, err := config.Parse("", []byte("models: [{name: small}]\n"+tt.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, c.Recall); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestFaultsOfRecall(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"on without a scope":            {"recall: on\n", "recall"},
		"a section without a scope":     {"recall: {ttl: 1h}\n", "recall"},
		"tenants that nobody names":     {"recall: {scope: tenant}\n", "recall.scope"},
		"a tenant where all are one":    {"recall: {scope: shared, tenant: {header: x-tenant}}\n", "recall.tenant"},
		"a tenant in no place":          {"recall: {scope: tenant, tenant: {}}\n", "recall.tenant"},
		"a tenant in two places":        {"recall: {scope: tenant, tenant: {header: x-tenant, san: uri}}\n", "recall.tenant"},
		"a claim without its path":      {"recall: {scope: tenant, tenant: {metadata: {namespace: n}}}\n", "recall.tenant.metadata"},
		"a path that leads nowhere":     {"recall: {scope: tenant, tenant: {metadata: {namespace: n, path: []}}}\n", "recall.tenant.metadata.path"},
		"a path of an empty key":        {"recall: {scope: tenant, tenant: {metadata: {namespace: n, path: ['']}}}\n", "recall.tenant.metadata.path[0]"},
		"another name of a subject":     {"recall: {scope: tenant, tenant: {san: email}}\n", "recall.tenant.san"},
		"a header of another case":      {"recall: {scope: tenant, tenant: {header: X-Tenant}}\n", "recall.tenant.header"},
		"a pseudo-header":               {"recall: {scope: tenant, tenant: {header: ':path'}}\n", "recall.tenant.header"},
		"a share over the whole":        {"recall: {scope: shared, size: 1MiB, tenant_size: 2MiB}\n", "recall.tenant_size"},
		"a time without a unit":         {"recall: {scope: shared, ttl: 60}\n", "recall.ttl"},
		"another store":                 {"recall: {scope: shared, store: redis}\n", "recall.store"},
		"a share without its sign":      {"recall: {scope: shared, max_error: 1}\n", "recall.max_error"},
		"a share of nothing":            {"recall: {scope: shared, max_error: 0%}\n", "recall.max_error"},
		"a share that is a word":        {"recall: {scope: shared, shadow: some%}\n", "recall.shadow"},
		"more than all":                 {"recall: {scope: shared, shadow: 101%}\n", "recall.shadow"},
		"a cosine over one":             {"recall: {scope: shared, semantic: {threshold: 1.1}}\n", "recall.semantic.threshold"},
		"a model in another folder":     {"recall: {scope: shared, semantic: {model: ../x}}\n", "recall.semantic.model"},
		"an error that cannot be":       {"recall: {scope: shared, semantic: off, max_error: 1%}\n", "recall.max_error"},
		"requests that nobody reads":    {"recall: {scope: shared}\nguard: {pii: off}\n", "recall"},
		"a snapshot that none can read": {"recall: {scope: shared, snapshot: a}\n", "recall.snapshot"},
		"a snapshot that is a folder":   {"recall: {scope: shared, secret: {env: A}, snapshot: a/}\n", "recall.snapshot"},
		"a secret in the configuration": {"recall: {scope: shared, secret: hunter2}\n", "recall.secret"},
		"a secret in no place":          {"recall: {scope: shared, secret: {}}\n", "recall.secret"},
		"a secret in two places":        {"recall: {scope: shared, secret: {file: a, env: A}}\n", "recall.secret"},
		"a secret in a file of no name": {"recall: {scope: shared, secret: {file: ''}}\n", "recall.secret.file"},
		"a secret where no variable is": {"recall: {scope: shared, secret: {env: '$A'}}\n", "recall.secret.env"},
		"a key that nobody knows":       {"recall: {scope: shared, threshold: 0.8}\n", "recall.threshold"},
	} {
		_, err := config.Parse("", []byte("models: [{name: small}]\n"+tt.file))
		faults, ok := err.(config.Faults)
		if !ok || len(faults) != 1 || faults[0].Path != tt.want {
			t.Errorf("%s: %v, want one fault at %s", name, err, tt.want)
		}
	}
}
