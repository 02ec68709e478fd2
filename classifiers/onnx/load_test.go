package onnx_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/classifiers/onnx"
)

func TestLoadTwice(t *testing.T) {
	needLibrary(t)
	if err := onnx.Load(libraryPath(t)); err != nil {
		t.Errorf("the same path again: %v", err)
	}
	if err := onnx.Load(filepath.Join(t.TempDir(), "other.so")); err == nil || !strings.Contains(err.Error(), "already loaded") {
		t.Errorf("another path: error is %v, want one that it is already loaded", err)
	}
}

func TestGoodModelsPassTheirSelfTest(t *testing.T) {
	for name, inputs := range map[string][]string{"good.onnx": {"input_ids", "attention_mask"}, "ids_only.onnx": {"input_ids"}} {
		t.Run(name, func(t *testing.T) {
			e := tiny(t, name, func(m *catalog.Manifest, _ map[string][]byte) { m.Inputs = inputs })
			if err := catalog.SelfTest(context.Background(), &e.Manifest, open(t, e, onnx.Options{})); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	for _, aggregate := range []string{"mean", "max"} {
		t.Run(aggregate, func(t *testing.T) {
			e := tiny(t, "good.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.Aggregate = aggregate; m.MaxTokens = 128 })
			classifiertest.Classifier(t, open(t, e, onnx.Options{}))
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	needLibrary(t)
	tokenizerWith := func(keys map[string]string) func(*catalog.Manifest, map[string][]byte) {
		return func(_ *catalog.Manifest, files map[string][]byte) {
			files["tokenizer.json"] = withKeys(t, files["tokenizer.json"], keys)
		}
	}
	for _, c := range []struct {
		name, graph string
		edit        func(*catalog.Manifest, map[string][]byte)
		want        []string
	}{
		{"an input of another name", "input_name.onnx", nil, []string{`needs an input "tokens"`, `has no input "input_ids"`}},
		{"an input the graph does not have", "ids_only.onnx", nil, []string{`has no input "attention_mask"`}},
		{
			"an input the manifest does not have", "good.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.Inputs = m.Inputs[:1] },
			[]string{`needs an input "attention_mask"`},
		},
		{"an input of 32 bits", "int32.onnx", nil, []string{`input "input_ids" is not int64`}},
		{"an output of another name", "output_name.onnx", nil, []string{`has no output "domain"`}},
		{"more classes than labels", "four_classes.onnx", nil, []string{"has 4 classes, the manifest wants 3"}},
		{"an unknown number of classes", "open_classes.onnx", nil, []string{"has -1 classes"}},
		{"an output of two rows", "two_rows.onnx", nil, []string{"forward pass"}},
		{"a graph with fewer token rows than the vocabulary", "small_vocabulary.onnx", nil, []string{"forward pass"}},
		{
			"a graph that is no ONNX", "good.onnx", func(_ *catalog.Manifest, files map[string][]byte) { files["model.onnx"] = []byte("garbage") },
			[]string{"graph: "},
		},
		{
			"a tokenizer that is no JSON", "good.onnx", func(_ *catalog.Manifest, files map[string][]byte) { files["tokenizer.json"] = []byte("garbage") },
			[]string{"tokenizer file: "},
		},
		{"a tokenizer without a model", "good.onnx", tokenizerWith(map[string]string{"model": "null"}), []string{"tokenizer file: "}},
		{
			"a tokenizer that puts nothing around a text", "good.onnx", tokenizerWith(map[string]string{"post_processor": "null"}),
			[]string{"same special tokens around every text"},
		},
		{
			"a tokenizer that knows its special tokens in a text", "good.onnx",
			tokenizerWith(map[string]string{"pre_tokenizer": `{"type":"WhitespaceSplit"}`, "normalizer": "null"}),
			[]string{`takes the text "[PAD]" for its special token`},
		},
		{
			"windows that do not move on", "good.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.Overlap = 14 },
			[]string{"cannot overlap by 14"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := tiny(t, c.graph, c.edit)
			m, err := onnx.Open(e, onnx.Options{})
			if err == nil {
				_, err = m.Classifier(e, "")
				_ = m.Close()
			}
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

func TestOpenRefusesChangedFilesAndOptions(t *testing.T) {
	needLibrary(t)
	e := tiny(t, "good.onnx", nil)
	if _, err := onnx.Open(e, onnx.Options{Workers: -1}); err == nil {
		t.Error("a negative number of workers was accepted")
	}
	changed := testdata(t, "good.onnx")
	changed[len(changed)/2]++
	if err := os.WriteFile(filepath.Join(e.Dir, "model.onnx"), changed, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := onnx.Open(e, onnx.Options{}); err == nil || !strings.Contains(err.Error(), "sha256") {
		t.Errorf("a changed graph: error is %v, want one about its sha256", err)
	}
}

// Runs in a process of its own, since the library is loaded once a process and this one may have it already.
func TestLoadFails(t *testing.T) {
	library := os.Getenv("MOM_TEST_LOAD_FAILS")
	if library == "" {
		if _, err := os.Stat(libraryPath(t)); err != nil {
			absent(t, libraryPath(t))
		}
		child := exec.Command(os.Args[0], "-test.run=^TestLoadFails$")
		child.Env = append(os.Environ(), "MOM_TEST_LOAD_FAILS="+libraryPath(t))
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if _, err := onnx.Open(tiny(t, "good.onnx", nil), onnx.Options{}); err == nil || !strings.Contains(err.Error(), "not loaded") {
		t.Errorf("open before load: error is %v, want one that the library is not loaded", err)
	}
	for name, path := range map[string]string{"a missing file": filepath.Join(t.TempDir(), "none.so"), "no library": "testdata/good.onnx"} {
		if err := onnx.Load(path); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: error is %v, want one that names the file", name, err)
		}
	}
	if err := onnx.Load(library); err != nil {
		t.Errorf("the library after the failures: %v", err)
	}
}
