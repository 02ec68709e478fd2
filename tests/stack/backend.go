package stack

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// Received is a request as a backend got it.
type Received struct {
	Method, Path string
	Header       http.Header
	Length       int64 // content-length; -1 when chunked
	Body         []byte
}

// Model is the value of the body's model field, "" when there is none.
func (r Received) Model() string {
	var body struct {
		Model string `json:"model"`
	}
	_ = json.Unmarshal(r.Body, &body)
	return body.Model
}

// A Step answers one request.
type Step func(w http.ResponseWriter, r *http.Request, got Received)

// Backend is an OpenAI-compatible server that does what a test's script says and keeps what it was sent.
type Backend struct {
	Name string
	addr string

	mu     sync.Mutex
	server *http.Server
	script []Step
	got    []Received
}

// NewBackend listens on a loopback port until the test ends.
func NewBackend(t testing.TB, name string) *Backend {
	t.Helper()
	b := &Backend{Name: name, addr: "127.0.0.1:0"}
	b.Up(t)
	b.Play(Answer("from " + name))
	t.Cleanup(func() { b.Down(t) })
	return b
}

// Port is where it listens.
func (b *Backend) Port() int {
	addr, err := net.ResolveTCPAddr("tcp", b.addr)
	if err != nil {
		panic(err) // it is the address of a listener
	}
	return addr.Port
}

// Up listens again after Down, on the same port.
func (b *Backend) Up(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(b.serve)}
	b.mu.Lock()
	b.addr, b.server = listener.Addr().String(), server
	b.mu.Unlock()
	go func() { _ = server.Serve(listener) }()
}

// Down closes the listener and every connection: from here on connections are refused.
func (b *Backend) Down(t testing.TB) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.server.Close(); err != nil {
		t.Error(err)
	}
}

// Play begins a new script and forgets what was received: request n gets step n, and the last step repeats.
func (b *Backend) Play(steps ...Step) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script, b.got = steps, nil
}

// Received is what came since the last Play, in order of arrival.
func (b *Backend) Received() []Received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

func (b *Backend) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender gave up
	}
	got := Received{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Length: r.ContentLength, Body: body}
	b.mu.Lock()
	step := b.script[min(len(b.got), len(b.script)-1)]
	b.got = append(b.got, got)
	b.mu.Unlock()
	step(w, r, got)
}

// Answer is a whole completion.
func Answer(text string) Step {
	return func(w http.ResponseWriter, _ *http.Request, got Received) {
		w.Header().Set("content-type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": got.Model(),
			"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}},
			"usage":   map[string]any{"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
		})
	}
}

// Status is an error of the backend's own.
func Status(code int) Step {
	return func(w http.ResponseWriter, _ *http.Request, _ Received) {
		w.Header().Set("content-type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"error":{"message":"scripted","type":"server_error","param":null,"code":null}}`)
	}
}

// Forge answers like Answer under headers of its own.
func Forge(header map[string]string) Step {
	return func(w http.ResponseWriter, r *http.Request, got Received) {
		for k, v := range header {
			w.Header().Set(k, v)
		}
		Answer("forged")(w, r, got)
	}
}

// Reset cuts the connection.
func Reset(w http.ResponseWriter, _ *http.Request, _ Received) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// Hang says nothing until the other side gives up.
func Hang(_ http.ResponseWriter, r *http.Request, _ Received) { <-r.Context().Done() }

// Stream is a streamed answer, one event a word, ending in [DONE].
func Stream(words ...string) Step { return Paused(nil, words...) }

// Paused is Stream that waits for release after the first word.
func Paused(release <-chan struct{}, words ...string) Step {
	return func(w http.ResponseWriter, r *http.Request, got Received) {
		w.Header().Set("content-type", "text/event-stream")
		for i, word := range words {
			event(w, got.Model(), word)
			if i == 0 && release != nil {
				select {
				case <-release:
				case <-r.Context().Done():
					return
				}
			}
		}
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}
}

// Cut streams the words, waits for release, and then closes the connection in the middle of the answer.
func Cut(release <-chan struct{}, words ...string) Step {
	return func(w http.ResponseWriter, r *http.Request, got Received) {
		w.Header().Set("content-type", "text/event-stream")
		for _, word := range words {
			event(w, got.Model(), word)
		}
		select {
		case <-release:
			Reset(w, r, got)
		case <-r.Context().Done():
		}
	}
}

func event(w http.ResponseWriter, model, word string) {
	text, err := json.Marshal(map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": nil, "delta": map[string]any{"role": "assistant", "content": word}}},
	})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	_, _ = fmt.Fprintf(w, "data: %s\n\n", text)
	w.(http.Flusher).Flush()
}
