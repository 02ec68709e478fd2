package route_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
)

func TestAnExperimentPartsConversationsEvenly(t *testing.T) {
	halves := route.Experiment{ID: "small-first", Arms: []route.Arm{{Name: "mom", Percent: 50}, {Name: "new", Percent: 50}}}
	other := route.Experiment{ID: "another"}
	const ids = 100_000
	below, both := 0, 0
	for i := range ids {
		key := fmt.Sprintf("66f%021x", i) // as HuggingChat's ObjectIds
		share := halves.Share(key)
		if share < 0 || share > 99 || share != halves.Share(key) {
			t.Fatalf("%s has the share %d, then %d", key, share, halves.Share(key))
		}
		if share < 50 {
			below++
			if other.Share(key) < 50 {
				both++
			}
		}
	}
	if off := math.Abs(float64(below)/ids - 0.5); off > 0.01 {
		t.Errorf("%d of %d in the first arm", below, ids)
	}
	if off := math.Abs(float64(both)/float64(below) - 0.5); off > 0.01 {
		t.Errorf("of %d in the first arm, %d are in the first arm of another experiment", below, both)
	}
}

func TestARequestIsDecidedByTheRulesOfItsArm(t *testing.T) {
	router := func(model string) *route.Router {
		r, err := route.New(route.Config{Backends: []route.Backend{{Name: "a", Cluster: "a"}, {Name: "b", Cluster: "b"}}, Default: route.Choice{Models: []string{model}}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	e := &route.Experiment{ID: "e", Arms: []route.Arm{{Name: "mom", Percent: 50}, {Name: "new", Percent: 50, Policy: "new"}}}
	stage := route.NewPolicies(router("a"), map[string]*route.Router{"new": router("b"), "support": router("b")}, map[string]*route.Experiment{"": e})
	in := func(arm int) string { // a conversation of that arm
		for i := 0; ; i++ {
			if key := fmt.Sprint(i); e.Share(key)/50 == arm {
				return key
			}
		}
	}
	user := func(text string) []pipeline.Message { return []pipeline.Message{{Role: "user", Texts: []string{text}}} }
	for _, tt := range []struct {
		name   string
		caller pipeline.Caller
		text   string
		alias  pipeline.Alias
		want   string
	}{
		{"a conversation of the first arm", pipeline.Caller{Conversation: in(0)}, "hi", pipeline.MoM, "a in e mom"},
		{"one of the second", pipeline.Caller{Conversation: in(1)}, "hi", pipeline.MoM, "b in e new"},
		{"asked again, it stays there", pipeline.Caller{Conversation: in(1), Retry: true}, "hi", pipeline.MoM, "b in e new"},
		{"the request for its title is in none", pipeline.Caller{Conversation: in(1), Aside: true}, "hi", pipeline.MoM, "a"},
		{"nor is a task of a chat program's own", pipeline.Caller{Conversation: in(1)}, "### Task:\nGenerate 1-3 tags", pipeline.MoM, "a"},
		{"nor a model that the client names", pipeline.Caller{Conversation: in(1)}, "hi", pipeline.Named, "a"},
		{"another policy has none", pipeline.Caller{Conversation: in(0), Policy: "support"}, "hi", pipeline.MoM, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := stage.Run(t.Context(), &pipeline.Request{Model: "a", Alias: tt.alias, Messages: user(tt.text), Caller: tt.caller}, pipeline.Trail{})
			if err != nil {
				t.Fatal(err)
			}
			p := out.Finding.(pipeline.Plan)
			got := p.Tiers[0].Model
			if p.Experiment.ID != "" {
				got += " in " + p.Experiment.ID + " " + p.Experiment.Arm
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
	t.Run("without a name for the conversation its first turn keeps it together", func(t *testing.T) {
		arms := map[string]int{}
		for i := range 200 {
			messages := user(fmt.Sprint("question ", i))
			for range 3 {
				out, err := stage.Run(t.Context(), &pipeline.Request{Alias: pipeline.MoM, Messages: messages}, pipeline.Trail{})
				if err != nil {
					t.Fatal(err)
				}
				arms[fmt.Sprint(i, out.Finding.(pipeline.Plan).Experiment.Arm)]++
				messages = append(messages, pipeline.Message{Role: "assistant", Texts: []string{"x"}}, pipeline.Message{Role: "user", Texts: []string{"more"}})
			}
		}
		if len(arms) != 200 {
			t.Errorf("200 conversations are in %d arms together", len(arms))
		}
	})
}
