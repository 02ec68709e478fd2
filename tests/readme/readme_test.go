// Package readme does what the README says: it runs its commands, and compares what they print with what the page shows.
package readme

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/tests/stack"
)

// block is a fenced code block.
type block struct{ language, text string }

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func readme(t *testing.T) (page string, blocks []block) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(stack.Root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(data), -1) {
		blocks = append(blocks, block{m[1], m[2]})
	}
	return string(data), blocks
}

func TestTheConfigurationShownIsTheOneShipped(t *testing.T) {
	shipped, err := os.ReadFile(filepath.Join(stack.Root(t), "deploy", "mom.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(shipped, []byte("\n")); lines > 40 {
		t.Errorf("the quick-start file has %d lines, and a reader's patience is 40", lines)
	}
	_, blocks := readme(t)
	shown := 0
	for _, b := range blocks {
		if b.language != "yaml" {
			continue
		}
		shown++
		if b.text != string(shipped) {
			t.Errorf("a YAML block differs from deploy/mom.yaml:\n%s", b.text)
		}
		if _, err := config.Parse("README.md", []byte(b.text)); err != nil {
			t.Error(err)
		}
	}
	if shown != 1 {
		t.Errorf("%d YAML blocks, want 1", shown)
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	root := stack.Root(t)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	for _, page := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), m[1])
			}
		}
	}
}

// The session is the product's promise: make run, paste, answer. The lines of its output that do not depend on the moment must come out again.
func TestTheSession(t *testing.T) {
	stack.Need(t, "MOM_ENVOY", ".build/bin/envoy", "MOM_REQUIRE_ENVOY")
	stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX")
	root := stack.Root(t)
	var out safeBuffer
	run := exec.CommandContext(context.WithoutCancel(t.Context()), "make", "run")
	run.Dir, run.Stdout, run.Stderr = root, &out, &out
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C goes to the whole group
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	stopped := false
	stop := func(s syscall.Signal) { stopped = true; _ = syscall.Kill(-run.Process.Pid, s) }
	t.Cleanup(func() {
		if !stopped {
			stop(syscall.SIGTERM)
			<-ended
		}
	})
	stack.Until(t, 5*time.Minute, "make run to be ready", func() error {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("make run ended with %v\n%s", err, out.String())
		default:
		}
		if !strings.Contains(out.String(), "Ready.") {
			return os.ErrNotExist
		}
		return nil
	})

	// First what make run itself says to paste.
	pasted := regexp.MustCompile(`(?m)^  (curl (?:.*\\\n)*.*)$`).FindAllStringSubmatch(out.String(), -1)
	if len(pasted) != 2 {
		t.Fatalf("make run printed %d curl lines, want 2:\n%s", len(pasted), out.String())
	}
	for _, p := range pasted {
		answer := shell(t, root, p[1])
		for _, want := range []string{"HTTP/1.1 200 OK", "x-vllm-semantic-router-cot: 🔀 vLLM Semantic Router", "x-mom-model: ", `"content":`} {
			if !strings.Contains(answer, want) {
				t.Errorf("%s\nanswered without %q:\n%s", p[1], want, answer)
			}
		}
		if strings.Contains(p[1], `"stream": true`) != strings.Contains(answer, "data: [DONE]") {
			t.Errorf("%s\nstreamed, or did not, against what was asked:\n%s", p[1], answer)
		}
	}
	// Then the page.
	_, blocks := readme(t)
	commands := 0
	for _, b := range blocks {
		if b.language != "console" {
			continue
		}
		for _, part := range strings.Split("\n"+b.text, "\n$ ")[1:] {
			command, shown := part, ""
			if i := strings.Index(part, "\n"); i >= 0 {
				for strings.HasSuffix(command[:i], "\\") { // a command over several lines
					i += 1 + strings.Index(command[i+1:], "\n")
				}
				command, shown = part[:i], part[i+1:]
			}
			commands++
			answer := shell(t, root, command)
			for _, line := range strings.Split(strings.TrimSpace(shown), "\n") {
				if lasting.MatchString(line) && !strings.Contains(answer, strings.TrimRight(line, " ")) {
					t.Errorf("$ %s\nno longer prints\n  %s\nbut\n%s", command, line, answer)
				}
			}
		}
	}
	if commands == 0 {
		t.Error("the README shows no session")
	}

	stop(syscall.SIGINT)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("Ctrl-C did not end make run:\n%s", out.String())
	}
	for _, port := range []string{"8801", "9901", "8101", "8102"} {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			t.Errorf("something still answers on port %s after Ctrl-C", port)
		}
	}
	if err := syscall.Kill(-run.Process.Pid, 0); err == nil {
		t.Error("a process of make run is still there after Ctrl-C")
	}
}

// lasting matches the lines of an output that are the same every time.
var lasting = regexp.MustCompile(`^(HTTP/|x-mom-|x-router-|x-vllm-|mom_router|decision |domain |model |then |🔀|\{"error")`)

func shell(t *testing.T, dir, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", command)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("$ %s\n%v\n%s", command, err, out)
	}
	return strings.ReplaceAll(string(out), "\r", "")
}
