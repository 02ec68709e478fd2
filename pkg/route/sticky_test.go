package route_test

import (
	"testing"

	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
)

// turn is a message of a role and a text.
func turn(role, text string) pipeline.Message {
	return pipeline.Message{Role: role, Texts: []string{text}}
}

func TestALoopOfToolCallsStaysWithTheModelThatAnswered(t *testing.T) {
	user, call, result := turn("user", "what is the weather"), turn("assistant", ""), turn("tool", "rain")
	start := []pipeline.Message{turn("system", "s"), user}
	inLoop := append(append([]pipeline.Message{}, start...), call, result)
	for _, tt := range []struct {
		name    string
		turns   bool
		first   pipeline.Request
		tier    int // that answered the first
		then    pipeline.Request
		want    string
		degrade string
	}{
		{"the model that was asked first", false, pipeline.Request{Messages: start}, 0, pipeline.Request{Messages: inLoop}, "a b", ""},
		{"the one that answered in its stead", false, pipeline.Request{Messages: start}, 1, pipeline.Request{Messages: inLoop}, "b a", ""},
		{"also after more calls", false, pipeline.Request{Messages: start}, 1, pipeline.Request{Messages: append(append([]pipeline.Message{}, inLoop...), call, result, result)}, "b a", ""},
		{"a new question is chosen for anew", false, pipeline.Request{Messages: start}, 1, pipeline.Request{Messages: append(append([]pipeline.Message{}, inLoop...), user)}, "a b", ""},
		{"another tenant's loop", false, pipeline.Request{Messages: start, Caller: pipeline.Caller{Tenant: "t"}}, 1, pipeline.Request{Messages: inLoop}, "a b", ""},
		{"a loop under another policy", false, pipeline.Request{Messages: start, Caller: pipeline.Caller{Policy: "p"}}, 1, pipeline.Request{Messages: inLoop}, "a b", ""},
		{"another loop", false, pipeline.Request{Messages: []pipeline.Message{turn("system", "other"), user}}, 1, pipeline.Request{Messages: inLoop}, "a b", ""},
		{"what was chosen for want of another", false, pipeline.Request{Messages: start}, 1, pipeline.Request{Messages: inLoop}, "a b", route.BrainError},
		{"a conversation, where turns stick", true, pipeline.Request{Messages: start, Caller: pipeline.Caller{Conversation: "c", Named: true}}, 1,
			pipeline.Request{Messages: []pipeline.Message{turn("user", "another")}, Caller: pipeline.Caller{Conversation: "c", Named: true}}, "b a", ""},
		{"another conversation", true, pipeline.Request{Messages: start, Caller: pipeline.Caller{Conversation: "c", Named: true}}, 1,
			pipeline.Request{Messages: []pipeline.Message{turn("user", "another")}, Caller: pipeline.Caller{Conversation: "d", Named: true}}, "a b", ""},
		{"one that only its credentials tell", true, pipeline.Request{Messages: start, Caller: pipeline.Caller{Conversation: "c"}}, 1,
			pipeline.Request{Messages: []pipeline.Message{turn("user", "another")}, Caller: pipeline.Caller{Conversation: "c"}}, "a b", ""},
		{"a conversation, where only loops stick", false, pipeline.Request{Messages: start, Caller: pipeline.Caller{Conversation: "c", Named: true}}, 1,
			pipeline.Request{Messages: []pipeline.Message{turn("user", "another")}, Caller: pipeline.Caller{Conversation: "c", Named: true}}, "a b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sticky, err := route.NewSticky(tt.turns)
			if err != nil {
				t.Fatal(err)
			}
			r, err := route.New(route.Config{
				Backends: []route.Backend{{Name: "a", Cluster: "a"}, {Name: "b", Cluster: "b"}}, Default: route.Choice{Models: []string{"a", "b"}}, Sticky: sticky,
			})
			if err != nil {
				t.Fatal(err)
			}
			plan := func(req pipeline.Request) (*pipeline.Request, pipeline.Plan) {
				req.Alias, req.Needs.Tools = pipeline.MoM, 1
				out, err := r.Run(t.Context(), &req, pipeline.Trail{})
				if err != nil {
					t.Fatal(err)
				}
				return &req, out.Finding.(pipeline.Plan)
			}
			req, p := plan(tt.first)
			p.Degraded = tt.degrade
			sticky.Answered(req, &p, tt.tier)
			if _, p = plan(tt.then); told(pipeline.Outcome{Finding: p}) != "default: "+tt.want {
				t.Errorf("%s, want %s", told(pipeline.Outcome{Finding: p}), tt.want)
			}
		})
	}
}
