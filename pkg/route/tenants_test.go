package route_test

import (
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
)

func TestATenantGetsTheModelsThatItMayHave(t *testing.T) {
	backends := []route.Backend{{Name: "a", Cluster: "a"}, {Name: "b", Cluster: "b"}, {Name: "c", Cluster: "c"}}
	for _, tt := range []struct {
		name, tenant, model, policy string
		tenants                     map[string][]string
		want                        string // decision: models, or the status and code of a refusal
	}{
		{"no list, every model", "t", "", "", nil, "default: a b"},
		{"the list of another", "t", "", "", map[string][]string{"u": {"b"}}, "default: a b"},
		{"its own list, in the plan's order", "t", "", "", map[string][]string{"t": {"c", "b"}}, "default: b"},
		{"its own list, and not that of all others", "t", "", "", map[string][]string{"t": {"a"}, "*": {"b"}}, "default: a"},
		{"the list of all others", "t", "", "", map[string][]string{"u": {"a"}, "*": {"b"}}, "default: b"},
		{"the list of all others for nobody known", "", "", "", map[string][]string{"u": {"a"}, "*": {"b"}}, "default: b"},
		{"a tenant that calls itself all others", "*", "", "", map[string][]string{"u": {"a"}, "*": {"b"}}, "default: b"},
		{"none of the plan's", "t", "", "", map[string][]string{"t": {"c"}}, "403 no_model_permitted"},
		{"a named model of its list", "t", "c", "", map[string][]string{"t": {"c"}}, "explicit: c"},
		{"a named model that is not on it is not there", "t", "a", "", map[string][]string{"t": {"c"}}, "404 model_not_found"},
		{"a model that nobody knows is not on it", "t", "gpt-9", "", map[string][]string{"t": {"c"}}, "404 model_not_found"},
		{"a model that nobody knows, without a list", "t", "gpt-9", "", nil, "explicit: gpt-9"},
		{"a policy has rules of its own", "t", "", "support", nil, "default: c"},
		{"and the same lists", "t", "", "support", map[string][]string{"t": {"a"}}, "403 no_model_permitted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			router := func(models ...string) *route.Router {
				r, err := route.New(route.Config{Backends: backends, Default: route.Choice{Models: models}, Tenants: tt.tenants, Passthrough: "others"})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			stage := route.NewPolicies(router("a", "b"), map[string]*route.Router{"support": router("c")}, nil)
			req := &pipeline.Request{Model: tt.model, Caller: pipeline.Caller{Tenant: tt.tenant, Policy: tt.policy}}
			if tt.model == "" {
				req.Model, req.Alias = "MoM", pipeline.MoM
			}
			out, err := stage.Run(t.Context(), req, pipeline.Trail{})
			if err != nil {
				t.Fatal(err)
			}
			if got := told(out); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	t.Run("a policy that nobody has is an error", func(t *testing.T) {
		r, err := route.New(route.Config{Backends: backends, Default: route.Choice{Models: []string{"a"}}})
		if err != nil {
			t.Fatal(err)
		}
		req := &pipeline.Request{Model: "MoM", Alias: pipeline.MoM, Caller: pipeline.Caller{Policy: "sales"}}
		if out, err := route.NewPolicies(r, nil, nil).Run(t.Context(), req, pipeline.Trail{}); err == nil {
			t.Errorf("%s", told(out))
		}
	})
}

// told is a plan in a line, or a refusal.
func told(out pipeline.Outcome) string {
	if p, ok := out.Finding.(pipeline.Plan); ok {
		s := p.Decision + ":"
		for _, t := range p.Tiers {
			s += " " + t.Model
		}
		return s
	}
	if out.Reply == nil {
		return "nothing"
	}
	_, code, _ := strings.Cut(string(out.Reply.Body), `"code":"`)
	code, _, _ = strings.Cut(code, `"`)
	return map[int]string{403: "403 ", 404: "404 "}[out.Reply.Status] + code
}
