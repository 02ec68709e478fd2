package onnx_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"go.uber.org/goleak"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// moduleRoot is the folder of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("no go.mod above the test: %v", err)
	return ""
}

// libraryPath is where the tests look for ONNX Runtime.
func libraryPath(t testing.TB) string {
	if path := os.Getenv("MOM_ONNX_LIB"); path != "" {
		return path
	}
	return filepath.Join(moduleRoot(t), ".build", "lib", "libonnxruntime.so")
}

// absent skips a test whose native part or model is not there: fine on a laptop, a failure where MOM_REQUIRE_ONNX is 1.
func absent(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("MOM_REQUIRE_ONNX") == "1" {
		t.Fatalf("%s is not there, and MOM_REQUIRE_ONNX=1", what)
	}
	t.Skipf("%s is not there", what)
}

func needLibrary(t testing.TB) {
	t.Helper()
	path := libraryPath(t)
	if _, err := os.Stat(path); err != nil {
		absent(t, path)
	}
	if err := onnx.Load(path); err != nil {
		t.Fatal(err)
	}
}

// tiny makes a model's folder from a graph and the tokenizer of testdata. edit may change the manifest, and the files through their names.
func tiny(t testing.TB, graph string, edit func(m *catalog.Manifest, files map[string][]byte)) *catalog.Entry {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	files := map[string][]byte{"model.onnx": testdata(t, graph), "tokenizer.json": testdata(t, "tokenizer.json")}
	m := catalog.Manifest{
		Name: "tiny", Version: "1", Task: "domain", License: "Apache-2.0",
		Source: catalog.Source{Base: "none", Package: "none", Revision: "0000000", Recipe: "classifiers/onnx/testdata/make.py"},
		Inputs: []string{"input_ids", "attention_mask"}, Output: "domain", Labels: []string{"math", "law", "other"},
		MaxTokens: 16, Overlap: 4, Aggregate: "mean", Temperature: 1, Threshold: 0.5,
		SelfTest: []catalog.Sample{{Text: "the integral", Label: "math", MinProbability: 0.9}, {Text: "the court", Label: "law", MinProbability: 0.9}},
	}
	if edit != nil {
		edit(&m, files)
	}
	describe := func(name string) catalog.File {
		sum := sha256.Sum256(files[name])
		return catalog.File{File: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(files[name]))}
	}
	m.Graph, m.Tokenizer = describe("model.onnx"), describe("tokenizer.json")
	manifest, err := yaml.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	files[catalog.ManifestFile] = manifest
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := catalog.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withKeys returns a JSON object with some keys set to other JSON.
func withKeys(t testing.TB, object []byte, keys map[string]string) []byte {
	t.Helper()
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(object, &tree); err != nil {
		t.Fatal(err)
	}
	for key, value := range keys {
		if _, ok := tree[key]; !ok {
			t.Fatalf("no key %q", key)
		}
		tree[key] = json.RawMessage(value)
	}
	changed, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// A model is a trunk of its own with the view of its one manifest.
type model struct {
	*onnx.Trunk
	*onnx.Classifier
}

// open opens a model until the end of the test.
func open(t testing.TB, e *catalog.Entry, opt onnx.Options) *model {
	t.Helper()
	trunk := openTrunk(t, e, opt)
	c, err := trunk.Classifier(e, "")
	if err != nil {
		t.Fatal(err)
	}
	return &model{trunk, c}
}

func openTrunk(t testing.TB, e *catalog.Entry, opt onnx.Options) *onnx.Trunk {
	t.Helper()
	needLibrary(t)
	trunk, err := onnx.Open(e, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := trunk.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return trunk
}

// words returns n words of one token each, so that no two windows of a text of them are alike.
func words(n int) string {
	const characters = "abcdefghijklmnopqrstuvwxyz0123456789"
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range n {
		text.WriteByte(characters[random.IntN(len(characters))])
		text.WriteByte(' ')
	}
	return text.String()
}
