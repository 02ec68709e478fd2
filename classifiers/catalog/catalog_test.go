package catalog_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/classifiertest"
)

const graph, tokenizer = "a graph", "a tokenizer"

// good is a manifest without a fault for the folder tiny.
var good = fmt.Sprintf(`name: tiny
version: "1"
task: domain
license: Apache-2.0
source: {base: some/encoder, package: some-package==1.0, revision: 0123abc, recipe: models/recipes}
graph: {file: model.onnx, sha256: %x, size: %d}
tokenizer: {file: tokenizer.json, sha256: %x, size: %d}
inputs: [input_ids, attention_mask]
output: domain
labels: [math, law]
max_tokens: 128
overlap: 64
aggregate: mean
temperature: 1.3
threshold: 0.45
self_test:
- {text: "an integral", label: math, min_probability: 0.8}
- {text: "a court", label: law, min_probability: 0.8}
`, sha256.Sum256([]byte(graph)), len(graph), sha256.Sum256([]byte(tokenizer)), len(tokenizer))

// folder makes a model's folder named tiny with this manifest and returns it.
func folder(t *testing.T, manifest string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"manifest.yaml": manifest, "model.onnx": graph, "tokenizer.json": tokenizer} {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReadGoodManifest(t *testing.T) {
	e, err := catalog.Read(folder(t, good))
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Manifest{
		Name: "tiny", Version: "1", Task: "domain", License: "Apache-2.0",
		Source:    catalog.Source{Base: "some/encoder", Package: "some-package==1.0", Revision: "0123abc", Recipe: "models/recipes"},
		Graph:     catalog.File{File: "model.onnx", SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(graph))), Size: 7},
		Tokenizer: catalog.File{File: "tokenizer.json", SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(tokenizer))), Size: 11},
		Inputs:    []string{"input_ids", "attention_mask"}, Output: "domain", Labels: []string{"math", "law"},
		MaxTokens: 128, Overlap: 64, Aggregate: "mean", Temperature: 1.3, Threshold: 0.45,
		SelfTest: []catalog.Sample{{Text: "an integral", Label: "math", MinProbability: 0.8}, {Text: "a court", Label: "law", MinProbability: 0.8}},
	}
	if diff := cmp.Diff(want, e.Manifest); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	if err := e.Verify(); err != nil {
		t.Errorf("verify: %v", err)
	}
	if data, err := e.GraphBytes(); string(data) != graph || err != nil {
		t.Errorf("graph is %q, %v", data, err)
	}
}

func TestReadFaultyManifest(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"an unknown key", "output:", "outptu: x\noutput:", []string{"outptu: unknown key"}},
		{"an unknown key inside", "recipe:", "colour: red, recipe:", []string{"source.colour: unknown key"}},
		{"a missing key", "overlap: 64\n", "", []string{"overlap: is missing"}},
		{"a key misspelled", "max_tokens: 128", "max_token: 128", []string{"max_token: unknown key", "max_tokens: is missing"}},
		{
			"three faults of form", "version: \"1\"\ntask: domain\nlicense: Apache-2.0", "version: 1\ntask: [domain]\nlicence: Apache-2.0",
			[]string{"version: want a string", "task: want a string", "licence: unknown key", "license: is missing"},
		},
		{
			"three faults of value", "max_tokens: 128\noverlap: 64\naggregate: mean", "max_tokens: 64\noverlap: 64\naggregate: median",
			[]string{"overlap: 64 is not within", `aggregate: "median"`},
		},
		{"a key twice", "output: domain", "output: domain\noutput: domain", []string{"YAML"}},
		{"two documents", "name: tiny", "name: tiny\n---\nname: tiny", []string{"more than one document"}},
		{"not YAML", "name: tiny", "name: [", []string{"not readable as YAML"}},
		{
			"a list where a mapping belongs", "source: {base: some/encoder, package: some-package==1.0, revision: 0123abc, recipe: models/recipes}",
			"source: [1]",
			[]string{"source: want a mapping"},
		},
		{"another name than the folder", "name: tiny", "name: small", []string{`name: "small" is not the name of its folder, "tiny"`}},
		{"an unknown task", "task: domain", "task: poetry", []string{"task: "}},
		{"a revision that is a branch", "revision: 0123abc", "revision: main", []string{"source.revision: "}},
		{"a file outside the folder", "file: model.onnx", "file: ../model.onnx", []string{"graph.file: "}},
		{"an absolute file", "file: model.onnx", "file: /etc/passwd", []string{"graph.file: "}},
		{"a file in a folder of the folder", "file: tokenizer.json", "file: sub/tokenizer.json", []string{"tokenizer.file: "}},
		{"the manifest as a file", "file: model.onnx", "file: manifest.yaml", []string{"graph.file: "}},
		{"a short digest", fmt.Sprintf("%x", sha256.Sum256([]byte(graph))), "abc123", []string{"graph.sha256: "}},
		{"a size of nothing", "size: 7", "size: 0", []string{"graph.size: 0 is not within"}},
		{"a size beyond a protobuf message", "size: 7", "size: 2147483648", []string{"graph.size: "}},
		{"no token ids", "inputs: [input_ids, attention_mask]", "inputs: [attention_mask]", []string{"inputs: input_ids is missing"}},
		{"an input nobody fills", "inputs: [input_ids, attention_mask]", "inputs: [input_ids, pixels]", []string{`inputs[1]: "pixels"`}},
		{"one label", "labels: [math, law]", "labels: [math]", []string{"labels: want at least 2", `self_test[1].label: "law"`}},
		{"a label twice", "labels: [math, law]", "labels: [math, law, law]", []string{`labels[2]: "law" is there twice`}},
		{"a temperature of zero", "temperature: 1.3", "temperature: 0", []string{"temperature: 0 is not within"}},
		{"a temperature that is no number", "temperature: 1.3", "temperature: .nan", []string{"temperature: want a number"}},
		{"a threshold over one", "threshold: 0.45", "threshold: 45", []string{"threshold: 45 is not within"}},
		{"a key of another task", "threshold: 0.45", "threshold: 0.45\nthresholds: {user: 1}", []string{"thresholds: is not for the task domain"}},
		{"a key of the task missing", "temperature: 1.3\n", "", []string{"temperature: is missing"}},
		{"a sample's key of another task", "label: math, min", "label: math, role: user, min", []string{"self_test[0].role: is not for the task domain"}},
		{"a sample's key missing", "label: math, ", "", []string{"self_test[0].label: is missing"}},
		{"a graph by a path", "graph: {file", "graph: {model: ../other, file", []string{`graph.model: "../other" is not the plain name`}},
		{"a graph of the folder above", "graph: {file", "graph: {model: .., file", []string{"graph.model: "}},
		{"a tokenizer of itself", "tokenizer: {file", "tokenizer: {model: tiny, file", []string{`tokenizer.model: "tiny" is this model itself`}},
		{"no self-test", good[strings.Index(good, "self_test:"):], "self_test: []\n", []string{"self_test: is empty"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			manifest := strings.Replace(good, c.old, c.new, 1)
			if manifest == good {
				t.Fatal("the case changes nothing")
			}
			_, err := catalog.Read(folder(t, manifest))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestFileThatIsNotWhatTheManifestSays(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, path string)
		want string
	}{
		{"another content of the same size", func(t *testing.T, path string) { write(t, path, "A graph") }, "sha256 is"},
		{"a byte more", func(t *testing.T, path string) { write(t, path, graph+"!") }, "8 bytes"},
		{"a byte less", func(t *testing.T, path string) { write(t, path, graph[:6]) }, "6 bytes"},
		{"gone", func(t *testing.T, path string) { remove(t, path) }, "no such file"},
		{"a link to the right content", func(t *testing.T, path string) {
			target := filepath.Join(t.TempDir(), "elsewhere")
			write(t, target, graph)
			remove(t, path)
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
		}, "symbolic link"},
		{"a folder", func(t *testing.T, path string) {
			remove(t, path)
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file"},
		{"a pipe that nobody writes to", func(t *testing.T, path string) {
			remove(t, path)
			if err := syscall.Mkfifo(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, good)
			e, err := catalog.Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			c.do(t, filepath.Join(dir, "model.onnx"))
			for what, err := range map[string]error{"verify": e.Verify(), "load": second(e.GraphBytes())} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: error is %v, want %q in it", what, err, c.want)
				}
			}
		})
	}
}

func second(_ []byte, err error) error { return err }

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestListSkipsFoldersWithoutManifest(t *testing.T) {
	dir := filepath.Dir(folder(t, good))
	if err := os.Mkdir(filepath.Join(dir, "recipes"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "README.md"), "not a folder")
	entries, err := catalog.List(dir)
	if err != nil || len(entries) != 1 || entries[0].Name != "tiny" {
		t.Fatalf("got %v, %v, want tiny alone", entries, err)
	}
	bad := filepath.Join(dir, "bad")
	if err := os.Mkdir(bad, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(bad, "manifest.yaml"), "name: bad\n")
	entries, err = catalog.List(dir)
	if len(entries) != 1 || err == nil || !strings.Contains(err.Error(), "license: is missing") {
		t.Errorf("beside a faulty folder: %d entries, %v, want tiny and the fault", len(entries), err)
	}
}

func TestSelfTest(t *testing.T) {
	e, err := catalog.Read(folder(t, good))
	if err != nil {
		t.Fatal(err)
	}
	right := classifiertest.Words{Classes: e.Labels, Label: map[string]string{"integral": "math", "court": "law"}}
	if err := catalog.SelfTest(context.Background(), &e.Manifest, right); err != nil {
		t.Errorf("a right model: %v", err)
	}
	unsure, swapped, other, failing := right, right, right, right
	unsure.P = 0.7
	swapped.Label = map[string]string{"integral": "law", "court": "math"}
	other.Classes = []string{"law", "math"}
	failing.Err = errors.New("out of order")
	for _, c := range []struct {
		name  string
		model classifiertest.Words
		want  []string
	}{
		{"too unsure", unsure, []string{"self_test[0]: got math at 0.700", "self_test[1]: got law"}},
		{"wrong", swapped, []string{"self_test[0]: got law", "self_test[1]: got math"}},
		{"labels in another order", other, []string{"labels are"}},
		{"failing", failing, []string{"self_test[0]: out of order"}},
	} {
		err := catalog.SelfTest(context.Background(), &e.Manifest, c.model)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, want %q in it", c.name, err, want)
			}
		}
	}
}
