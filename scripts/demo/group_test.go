package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func newGroup(t *testing.T) (*group, *bytes.Buffer) {
	t.Helper()
	runtime.LockOSThread() // as in main: children end with the thread that started them
	t.Cleanup(runtime.UnlockOSThread)
	out := new(bytes.Buffer)
	g := &group{out: out, dir: t.TempDir(), grace: 5 * time.Second}
	t.Cleanup(g.stop)
	return g, out
}

func start(t *testing.T, g *group, name, script string) *process {
	t.Helper()
	if err := g.start(program{name: name, args: []string{"sh", "-c", script}}); err != nil {
		t.Fatal(err)
	}
	return g.processes[len(g.processes)-1]
}

// said waits until the process has written a line, so that its signal handlers stand.
func said(t *testing.T, p *process) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); tail(p.log, 1) == "  "; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%s says nothing", p.name)
		}
	}
}

func alive(p *process) bool { return !errors.Is(syscall.Kill(p.cmd.Process.Pid, 0), syscall.ESRCH) }

func TestStopLeavesNothingBehind(t *testing.T) {
	g, out := newGroup(t)
	g.grace = 200 * time.Millisecond
	gone := start(t, g, "gone", "exit 3")
	polite := start(t, g, "polite", "echo up; exec sleep 100")
	deaf := start(t, g, "deaf", "trap '' TERM; echo up; while :; do sleep 100; done")
	<-gone.end
	said(t, polite)
	said(t, deaf)
	g.stop()
	for _, p := range g.processes {
		if alive(p) {
			t.Errorf("%s is still there", p.name)
		}
	}
	if !strings.Contains(out.String(), "deaf did not stop") || strings.Contains(out.String(), "polite did not stop") {
		t.Errorf("got %q, want only deaf to be killed", out)
	}
}

func TestAwaitTellsWhoDiedAndItsLastWords(t *testing.T) {
	g, _ := newGroup(t)
	start(t, g, "fine", "exec sleep 100")
	p := start(t, g, "broken", "echo first; echo no such model; exit 7")
	<-p.end
	err := g.await(t.Context(), "broken", "http://127.0.0.1:1/")
	if err == nil || !strings.Contains(err.Error(), "broken ended (exit status 7)") || !strings.Contains(err.Error(), "no such model") {
		t.Errorf("got %v, want the name, the status and the last line", err)
	}
}

func TestAwaitIsBounded(t *testing.T) {
	g, _ := newGroup(t)
	p := start(t, g, "slow", "echo still loading; exec sleep 100")
	said(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := g.await(ctx, "slow", "http://127.0.0.1:1/")
	if err == nil || !strings.Contains(err.Error(), "slow did not become ready") || !strings.Contains(err.Error(), "still loading") {
		t.Errorf("got %v, want the name and the last line", err)
	}
}

func TestAwaitWantsStatus200(t *testing.T) {
	g, _ := newGroup(t)
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if err := g.await(t.Context(), "it", server.URL); err != nil {
		t.Fatal(err)
	}
	if calls != 3 {
		t.Errorf("got %d calls, want 3: two answers were 503", calls)
	}
}

func TestWatchGoesOnWithoutASpareOne(t *testing.T) {
	g, out := newGroup(t)
	if err := g.start(program{name: "spare", args: []string{"false"}, spare: true}); err != nil {
		t.Fatal(err)
	}
	<-g.processes[0].end
	needed := start(t, g, "needed", "read line; exit 4") // its input is empty, so it ends at once
	<-needed.end
	err := g.watch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "needed ended (exit status 4)") {
		t.Errorf("got %v (and said %q), want the end of needed", err, out)
	}
}
