// Package e2e_test is the whole program as its users meet it: real Envoy, real mom, real OpenAI client, scripted backends.
package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

const patience = 20 * time.Second // for one request of a test; far above any limit in the files under test

// client is the official one, told to try once, so that a test sees what the gateway did.
func client(s *stack.Stack) openai.Client {
	return openai.NewClient(option.WithBaseURL(s.URL+"/v1"), option.WithAPIKey("sk-client"), option.WithMaxRetries(0))
}

func ask(model, prompt string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)}}
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// send does any request. The body, when there is one, is sent as JSON unless edit says otherwise.
func send(t testing.TB, s *stack.Stack, method, path string, body io.Reader, edit ...func(*http.Request)) answer {
	t.Helper()
	return sendBy(t, http.DefaultTransport, s, method, path, body, edit...)
}

// sendBy is send over a transport of one's own.
func sendBy(t testing.TB, by http.RoundTripper, s *stack.Stack, method, path string, body io.Reader, edit ...func(*http.Request)) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("content-type", "application/json")
	for _, e := range edit {
		e(req)
	}
	resp, err := by.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text), err}
}

// chat posts a body to the chat endpoint.
func chat(t testing.TB, s *stack.Stack, body string, edit ...func(*http.Request)) answer {
	t.Helper()
	return send(t, s, http.MethodPost, "/v1/chat/completions", strings.NewReader(body), edit...)
}

// body is a chat request as JSON.
func body(model, prompt string) string {
	text, err := json.Marshal(map[string]any{"model": model, "messages": []any{map[string]any{"role": "user", "content": prompt}}})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}

// with sets a request header.
func with(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// fault is the error object of an answer; it fails the test unless the answer is one, whole and in JSON.
func (a answer) fault(t testing.TB) (kind, code string) {
	t.Helper()
	var e struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    *string `json:"code"`
		} `json:"error"`
	}
	if got := a.header.Get("content-type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("content-type %q, want application/json", got)
	}
	if !strings.Contains(a.body, `"param":`) {
		t.Errorf("error without param: %s", a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || e.Error.Message == "" || e.Error.Type == "" || e.Error.Code == nil {
		t.Fatalf("status %d, not an OpenAI error (%v): %q", a.status, err, a.body)
	}
	return e.Error.Type, *e.Error.Code
}

// wantFault fails the test unless the answer is this error.
func (a answer) wantFault(t testing.TB, status int, code string) {
	t.Helper()
	if _, got := a.fault(t); a.status != status || got != code {
		t.Errorf("status %d code %q, want %d %q; body %s", a.status, got, status, code, a.body)
	}
}

// wantUntouched fails the test when any backend got any request.
func wantUntouched(t testing.TB, s *stack.Stack) {
	t.Helper()
	for _, b := range []*stack.Backend{s.Small, s.Large} {
		if got := b.Received(); len(got) > 0 {
			t.Errorf("backend %s got %d requests, want none; the first: %s %s model %q", b.Name, len(got), got[0].Method, got[0].Path, got[0].Model())
		}
	}
}
