// Command demo runs the whole gateway on one machine for `make run`: two small local backends, MoM, and Envoy in front of them. It starts what
// `make setup` and `make build` left behind, says when it is ready, and leaves no process behind however it ends. It never decides anything about
// a request, and it is not how MoM is deployed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	gateway = "127.0.0.1:8801" // Envoy's listener, as in the shipped Envoy file
	admin   = "127.0.0.1:9901" // Envoy's admin page, as in the shipped Envoy file
	small   = "127.0.0.1:8101"
	large   = "127.0.0.1:8102"

	build     = ".build"
	readyIn   = 90 * time.Second // loading the models takes seconds, also on a busy machine
	graceTime = 10 * time.Second // from SIGTERM to SIGKILL
)

func main() {
	config := flag.String("config", "deploy/mom.yaml", "MoM's configuration")
	envoy := flag.String("envoy", "deploy/envoy/envoy.yaml", "Envoy's configuration")
	withParent := flag.Bool("end-with-parent", false, "stop when the parent process ends, however it ends")
	flag.Parse()

	// Linux ties "the parent died" to the parent's thread, not to its process: all children are started from this thread, which lives as long
	// as the program. From another one, Go could end it and with it every child.
	runtime.LockOSThread()
	if *withParent {
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
			fmt.Fprintln(os.Stderr, "demo: end with the parent:", err)
			os.Exit(1)
		}
	}
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // under nohup it stays ignored
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, restore := signal.NotifyContext(context.Background(), signals...)
	err := demo(ctx, os.Stdout, *config, *envoy)
	restore()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo runs until ctx ends or a process that the gateway cannot do without has ended.
func demo(ctx context.Context, out io.Writer, config, envoy string) error {
	for _, addr := range []string{gateway, admin, small, large} {
		if err := free(addr); err != nil {
			return err
		}
	}
	dir := build + "/run" // logs and MoM's socket
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	g := &group{out: out, dir: dir, grace: graceTime}
	defer g.stop()

	start, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	fmt.Fprintln(out, "starting: two backends (the same 135M model twice, named small and large), mom, envoy; logs in", dir)
	programs := []program{
		{name: "small", spare: true, args: backend("small", small)},
		{name: "large", spare: true, args: backend("large", large)},
		// No draining: the only Envoy that could send anything more is gone before mom is asked to stop.
		{name: "mom", args: []string{"bin/mom", "serve", "--config", config, "--drain", "0s", "--grace", "5s"}},
		// Hot restart would claim shared memory that another Envoy on this machine may hold.
		{name: "envoy", args: []string{build + "/bin/envoy", "-c", envoy, "--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"}},
	}
	for _, p := range programs {
		if err := g.start(p); err != nil {
			return err
		}
	}
	// The gateway's list of models comes from MoM through Envoy, so it answers only when both are ready.
	for _, part := range []struct{ name, url string }{
		{"small", "http://" + small + "/health"},
		{"large", "http://" + large + "/health"},
		{"the gateway", "http://" + gateway + "/v1/models"},
	} {
		if err := g.await(start, part.name, part.url); err != nil {
			if ctx.Err() != nil {
				return nil // stopped by hand while starting
			}
			return err
		}
	}
	fmt.Fprintf(out, ready, gateway, gateway, admin, admin, dir)
	return g.watch(ctx)
}

const ready = `
Ready. Paste one of these:

  curl -i http://%s/v1/chat/completions -H 'content-type: application/json' -d '{"model": "MoM", "messages": [{"role": "user", "content": "What is the derivative of x squared?"}]}'

  curl -iN http://%s/v1/chat/completions -H 'content-type: application/json' -d '{"model": "MoM", "stream": true, "messages": [{"role": "user", "content": "Who wrote Hamlet?"}]}'

Admin page: http://%s  (requests by decision, domain and model: http://%s/stats?filter=^mom_router)
Logs: %s/*.log. Ctrl-C stops everything.

`

func backend(name, addr string) []string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		panic(err) // addr is one of the constants above
	}
	return []string{
		"python3", "scripts/demo/backend.py", "--lib", build + "/demo/lib", "--model", build + "/demo/smollm2.gguf", "--name", name, "--port", port,
	}
}

// free says whether addr can be listened on.
func free(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s is in use by another program: stop it first (%w)", addr, err)
	}
	return l.Close()
}
