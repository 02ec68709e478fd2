package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

// load is many clients that ask one question after the other.
type load struct {
	ok, refused atomic.Int64 // whole answers; 503 and 504 in JSON
	mu          sync.Mutex
	wrong       []string // anything else
	lastOK      atomic.Int64
	stop        context.CancelFunc
	done        sync.WaitGroup
}

func startLoad(t testing.TB, s *stack.Stack, clients int) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	for range clients {
		l.done.Go(func() {
			for ctx.Err() == nil {
				if l.one(transport, s.URL) {
					continue
				}
				// As every SDK does; without it the refusals would take the processor that the restart needs.
				select {
				case <-time.After(20 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	t.Cleanup(func() { l.end(); transport.CloseIdleConnections() })
	return l
}

// one asks once and reports whether it got an answer. It does not end with the load: a request cut off by its client would say nothing about the
// gateway.
func (l *load) one(transport *http.Transport, url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(good))
	if err != nil {
		l.odd("request: %v", err)
		return false
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("x-mom-decision", "route") // a spoof must open nothing, least of all now
	begin := time.Now()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		l.odd("no answer: %v", err)
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	json := strings.HasPrefix(resp.Header.Get("content-type"), "application/json")
	switch {
	case err != nil:
		l.odd("status %d, then %v", resp.StatusCode, err)
	case resp.StatusCode == http.StatusOK && strings.Contains(string(text), "chat.completion"):
		l.ok.Add(1)
		l.lastOK.Store(begin.UnixNano())
		return true
	case (resp.StatusCode == 503 || resp.StatusCode == 504) && json && strings.Contains(string(text), `"error"`):
		l.refused.Add(1)
	default:
		l.odd("status %d: %.200s", resp.StatusCode, text)
	}
	return false
}

func (l *load) odd(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

func (l *load) end() {
	l.stop()
	l.done.Wait()
}

func (l *load) wantNothingWrong(t testing.TB) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range l.wrong {
		if i == 5 {
			t.Errorf("and %d more", len(l.wrong)-5)
			break
		}
		t.Error(w)
	}
}

func atLeast(counter *atomic.Int64, more int64) func() error {
	goal := counter.Load() + more
	return func() error {
		if n := counter.Load(); n < goal {
			return fmt.Errorf("%d of %d", n, goal)
		}
		return nil
	}
}

// TestKillUnderLoad counts both sides: what the clients got, and what reached a backend.
func TestKillUnderLoad(t *testing.T) {
	t.Run("without a brain", func(t *testing.T) { killUnderLoad(t, stack.Config, 2*time.Second) })
	t.Run("with the shipped brain", func(t *testing.T) {
		stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX")
		// Under 2 s on an idle machine. Nearly all of it loads the model, on the cores that the load and other tests use: hence the allowance.
		killUnderLoad(t, strings.Replace(stack.Config, "brain: off", "brain: mom-brain-flash", 1), 4*time.Second)
	})
}

func killUnderLoad(t *testing.T, config string, limit time.Duration) {
	s := stack.Start(t, stack.Options{Config: config})
	s.Small.Play(stack.Answer("s"))
	s.Large.Play(stack.Answer("l"))
	l := startLoad(t, s, 16)
	const rounds = 3
	var serving, worst time.Duration // after the restart, at the latest: mom says it serves; a client has an answer
	for range rounds {
		stack.Until(t, patience, "answers before the kill", atLeast(&l.ok, 500))
		s.MoM.Kill(t)
		stack.Until(t, patience, "refusals", atLeast(&l.refused, 200))
		begin := time.Now()
		s.StartMoM(t)
		serving = max(serving, time.Since(begin))
		stack.Until(t, patience, "an answer after the restart", func() error {
			if l.lastOK.Load() < begin.UnixNano() {
				return fmt.Errorf("none after %v", time.Since(begin))
			}
			return nil
		})
		worst = max(worst, time.Since(begin))
	}
	stack.Until(t, patience, "answers after the last restart", atLeast(&l.ok, 200))
	l.end()
	l.wantNothingWrong(t)
	received := append(s.Small.Received(), s.Large.Received()...)
	undecided := 0
	for _, r := range received {
		if m := r.Model(); m != "small-model" && m != "larger-model" {
			undecided++
		}
	}
	t.Logf("%d kills: %d answers, %d refusals in JSON, %d requests at the backends, %d of them without a verdict; after a restart mom serves in %v and clients have answers in %v at most",
		rounds, l.ok.Load(), l.refused.Load(), len(received), undecided, serving.Round(time.Millisecond), worst.Round(time.Millisecond))
	if undecided > 0 {
		t.Errorf("%d requests reached a backend without a verdict", undecided)
	}
	if n := int64(len(received)); n < l.ok.Load() || n > l.ok.Load()+l.refused.Load() {
		t.Errorf("%d requests at the backends do not fit %d answers and %d refusals", n, l.ok.Load(), l.refused.Load())
	}
	if worst > limit {
		t.Errorf("back after %v, want within %v", worst, limit)
	}
}

// TestTermUnderLoad: an orderly end loses no answer, cuts no stream, and ends in time.
func TestTermUnderLoad(t *testing.T) {
	s := stack.Start(t, stack.Options{})
	release := make(chan struct{})
	s.Large.Play(stack.Paused(release, "one", " two"))
	s.Small.Play(stack.Answer("s"))
	c := client(s)
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("larger-model", "hi"))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	l := startLoad(t, s, 8)
	stack.Until(t, patience, "answers", atLeast(&l.ok, 200))
	refusedBefore := l.refused.Load()
	s.MoM.Signal(t, syscall.SIGTERM)
	stack.Until(t, patience, "answers while it drains", atLeast(&l.ok, 20))
	stack.Until(t, patience, "Envoy has noticed", atLeast(&l.refused, 20))
	if !s.MoM.Ends(patience) || s.MoM.ExitCode() != 0 {
		t.Errorf("mom did not end by itself with status 0 within %v", patience)
	}
	l.end()
	l.wantNothingWrong(t)
	if refusedBefore != 0 {
		t.Errorf("%d refusals before the end", refusedBefore)
	}
	for _, r := range s.Small.Received() {
		if r.Model() != "small-model" {
			t.Fatalf("model %q at a backend", r.Model())
		}
	}
	close(release)
	for stream.Next() {
	}
	if err := stream.Err(); err != nil {
		t.Errorf("the running stream broke: %v", err)
	}
}
