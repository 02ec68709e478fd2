package faults_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/tests/stack"
)

// trunk opens a model as it is shipped, or as dir has it, with bounds of the test's own.
func trunk(t *testing.T, dir string, o onnx.Options) (*onnx.Trunk, *catalog.Entry) {
	t.Helper()
	library := stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX")
	if err := onnx.Load(library); err != nil {
		t.Fatal(err)
	}
	entry, err := catalog.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := onnx.Open(entry, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened, entry
}

// real is a setup in which one guard asks the shipped model.
func real(t *testing.T, name, mode string, o onnx.Options) (setup, *onnx.Trunk) {
	t.Helper()
	s := broke(name, mode, nil)
	models := filepath.Join(stack.Root(t), "models")
	if name == guard.StageJailbreak {
		opened, entry := trunk(t, filepath.Join(models, "mom-jailbreak-flash"), o)
		user, err := opened.Classifier(entry, catalog.RoleUser)
		if err != nil {
			t.Fatal(err)
		}
		s.classifier = user
		return s, opened
	}
	opened, entry := trunk(t, filepath.Join(models, "mom-pii-flash"), o)
	tags, err := opened.Tagger(entry)
	if err != nil {
		t.Fatal(err)
	}
	s.tagger = tags
	return s, opened
}

// page is a text of a few windows that is like no other.
func page(i int) string {
	return say(fmt.Sprintf("Page %d. ", i) + strings.Repeat("The quiet baker walked along the narrow river and looked at the boats. ", 30))
}

// TestARealModelFails is what the shipped models and ONNX Runtime themselves do when they cannot: they are closed, their queue is full, their memory is
// too small for one window, one of many windows fails in the graph.
func TestARealModelFails(t *testing.T) {
	e := newEdge(t, nil)
	e.use(t, build(t, setup{off: true}).Gateway)
	seen := &table{}
	defer seen.print(t)
	bad := map[string]string{guard.StageJailbreak: say(realAttack), guard.StagePII: say(realCard)}
	for _, name := range both {
		for _, mode := range []string{"closed", "open"} {
			want := shut
			if mode == "open" {
				want = degraded
			}
			check := func(t *testing.T, fault, text string, want sees) {
				t.Helper()
				got := look(t, e.Stack, text)
				seen.add(name, fault, mode, got)
				if got != want {
					t.Errorf("%s: seen %v, want %v", fault, got, want)
				}
			}
			t.Run(name+"/"+mode, func(t *testing.T) {
				s, model := real(t, name, mode, onnx.Options{Workers: 1, Queue: 1, MemoBytes: 1, Deadline: patience})
				e.server.Use(build(t, s).Gateway)
				for range 2 {
					check(t, "the memory of windows is too small for one", bad[name], blocked(name))
				}
				e.crowd(t, seen, name, mode)
				if err := model.Close(); err != nil {
					t.Fatal(err)
				}
				check(t, "the model was closed", faulty, want)
			})
		}
	}
	for _, mode := range []string{"closed", "open"} {
		s := broke(guard.StageJailbreak, mode, nil)
		opened, entry := trunk(t, picky(t), onnx.Options{Deadline: patience})
		c, err := opened.Classifier(entry, catalog.RoleUser)
		if err != nil {
			t.Fatal(err)
		}
		s.classifier = c
		e.server.Use(build(t, s).Gateway)
		many := strings.Repeat("the word of the word ", 40)
		for _, text := range []string{"court " + many, many + "court " + many, many + "court"} {
			want := shut
			if mode == "open" {
				want = degraded
			}
			got := look(t, e.Stack, body(turn("user", text)))
			seen.add(guard.StageJailbreak, "the graph fails on one window of many", mode, got)
			if got != want {
				t.Errorf("one window of many, %s: seen %v, want %v", mode, got, want)
			}
		}
	}
	e.wantNoAlarm(t)
}

// crowd sends more requests at once than a model with one worker and a queue of one can take: each is read, or refused, or passes for all to see.
func (e *edge) crowd(t *testing.T, seen *table, name, mode string) {
	t.Helper()
	const clients = 24
	w := watch(t, e.Stack)
	answers := make(chan string)
	for i := range clients {
		go func() { answers <- send(t.Context(), e.Stack, newRequest(page(i))) }()
	}
	n := map[string]int{}
	for range clients {
		n[<-answers]++
	}
	unread := shut
	if mode == "open" {
		unread = degraded
	}
	was, fine := n[unread.client], n["200 ok"]+n["200 flagged"]
	if was+fine != clients || was == 0 || fine == 0 {
		t.Errorf("a crowd: %v, want those that were read and %q alone", n, unread.client)
	}
	now := map[string]int64{}
	stack.Until(t, patience, "Envoy counts the crowd", func() error {
		now = e.Stats(t, guardStats)
		if _, all := grown(w.guard, now); all != clients {
			return fmt.Errorf("%d of %d", all, clients)
		}
		return nil
	})
	const state = "mom_router.guard.state."
	if counted := now[state+unread.guard] - w.guard[state+unread.guard]; counted != int64(was) {
		t.Errorf("%d counted as %s, want %d", counted, unread.guard, was)
	}
	got := sees{client: unread.client, guard: unread.guard, backends: len(e.Small.Received()) + len(e.Large.Received()) - fine}
	_, got.envoy = grown(w.sent, e.Stats(t, sentStats))
	got.envoy -= int64(fine)
	seen.add(name, fmt.Sprintf("the queue is full: %d of %d", was, clients), mode, got)
	if got.backends != was*unread.backends || got.envoy != int64(was)*unread.envoy {
		t.Errorf("beside the %d that were read: seen %v, want %d times %v", fine, got, was, unread)
	}
}

// picky is the folder of a tiny jailbreak model whose graph fails on every window with the word court.
func picky(t *testing.T) string {
	t.Helper()
	from, dir := filepath.Join(stack.Root(t), "classifiers/onnx/testdata"), t.TempDir()
	copied := func(source, name string) catalog.File {
		data := read(t, filepath.Join(from, source))
		write(t, filepath.Join(dir, name), data)
		sum := sha256.Sum256(data)
		return catalog.File{File: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
	}
	m := catalog.Manifest{
		Name: filepath.Base(dir), Version: "1", Task: "jailbreak", License: "Apache-2.0",
		Source: catalog.Source{Base: "none", Package: "none", Revision: "0000000", Recipe: "classifiers/onnx/testdata/make.py"},
		Graph:  copied("picky.onnx", "model.onnx"), Tokenizer: copied("tokenizer.json", "tokenizer.json"),
		Inputs: []string{"input_ids", "attention_mask"}, Outputs: map[string]string{catalog.RoleUser: "domain", catalog.RoleDocument: "domain"},
		Labels: []string{"benign", "jailbreak", "harmful"}, MaxTokens: 16, Overlap: 4, Aggregate: "worst", Temperature: 1,
		Thresholds: map[string]float64{catalog.RoleUser: 0.9, catalog.RoleDocument: 0.9},
		SelfTest: []catalog.Sample{
			{Text: "the integral", Role: catalog.RoleUser, Label: "benign", MinProbability: 0.9}, {Text: "the word", Role: catalog.RoleDocument, Label: "jailbreak", MinProbability: 0.1},
		},
	}
	manifest, err := yaml.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, catalog.ManifestFile), manifest)
	return dir
}
