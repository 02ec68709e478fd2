package stack

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Milvus is a vector database for a test, on a loopback port that stays the same when it is started again. That it answers is for its client to find out:
// its own word for it comes too early.
type Milvus struct {
	Address string   // 127.0.0.1:PORT
	Data    string   // where its data are, as it sees the path
	Process *Process // the latest

	dir    string
	polite bool // ends when asked to; killed, it may lose what it was told last
	start  func(t testing.TB) *Process
}

// Up starts it, again after it has ended, with the data it had.
func (m *Milvus) Up(t testing.TB) {
	t.Helper()
	m.Process = m.start(t)
}

// Down ends it: milvus-lite by asking, the real server, which hangs then, by force.
func (m *Milvus) Down(t testing.TB) {
	t.Helper()
	if m.polite {
		m.Process.Signal(t, syscall.SIGTERM)
		if !m.Process.Ends(20 * time.Second) {
			t.Error("milvus-lite does not end")
		}
	}
	m.Process.Kill(t)
}

// NewLite starts milvus-lite: the same protocol in Python, for everyday tests. It has neither users nor TLS.
func NewLite(t testing.TB) *Milvus {
	t.Helper()
	lite := Need(t, "MOM_MILVUS_LITE", ".build/milvus-lite", "MOM_REQUIRE_MILVUS")
	dir := t.TempDir()
	// It cannot say which port it got, so one is looked for beforehand.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	m := &Milvus{Address: address, Data: filepath.Join(dir, "data"), dir: dir, polite: true}
	m.start = func(t testing.TB) *Process {
		return Run(t, dir, "milvus-lite", "/usr/bin/env", "PYTHONPATH="+lite, "python3", "-m", "milvus_lite", "server",
			"--data-dir", m.Data, "--host", "127.0.0.1", "--port", port)
	}
	m.Up(t)
	return m
}

// MilvusOptions shape a real server.
type MilvusOptions struct {
	Users bool // only users with a password may call: at first root, with the password Milvus
	Disk  int  // MiB its data may have, which are in memory then and gone with the process; 0 is the disk
}

// NewMilvus starts the real server. It listens on every interface there is, whatever its configuration says, so it gets a network of its own, from which
// one loopback port of ours leads to it.
func NewMilvus(t testing.TB, o MilvusOptions) *Milvus {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("there is a Milvus server for x86_64 alone")
	}
	binary := Need(t, "MOM_MILVUS", ".build/milvus/bin/milvus", "MOM_REQUIRE_MILVUS")
	home := filepath.Dir(filepath.Dir(binary))
	dir := t.TempDir()
	m := &Milvus{Data: filepath.Join(dir, "data"), dir: dir}
	for _, d := range []string{"configs", "logs", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	template, err := os.ReadFile(filepath.Join(home, "config.yaml.template"))
	if err != nil {
		t.Fatal(err)
	}
	glog, err := os.ReadFile(filepath.Join(home, "glog.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"milvus.yaml": m.configured(string(template), o), "glog.conf": string(glog)} {
		if err := os.WriteFile(filepath.Join(dir, "configs", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	network := m.network(t)
	command := enter(network)
	if o.Disk > 0 {
		command = append(command, "unshare", "--mount", "sh", "-c", `mount -t tmpfs -o size=`+strconv.Itoa(o.Disk)+`m tmpfs "$0" && exec "$@"`, m.Data)
	}
	command = append(command, "env", "LD_LIBRARY_PATH="+filepath.Dir(binary), "DEPLOY_MODE=STANDALONE", "METRICS_PORT=9091", "MILVUS_RUN_DIR="+filepath.Join(dir, "run"),
		binary, "run", "standalone")
	m.start = func(t testing.TB) *Process { return Run(t, dir, "milvus", command...) }
	m.Up(t)
	return m
}

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

var hole = regexp.MustCompile(`\{\{ *(\w+)(?:\(\w+\))?(?:: *([^}]*?))? *\}\}`)

// configured fills in the server's own template.
func (m *Milvus) configured(template string, o MilvusOptions) string {
	values := map[string]string{
		"etcd_log_path": filepath.Join(m.dir, "logs/etcd.log"), "system_log_path": filepath.Join(m.dir, "logs"), "etcd_data_dir": filepath.Join(m.Data, "etcd.data"),
		"local_storage_dir": m.Data, "rocksmq_data_dir": filepath.Join(m.Data, "rocksmq"), "authorization_enabled": strconv.FormatBool(o.Users),
	}
	return hole.ReplaceAllStringFunc(template, func(s string) string {
		parts := hole.FindStringSubmatch(s)
		if v, ok := values[parts[1]]; ok {
			return v
		}
		return parts[2]
	})
}

// nestVariable is set for the process that holds a network.
const nestVariable = "MOM_TEST_NEST"

// network makes a network that has nothing but a loopback of its own, and a port of ours that leads to the server's there. It is this binary, started
// again: see Main. It returns the process that holds it.
func (m *Milvus) network(t testing.TB) *Process {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.Address = listener.Addr().String()
	file, err := listener.(*net.TCPListener).File() // stays in the network it was opened in
	_ = listener.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p, err := run(t, m.dir, "nest", func(c *exec.Cmd) {
		c.ExtraFiles = []*os.File{file}
		c.Env = append(os.Environ(), nestVariable+"=127.0.0.1:19530")
		ownNetwork(c)
	}, "/proc/self/exe", "-test.run=^$")
	if err == nil {
		Until(t, 10*time.Second, "a network of its own", func() error {
			if p.Exited() || strings.Contains(p.Log(t), nestReady) {
				return nil
			}
			return os.ErrDeadlineExceeded
		})
	}
	if err == nil && !p.Exited() {
		return p
	}
	const why = "a network of its own for Milvus cannot be had here: it takes root, or user namespaces for everybody"
	if os.Getenv("MOM_REQUIRE_MILVUS") == "1" {
		t.Fatalf("MOM_REQUIRE_MILVUS=1 and %s (%v)", why, err)
	}
	t.Skipf("%s (%v)", why, err)
	return nil
}
