package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

// TestTheMemoryOutlivesTheProgram: what was remembered is there after a restart and a reload, a process that is killed loses no more than what came since, and
// a snapshot that is not as it was is no answer and no crash.
func TestTheMemoryOutlivesTheProgram(t *testing.T) {
	config := strings.Replace(stack.Config, "guard: {enabled: false}\n",
		"recall: {scope: shared, secret: {file: recall.key}, snapshot: state/memory}\ntimeouts: {guard: 3s}\n", 1)
	s := stack.Start(t, stack.Options{Config: config, Envoy: impatient, NoMoM: true})
	s.Write(t, "recall.key", strings.Repeat("first", 8))
	file := filepath.Join(s.Dir, "state", "memory")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	start := func() {
		t.Helper()
		s.StartMoM(t)
		s.WaitHealthy(t)
	}
	stop := func() {
		t.Helper()
		s.MoM.Signal(t, syscall.SIGINT)
		if !s.MoM.Ends(20 * time.Second) {
			t.Fatal("mom did not end")
		}
	}
	asks := func(question, want string) {
		t.Helper()
		a := chat(t, s, body("MoM", question))
		if cache := a.header.Get("x-mom-cache"); cache != want || !strings.Contains(a.body, prose) {
			t.Errorf("%s: %q from %s, want %s", question, a.body, cache, want)
		}
	}
	const first, second = "What does a lighthouse keeper do?", "Who built the first tower of iron?"
	s.Small.Play(raw("application/json", completion(prose)))
	start()
	asks(first, "miss")
	asks(first, "hit")
	stop()
	b, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(b), "lighthouse") || strings.Contains(string(b), "lamp") {
		t.Errorf("%v, %d bytes that can be read", err, len(b))
	}
	start()
	asks(first, "hit")

	before := strings.Count(s.MoM.Log(t), reloaded)
	s.MoM.Signal(t, syscall.SIGHUP)
	stack.Until(t, 10*time.Second, "reloaded", func() error {
		if strings.Count(s.MoM.Log(t), reloaded) <= before {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	asks(first, "hit")

	asks(second, "miss")
	s.MoM.Kill(t)
	start()
	asks(first, "hit")
	asks(second, "miss")
	stop()

	b, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	start()
	if log := s.MoM.Log(t); !strings.Contains(log, "the memory begins empty") || !strings.Contains(log, "damaged") {
		t.Errorf("nothing says that the memory is lost:\n%s", log)
	}
	asks(first, "miss")
	stop()

	s.Write(t, "recall.key", strings.Repeat("other", 8))
	start()
	asks(first, "miss")
	stop()
	start()
	asks(first, "hit")
	wantNothingOdd(t, s)
}
