package onnx_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/classifiers/onnx"
)

func TestViewsPassTheirSelfTests(t *testing.T) {
	f := openFamily(t, onnx.Options{})
	for task, e := range f.entries {
		if err := e.Verify(); err != nil {
			t.Errorf("verify %s: %v", e.Name, err)
		}
		if err := f.SelfTest(context.Background(), e); err != nil {
			t.Errorf("self-test of %s: %v", e.Name, err)
		}
		wrong := *e
		wrong.SelfTest = slices.Clone(e.SelfTest)
		last := &wrong.SelfTest[len(e.SelfTest)-1]
		last.MinProbability, last.Near, last.Far = 1.1, last.Far, last.Near
		if err := f.SelfTest(context.Background(), &wrong); err == nil || !strings.Contains(err.Error(), "self_test[") {
			t.Errorf("self-test of %s with a wrong sample: %v", task, err)
		}
	}
}

func TestViewsConform(t *testing.T) {
	// Not with heads, whose passes over long texts are slow on purpose.
	e := tiny(t, "good.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.MaxTokens = 128 })
	jailbreak := sibling(t, e, "jailbreak", func(m *catalog.Manifest) {
		m.Labels, m.Outputs = []string{"benign", "jailbreak", "harmful"}, map[string]string{"user": "domain", "document": "domain"}
	})
	c, err := openTrunk(t, jailbreak, onnx.Options{}).Classifier(jailbreak, catalog.RoleUser)
	if err != nil {
		t.Fatal(err)
	}
	classifiertest.Classifier(t, c)

	quick := tiny(t, "heads.onnx", nil) // windows of 16 tokens, below those that take their time
	trunk := openTrunk(t, quick, onnx.Options{})
	tagger, err := trunk.Tagger(sibling(t, quick, "pii", nil))
	if err != nil {
		t.Fatal(err)
	}
	embedder, err := trunk.Embedder(sibling(t, quick, "similarity", nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("tagger", func(t *testing.T) { classifiertest.Tagger(t, tagger) })
	t.Run("embedder", func(t *testing.T) { classifiertest.Embedder(t, embedder) })
}

func TestClassifiersOfOneGraph(t *testing.T) {
	f := openFamily(t, onnx.Options{})
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for _, c := range []struct {
		name string
		view *onnx.Classifier
		text string
		want float64 // of the second label
	}{
		{"no logit", f.difficulty, "the word", 0.5},
		{"a logit of 4 at temperature 2", f.difficulty, "the court", sigmoid(2)},
		{"a user's word", f.user, "the court", sigmoid(4)},
		{"a document's word", f.document, "the court", sigmoid(6)},
		{"another word of a user", f.user, "the integral", sigmoid(-4)},
		{"another word of a document", f.document, "the integral", sigmoid(-2)},
	} {
		s, err := c.view.Classify(context.Background(), c.text)
		if err != nil || math.Abs(float64(s.P[1])-c.want) > 1e-5 || math.Abs(float64(s.P[0]+s.P[1])-1) > 1e-5 {
			t.Errorf("%s: %v, %v, want %.5f", c.name, s, err, c.want)
		}
	}
}

func TestSpans(t *testing.T) {
	f := openFamily(t, onnx.Options{})
	type span = classifiers.Span
	at := func(label string, p float32, start, end int) span {
		return span{Label: label, P: p, Start: start, End: end}
	}
	for _, c := range []struct {
		name, text string
		want       []span
		found      []string
	}{
		{"nothing", "", nil, nil},
		{"no name", "the the", nil, nil},
		{"one name", "the court the", []span{at("PLACE", 0.902, 4, 9)}, []string{"court"}},
		{"a name of two words", "The Court  Integral", []span{at("PLACE", (0.902+0.703)/2, 4, 19)}, []string{"Court  Integral"}},
		{"two lines", "Court\nIntegral", []span{at("PLACE", 0.901, 0, 5), at("PLACE", 0.702, 6, 14)}, nil},
		{"two cells of a table", "Court \t Integral", []span{at("PLACE", 0.901, 0, 5), at("PLACE", 0.702, 8, 16)}, nil},
		{"two names side by side", "court court", []span{at("PLACE", 0.901, 0, 5), at("PLACE", 0.902, 6, 11)}, []string{"court", "court"}},
		{"names of two types", "court word of", []span{at("PLACE", 0.901, 0, 5), at("NAME", (0.802+0.603)/2, 6, 13)}, []string{"court", "word of"}},
		{"a name that goes on as another", "court of", []span{at("PLACE", 0.901, 0, 5), at("NAME", 0.602, 6, 8)}, []string{"court", "of"}},
		{"a name without its beginning", "the integral", []span{at("PLACE", 0.702, 4, 12)}, []string{"integral"}},
		{"a name in two pieces", "the courts", []span{at("PLACE", 0.902/2, 4, 10)}, []string{"courts"}},
		{"a word that is more of it no name", "the courtss", nil, nil},
		{"two words that are a name in part", "courts courtss", []span{at("PLACE", 0.901/2, 0, 6)}, []string{"courts"}},
		{"two names in pieces side by side, of which one is unsure", "courts courts", []span{at("PLACE", 0.901/2, 0, 6)}, nil},
		{"a name in pieces that goes on", "courts integrals", []span{at("PLACE", (0.901+0.703)/4, 0, 16)}, nil},
		{"a word that begins as no name", "日court", []span{at("PLACE", 0.902/2, 0, 8)}, []string{"日court"}},
		{"that begins as no name beside a name", "court 日integral", []span{at("PLACE", (0.901+0.703)/3, 0, 17)}, nil},
		{"two types in a word that is mostly of none", "of日court日of", nil, nil},
		{"two types in a word, the other more probable", "of日court", []span{at("PLACE", 0.903/3, 0, 10)}, nil},
		{"two beginnings in a word", "court日court", []span{at("PLACE", (0.901+0.903)/3, 0, 13)}, nil},
		{"a mark between two words", "court.日court", []span{at("PLACE", 0.901, 0, 5), at("PLACE", 0.904/2, 6, 14)}, nil},
		{"after letters of more bytes", "日本 café court", []span{at("PLACE", 0.907, 13, 18)}, []string{"court"}},
		{"after NUL", "\x00\x00court\x00", []span{at("PLACE", 0.901, 2, 7)}, []string{"court"}},
		{"after a NUL and what replaces it", "\ufffd \x00 court", []span{at("PLACE", 0.901, 6, 11)}, []string{"court"}},
	} {
		got, err := f.pii.Tag(context.Background(), c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i, s := range got {
			if i < len(c.want) && math.Abs(float64(s.P-c.want[i].P)) < 1e-5 {
				got[i].P = c.want[i].P
			}
			if i < len(c.found) && c.text[s.Start:s.End] != c.found[i] {
				t.Errorf("%s: found %q, want %q", c.name, c.text[s.Start:s.End], c.found[i])
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if diff := cmp.Diff([]string{"PLACE", "NAME"}, f.pii.Labels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if _, err := f.pii.Tag(context.Background(), "half a code point \xe2\x82"); err == nil {
		t.Error("invalid UTF-8: no error")
	}
}

// Each token is judged once, in the window where it stands farther from the edge: a score tells the place in its window.
func TestSpansOfALongText(t *testing.T) {
	e := tiny(t, "heads.onnx", nil) // windows of 14 words, 4 of them shared
	pii := sibling(t, e, "pii", nil)
	view, err := openTrunk(t, pii, onnx.Options{}).Tagger(pii)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("court ", 30)
	spans, err := view.Tag(context.Background(), text)
	if err != nil || len(spans) != 30 {
		t.Fatalf("%d spans, %v, want 30", len(spans), err)
	}
	for i, s := range spans {
		place := i + 1 // after the token that begins a window
		for place > 12 && i < 30 {
			place -= 10
		}
		if i >= 22 { // the last window begins at word 20
			place = i - 20 + 1
		}
		want := 0.9 + 0.001*float64(place)
		if s.Start != 6*i || s.End != 6*i+5 || math.Abs(float64(s.P)-want) > 1e-5 {
			t.Errorf("word %d: %+v, want [%d,%d) at %.3f", i, s, 6*i, 6*i+5, want)
		}
	}
}

// The windows share words 10 to 13: the seam lies before word 12.
func TestWordsAcrossTheSeamOfWindows(t *testing.T) {
	e := tiny(t, "heads.onnx", nil)
	pii := sibling(t, e, "pii", nil)
	view, err := openTrunk(t, pii, onnx.Options{}).Tagger(pii)
	if err != nil {
		t.Fatal(err)
	}
	before, after := strings.Repeat("the ", 11), strings.Repeat(" the", 5)
	for _, c := range []struct {
		name, word string
		want       []float32
	}{
		{"its first piece is in the first window", "courts", []float32{0.912 / 2}},
		{"its name is in the second window", "日court", []float32{0.903 / 2}},
		{"the pieces of the second window outweigh that of the first", "courtss", nil},
		{"the types of both windows", "of日of", []float32{(0.612 + 0.604) / 3}},
	} {
		spans, err := view.Tag(context.Background(), before+c.word+after)
		if err != nil || len(spans) != len(c.want) {
			t.Errorf("%s: %+v, %v, want %d", c.name, spans, err, len(c.want))
			continue
		}
		for i, s := range spans {
			if s.Start != len(before) || s.End != len(before)+len(c.word) || math.Abs(float64(s.P-c.want[i])) > 1e-5 {
				t.Errorf("%s: %+v, want the whole word, %.4f", c.name, s, c.want[i])
			}
		}
	}
}

func TestVectors(t *testing.T) {
	f := openFamily(t, onnx.Options{})
	v, err := f.similarity.Embed(context.Background(), "the court")
	if err != nil || f.similarity.Dim() != 3 {
		t.Fatalf("%v of %d, %v", v, f.similarity.Dim(), err)
	}
	want := []float32{0, float32(4 / math.Sqrt(17)), float32(1 / math.Sqrt(17))}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("vector (-want +got):\n%s", diff)
	}
	v[0] = 5 // it is the caller's own
	if again, err := f.similarity.Embed(context.Background(), "the court"); err != nil || again[0] != 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	if _, err := f.similarity.Embed(context.Background(), words(100)); !errors.Is(err, classifiers.ErrTooLong) {
		t.Errorf("two windows: %v, want ErrTooLong", err)
	}
	e := tiny(t, "infinite.onnx", nil) // the exponential of nothing is 1, of a court beyond all bounds
	similar := sibling(t, e, "similarity", func(m *catalog.Manifest) { m.Output = "domain" })
	view, err := openTrunk(t, similar, onnx.Options{}).Embedder(similar)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := view.Embed(context.Background(), "the court"); err == nil || strings.Contains(err.Error(), "court") {
		t.Errorf("a vector without bounds: %v, %v, want an error without the text", v, err)
	}
}

func TestViewsThatAreRefused(t *testing.T) {
	first := heads(t)
	trunk := openTrunk(t, first, onnx.Options{})
	for _, c := range []struct {
		name, task, role string
		edit             func(m *catalog.Manifest)
		want             string
	}{
		{"a jailbreak view that knows no speaker", "jailbreak", "", nil, `no role ""`},
		{"a jailbreak view of another speaker", "jailbreak", "system", nil, `no role "system"`},
		{"a difficulty view with a speaker", "difficulty", "user", nil, `no role "user"`},
		{"labels that are not the output's", "jailbreak", "user", func(m *catalog.Manifest) { m.Labels = append(m.Labels, "harmful") }, "2 classes"},
		{"a difficulty of many logits", "difficulty", "", func(m *catalog.Manifest) { m.Output = "domain" }, "3 classes"},
		{"windows of another length", "difficulty", "", func(m *catalog.Manifest) { m.MaxTokens = 32 }, "windows of 32 tokens"},
		{"windows that share more", "difficulty", "", func(m *catalog.Manifest) { m.Overlap = 8 }, "8 shared"},
		{"other inputs", "difficulty", "", func(m *catalog.Manifest) { m.Inputs = m.Inputs[:1] }, "inputs"},
		{
			"another graph", "difficulty", "", func(m *catalog.Manifest) { m.Graph.SHA256 = strings.Repeat("0", 64) },
			"graph is not that of tiny",
		},
		{
			"another tokenizer", "difficulty", "", func(m *catalog.Manifest) { m.Tokenizer.SHA256 = strings.Repeat("0", 64) },
			"tokenizer is not that of tiny",
		},
		{"tags that are scores", "pii", "", func(m *catalog.Manifest) { m.Outputs["tag"] = "score" }, `"score" is not int64`},
		{"scores that are logits", "pii", "", func(m *catalog.Manifest) { m.Outputs["score"] = "domain" }, `"domain" is not float32 [batch, tokens]`},
		{"a vector of tokens", "similarity", "", func(m *catalog.Manifest) { m.Output = "score" }, `no output "score"`},
		{"an output that is not there", "similarity", "", func(m *catalog.Manifest) { m.Output = "none" }, `no output "none"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := *first
			e.Dir = filepath.Join(t.TempDir(), e.Name)
			s := sibling(t, &e, c.task, c.edit)
			var err error
			switch c.task {
			case "pii":
				_, err = trunk.Tagger(s)
			case "similarity":
				_, err = trunk.Embedder(s)
			default:
				_, err = trunk.Classifier(s, c.role)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.Name) {
				t.Errorf("error is %v, want %q and the name in it", err, c.want)
			}
		})
	}
	if _, err := trunk.Tagger(first); err == nil || !strings.Contains(err.Error(), "task is domain") {
		t.Errorf("a tagger of a domain model: %v", err)
	}
	outside := sibling(t, first, "pii", func(m *catalog.Manifest) { m.Labels = m.Labels[:2] })
	view, err := trunk.Tagger(outside)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := view.Tag(context.Background(), "the word"); err == nil || !strings.Contains(err.Error(), "tag 3 is none of 2") {
		t.Errorf("a tag without a label: %v", err)
	}
}

// What was made of a text is shared by the views, and none of them may spoil it for the next.
func TestViewsThatShareATokenisationReadTheSame(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{})
	text := "the court\x00 and the integral"
	first, err := m.TokenIDs(text)
	if err != nil {
		t.Fatal(err)
	}
	before := classify(t, m, text)
	for range 3 {
		if again := classify(t, m, text); !slices.Equal(again.P, before.P) {
			t.Errorf("probabilities %v, want those of the first reading, %v", again.P, before.P)
		}
		n, err := m.Passes(text)
		if err != nil || n != before.Passes {
			t.Errorf("%d windows, %v; want %d", n, err, before.Passes)
		}
	}
	if again, err := m.TokenIDs(text); err != nil || !slices.Equal(again, first) {
		t.Errorf("tokens %v, %v; want %v", again, err, first)
	}
}
