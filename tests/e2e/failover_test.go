package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
	"github.com/openai/openai-go/v3/option"
)

// impatient lets one attempt last a second: the shipped file gives a whole generation its time.
func impatient(yaml string) string {
	return strings.NewReplacer("per_try_timeout: 600s", "per_try_timeout: 1s", "per_try_timeout: 30s", "per_try_timeout: 1s").Replace(yaml)
}

func TestFailover(t *testing.T) {
	s := stack.Start(t, stack.Options{Envoy: impatient})
	for _, c := range []struct {
		name  string
		first stack.Step
	}{
		{"answers 503", stack.Status(503)},
		{"answers 500", stack.Status(500)},
		{"answers 429", stack.Status(429)},
		{"resets the connection", stack.Reset},
		{"hangs", stack.Hang},
	} {
		t.Run("the second backend answers when the first "+c.name, func(t *testing.T) { failover(t, s, c.first) })
	}
	t.Run("the second backend answers when the first refuses the connection", func(t *testing.T) {
		s.Small.Down(t)
		defer s.Small.Up(t)
		failover(t, s, nil)
	})
	t.Run("the second backend gets its own name whatever the body looks like", func(t *testing.T) { bodies(t, s) })
	t.Run("a client's own error is not asked of the second backend", func(t *testing.T) {
		s.Small.Play(stack.Status(400))
		s.Large.Play(stack.Answer("l"))
		if a := chat(t, s, body("MoM", "hi")); a.status != 400 || len(s.Large.Received()) != 0 {
			t.Errorf("status %d, large got %d; want 400, 0", a.status, len(s.Large.Received()))
		}
	})
	t.Run("a backend asked for by name is asked again, and no other", func(t *testing.T) {
		s.Small.Play(stack.Status(503), stack.Answer("again"))
		s.Large.Play(stack.Answer("l"))
		sent := body("small-model", "hi")
		a := chat(t, s, sent)
		got := s.Small.Received()
		if a.status != 200 || len(got) != 2 || len(s.Large.Received()) != 0 {
			t.Fatalf("status %d, small got %d, large %d; want 200, 2, 0", a.status, len(got), len(s.Large.Received()))
		}
		if string(got[1].Body) != sent {
			t.Errorf("second attempt %q, want the client's bytes", got[1].Body)
		}
	})
	t.Run("when all fail the client gets the last one's words", func(t *testing.T) {
		s.Small.Play(stack.Status(500))
		s.Large.Play(stack.Status(503))
		if a := chat(t, s, body("MoM", "hi")); a.status != 503 || !strings.Contains(a.body, "scripted") {
			t.Errorf("status %d: %s", a.status, a.body)
		}
		if n := len(s.Small.Received()); n != 1 {
			t.Errorf("the first backend was asked %d times, want once", n)
		}
	})
	t.Run("when all are down the client gets a 503 in JSON", func(t *testing.T) {
		s.Small.Down(t)
		defer s.Small.Up(t)
		s.Large.Down(t)
		defer s.Large.Up(t)
		chat(t, s, body("MoM", "hi")).wantFault(t, http.StatusServiceUnavailable, "gateway_error")
	})
	t.Run("when all hang the client gets a 504 in JSON", func(t *testing.T) {
		s.Small.Play(stack.Hang)
		s.Large.Play(stack.Hang)
		chat(t, s, body("MoM", "hi")).wantFault(t, http.StatusGatewayTimeout, "gateway_error")
	})
	t.Run("a stream that breaks is not glued to another one", func(t *testing.T) { broken(t, s) })
	wantNothingOdd(t, s)
}

// failover plays first to the first backend and checks that the second answered under its own name, streamed and not.
func failover(t *testing.T, s *stack.Stack, first stack.Step) {
	prompt := `Grüße "世界" 🧠 {"model":"MoM"}`
	for _, streaming := range []bool{false, true} {
		s.Small.Play(first)
		c := client(s)
		var resp *http.Response
		var text strings.Builder
		if streaming {
			s.Large.Play(stack.Stream("from", " large"))
			stream := c.Chat.Completions.NewStreaming(t.Context(), ask("MoM", prompt), option.WithResponseInto(&resp))
			for stream.Next() {
				text.WriteString(stream.Current().Choices[0].Delta.Content)
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
		} else {
			s.Large.Play(stack.Answer("from large"))
			got, err := c.Chat.Completions.New(t.Context(), ask("MoM", prompt), option.WithResponseInto(&resp))
			if err != nil {
				t.Fatal(err)
			}
			text.WriteString(got.Choices[0].Message.Content)
		}
		if text.String() != "from large" {
			t.Errorf("answer %q", text.String())
		}
		wantTrail(t, resp.Header, "larger-model", "2") // who answered, not who was asked first
		received := s.Large.Received()
		if len(received) != 1 {
			t.Fatalf("large got %d requests, want 1", len(received))
		}
		wantClean(t, received[0], "larger-model")
		if first == nil {
			continue // nobody was there to receive it
		}
		if got := s.Small.Received(); len(got) != 1 {
			t.Errorf("small got %d requests, want 1", len(got))
		} else {
			wantClean(t, got[0], "small-model")
		}
	}
}

func bodies(t *testing.T, s *stack.Stack) {
	for _, c := range []struct {
		name, body string
		edit       func(*http.Request)
		chunked    bool
	}{
		{name: "1 MiB of UTF-8", body: limit(t, "世"), chunked: false},
		{name: "1 MiB, chunked", body: limit(t, "x"), chunked: true},
		{name: "the model at the end", body: `{"messages":[{"role":"user","content":"\"model\":\"MoM\" 世界"}],"model" : "MoM"}`},
		{name: "the model spelled with escapes", body: `{"model":"M\u006fM","messages":[{"role":"user","content":"hi"}]}`},
		{name: "gzip", body: string(zipped(t, body("MoM", "hi 世界"))), edit: with("content-encoding", "gzip")},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Small.Play(stack.Status(503))
			s.Large.Play(stack.Status(500), stack.Answer("l"))
			var content io.Reader = strings.NewReader(c.body)
			if c.chunked {
				content = io.MultiReader(content)
			}
			var edits []func(*http.Request)
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			if a := send(t, s, http.MethodPost, "/v1/chat/completions", content, edits...); a.status != http.StatusOK {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			small, large := s.Small.Received(), s.Large.Received()
			if len(small) != 1 || len(large) != 2 {
				t.Fatalf("small got %d, large %d requests; want 1, 2", len(small), len(large))
			}
			wantClean(t, small[0], "small-model")
			for i, got := range large {
				t.Run(fmt.Sprintf("attempt %d", i+2), func(t *testing.T) {
					wantClean(t, got, "larger-model")
					// The names differ in length, so a content-length left over from the attempt before would be wrong.
					if want := strings.Replace(string(small[0].Body), "small-model", "larger-model", 1); string(got.Body) != want {
						t.Errorf("%d bytes differ from the first attempt's %d in more than the model", len(got.Body), len(want))
					}
				})
			}
		})
	}
}

// limit is a chat body of 1 MiB, as near as the filling allows.
func limit(t testing.TB, filling string) string {
	t.Helper()
	room := 1<<20 - len(body("MoM", ""))
	text := body("MoM", strings.Repeat(filling, room/len(filling)))
	if len(text) > 1<<20 || len(text) < 1<<20-8 {
		t.Fatalf("%d bytes", len(text))
	}
	return text
}

func broken(t *testing.T, s *stack.Stack) {
	release := make(chan struct{})
	s.Small.Play(stack.Cut(release, "one", " two"))
	s.Large.Play(stack.Stream("other"))
	c := client(s)
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("MoM", "hi"))
	var text strings.Builder
	for stream.Next() {
		text.WriteString(stream.Current().Choices[0].Delta.Content)
		if text.String() == "one two" {
			close(release)
		}
	}
	if stream.Err() == nil {
		t.Error("the client was not told that the answer is incomplete")
	}
	if text.String() != "one two" || len(s.Large.Received()) != 0 {
		t.Errorf("text %q, large got %d; want the two words, 0", text.String(), len(s.Large.Received()))
	}
}
