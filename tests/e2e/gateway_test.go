package e2e_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
	"github.com/openai/openai-go/v3/option"
)

func TestGateway(t *testing.T) {
	s := stack.Start(t, stack.Options{})
	t.Run("an answer comes from the first backend under its own name", func(t *testing.T) { plain(t, s) })
	t.Run("a streamed answer comes word by word to its end", func(t *testing.T) { streamed(t, s) })
	t.Run("a backend that is asked for by name gets the client's bytes", func(t *testing.T) { explicit(t, s) })
	t.Run("the list of models has the aliases first", func(t *testing.T) { models(t, s) })
	t.Run("a client's copies of our headers count nowhere", func(t *testing.T) { spoofed(t, s) })
	t.Run("a backend's copies of our headers reach nobody", func(t *testing.T) { forged(t, s) })
	t.Run("odd transports carry the same request", func(t *testing.T) { transports(t, s) })
	t.Run("what is refused is refused in the client's language", func(t *testing.T) { refusals(t, s) })
	wantNothingOdd(t, s)
}

func plain(t *testing.T, s *stack.Stack) {
	s.Small.Play(stack.Answer("2"))
	s.Large.Play(stack.Answer("two"))
	var resp *http.Response
	c := client(s)
	got, err := c.Chat.Completions.New(t.Context(), ask("MoM", "What is 1+1? 日本 \"quoted\""), option.WithResponseInto(&resp))
	if err != nil {
		t.Fatal(err)
	}
	if got.Choices[0].Message.Content != "2" || got.Model != "small-model" {
		t.Errorf("answer %q of %q, want 2 of small-model", got.Choices[0].Message.Content, got.Model)
	}
	wantTrail(t, resp.Header, "small-model", "1")
	received := s.Small.Received()
	if len(received) != 1 || len(s.Large.Received()) != 0 {
		t.Fatalf("small got %d, large %d requests; want 1, 0", len(received), len(s.Large.Received()))
	}
	wantClean(t, received[0], "small-model")
}

func streamed(t *testing.T, s *stack.Stack) {
	s.Small.Play(stack.Stream("one", " two", " three"))
	c := client(s)
	var resp *http.Response
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("MoM", "count"), option.WithResponseInto(&resp))
	var text strings.Builder
	for stream.Next() {
		text.WriteString(stream.Current().Choices[0].Delta.Content)
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if text.String() != "one two three" {
		t.Errorf("streamed %q", text.String())
	}
	wantTrail(t, resp.Header, "small-model", "1")
}

func explicit(t *testing.T, s *stack.Stack) {
	s.Small.Play(stack.Answer("s"))
	s.Large.Play(stack.Answer("l"))
	// Spaces, key order, an unknown field, a number no float64 holds, escapes: all of it must arrive as it was sent.
	sent := "{ \"x\" : 12345678901234567890.10 ,\n\t\"messages\":[{\"content\":\"h\\u00e9 \\/ 世界\",\"role\":\"user\"}],  \"model\" :\t\"larger-model\"\n}"
	if a := chat(t, s, sent); a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	got := s.Large.Received()
	if len(got) != 1 || len(s.Small.Received()) != 0 {
		t.Fatalf("large got %d, small %d requests; want 1, 0", len(got), len(s.Small.Received()))
	}
	if string(got[0].Body) != sent {
		t.Errorf("body changed:\n%q\nwant\n%q", got[0].Body, sent)
	}
	wantClean(t, got[0], "larger-model")
}

func models(t *testing.T, s *stack.Stack) {
	c := client(s)
	page, err := c.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range page.Data {
		ids = append(ids, m.ID)
	}
	if len(ids) < 3 || ids[0] != "MoM" || !slices.Contains(ids, "small-model") || !slices.Contains(ids, "larger-model") {
		t.Errorf("models %q, want MoM first and both backends", ids)
	}
	if _, err := c.Models.Get(t.Context(), "small-model"); err != nil {
		t.Errorf("one model: %v", err)
	}
}

func spoofed(t *testing.T, s *stack.Stack) {
	s.Small.Play(stack.Answer("s"))
	s.Large.Play(stack.Answer("l"))
	spoof := func(r *http.Request) {
		for _, k := range []string{"x-mom-decision", "X-MOM-Decision", "x-mom-stream", "x-mom-domain", "x-mom-model", "x-mom-anything", "x-vsr-selected-model",
			"x-router-route", "x-vllm-semantic-router-cot", "x-selected-model", "x-gateway-destination-endpoint"} {
			r.Header[k] = []string{"route"}
		}
		r.Header.Set("x-envoy-max-retries", "9")
		r.Header.Set("x-envoy-upstream-rq-timeout-ms", "1")
	}
	if a := chat(t, s, body("MoM", "hi"), spoof); a.status != http.StatusOK || a.header.Get("x-mom-model") != "small-model" {
		t.Fatalf("status %d, x-mom-model %q: %s", a.status, a.header.Get("x-mom-model"), a.body)
	}
	got := s.Small.Received()
	if len(got) != 1 {
		t.Fatalf("small got %d requests, want 1", len(got))
	}
	wantClean(t, got[0], "small-model")

	// Without a verdict they must not open a route either.
	s.Small.Play(stack.Answer("s"))
	for _, path := range []string{"/v1/embeddings", "/v1/chat/completions/../embeddings", "/v1//completions"} {
		send(t, s, http.MethodPost, path, strings.NewReader(body("small-model", "hi")), spoof).wantFault(t, http.StatusNotFound, "unknown_url")
	}
	wantUntouched(t, s)
}

func forged(t *testing.T, s *stack.Stack) {
	s.Small.Play(stack.Forge(map[string]string{
		"x-mom-model": "forged", "x-mom-guard": "forged", "x-mom-anything": "forged", "x-vsr-cache-hit": "forged",
		"x-router-model": "forged", "x-vllm-semantic-router-cot": "forged", "x-kept": "kept",
	}))
	a := chat(t, s, body("MoM", "hi"))
	for k, vs := range a.header {
		if slices.Contains(vs, "forged") {
			t.Errorf("the backend's %s reached the client", k)
		}
	}
	if a.header.Get("x-kept") != "kept" {
		t.Error("a header of the backend's own is gone")
	}
	wantTrail(t, a.header, "small-model", "1")
}

// wantTrail checks what a client is told about a routed request.
func wantTrail(t testing.TB, h http.Header, model, attempt string) {
	t.Helper()
	cot := h.Get("x-vllm-semantic-router-cot")
	if !strings.Contains(cot, "🥷 *"+model+"*") || !strings.Contains(cot, " → ") {
		t.Errorf("cot %q, want raw UTF-8 naming %s", cot, model)
	}
	if got := h.Get("x-mom-model"); got != model {
		t.Errorf("x-mom-model %q, want %q", got, model)
	}
	if got := h.Get("x-router-model"); got != model {
		t.Errorf("x-router-model %q, want %q", got, model)
	}
	if got := h.Get("x-envoy-attempt-count"); got != attempt {
		t.Errorf("attempt %q, want %q", got, attempt)
	}
}

// wantClean checks what a backend was sent: its own name, the right length, nothing of ours and nothing of the client's credentials.
func wantClean(t testing.TB, got stack.Received, model string) {
	t.Helper()
	if got.Model() != model {
		t.Errorf("model %q, want %q; body %.200s", got.Model(), model, got.Body)
	}
	if got.Length != int64(len(got.Body)) {
		t.Errorf("content-length %d for %d bytes", got.Length, len(got.Body))
	}
	if v := got.Header.Get("content-length"); v != "" && v != strconv.Itoa(len(got.Body)) {
		t.Errorf("content-length header %q for %d bytes", v, len(got.Body))
	}
	for k := range got.Header {
		k = strings.ToLower(k)
		k = strings.ReplaceAll(k, "_", "-")
		for _, prefix := range []string{"x-mom-", "x-vsr-", "x-router-", "x-vllm-", "x-selected-", "x-gateway-", "authorization", "x-api-key", "cookie"} {
			if strings.HasPrefix(k, prefix) {
				t.Errorf("header %s reached the backend", k)
			}
		}
	}
}

// wantNothingOdd checks that mom and Envoy understood each other to the end.
func wantNothingOdd(t testing.TB, s *stack.Stack) {
	t.Helper()
	for name, n := range s.Stats(t, "ext_proc.*(spurious_msgs_received|rejected_header_mutations|message_timeouts|failure_mode_allowed|clear_route_cache_ignored|streams_failed)$") {
		if n != 0 {
			t.Errorf("%s is %d, want 0", name, n)
		}
	}
	for line := range strings.Lines(s.Envoy.Log(t)) {
		if strings.Contains(line, "[error]") || strings.Contains(line, "[critical]") || strings.Contains(line, "lua") {
			t.Errorf("Envoy complains: %s", line)
		}
	}
}
