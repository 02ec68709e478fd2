package e2e_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
)

func transports(t *testing.T, s *stack.Stack) {
	want := body("MoM", "héllo 世界 🧠 "+strings.Repeat("x", 3000))
	http2 := &http.Transport{Protocols: new(http.Protocols)}
	http2.Protocols.SetUnencryptedHTTP2(true)
	defer http2.CloseIdleConnections()
	for _, c := range []struct {
		name string
		send func() answer
	}{
		{"a chunked body", func() answer {
			// A reader of unknown length is sent chunked.
			return send(t, s, http.MethodPost, "/v1/chat/completions", io.MultiReader(strings.NewReader(want[:10]), strings.NewReader(want[10:])))
		}},
		{"a gzip body", func() answer {
			return send(t, s, http.MethodPost, "/v1/chat/completions", bytes.NewReader(zipped(t, want)), with("content-encoding", "gzip"))
		}},
		{"a body after 100-continue", func() answer { return chat(t, s, want, with("expect", "100-continue")) }},
		{"a body of unnamed type", func() answer { return chat(t, s, want, func(r *http.Request) { r.Header.Del("content-type") }) }},
		{"a header with underscores, which is dropped", func() answer { return chat(t, s, want, with("x_mom_decision", "route")) }},
		{"a path with too many slashes", func() answer {
			return send(t, s, http.MethodPost, "//v1//chat/./completions", strings.NewReader(want))
		}},
		{"a body with trailers", func() answer {
			return send(t, s, http.MethodPost, "/v1/chat/completions", io.MultiReader(strings.NewReader(want)), func(r *http.Request) {
				r.Trailer = http.Header{"X-Mom-Decision": {"route"}}
			})
		}},
		{"HTTP/2", func() answer {
			return sendBy(t, http2, s, http.MethodPost, "/v1/chat/completions", strings.NewReader(want))
		}},
		{"HTTP/2 with trailers", func() answer {
			return sendBy(t, http2, s, http.MethodPost, "/v1/chat/completions", io.MultiReader(strings.NewReader(want)), func(r *http.Request) {
				r.Trailer = http.Header{"X-Mom-Decision": {"route"}}
			})
		}},
		{"a path with a query", func() answer {
			return send(t, s, http.MethodPost, "/v1/chat/completions?api-version=1", strings.NewReader(want))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Small.Play(stack.Answer("ok"))
			if a := c.send(); a.status != http.StatusOK {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			got := s.Small.Received()
			if len(got) != 1 {
				t.Fatalf("%d requests, want 1", len(got))
			}
			wantClean(t, got[0], "small-model")
			if string(got[0].Body) != strings.Replace(want, `"MoM"`, `"small-model"`, 1) {
				t.Errorf("more than the model changed: %.100q", got[0].Body)
			}
		})
	}
}

// TestSlowBody: a body that never ends is ended by Envoy, and MoM's stream with it.
func TestSlowBody(t *testing.T) {
	s := stack.Start(t, stack.Options{Envoy: func(yaml string) string {
		return strings.Replace(yaml, " request_timeout: 60s", " request_timeout: 1s", 1)
	}})
	s.Small.Play(stack.Answer("ok"))
	drips, client := io.Pipe()
	defer client.Close()
	go func() { _, _ = io.WriteString(client, body("MoM", "hi")[:20]) }()
	a := send(t, s, http.MethodPost, "/v1/chat/completions", drips)
	if _, code := a.fault(t); a.status != http.StatusRequestTimeout || code != "request_timeout" {
		t.Errorf("status %d code %q, want 408 request_timeout", a.status, code)
	}
	wantUntouched(t, s)
	if a := chat(t, s, body("MoM", "hi")); a.status != http.StatusOK {
		t.Errorf("the next request: status %d: %s", a.status, a.body)
	}
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
