package e2e_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

const good = `{"model":"MoM","messages":[{"role":"user","content":"hi"}]}`

func refusals(t *testing.T, s *stack.Stack) {
	for _, c := range []struct {
		name         string
		method, path string
		body         string
		edit         func(*http.Request)
		status       int
		code         string
	}{
		{name: "an unknown path", method: "POST", path: "/v1/embeddings", body: good, status: 404, code: "unknown_url"},
		{name: "a path outside /v1", method: "GET", path: "/admin", status: 404, code: "unknown_url"},
		{name: "an escaped slash", method: "POST", path: "/v1%2Fchat/completions", body: good, status: 400, code: "bad_request"},
		{name: "the wrong method", method: "GET", path: "/v1/chat/completions", status: 405, code: "method_not_allowed"},
		{name: "DELETE", method: "DELETE", path: "/v1/chat/completions", status: 405, code: "method_not_allowed"},
		{name: "an upgrade", method: "GET", path: "/v1/chat/completions", status: 405, code: "method_not_allowed",
			edit: func(r *http.Request) { r.Header.Set("connection", "upgrade"); r.Header.Set("upgrade", "websocket") }},
		{name: "an empty body", method: "POST", path: "/v1/chat/completions", status: 400, code: "invalid_json"},
		{name: "an encoding Envoy does not inflate", method: "POST", path: "/v1/chat/completions", body: good, edit: with("content-encoding", "br"), status: 415, code: "unsupported_content_encoding"},
		{name: "a form", method: "POST", path: "/v1/chat/completions", body: "a=b", edit: with("content-type", "application/x-www-form-urlencoded"), status: 415, code: "unsupported_media_type"},
		{name: "another charset", method: "POST", path: "/v1/chat/completions", body: good, edit: with("content-type", "application/json; charset=utf-16"), status: 415, code: "unsupported_charset"},
		{name: "no JSON", method: "POST", path: "/v1/chat/completions", body: `{"model":`, status: 400, code: "invalid_json"},
		{name: "a key twice", method: "POST", path: "/v1/chat/completions", body: `{"model":"MoM","model":"larger-model","messages":[{"role":"user","content":"hi"}]}`, status: 400, code: "duplicate_key"},
		{name: "a key twice, once spelled with an escape", method: "POST", path: "/v1/chat/completions", body: `{"model":"MoM","mod\u0065l":"larger-model","messages":[{"role":"user","content":"hi"}]}`, status: 400, code: "duplicate_key"},
		{name: "a key in another case", method: "POST", path: "/v1/chat/completions", body: `{"model":"MoM","Model":"larger-model","messages":[{"role":"user","content":"hi"}]}`, status: 400, code: "ambiguous_key"},
		{name: "no messages", method: "POST", path: "/v1/chat/completions", body: `{"model":"MoM"}`, status: 400, code: "missing_required_parameter"},
		{name: "an unknown model", method: "POST", path: "/v1/chat/completions", body: body("gpt-9", "hi"), status: 404, code: "model_not_found"},
		{name: "a body over MoM's limit", method: "POST", path: "/v1/chat/completions", body: body("MoM", strings.Repeat("x", 1<<20)), status: 413, code: "request_too_large"},
		{name: "a body over Envoy's limit", method: "POST", path: "/v1/chat/completions", body: body("MoM", strings.Repeat("x", 5<<20)), status: 413, code: "request_too_large"},
		{name: "a small gzip of a body over Envoy's limit", method: "POST", path: "/v1/chat/completions", body: string(zipped(t, strings.Repeat(" ", 50<<20))),
			edit: with("content-encoding", "gzip"), status: 413, code: "request_too_large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Small.Play(stack.Answer("s"))
			s.Large.Play(stack.Answer("l"))
			var edits []func(*http.Request)
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			var content io.Reader
			if c.body != "" {
				content = bytes.NewReader([]byte(c.body))
			}
			a := send(t, s, c.method, c.path, content, edits...)
			a.wantFault(t, c.status, c.code)
			if kind, _ := a.fault(t); kind != "invalid_request_error" {
				t.Errorf("type %q", kind)
			}
			if got := a.header.Get("x-should-retry"); got != "false" {
				t.Errorf("x-should-retry %q, want false: SDKs would ask again", got)
			}
			wantUntouched(t, s)
		})
	}
	t.Run("CONNECT", func(t *testing.T) {
		for _, target := range []string{"example.com:443", "127.0.0.1:22"} {
			if got := rawStatus(t, s, "CONNECT "+target+" HTTP/1.1\r\nhost: "+target+"\r\n\r\n"); got != 405 && got != 404 {
				t.Errorf("CONNECT %s: status %d, want 405 or 404", target, got)
			}
		}
		wantUntouched(t, s)
	})
	t.Run("bytes that are no HTTP", func(t *testing.T) {
		for _, request := range []string{
			"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
			"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\na: \x01\r\n\r\n",
			"NONSENSE\r\n\r\n",
		} {
			if got := rawStatus(t, s, request); got != 0 && got != 400 {
				t.Errorf("%q: status %d, want 400 or a closed connection", request, got)
			}
		}
		wantUntouched(t, s)
	})
}

// rawStatus sends bytes as they are and returns the status of the answer, 0 when the connection was closed without one.
func rawStatus(t testing.TB, s *stack.Stack, request string) int {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return 0
	}
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
