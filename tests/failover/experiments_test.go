package failover_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/tests/stack"
)

// TestExperiments runs the example file: who is in which arm, who stays there, who is left out, and what Envoy counts.
func TestExperiments(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(stack.Root(t), "deploy/examples/experiments.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := stack.Start(t, stack.Options{Config: string(data) + "guard: {enabled: false}\nbrain: off\n"})
	of := map[string]string{} // a conversation of each arm
	for i := 0; len(of) < 2; i++ {
		id := fmt.Sprintf("66f%021x", i)
		arm := []string{"mom", "large"}[(&route.Experiment{ID: "large-first"}).Share(id)/50]
		of[arm] = id
	}
	s.Small.Play(answer("small"))
	s.Large.Play(answer("large"))
	const hi = `{"role":"user","content":"hi"}`
	const calls = hi + `,{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}`
	for _, c := range []struct {
		name, model, messages string
		headers               []string
		want                  string // model; experiment
	}{
		{"a conversation of the first arm", "MoM", hi, []string{"chatui-conversation-id", of["mom"]}, "small-model; large-first;arm=mom"},
		{"one of the second", "MoM", hi, []string{"chatui-conversation-id", of["large"]}, "larger-model; large-first;arm=large"},
		{"it stays there", "MoM", hi + `,{"role":"assistant","content":"x"},{"role":"user","content":"more"}`, []string{"x-session-id", of["large"]}, "larger-model; large-first;arm=large"},
		{"the first name that says something counts", "MoM", hi, []string{"x-conversation-id", of["mom"], "x-session-id", of["large"]}, "larger-model; large-first;arm=large"},
		{"a retry is not counted", "MoM", hi, []string{"chatui-conversation-id", of["large"], "x-stainless-retry-count", "1"}, "larger-model; large-first;arm=large"},
		{"a title is in none", "MoM", hi, []string{"chatui-conversation-id", "", "authorization", "Bearer x"}, "small-model; "},
		{"a named model is in none", "larger-model", hi, []string{"chatui-conversation-id", of["mom"]}, "larger-model; "},
		{"a loop of tool calls", "MoM", calls, []string{"chatui-conversation-id", of["large"]}, "larger-model; large-first;arm=large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := `{"model":"` + c.model + `","messages":[` + c.messages + `]}`
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("content-type", "application/json")
			for i := 0; i < len(c.headers); i += 2 {
				req.Header.Set(c.headers[i], c.headers[i+1])
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); err != nil {
				t.Fatal(err)
			}
			if got := resp.Header.Get("x-mom-model") + "; " + resp.Header.Get("x-mom-experiment"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	t.Run("and the model that answered at its start, in another's stead, has all of it", func(t *testing.T) {
		const tools = `,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}`
		s.Small.Play(stack.Status(503), answer("small"))
		for i, c := range []struct{ messages, want string }{{hi, "larger-model 2"}, {calls, "larger-model 1"}, {hi, "small-model 1"}} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(`{"model":"MoM","messages":[`+c.messages+`]`+tools))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("content-type", "application/json")
			req.Header.Set("chatui-conversation-id", of["mom"])
			req.Header.Set("x-stainless-retry-count", "1") // so as not to be counted
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(resp.Body); err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := resp.Header.Get("x-mom-model") + " " + resp.Header.Get("x-envoy-attempt-count"); got != c.want {
				t.Errorf("request %d: %s, want %s", i+1, got, c.want)
			}
		}
	})
	stack.Until(t, patience, "Envoy counts the arms", func() error {
		got := s.Stats(t, "^mom_router.experiment")
		const arm = "mom_router.experiment.arm.large-first."
		if len(got) != 2 || got[arm+"mom.code.200"] != 1 || got[arm+"large.code.200"] != 4 {
			return fmt.Errorf("%v, want 1 of the first arm and 4 of the second", got)
		}
		return nil
	})
}
