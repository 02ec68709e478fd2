package guard_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/pipeline"
)

// TestTenTurns counts the forward passes of a chat that sends all its turns with every request, as chats do. On top of each message once comes one pass
// for every turn of the user that is read with those before it, and nothing else. The messages are as long as those of three collections of chats are
// on average: LMSYS-Chat-1M, ShareGPT and WildChat (figures of arXiv 2405.01470).
func TestTenTurns(t *testing.T) {
	const turns = 10
	for _, c := range []struct {
		name          string
		asks, answers int     // tokens of a message, about
		most          float64 // passes for each message once, 0 for whatever the turns make of it
	}{
		{"short questions and answers", 70, 215, 0},
		{"longer answers", 95, 350, 0},
		{"long questions and answers", 295, 440, 1.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := inProcess(t, 0)
			next := encyclopaedia(3)
			said := func(tokens int) string {
				text := next()
				for s.tokens(t, text) < tokens {
					text += " " + next()
				}
				return text
			}
			once, always, total := 0, 0, 0
			var each []string
			begin := cpuTime(t)
			req := &pipeline.Request{}
			for turn := range turns {
				fresh := 0 // passes for what is new in this request, read once
				add := func(role, text string) {
					n, err := s.trunk.Passes(text)
					if err != nil {
						t.Fatal(err)
					}
					req.Messages, fresh = append(req.Messages, pipeline.Message{Role: role, Texts: []string{text}}), fresh+n
				}
				if turn > 0 {
					add("assistant", said(c.answers))
				}
				add("user", said(c.asks))
				before := s.trunk.Stats().Passes
				for _, stage := range []pipeline.Stage{s.jailbreak, s.pii} {
					if out, err := stage.Run(t.Context(), req, pipeline.Trail{}); err != nil || out.Verdict != pipeline.Continue {
						t.Fatalf("turn %d: %v, %v", turn+1, out.Verdict, err)
					}
				}
				passes := int(s.trunk.Stats().Passes - before)
				once += fresh
				always, total = always+once, total+passes
				each = append(each, fmt.Sprintf("%d of %d", passes, fresh))
				if passes > fresh+min(turn, 1) {
					t.Errorf("turn %d: %d passes, want %d for what is new and one more where it meets the turns before", turn+1, passes, fresh)
				}
			}
			ratio := float64(total) / float64(once)
			t.Logf("passes by turn, of those for what is new: %s", strings.Join(each, ", "))
			t.Logf("%d passes, each message once %d: %.2fx; everything with every turn %d; %v of CPU", total, once, ratio, always, (cpuTime(t) - begin).Round(time.Millisecond))
			if c.most > 0 && ratio > c.most {
				t.Errorf("%.2f passes for each message once, want at most %.2f", ratio, c.most)
			}
		})
	}
}

// cpuTime is what this process has used, all its threads together.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
