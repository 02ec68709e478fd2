package e2e_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

const (
	reloaded    = "configuration reloaded"
	notReloaded = "configuration not reloaded"
)

func TestReload(t *testing.T) {
	s := stack.Start(t, stack.Options{})
	other := strings.Replace(stack.Config, "models: [small-model, larger-model]", "models: [larger-model, small-model]", 1)
	first := func(model string) func() error {
		return func() error {
			a := chat(t, s, good)
			if got := a.header.Get("x-mom-model"); a.status != 200 || got != model {
				return fmt.Errorf("status %d from %q, want %q", a.status, got, model)
			}
			return nil
		}
	}
	logged := func(line string, before int) func() error {
		return func() error {
			if n := strings.Count(s.MoM.Log(t), line); n <= before {
				return fmt.Errorf("%q stands %d times in the log", line, n)
			}
			return nil
		}
	}
	stack.Until(t, 5*time.Second, "the first file", first("small-model"))

	s.Write(t, "mom.yaml", other)
	stack.Until(t, 5*time.Second, "the changed file", first("larger-model"))

	s.Write(t, "mom.yaml", strings.Replace(stack.Config, "models:", "modles:", 1))
	stack.Until(t, 5*time.Second, "a broken file is reported", logged(notReloaded, 0))
	stack.Until(t, 5*time.Second, "the report names the key", logged("modles", 0))
	if err := first("larger-model")(); err != nil {
		t.Errorf("a broken file changed the routing: %v", err)
	}

	before := strings.Count(s.MoM.Log(t), notReloaded)
	s.MoM.Signal(t, syscall.SIGHUP)
	stack.Until(t, 5*time.Second, "SIGHUP reads it again", logged(notReloaded, before))
	if err := first("larger-model")(); err != nil {
		t.Errorf("a broken file changed the routing: %v", err)
	}

	s.Write(t, "mom.yaml", stack.Config)
	stack.Until(t, 5*time.Second, "the mended file", first("small-model"))

	before = strings.Count(s.MoM.Log(t), reloaded)
	s.MoM.Signal(t, syscall.SIGHUP)
	stack.Until(t, 5*time.Second, "SIGHUP reads an unchanged file", logged(reloaded, before))
	wantNothingOdd(t, s)
}

// TestReloadUnderLoad: streams keep the configuration they began with, and none is lost in the change.
func TestReloadUnderLoad(t *testing.T) {
	s := stack.Start(t, stack.Options{})
	l := startLoad(t, s, 8)
	stack.Until(t, patience, "answers", atLeast(&l.ok, 100))
	for i := range 3 {
		before := strings.Count(s.MoM.Log(t), reloaded)
		s.Write(t, "mom.yaml", stack.Config+strings.Repeat("\n", i+1))
		stack.Until(t, 5*time.Second, "reloaded", func() error {
			if strings.Count(s.MoM.Log(t), reloaded) <= before {
				return fmt.Errorf("not yet")
			}
			return nil
		})
		stack.Until(t, patience, "answers after it", atLeast(&l.ok, 100))
	}
	l.end()
	l.wantNothingWrong(t)
	if n := l.refused.Load(); n != 0 {
		t.Errorf("%d refusals", n)
	}
}
