package app_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/tests/stack"
)

// flash is the folder of the model that the repository holds.
func flash(t *testing.T) string { return filepath.Join(stack.Root(t), "models", "mom-brain-flash") }

// packed is the model as a .tar.gz, hardly compressed.
func packed(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	if err := errors.Join(w.AddFS(os.DirFS(flash(t))), w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestModelsPull(t *testing.T) {
	needModel(t)
	content := packed(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
	t.Cleanup(server.Close)
	models := t.TempDir()
	for _, step := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"over the web", []string{server.URL + "/a.tar.gz", "--sha256", fmt.Sprintf("%x", sha256.Sum256(content))}, 0, "mom-brain-flash 3 installed"},
		{"the same from a folder", []string{flash(t)}, 0, "is there already"},
		{"over the web without a checksum", []string{server.URL + "/a.tar.gz"}, 2, "needs its sha256"},
		{"nothing", nil, 2, "accepts 1 arg"},
		{"into a folder that is not there", []string{flash(t), "--models", filepath.Join(models, "none")}, 1, "none"},
	} {
		code, out, errs := mom(t, "", append([]string{"models", "pull", "--models", models}, step.args...)...)
		if code != step.code || !strings.Contains(out+errs, step.want) {
			t.Errorf("%s: code %d, want %d\nout: %s\nerr: %s", step.name, code, step.code, out, errs)
		}
	}
	if code, out, errs := mom(t, "", "models", "verify", "--models", models); code != 0 || !strings.Contains(out, "mom-brain-flash ok") {
		t.Errorf("verify: code %d\n%s%s", code, out, errs)
	}
	if code, out, errs := mom(t, `{"text":"What is the derivative of sin(x)?"}`, "classify", "--models", models); code != 0 || !strings.Contains(out, `"label":"math"`) {
		t.Errorf("classify: code %d\n%s%s", code, out, errs)
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Every file holds, and yet the model does not do what it is for.
func TestModelsPullRefusesAModelThatFailsItsSelfTest(t *testing.T) {
	needModel(t)
	from := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(from, os.DirFS(flash(t))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(from, "manifest.yaml")
	manifest, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Replace(manifest, []byte(`sin(x)?", label: math`), []byte(`sin(x)?", label: law`), 1)
	if bytes.Equal(wrong, manifest) {
		t.Fatal("the case changes nothing")
	}
	if err := os.WriteFile(file, wrong, 0o600); err != nil {
		t.Fatal(err)
	}
	models := t.TempDir()
	code, _, errs := mom(t, "", "models", "pull", from, "--models", models)
	if code != 1 || !strings.Contains(errs, "want law") {
		t.Errorf("code %d: %s", code, errs)
	}
	empty(t, models)
}

func TestModelsPullStopsAtCtrlC(t *testing.T) {
	t.Chdir(stack.Root(t))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("the first bytes"))
		_ = http.NewResponseController(w).Flush()
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	models := t.TempDir()
	var out, errs bytes.Buffer
	args := []string{"models", "pull", server.URL, "--sha256", strings.Repeat("0", 64), "--models", models}
	code := app.Main(args, strings.NewReader(""), &out, &errs)
	if code != 1 || out.Len() > 0 || !strings.Contains(errs.String(), "stopped; nothing was installed") {
		t.Errorf("code %d\n%s%s", code, &out, &errs)
	}
	empty(t, models)
}
