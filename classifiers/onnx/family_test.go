package onnx_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

// heads is the entry of the graph with an output for every task.
func heads(t testing.TB) *catalog.Entry {
	return tiny(t, "heads.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.MaxTokens = 64 })
}

// sibling makes a model beside e that shares its graph and tokenizer.
func sibling(t testing.TB, e *catalog.Entry, task string, edit func(m *catalog.Manifest)) *catalog.Entry {
	t.Helper()
	m := e.Manifest
	m.Name, m.Task, m.Graph.Model, m.Tokenizer.Model = "tiny-"+task, task, e.Name, e.Name
	m.Output, m.Labels, m.Aggregate, m.Temperature, m.Threshold = "", nil, "", 0, 0
	switch task {
	case "difficulty":
		m.Output, m.Labels, m.Aggregate, m.Temperature = "difficulty", []string{"easy", "hard"}, "mean", 2
		m.SelfTest = []catalog.Sample{{Text: "the court court", Label: "hard", MinProbability: 0.9}}
	case "jailbreak":
		m.Outputs = map[string]string{"user": "user", "document": "document"}
		m.Thresholds = map[string]float64{"user": 0.5, "document": 0.7}
		m.Labels, m.Aggregate, m.Temperature = []string{"benign", "jailbreak"}, "worst", 1
		m.SelfTest = []catalog.Sample{
			{Text: "the integral", Label: "benign", MinProbability: 0.9, Role: "user"},
			{Text: "the word", Label: "jailbreak", MinProbability: 0.8, Role: "document"},
		}
	case "pii":
		m.Outputs, m.Threshold = map[string]string{"tag": "tag", "score": "score"}, 0.5
		m.Labels = []string{"O", "B-PLACE", "I-PLACE", "B-NAME", "I-NAME"}
		m.SelfTest = []catalog.Sample{{Text: "the court integral", Label: "PLACE", MinProbability: 0.8, Span: "court integral"}}
	case "similarity":
		m.Output = "vector"
		m.SelfTest = []catalog.Sample{{Text: "the court", Near: "court", Far: "integral"}}
	}
	if edit != nil {
		edit(&m)
	}
	dir := filepath.Join(filepath.Dir(e.Dir), m.Name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	manifest, err := yaml.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, catalog.ManifestFile), manifest, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := catalog.Read(dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, manifest)
	}
	return s
}

// A family is a trunk with a view for each task.
type family struct {
	*onnx.Trunk
	domain, difficulty, user, document *onnx.Classifier
	pii                                *onnx.Tagger
	similarity                         *onnx.Embedder
	entries                            map[string]*catalog.Entry
}

func openFamily(t testing.TB, opt onnx.Options) *family {
	t.Helper()
	first := heads(t)
	f := &family{Trunk: openTrunk(t, first, opt), entries: map[string]*catalog.Entry{"domain": first}}
	for _, task := range []string{"difficulty", "jailbreak", "pii", "similarity"} {
		f.entries[task] = sibling(t, first, task, nil)
	}
	view := func(task, role string) *onnx.Classifier {
		c, err := f.Classifier(f.entries[task], role)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	f.domain, f.difficulty = view("domain", ""), view("difficulty", "")
	f.user, f.document = view("jailbreak", catalog.RoleUser), view("jailbreak", catalog.RoleDocument)
	var err, err2 error
	f.pii, err = f.Tagger(f.entries["pii"])
	f.similarity, err2 = f.Embedder(f.entries["similarity"])
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return f
}
