package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const strategies = "deploy/examples/strategies.yaml"

func TestTheExampleOfStrategiesRoutes(t *testing.T) {
	needGuards(t)
	if code, _, errs := mom(t, "", "check", strategies); code != 0 {
		t.Fatalf("check: %d %s", code, errs)
	}
	for _, tt := range []struct{ name, prompt, more, want, note string }{
		{"the best at law", "Can my neighbour sue me for breach of contract?", "", "large small", "best-jurist"},
		{"an easy question goes to the cheapest", "What is the capital of France?", "", "small", "default"},
		{"a hard sum goes to the best", "Integrate x^2 e^(-x) from 0 to infinity and prove that the integral converges.", "", "large", "default"},
		{"tools need who has them", "What is the capital of France?", `,"tools":[{"type":"function","function":{"name":"f"}}]`, "coder", "default"},
	} {
		code, out, errs := mom(t, `{"model":"MoM","messages":[{"role":"user","content":"`+tt.prompt+`"}]`+tt.more+`}`, "route", "--json", "--config", strategies)
		var got struct {
			Decision string
			Plan     []struct{ Model string }
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
			t.Fatalf("%s: %d %s %s", tt.name, code, out, errs)
		}
		names := ""
		for _, tier := range got.Plan {
			names += tier.Model + " "
		}
		if got.Decision != tt.note || !strings.HasPrefix(names, tt.want+" ") {
			t.Errorf("%s: %s to %s: %s", tt.name, got.Decision, names, out)
		}
	}
}

func TestFaultsOfStrategiesStandAtTheirKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mom.yaml")
	if err := os.WriteFile(file, []byte(`models:
- {name: a, quality: {maths: 0.5}}
- {name: b, price: {input: 1, output: 2}}
brain: mom-brain-flash
omni: {base_url: 'http://127.0.0.1:1/v1', routes_file: nowhere.json}
route:
  decisions:
  - {name: one, when: 'true', models: [a, b], strategy: {weighted: {weights: {a: 1, c: 2}}}}
  - {name: two, when: 'true', models: [a, b], strategy: best}
  default: {models: [a, b], strategy: {cost-quality: {quality: 2}}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := mom(t, "", "check", file)
	for _, want := range []string{
		`:2: models[0].quality.maths: no domain is named "maths"; did you mean "math"?`,
		`:5: omni: routes_file: open nowhere.json`,
		`:8: route.decisions[0].strategy.weighted.weights.c: "c" is none of a, b`,
		`:9: route.decisions[1].strategy: no strategy is named "best"`,
		`:10: route.default.strategy.cost-quality.quality: must be a number within 0..1`,
		`:10: route.default.strategy: model "a" has no price`,
		`:10: route.default.strategy: model "b" has no quality`,
	} {
		if code == 0 || !strings.Contains(errs, want) {
			t.Errorf("no %s in %d\n%s", want, code, errs)
		}
	}
}
