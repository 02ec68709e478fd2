// Package transcripts reads the product as a newcomer would: each file of testdata is a configuration, a request, what the backends do, and then all
// that came of it, as the strict Envoy saw it. Run the tests with -update to write the second half anew.
package transcripts

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/extproc/extproctest"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/tests/stack"
	"go.uber.org/zap"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what comes of each transcript into its file")

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	root := stack.Root(t)
	models := app.NewShelf(app.Places{
		Models:  filepath.Join(root, "models"),
		Library: stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX"),
	})
	t.Cleanup(func() {
		if err := models.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { play(t, file, models) })
	}
}

func play(t *testing.T, file string, models *app.Shelf) {
	script, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part := func(name string) []byte {
		for _, f := range script.Files {
			if f.Name == name {
				return f.Data
			}
		}
		return nil
	}
	cfg, err := config.Parse(file, part("mom.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := app.Build(t.Context(), cfg, models)
	if err != nil {
		t.Fatal(err)
	}
	server := extproc.NewServer(zap.NewNop())
	server.Use(gateway)
	envoy := extproctest.Start(t, server)
	backends := readBackends(t, part("backends"))
	got := told(envoy.Do(t.Context(), readRequest(t, part("request")), func(u extproctest.Upstream) extproctest.Response { return backends[u.Cluster] }))
	if *update {
		keep := slices.DeleteFunc(script.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "> ") })
		script.Files = append(keep, got...)
		if err := os.WriteFile(file, txtar.Format(script), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := slices.DeleteFunc(script.Files, func(f txtar.File) bool { return !strings.HasPrefix(f.Name, "> ") })
	if diff := cmp.Diff(string(txtar.Format(&txtar.Archive{Files: want})), string(txtar.Format(&txtar.Archive{Files: got}))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// readRequest reads an HTTP/1 request without a version: the first line, headers, an empty line, the body without its last newline.
func readRequest(t *testing.T, data []byte) extproctest.Request {
	t.Helper()
	head, body, _ := bytes.Cut(data, []byte("\n\n"))
	lines := bufio.NewScanner(bytes.NewReader(head))
	lines.Scan()
	method, path, ok := strings.Cut(lines.Text(), " ")
	if !ok {
		t.Fatalf("request line %q, want METHOD PATH", lines.Text())
	}
	r := extproctest.Request{Method: method, Path: path, Body: bytes.TrimSuffix(body, []byte("\n"))}
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ": ")
		if !ok {
			t.Fatalf("header line %q", lines.Text())
		}
		r.Headers = append(r.Headers, [2]string{name, value})
	}
	return r
}

// readBackends reads lines "CLUSTER: STATUS" or "CLUSTER: reset".
func readBackends(t *testing.T, data []byte) map[string]extproctest.Response {
	t.Helper()
	out := map[string]extproctest.Response{}
	for line := range strings.Lines(string(data)) {
		name, what, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if what == "reset" {
			out[name] = extproctest.Response{Reset: true}
			continue
		}
		status, err := strconv.Atoi(what)
		if err != nil {
			t.Fatalf("backend line %q, want CLUSTER: STATUS", line)
		}
		out[name] = extproctest.Response{Status: status, Headers: [][2]string{{"content-type", "application/json"}, {"x-mom-model", "forged"}},
			Body: []byte(`{"from":"` + name + `"}`)}
	}
	return out
}

// told is a result as files.
func told(r extproctest.Result) []txtar.File {
	var files []txtar.File
	file := func(name, format string, args ...any) {
		files = append(files, txtar.File{Name: "> " + name, Data: []byte(fmt.Sprintf(format, args...))})
	}
	for _, u := range r.Attempts {
		file(fmt.Sprintf("attempt %d", u.Attempt), "%s %s at %s\n%s\n%s\n", u.Method, u.Path, u.Cluster, headers(u.Headers), u.Body)
	}
	file("client", "%d %s\n%s\n%s\n", r.Status, r.Outcome, headers(r.Headers), r.Body)
	stats := r.Metadata["mom.stats"]
	file("stats", "decision %v, domain %v, model %v, requested %v\n", stats["decision"], stats["domain"], stats["model"], stats["requested"])
	return files
}

func headers(h http.Header) string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, strings.ToLower(name)+": "+v+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
