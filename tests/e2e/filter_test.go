package e2e_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

// hasty lets Envoy wait a second for mom, not five.
func hasty(yaml string) string {
	return strings.Replace(yaml, " message_timeout: 5s", " message_timeout: 1s", 1)
}

// TestFilterGone: whatever happens to mom, nothing reaches a backend that it did not decide about.
func TestFilterGone(t *testing.T) {
	s := stack.Start(t, stack.Options{Envoy: hasty, NoMoM: true})
	spoof := with("x-mom-decision", "route")
	refused := func(t *testing.T) {
		t.Helper()
		s.Small.Play(stack.Answer("s"))
		s.Large.Play(stack.Answer("l"))
		for _, text := range []string{body("MoM", "hi"), body("small-model", "hi")} {
			a := chat(t, s, text, spoof, with("x-mom-stream", "false"))
			if _, code := a.fault(t); code != "gateway_error" || a.status != 503 && a.status != 504 {
				t.Errorf("status %d code %q, want 503 or 504 gateway_error", a.status, code)
			}
		}
		wantUntouched(t, s)
	}
	answers := func() error { return probe(s) }

	t.Run("absent", refused)
	s.StartMoM(t)
	stack.Until(t, 5*time.Second, "an answer after the start", answers)

	s.MoM.Signal(t, syscall.SIGSTOP)
	t.Run("stopped", refused)
	s.MoM.Signal(t, syscall.SIGCONT)
	stack.Until(t, 5*time.Second, "an answer after it goes on", answers)

	s.MoM.Kill(t)
	t.Run("killed", refused)
	s.StartMoM(t)
	stack.Until(t, 5*time.Second, "an answer after the restart", answers)

	t.Run("killed while an answer streams", func(t *testing.T) { killedMidStream(t, s) })
	t.Run("still gone", refused)
}

// probe asks once and reports anything but a 200.
func probe(s *stack.Stack) error {
	req, err := http.NewRequest(http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(good))
	if err != nil {
		return err
	}
	req.Header.Set("content-type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return statusError(resp.StatusCode)
	}
	return nil
}

type statusError int

func (e statusError) Error() string { return http.StatusText(int(e)) }

func killedMidStream(t *testing.T, s *stack.Stack) {
	release := make(chan struct{})
	s.Small.Play(stack.Paused(release, "one", " two", " three"))
	c := client(s)
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("MoM", "count"))
	var text strings.Builder
	for stream.Next() {
		text.WriteString(stream.Current().Choices[0].Delta.Content)
		if text.String() == "one" {
			s.MoM.Kill(t)
			close(release)
		}
	}
	if err := stream.Err(); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	if text.String() != "one two three" {
		t.Errorf("streamed %q", text.String())
	}
}
