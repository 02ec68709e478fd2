package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Root is the repository.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("no source path in this binary")
	}
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Need is the path of a native part: what the variable names, or the place `make setup` puts it. When it is missing the test is skipped, as on a
// laptop that has not run the set-up; with require=1 in the environment, as in CI, it fails.
func Need(t testing.TB, variable, built, require string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join(Root(t), built)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv(require) == "1" {
			t.Fatalf("%s=1 and %s is missing: run `make setup`", require, built)
		}
		t.Skipf("%s is missing: run `make setup`", built)
	}
	return path
}

var binary struct {
	sync.Once
	dir, path string
	err       error
}

// Binary is the mom binary: MOM_BIN, or one built from this tree, once a test run.
func Binary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("MOM_BIN"); path != "" {
		return path
	}
	lib := filepath.Dir(Need(t, "MOM_TOKENIZERS_LIB", ".build/lib/libtokenizers.a", "MOM_REQUIRE_ONNX"))
	binary.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "mom-bin-"); binary.err != nil {
			return
		}
		binary.path = filepath.Join(binary.dir, "mom")
		build := exec.Command("go", "build", "-o", binary.path, "./cmd/mom")
		build.Dir = Root(t)
		build.Env = append(os.Environ(), "CGO_LDFLAGS=-L"+lib)
		build.Stderr = os.Stderr
		binary.err = build.Run()
	})
	if binary.err != nil {
		t.Fatalf("build mom: %v", binary.err)
	}
	return binary.path
}

// Main runs a package's tests and removes what they built.
func Main(m *testing.M) int {
	if os.Getenv(nestVariable) != "" {
		return nest()
	}
	code := m.Run()
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	return code
}
