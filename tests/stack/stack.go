// Package stack runs the whole program for a test: a real Envoy with the shipped configuration, the real mom binary, and scripted backends.
// Each stack has ports and a working directory of its own, so stacks may run side by side.
//
// It never touches the network beyond loopback, never signals a process it did not start, and never waits by sleeping a fixed time.
package stack

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Socket is where Envoy looks for MoM, relative to the working directory of both: as in the shipped files.
const Socket = ".build/run/ext_proc.sock"

// Config is the mom.yaml of a stack that does not bring its own: two backends, no brain.
const Config = `listen: unix://` + Socket + `
models:
- {name: small-model, cluster: small, context: 1000000}
- {name: larger-model, cluster: large, context: 1000000}
guard: {enabled: false}
brain: off
route:
  default: {models: [small-model, larger-model]}
`

// Options shape a stack. The zero value is the shipped Envoy file, Config, and a running mom.
type Options struct {
	Config string              // mom.yaml; "" is the constant Config
	Envoy  func(string) string // a last change to the rendered envoy.yaml; nil is none
	NoMoM  bool                // do not start mom; StartMoM may do so later
	TLS    *tls.Config         // how a client speaks to an Envoy whose listener has TLS; nil is plain HTTP
}

// Stack is one running whole.
type Stack struct {
	Dir          string // working directory of Envoy and mom; holds envoy.yaml, mom.yaml and the logs
	URL          string // where clients go, http://127.0.0.1:PORT, or https
	Admin        string // Envoy's admin, http://127.0.0.1:PORT
	Small, Large *Backend
	Envoy        *Process
	MoM          *Process // nil until started; replaced by StartMoM
}

// Start starts a stack and stops it when the test ends. It skips or fails the test when Envoy is missing (see Need).
func Start(t testing.TB, o Options) *Stack {
	t.Helper()
	envoy := Need(t, "MOM_ENVOY", ".build/bin/envoy", "MOM_REQUIRE_ENVOY")
	// Not t.TempDir: it carries the test's name, and the path of a Unix socket may have 107 bytes.
	dir, err := os.MkdirTemp("", "mom-stack-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Stack{Dir: dir, Small: NewBackend(t, "small"), Large: NewBackend(t, "large")}
	if err := os.MkdirAll(filepath.Join(s.Dir, filepath.Dir(Socket)), 0o700); err != nil {
		t.Fatal(err)
	}
	if o.Config == "" {
		o.Config = Config
	}
	s.Write(t, "mom.yaml", o.Config)
	yaml := Render(t, map[int]int{8801: 0, 9901: 0, 8101: s.Small.Port(), 8102: s.Large.Port()})
	if o.Envoy != nil {
		yaml = o.Envoy(yaml)
	}
	s.Write(t, "envoy.yaml", yaml)
	if !o.NoMoM {
		s.StartMoM(t)
	}
	s.Envoy = Run(t, s.Dir, "envoy", envoy, "-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "2",
		"--log-level", "warning", "--admin-address-path", "admin.address")
	s.Admin = "http://" + s.adminAddress(t)
	s.URL = s.listenerURL(t, o.TLS)
	if !o.NoMoM {
		s.WaitHealthy(t)
	}
	return s
}

// StartMoM starts mom, again if it ran before, and returns once it says that it serves.
func (s *Stack) StartMoM(t testing.TB) {
	t.Helper()
	s.MoM = Run(t, s.Dir, "mom", Binary(t), "serve", "--config", "mom.yaml",
		"--models", filepath.Join(Root(t), "models"), "--onnx-lib", filepath.Join(Root(t), ".build/lib/libonnxruntime.so"))
	Until(t, 20*time.Second, "mom serves", func() error {
		if s.MoM.Exited() {
			t.Fatalf("mom ended at its start:\n%s", s.MoM.Log(t))
		}
		return s.health()
	})
}

// Write puts a file into the working directory, in one step as an operator's tools do.
func (s *Stack) Write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// Render is the shipped envoy.yaml with ports replaced: every other byte is what operators get.
func Render(t testing.TB, ports map[int]int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), "deploy/envoy/envoy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for from, to := range ports {
		old := fmt.Sprintf("port_value: %d}", from)
		if n := strings.Count(string(text), old); n != 1 {
			t.Fatalf("port %d stands %d times in envoy.yaml, want once", from, n)
		}
		pairs = append(pairs, old, fmt.Sprintf("port_value: %d}", to))
	}
	return strings.NewReplacer(pairs...).Replace(string(text))
}

// Until asks ready again until it returns nil, and fails the test with its last error when that takes longer than limit.
func Until(t testing.TB, limit time.Duration, what string, ready func() error) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
	}
}
