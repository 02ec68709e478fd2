package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	config := remembering("{header: x-tenant}") + "admin: {socket: .build/run/admin.sock}\n"
	config = strings.Replace(config, "{name: small-model,", "{name: small-model, price: {input: 1, output: 10},", 1)
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
	t.Run("the second of two that come together waits for the first one's answer", func(t *testing.T) {
		answer := make(chan struct{})
		s.Small.Play(func(w http.ResponseWriter, r *http.Request, got stack.Received) {
			<-answer
			raw("application/json", completion(prose))(w, r, got)
		})
		const streams = "http.mom.ext_proc.mom.streams_started"
		before := s.Stats(t, streams)[streams]
		caches := make(chan string, 2)
		for range 2 {
			go func() {
				a := chat(t, s, body("MoM", "Who lights the lamp?"), with("x-tenant", "a"))
				caches <- a.header.Get("x-mom-cache") + fmt.Sprint(strings.Contains(a.body, prose))
			}()
		}
		// From here on the second waits, or comes to it later: the first one's lease lasts until the answer is remembered.
		stack.Until(t, patience, "both and the backend to have been asked", func() error {
			if n := s.Stats(t, streams)[streams] - before; n < 2 || len(s.Small.Received()) == 0 {
				return fmt.Errorf("%d streams", n)
			}
			return nil
		})
		close(answer)
		got := []string{<-caches, <-caches}
		slices.Sort(got)
		if want := []string{"hittrue", "misstrue"}; !slices.Equal(got, want) || len(s.Small.Received()) != 1 {
			t.Errorf("%v, and the backend was asked %d times; want %v and once", got, len(s.Small.Received()), want)
		}
	})
	t.Run("Envoy counts it", func(t *testing.T) {
		counts := s.Stats(t, "mom_router.cache")
		for name, want := range map[string]int64{
			"cache.state.hit": 6, "cache.state.miss": 7, "cache.state.bypass": 5,
			"cache_passed.state.bypass.why.tenant": 1, "cache_passed.state.bypass.why.private": 2, "cache_passed.state.bypass.why.asked": 2,
		} {
			if got := counts["mom_router."+name]; got != want {
				t.Errorf("%s: %d, want %d (%v)", name, got, want, counts)
			}
		}
		if tokens, usd := counts["mom_router.cache_saved_tokens.model.small-model"], counts["mom_router.cache_saved_microusd.model.small-model"]; tokens == 0 || usd*13 != tokens*49 {
			t.Errorf("%d tokens for %d millionths of a dollar were saved (%v)", tokens, usd, counts)
		}
	})
	mom := func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), stack.Binary(t), append([]string{"cache"}, args...)...)
		c.Dir = s.Dir
		out, err := c.CombinedOutput()
		return string(out), err
	}
	t.Run("mom cache tells of it, to its own user alone", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(s.Dir, ".build/run/admin.sock"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the socket is %v (%v)", info.Mode(), err)
		}
		out, err := mom("stats", "--config", "mom.yaml", "--json")
		var stats struct {
			Entries, Bytes int
			Tokens         int     `json:"saved_tokens"`
			USD            float64 `json:"saved_usd"`
			Lookups        []struct {
				Result, Why string
				Count       int
			}
		}
		if err := errors.Join(err, json.Unmarshal([]byte(out), &stats)); err != nil || stats.Entries < 4 || stats.Bytes == 0 || stats.Tokens == 0 || stats.USD == 0 || len(stats.Lookups) < 5 {
			t.Errorf("%s %v", out, err)
		}
		if out, err = mom("export", "--config", "mom.yaml"); err != nil || strings.Count(out, "\n") != stats.Entries || strings.Contains(out, prose) || strings.Contains(out, "lamp") {
			t.Errorf("without texts: %s %v", out, err)
		}
		if out, err = mom("export", "--config", "mom.yaml", "--tenant", "b", "--texts"); err != nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "another answer") {
			t.Errorf("one tenant's with texts: %s %v", out, err)
		}
	})
	t.Run("and what it is told to forget is forgotten", func(t *testing.T) {
		if out, err := mom("invalidate", "--config", "mom.yaml", "--tenant", "b"); err != nil || out != "1 forgotten\n" {
			t.Errorf("%s %v", out, err)
		}
		s.Small.Play(raw("application/json", completion("a new answer")))
		if text, cache := said("What does a lighthouse keeper do?", "b"); text != "a new answer" || cache != "miss" {
			t.Errorf("%q from %s", text, cache)
		}
		if text, cache := said("What does a lighthouse keeper do?", "a"); text != prose || cache != "hit" {
			t.Errorf("%q from %s", text, cache)
		}
	})
	t.Run("mom cache says when it was asked wrongly or nobody answers", func(t *testing.T) {
		s.Write(t, "without.yaml", stack.Config)
		for want, args := range map[string][]string{
			"or --all of them":             {"invalidate", "--config", "mom.yaml"},
			"all of them":                  {"invalidate", "--config", "mom.yaml", "--all", "--model", "x"},
			"an even number":               {"export", "--config", "mom.yaml", "--system", "abc"},
			"no mom answers there":         {"stats", "--socket", "nowhere.sock"},
			"neither a time":               {"export", "--config", "mom.yaml", "--before", "noon"},
			"has no admin: {socket: PATH}": {"stats", "--config", "without.yaml"},
		} {
			if out, err := mom(args...); err == nil || !strings.Contains(out, want) {
				t.Errorf("%v: %s %v, want %q", args, out, err, want)
			}
		}
	})
	wantNothingOdd(t, s)
}
