package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
)

func TestChoosing(t *testing.T) {
	got, err := config.Parse("mom.yaml", []byte(`
models:
- name: small
  price: {input: 0.02, output: 1}
  quality: {math: 0.4, computer science: 0.5, default: 0.45}
  supports: [tools, json]
- {name: large, quality: 0.9, supports: []}
omni:
  base_url: http://127.0.0.1:8000/v1
  model: arch
  api_key_env: ARCH_KEY
  timeout: 800ms
  max_tokens: 32
  context: 4096
  routes: [{name: code, description: writes code, models: [large, small]}]
  other_route: code
  fallback_model: small
  on_uncertain: next_tier
route:
  decisions:
  - {name: canary, when: 'true', models: [small, large], strategy: {weighted: {weights: {small: 90, large: 10}, by: request, list: [a, 1], on: true}}}
  default: {strategy: omni}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Model{
		{Name: "small", Cluster: "small", Price: &config.Price{Input: 0.02, Output: 1}, Says: true, Supports: []string{"tools", "json"},
			Quality: map[string]float64{"math": 0.4, "computer science": 0.5, "": 0.45}},
		{Name: "large", Cluster: "large", Quality: map[string]float64{"": 0.9}, Says: true},
	}
	if diff := cmp.Diff(want, got.Models); diff != "" {
		t.Errorf("models (-want +got)\n%s", diff)
	}
	omni := config.Omni{
		URL: "http://127.0.0.1:8000/v1", Model: "arch", KeyEnv: "ARCH_KEY", Timeout: 800 * time.Millisecond, MaxTokens: 32, Context: 4096,
		Routes: []config.OmniRoute{{Name: "code", Description: "writes code", Models: []string{"large", "small"}}}, Other: "code", Fallback: []string{"small"}, Unsure: true,
	}
	if diff := cmp.Diff(omni, got.Omni); diff != "" {
		t.Errorf("omni (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Omni", "omni"}, got.AliasesOmni); diff != "" {
		t.Errorf("the aliases come with the section (-want +got)\n%s", diff)
	}
	strategy := config.Strategy{Name: "weighted", Settings: map[string]any{
		"weights": map[string]any{"small": 90.0, "large": 10.0}, "by": "request", "list": []any{"a", 1.0}, "on": true,
	}}
	if diff := cmp.Diff(strategy, got.Decisions[0].Strategy); diff != "" || got.Default.Strategy.Name != "omni" {
		t.Errorf("strategy (-want +got)\n%s", diff)
	}
}

func TestChoosingFaults(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"half a price":                {"models: [{name: a, price: {input: 1}}]", `models[0].price: needs "output"`},
		"a price below nothing":       {"models: [{name: a, price: {input: -1, output: 1}}]", "models[0].price.input: -1 is not within"},
		"a price that is text":        {"models: [{name: a, price: cheap}]", "models[0].price: must be a mapping"},
		"a quality of one":            {"models: [{name: a, quality: 1}]", "models[0].quality: 1 is not above 0 and below 1"},
		"a domain twice":              {"models: [{name: a, quality: {math: 0.5, math: 0.6}}]", "models[0].quality.math: this key stands here twice"},
		"a quality of text":           {"models: [{name: a, quality: {math: good}}]", "models[0].quality.math: must be a number"},
		"an ability that is none":     {"models: [{name: a, supports: [tool]}]", `models[0].supports[0]: "tool" is not one of tools, images, json; did you mean "tools"?`},
		"two strategies":              {"models: [{name: a}]\nroute: {default: {strategy: {first: {}, omni: {}}}}", `route.default.strategy: one strategy, not "omni" beside "first"`},
		"settings that are none":      {"models: [{name: a}]\nroute: {default: {strategy: {latency: 5}}}", "route.default.strategy.latency: must be a mapping of its settings"},
		"omni without an endpoint":    {"models: [{name: a}]\nomni: {routes_file: routes.json}", "omni: needs base_url"},
		"omni without routes":         {"models: [{name: a}]\nomni: {base_url: 'http://a/v1'}", "omni: needs either routes or routes_file"},
		"omni with routes twice":      {"models: [{name: a}]\nomni: {base_url: 'http://a/v1', routes_file: f, routes: [{name: r, description: d, models: [a]}]}", "omni: needs either"},
		"a route without description": {"models: [{name: a}]\nomni: {base_url: 'http://a/v1', routes: [{name: r, models: [a]}]}", `omni.routes[0]: needs "description"`},
		"a route to nobody":           {"models: [{name: a}]\nomni: {base_url: 'http://a/v1', routes: [{name: r, description: d, models: [b]}]}", `omni.routes[0].models[0]: no model is named "b"`},
		"a route twice": {"models: [{name: a}]\nomni: {base_url: 'http://a/v1', routes: [{name: r, description: d, models: [a]}, {name: r, description: d, models: [a]}]}",
			`omni.routes[1]: a second route named "r"`},
		"omni that takes all the time": {"models: [{name: a}]\nomni: {base_url: 'http://a/v1', routes_file: f, timeout: 5s}", "omni.timeout: 5s leaves nothing"},
		"an alias of omni without it":  {"models: [{name: a}]\naliases: {omni: [x]}", "aliases.omni: there is no section omni"},
		"an alias of both":             {"models: [{name: a}]\naliases: {omni: [auto]}\nomni: {base_url: 'http://a/v1', routes_file: f}", `aliases.omni: "auto" is also a model or an alias`},
	} {
		_, err := config.Parse("mom.yaml", []byte(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
