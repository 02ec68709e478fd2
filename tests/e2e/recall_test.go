package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
	"github.com/openai/openai-go/v3/option"
)

// completion is a whole answer; events are the same as a stream, word by word.
func completion(text string) string {
	return fmt.Sprintf(`{"id":"c1","object":"chat.completion","created":1,"model":"small-2","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":%q}}],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}`, text)
}

func events(text string) string {
	var b strings.Builder
	chunk := func(delta, finish string) {
		fmt.Fprintf(&b, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"small-2","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`+"\n\n", delta, finish)
	}
	for _, w := range words(text) {
		chunk(fmt.Sprintf(`{"content":%q}`, w), "null")
	}
	chunk("{}", `"stop"`)
	return b.String() + "data: [DONE]\n\n"
}

func TestAnswersAreGivenAgain(t *testing.T) {
	config := strings.Replace(stack.Config, "guard: {enabled: false}\n", "recall: {scope: tenant, tenant: {header: x-tenant}}\ntimeouts: {guard: 3s}\n", 1)
	s := stack.Start(t, stack.Options{Config: config, Envoy: impatient})
	official := client(s)
	said := func(prompt, tenant string) (text, cache string) {
		t.Helper()
		var resp *http.Response
		got, err := official.Chat.Completions.New(t.Context(), ask("MoM", prompt), option.WithResponseInto(&resp), option.WithHeader("x-tenant", tenant))
		if err != nil {
			t.Fatal(err)
		}
		return got.Choices[0].Message.Content, resp.Header.Get("x-mom-cache")
	}
	streamed := func(prompt, tenant string) (text, cache string) {
		t.Helper()
		var resp *http.Response
		stream := official.Chat.Completions.NewStreaming(t.Context(), ask("MoM", prompt), option.WithResponseInto(&resp), option.WithHeader("x-tenant", tenant))
		for stream.Next() {
			for _, c := range stream.Current().Choices {
				text += c.Delta.Content
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		return text, resp.Header.Get("x-mom-cache")
	}
	t.Run("a completion, in either form, without a backend", func(t *testing.T) {
		s.Small.Play(raw("application/json", completion(prose)))
		for i, want := range []string{"miss", "hit", "hit"} {
			if text, cache := said("What does a lighthouse keeper do?", "a"); text != prose || cache != want {
				t.Errorf("request %d: %q from %s, want %s", i, text, cache, want)
			}
		}
		if text, cache := streamed("What does a lighthouse keeper do?", "a"); text != prose || cache != "hit" {
			t.Errorf("as a stream: %q from %s", text, cache)
		}
		if n := len(s.Small.Received()); n != 1 {
			t.Errorf("the backend was asked %d times", n)
		}
	})
	t.Run("a stream, in either form", func(t *testing.T) {
		s.Small.Play(raw("text/event-stream", events(prose)))
		if text, cache := streamed("Who keeps the lamp?", "a"); text != prose || cache != "miss" {
			t.Errorf("%q from %s", text, cache)
		}
		if text, cache := said("Who keeps the lamp?", "a"); text != prose || cache != "hit" {
			t.Errorf("%q from %s", text, cache)
		}
		if text, cache := streamed("Who keeps the lamp?", "a"); text != prose || cache != "hit" {
			t.Errorf("%q from %s", text, cache)
		}
		if n := len(s.Small.Received()); n != 1 {
			t.Errorf("the backend was asked %d times", n)
		}
	})
	t.Run("not to another tenant, and not to nobody", func(t *testing.T) {
		s.Small.Play(raw("application/json", completion("another answer")))
		if text, cache := said("What does a lighthouse keeper do?", "b"); text != "another answer" || cache != "miss" {
			t.Errorf("%q from %s", text, cache)
		}
		a := chat(t, s, body("MoM", "What does a lighthouse keeper do?"))
		if cache := a.header.Get("x-mom-cache"); cache != "bypass" || strings.Contains(a.body, prose) {
			t.Errorf("%s from %s", a.body, cache)
		}
	})
	t.Run("not when personal data stands in the question", func(t *testing.T) {
		s.Small.Play(raw("application/json", completion("Dear Ann")))
		for range 2 {
			if _, cache := said("Write a letter to ann.smith@example.org about the lamp.", "a"); cache != "bypass" {
				t.Errorf("from %s", cache)
			}
		}
	})
	t.Run("not when the client wants none", func(t *testing.T) {
		s.Small.Play(raw("application/json", completion(prose)))
		for range 2 {
			a := chat(t, s, body("MoM", "Who paints the tower?"), with("x-tenant", "a"), with("cache-control", "no-store"))
			if cache := a.header.Get("x-mom-cache"); cache != "bypass" {
				t.Errorf("from %s", cache)
			}
		}
		if n := len(s.Small.Received()); n != 2 {
			t.Errorf("the backend was asked %d times", n)
		}
	})
	t.Run("not what broke off, nor what ended before it was said", func(t *testing.T) {
		release := make(chan struct{})
		s.Small.Play(stack.Cut(release, "Half", " an"), raw("text/event-stream", strings.TrimSuffix(events("Half an"), "data: [DONE]\n\n")), raw("text/event-stream", events(prose)))
		stream := official.Chat.Completions.NewStreaming(t.Context(), ask("MoM", "Who rings the bell?"), option.WithHeader("x-tenant", "a"))
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
		close(release)
		for stream.Next() {
			continue
		}
		if stream.Err() == nil {
			t.Error("the client was not told that the answer is incomplete")
		}
		for i, want := range []string{"Half an", prose} {
			if text, cache := streamed("Who rings the bell?", "a"); text != want || cache != "miss" {
				t.Errorf("request %d: %q from %s", i+2, text, cache)
			}
		}
	})
	t.Run("Envoy counts it", func(t *testing.T) {
		counts := s.Stats(t, "mom_router.cache")
		for state, want := range map[string]int64{"hit": 5, "miss": 6, "bypass": 5} {
			if got := counts["mom_router.cache.state."+state]; got != want {
				t.Errorf("%s: %d, want %d (%v)", state, got, want, counts)
			}
		}
	})
	wantNothingOdd(t, s)
}
