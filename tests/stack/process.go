package stack

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Process is a child that a test started. It is killed when the test ends, whatever happens to the test.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended and was waited for
}

// Run starts argv in dir; its output goes to dir/NAME.log, appended.
func Run(t testing.TB, dir, name string, argv ...string) *Process {
	t.Helper()
	p, err := run(t, dir, name, func(*exec.Cmd) {}, argv...)
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	return p
}

// run is Run with a last change to the command. The error is that it did not start.
func run(t testing.TB, dir, name string, edit func(*exec.Cmd), argv ...string) (*Process, error) {
	t.Helper()
	p := &Process{cmd: exec.Command(argv[0], argv[1:]...), log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	dieWithParent(p.cmd)
	edit(p.cmd)
	started := make(chan error)
	go func() {
		// To the kernel the parent is the thread that forked: when it ends, the child is signalled. This goroutine keeps its thread
		// for as long as the child lives.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		p.Kill(t) // its manners at the end are the business of tests that ask for them
		if t.Failed() {
			t.Logf("end of %s.log:\n%s", name, tail(p.Log(t), 4000))
		}
	})
	return p, nil
}

// Signal sends a signal to this process alone.
func (p *Process) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal %v: %v", sig, err)
	}
}

// Kill ends it without a chance to say goodbye, and waits for the end.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGKILL)
	<-p.done
}

// Ends waits for it to end by itself, and reports whether it did within the limit.
func (p *Process) Ends(limit time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(limit):
		return false
	}
}

// Exited reports whether it has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ExitCode is its exit status once it has ended, -1 when a signal ended it.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Log is all it wrote so far.
func (p *Process) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(p.log)
	if err != nil {
		t.Errorf("read log: %v", err)
	}
	return string(text)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
