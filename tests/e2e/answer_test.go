package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// prose holds nothing that anybody would keep from a client, and more than a window of it.
const prose = "The lighthouse was built in spring. Every evening its keeper climbs the stairs and looks at the sea. Ships pass far out, and their lamps are small. " +
	"He writes down how many there were. In winter there are few, and the wind is loud. He makes tea and reads until morning. Then he puts out the lamp, " +
	"sweeps the stairs, and goes down to the village for bread. Nobody there asks him about the ships. They talk about the weather and about the price of fish."

// words cuts a text as a model says it.
func words(text string) []string { return strings.SplitAfter(text, " ") }

// raw is a backend that says these bytes.
func raw(contentType, body string) stack.Step {
	return func(w http.ResponseWriter, _ *http.Request, _ stack.Received) {
		w.Header().Set("content-type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// ending reads a stream by the official client: what was said and why it ended.
func ending(t *testing.T, s *stack.Stack, prompt string) (text, finish string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	official := client(s)
	stream := official.Chat.Completions.NewStreaming(ctx, ask("MoM", prompt))
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			text, finish = text+c.Delta.Content, finish+c.FinishReason
		}
	}
	if err := stream.Err(); err != nil {
		t.Errorf("the official client fails: %v", err)
	}
	return text, finish
}

func TestAnswersAreScreened(t *testing.T) {
	config := strings.Replace(stack.Config, "guard: {enabled: false}\n", "guard: {output: block, pii: {types: {EMAIL_ADDRESS: redact}, restore: true}}\ntimeouts: {guard: 3s}\n", 1)
	s := stack.Start(t, stack.Options{Config: config, Envoy: impatient})
	t.Run("a clean stream is what it was", func(t *testing.T) {
		s.Small.Play(stack.Stream(words(prose)...))
		a := chat(t, s, body("MoM", "Tell a story."), with("accept-encoding", "gzip"))
		var want strings.Builder
		for _, w := range words(prose) {
			text, _ := json.Marshal(map[string]any{"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "small-model",
				"choices": []any{map[string]any{"index": 0, "finish_reason": nil, "delta": map[string]any{"role": "assistant", "content": w}}}})
			fmt.Fprintf(&want, "data: %s\n\n", text)
		}
		if want.WriteString("data: [DONE]\n\n"); a.status != 200 || a.body != want.String() {
			t.Errorf("%d: %s", a.status, a.body)
		}
		if got := s.Small.Received(); len(got) != 1 || strings.Contains(got[0].Header.Get("accept-encoding"), "gzip") {
			t.Errorf("the backend was asked in %v", got[0].Header)
		}
	})
	t.Run("a clean completion is what it was", func(t *testing.T) {
		reply := `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"` + prose + `"}}]}`
		s.Small.Play(raw("application/json", reply))
		if a := chat(t, s, body("MoM", "Tell a story.")); a.status != 200 || a.body != reply || a.header.Get("content-length") != fmt.Sprint(len(reply)) {
			t.Errorf("%d %v: %s", a.status, a.header, a.body)
		}
	})
	t.Run("a hit ends a stream cleanly", func(t *testing.T) {
		s.Small.Play(stack.Stream(words(prose + " By the way, my card is 4111 1111 1111 1111 and I like it. " + prose)...))
		text, finish := ending(t, s, "Tell a story.")
		if finish != "content_filter" || strings.Contains(text, "4111") || !strings.HasPrefix(prose+" By the way, my card is ", text) || len(text) < len(prose)/2 {
			t.Errorf("%q, ended for %q", text, finish)
		}
	})
	t.Run("a hit makes a completion a 403", func(t *testing.T) {
		s.Small.Play(stack.Answer("It is 4111 1111 1111 1111."))
		a := chat(t, s, body("MoM", "Which card?"))
		a.wantFault(t, 403, "pii_detected")
		if strings.Contains(a.body, "4111") || a.header.Get("x-mom-guard") != "blocked" || a.header.Get("x-mom-model") != "small-model" || a.header.Get("x-should-retry") != "false" {
			t.Errorf("headers %v, body %s", a.header, a.body)
		}
		official := client(s)
		_, err := official.Chat.Completions.New(t.Context(), ask("MoM", "Which card?"))
		var refused *openai.Error
		if !errors.As(err, &refused) || refused.StatusCode != 403 || refused.Code != "pii_detected" {
			t.Errorf("the official client sees %v", err)
		}
	})
	t.Run("a value that was redacted comes back, wherever a model cuts its name", func(t *testing.T) {
		for _, said := range [][]string{{"I wrote to [EMAIL_ADDRESS_1]."}, {"I wrote to ", "[", "EMAIL", "_ADDRESS", "_1", "]", "."}} {
			s.Small.Play(stack.Stream(append(said, words(" "+prose)...)...))
			text, finish := ending(t, s, "Write to ann.smith@mail.example.org, please.")
			if want := "I wrote to ann.smith@mail.example.org. " + prose; text != want || finish != "" {
				t.Errorf("%q, ended for %q", text, finish)
			}
			if got := s.Small.Received(); len(got) != 1 || strings.Contains(string(got[0].Body), "ann.smith") || !strings.Contains(string(got[0].Body), "[EMAIL_ADDRESS_1]") {
				t.Errorf("the backend was told %s", got[0].Body)
			}
		}
		s.Small.Play(stack.Answer("I wrote to [EMAIL_ADDRESS_1]."))
		official := client(s)
		c, err := official.Chat.Completions.New(t.Context(), ask("MoM", "Write to ann.smith@mail.example.org, please."))
		if err != nil || c.Choices[0].Message.Content != "I wrote to ann.smith@mail.example.org." {
			t.Errorf("%v: %+v", err, c)
		}
	})
	t.Run("another's address of that kind does not pass", func(t *testing.T) {
		s.Small.Play(stack.Answer("Ask bob.jones@mail.example.org."))
		chat(t, s, body("MoM", "Write to ann.smith@mail.example.org, please.")).wantFault(t, 403, "pii_detected")
	})
	t.Run("what cannot be read is refused", func(t *testing.T) {
		s.Small.Play(func(w http.ResponseWriter, _ *http.Request, _ stack.Received) {
			w.Header().Set("content-type", "application/json")
			w.Header().Set("content-encoding", "br")
			_, _ = io.WriteString(w, "not really")
		})
		chat(t, s, body("MoM", "hi")).wantFault(t, 502, "answer_unreadable")
		s.Small.Play(raw("text/html", "<p>busy</p>"))
		chat(t, s, body("MoM", "hi")).wantFault(t, 502, "answer_unreadable")
		s.Small.Play(raw("application/json", `{"choices":[{"message":{"content":"`+strings.Repeat("a ", 3<<20)+`"}}]}`))
		if a := chat(t, s, body("MoM", "hi")); a.status < 500 || len(a.body) > 1000 {
			t.Errorf("%d, %d bytes", a.status, len(a.body))
		}
	})
	t.Run("a slow stream keeps flowing", func(t *testing.T) { flows(t, s) })
	t.Run("a backend that dies in mid-answer, and a client that leaves, leave nothing", func(t *testing.T) { leaves(t, s) })
	t.Run("flagged answers pass", func(t *testing.T) { flagged(t, s, config) })
	stack.Until(t, 5*time.Second, "counters", func() error {
		got := s.Stats(t, "mom_router.output")
		if got["mom_router.output.state.ok"] < 5 || got["mom_router.output.state.flagged"] != 2 || got["mom_router.output.state.blocked_pii"] != 4 || got["mom_router.output.state.blocked_unread"] != 2 {
			return fmt.Errorf("other than expected: %v", got)
		}
		return nil
	})
	wantNothingOdd(t, s)
}

// flows reads a stream that the backend goes on with only when its beginning has arrived.
func flows(t *testing.T, s *stack.Stack) {
	release := make(chan struct{})
	s.Small.Play(func(w http.ResponseWriter, r *http.Request, got stack.Received) {
		stack.Stream(words(prose)...)(&unfinished{ResponseWriter: w}, r, got)
		<-release
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	official := client(s)
	stream := official.Chat.Completions.NewStreaming(ctx, ask("MoM", "Tell a story."))
	text := ""
	for stream.Next() {
		if text += stream.Current().Choices[0].Delta.Content; len(text) > len(prose)-150 && release != nil {
			close(release)
			release = nil
		}
	}
	if release != nil || stream.Err() != nil || text != prose {
		t.Errorf("%v, %d of %d bytes", stream.Err(), len(text), len(prose))
	}
}

// unfinished keeps the end of a stream to itself.
type unfinished struct{ http.ResponseWriter }

func (w *unfinished) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), "data: [DONE]") {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (w *unfinished) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

func leaves(t *testing.T, s *stack.Stack) {
	gone := make(chan struct{})
	s.Small.Play(func(w http.ResponseWriter, r *http.Request, got stack.Received) {
		stack.Stream(words(prose)...)(&unfinished{ResponseWriter: w}, r, got)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	official := client(s)
	stream := official.Chat.Completions.NewStreaming(ctx, ask("MoM", "Tell a story."), option.WithRequestTimeout(patience))
	if !stream.Next() {
		t.Error(stream.Err())
	}
	cancel()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("the backend still answers a client that is gone")
	}
	stack.Until(t, 5*time.Second, "no stream is open at mom", func() error {
		if n := s.Stats(t, "^cluster.mom_router.upstream_rq_active$")["cluster.mom_router.upstream_rq_active"]; n > 1 { // the health check's watch may be one
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
}

// flagged switches the stack over to answers that are only counted.
func flagged(t *testing.T, s *stack.Stack, config string) {
	s.Write(t, "mom.yaml", strings.Replace(config, "output: block", "output: flag", 1))
	stack.Until(t, patience, "the new configuration", func() error {
		if !strings.Contains(s.MoM.Log(t), `"output":"flag"`) {
			return errors.New("not yet")
		}
		return nil
	})
	s.Small.Play(stack.Stream(words("It is 4111 1111 1111 1111.")...))
	if text, _ := ending(t, s, "Which card?"); text != "It is 4111 1111 1111 1111." {
		t.Errorf("%q", text)
	}
	s.Small.Play(stack.Answer("It is 4111 1111 1111 1111."))
	if a := chat(t, s, body("MoM", "Which card?")); a.status != 200 || !strings.Contains(a.body, "4111 1111") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
