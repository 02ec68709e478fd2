package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
)

func TestWhatBecomesOfAnswers(t *testing.T) {
	c, err := config.Parse("", []byte(`models: [{name: small, price: {input: 0.02, output: 5}}, {name: large}]
admin: {socket: run/admin.sock}
recall: {scope: shared}
route:
  decisions:
  - {name: a, when: "true", models: [small], recall: {ttl: 5m}}
  - {name: b, when: "true", models: [small], recall: off}
  - {name: c, when: "true", models: [small]}
`))
	if err != nil {
		t.Fatal(err)
	}
	var kept []config.Keep
	for _, d := range c.Decisions {
		kept = append(kept, d.Keep)
	}
	if diff := cmp.Diff([]config.Keep{{TTL: 5 * time.Minute}, {Off: true}, {}}, kept); diff != "" {
		t.Errorf("decisions (-want +got)\n%s", diff)
	}
	if want := (config.Price{Input: 0.02, Output: 5}); c.Models[0].Price == nil || *c.Models[0].Price != want || c.Models[1].Price != nil {
		t.Errorf("prices %+v, %+v", c.Models[0].Price, c.Models[1].Price)
	}
	if c.Admin != "run/admin.sock" {
		t.Errorf("admin %q", c.Admin)
	}
}

func TestFaultsOfWhatBecomesOfAnswers(t *testing.T) {
	decision := func(recall string) string {
		return "route: {decisions: [{name: a, when: 'true', models: [small], recall: " + recall + "}]}\n"
	}
	for name, tt := range map[string]struct{ file, want string }{
		"a decision without a memory":   {decision("off"), "route.decisions[0].recall"},
		"a decision that is on":         {"recall: {scope: shared}\n" + decision("on"), "route.decisions[0].recall"},
		"a time without a unit":         {"recall: {scope: shared}\n" + decision("{ttl: 5}"), "route.decisions[0].recall.ttl"},
		"a scope of its own":            {"recall: {scope: shared}\n" + decision("{scope: shared}"), "route.decisions[0].recall.scope"},
		"a socket with a scheme":        {"admin: {socket: 'unix:///run/admin.sock'}\n", "admin.socket"},
		"a socket that has no path":     {"admin: {socket: ''}\n", "admin.socket"},
		"the socket that Envoy is on":   {"listen: unix://run/a.sock\nadmin: {socket: run/a.sock}\n", "admin.socket"},
		"an address":                    {"admin: {listen: '127.0.0.1:1'}\n", "admin.listen"},
		"a price below nothing":         {"unknown_models: reject\n", ""},
		"a price that is not a number":  {"brain: off\n", ""},
		"all that is in order together": {"recall: {scope: shared}\n" + decision("{ttl: 1h}"), ""},
	} {
		models := "models: [{name: small}]\n"
		switch name {
		case "a price below nothing":
			models, tt.want = "models: [{name: small, price: {input: -1, output: 1}}]\n", "models[0].price.input"
		case "a price that is not a number":
			models, tt.want = "models: [{name: small, price: {input: 1, output: free}}]\n", "models[0].price.output"
		}
		_, err := config.Parse("", []byte(models+tt.file))
		faults, _ := err.(config.Faults)
		if tt.want == "" && err != nil || tt.want != "" && (len(faults) != 1 || faults[0].Path != tt.want) {
			t.Errorf("%s: %v, want a fault at %q", name, err, tt.want)
		}
	}
}
