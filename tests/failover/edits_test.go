package failover_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/tests/stack"
)

// edited is a plan whose backends differ in more than their names.
const edited = `listen: unix://` + stack.Socket + `
models:
- {name: small-model, cluster: small, reasoning: qwen3, max_tokens: 100}
- {name: larger-model, cluster: large, reasoning: openai, max_tokens: 4096}
guard: {enabled: false}
brain: off
route:
  default:
    models: [small-model, larger-model]
    reasoning: medium
    system: {prepend: Use the metric system.}
    params: {cap: {temperature: 1}, default: {top_p: 0.9}, set: {n: 1}, strip: [user]}
    headers: {x-llm-priority: low}
`

// TestEachBackendGetsTheRequestInItsOwnWords: what a decision and a backend's own limits make of a request, on the first attempt and on the second.
func TestEachBackendGetsTheRequestInItsOwnWords(t *testing.T) {
	s := stack.Start(t, stack.Options{Config: edited})
	s.Small.Play(stack.Status(503))
	s.Large.Play(stack.Answer("from large"))
	body := `{"user":"ann","messages":[{"role":"system","content":"Be brief. 世界"},{"role":"user","content":"hi"}],"temperature":1.5, "max_tokens":9000,"model":"MoM", "chat_template_kwargs":{"a":1},"seed":12345678901234567890}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("x-llm-priority", "high")
	req.Header.Set("x-llm-team", "the client's word")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), "from large") {
		t.Fatalf("status %d, %v: %s", resp.StatusCode, err, text)
	}
	const messages = `"messages":[{"role":"system","content":"Use the metric system.\n\nBe brief. 世界"},{"role":"user","content":"hi"}],"temperature":1`
	for b, want := range map[*stack.Backend]string{
		s.Small: `{"n":1,"top_p":0.9,` + messages + `, "max_tokens":100,"model":"small-model", "chat_template_kwargs":{"enable_thinking":true,"a":1},"seed":12345678901234567890}`,
		s.Large: `{"n":1,"top_p":0.9,"reasoning_effort":"medium",` + messages + `, "max_tokens":4096,"model":"larger-model", "chat_template_kwargs":{"a":1},"seed":12345678901234567890}`,
	} {
		got := b.Received()
		if len(got) != 1 {
			t.Fatalf("%s got %d requests", b.Name, len(got))
		}
		if diff := cmp.Diff(want, string(got[0].Body)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", b.Name, diff)
		}
		if got[0].Length != int64(len(got[0].Body)) {
			t.Errorf("%s: content-length %d for %d bytes", b.Name, got[0].Length, len(got[0].Body))
		}
		if p, team := got[0].Header.Values("x-llm-priority"), got[0].Header.Get("x-llm-team"); len(p) != 1 || p[0] != "low" || team != "" {
			t.Errorf("%s: x-llm-priority %q, x-llm-team %q", b.Name, p, team)
		}
	}
	for name, want := range map[string]string{"x-vsr-injected-system-prompt": "true", "x-vsr-selected-reasoning": "on", "x-mom-model": "larger-model"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if trail := resp.Header.Get("x-vllm-semantic-router-cot"); !strings.Contains(trail, "🎯 *Prompt Optimized*") || !strings.Contains(trail, "🧠 *Reasoning On*") {
		t.Errorf("trail %s", trail)
	}
	if n := s.Stats(t, "ext_proc.*rejected_header_mutations$")["http.mom.ext_proc.mom.rejected_header_mutations"]; n != 0 {
		t.Errorf("Envoy refused %d headers", n)
	}
}
