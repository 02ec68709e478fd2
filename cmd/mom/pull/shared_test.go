package pull_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/cmd/mom/pull"
)

// view is a model that reads with tiny's graph and has a tokenizer of its own.
func view() map[string]string {
	const own = "graph: {file: model.onnx,"
	manifest := strings.Replace(good()["manifest.yaml"], own, "graph: {model: tiny, file: model.onnx,", 1)
	return map[string]string{"manifest.yaml": strings.Replace(manifest, "name: tiny", "name: view", 1), "tokenizer.json": good()["tokenizer.json"]}
}

func TestModelThatSharesAGraph(t *testing.T) {
	models := t.TempDir()
	if _, err := install(t, models, pull.Source{From: folder(t, view())}, false); err == nil || !strings.Contains(err.Error(), "tiny, which must be installed first") {
		t.Errorf("before the model it shares with: %v", err)
	}
	if _, err := install(t, models, pull.Source{From: folder(t, good())}, false); err != nil {
		t.Fatal(err)
	}
	image, _ := layout(t, view())
	for name, from := range map[string]string{"a folder": folder(t, view()), "a layout": image} {
		if err := os.RemoveAll(filepath.Join(models, "view")); err != nil {
			t.Fatal(err)
		}
		if changed, err := install(t, models, pull.Source{From: from}, false); err != nil || !changed {
			t.Fatalf("from %s: changed %t, %v", name, changed, err)
		}
		want := installed()
		want["view/"] = ""
		for file, content := range view() {
			want["view/"+file] = content
		}
		if diff := cmp.Diff(want, tree(t, models)); diff != "" {
			t.Errorf("from %s, models (-want +got):\n%s", name, diff)
		}
	}
	// The graph it would share is not the one it was made with.
	write(t, filepath.Join(models, "tiny", "model.onnx"), "b graph")
	_, err := install(t, models, pull.Source{From: folder(t, view())}, true)
	if want := fmt.Sprintf("the manifest says %s", sum("a graph")); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("with another graph there: %v, want %q", err, want)
	}
}
