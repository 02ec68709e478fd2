package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A program is one process of the demo.
type program struct {
	name  string
	args  []string
	spare bool // the gateway goes on without it, once it was ready
}

// A process is a program that was started.
type process struct {
	program
	cmd *exec.Cmd
	log string
	end chan struct{} // closed when the process is gone
	err error         // how it ended; read after end
}

// A group is the processes of the demo, in the order they were started. All its methods are called from one goroutine, the one that is locked to
// its thread.
type group struct {
	out       io.Writer
	dir       string // where the logs go
	grace     time.Duration
	processes []*process
}

// start starts p with its output in dir/NAME.log.
func (g *group) start(p program) error {
	log := filepath.Join(g.dir, p.name+".log")
	file, err := os.Create(log)
	if err != nil {
		return err
	}
	defer file.Close() // the child has its own copy
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true,            // Ctrl-C in a terminal reaches this program only, which then stops them in order
		Pdeathsig: syscall.SIGKILL, // should this program be killed, they go with it
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	child := &process{program: p, cmd: cmd, log: log, end: make(chan struct{})}
	go func() {
		child.err = cmd.Wait()
		close(child.end)
	}()
	g.processes = append(g.processes, child)
	return nil
}

// await returns when url answers 200. It gives up when a process of the group ends, and when ctx does.
func (g *group) await(ctx context.Context, name, url string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, p := range g.processes {
			select {
			case <-p.end:
				return p.ended()
			default:
			}
		}
		if answers(ctx, url) {
			return nil
		}
		select {
		case <-ctx.Done():
			return g.late(name, url)
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// late tells what every process last said, because what is missing may be any one's fault.
func (g *group) late(name, url string) error {
	errs := []error{fmt.Errorf("%s did not become ready in time: %s", name, url)}
	for _, p := range g.processes {
		errs = append(errs, fmt.Errorf("end of %s:\n%s", p.log, tail(p.log, 5)))
	}
	return errors.Join(errs...)
}

// watch returns nil when ctx ends, and an error when a process that is not spare does. It tells when a spare one does.
func (g *group) watch(ctx context.Context) error {
	ended := make(chan *process, len(g.processes))
	for _, p := range g.processes {
		go func() {
			<-p.end
			ended <- p
		}()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-ended:
			if !p.spare {
				return p.ended()
			}
			fmt.Fprintf(g.out, "%v\nThe gateway goes on without it.\n", p.ended())
		}
	}
}

// stop ends every process, the last started first, and returns when all are gone.
func (g *group) stop() {
	fmt.Fprintln(g.out, "stopping")
	for i := len(g.processes) - 1; i >= 0; i-- {
		p := g.processes[i]
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
		select {
		case <-p.end:
		case <-time.After(g.grace):
			fmt.Fprintf(g.out, "%s did not stop within %s: killing it\n", p.name, g.grace)
			_ = p.cmd.Process.Kill()
			<-p.end
		}
	}
}

// ended tells how a process ended and what it last said.
func (p *process) ended() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s ended (%s); end of %s:\n%s", p.name, how, p.log, tail(p.log, 15))
}

// tail returns the last n lines of a file, indented.
func tail(path string, n int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "  " + err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-n):], "\n  ")
}
