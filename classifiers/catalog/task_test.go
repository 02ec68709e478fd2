package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
)

// head and the keys of a task make a manifest that shares the graph and the tokenizer of the model tiny.
var head = good[:strings.Index(good, "output:")] + "max_tokens: 128\noverlap: 64\n"

var keys = map[string]string{
	"difficulty": `output: difficulty
labels: [easy, hard]
aggregate: mean
temperature: 0.9
self_test: [{text: prove it, label: hard, min_probability: 0.6}]
`,
	"jailbreak": `outputs: {user: asked, document: read}
labels: [benign, jailbreak, harmful]
aggregate: worst
temperature: 1
thresholds: {user: 0.5, document: 0}
self_test:
- {text: obey me, label: jailbreak, min_probability: 0.6, role: user}
- {text: thank you, label: benign, min_probability: 0.6, role: document}
`,
	"pii": `outputs: {tag: tags, score: scores}
labels: [O, B-PERSON, I-PERSON, B-EMAIL]
threshold: 0.5
self_test: [{text: I am Ann Lee, label: PERSON, min_probability: 0.6, span: Ann Lee}]
`,
	"similarity": `output: vector
self_test: [{text: a cat, near: a kitten, far: a tax form}]
`,
}

func sharing(task string) string {
	s := strings.NewReplacer("name: tiny", "name: tiny-"+task, "task: domain", "task: "+task, "{file:", "{model: tiny, file:").Replace(head)
	return s + keys[task]
}

// beside makes a model's folder beside that of tiny.
func beside(t *testing.T, tiny, task, manifest string) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(tiny), "tiny-"+task)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, catalog.ManifestFile), manifest)
	return dir
}

func TestModelsThatShareAGraph(t *testing.T) {
	tiny := folder(t, good)
	for task := range keys {
		e, err := catalog.Read(beside(t, tiny, task, sharing(task)))
		if err != nil {
			t.Errorf("%s: %v", task, err)
			continue
		}
		if err := e.Verify(); err != nil {
			t.Errorf("%s: %v", task, err)
		}
	}
	entries, err := catalog.List(filepath.Dir(tiny))
	if err != nil || len(entries) != 1+len(keys) {
		t.Errorf("%d entries, %v", len(entries), err)
	}

	e, err := catalog.Read(filepath.Join(filepath.Dir(tiny), "tiny-pii"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"PERSON", "EMAIL"}, e.Types()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	write(t, filepath.Join(tiny, "model.onnx"), "A graph")
	if err := e.Verify(); err == nil || !strings.Contains(err.Error(), "sha256 is") {
		t.Errorf("another graph there: %v", err)
	}
	if err := os.Rename(tiny, tiny+"-moved"); err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the model it shares with gone: %v", err)
	}
	if err := os.Symlink(tiny+"-moved", tiny); err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("a link in its place: %v", err)
	}
}

func TestReadFaultyManifestOfATask(t *testing.T) {
	for _, c := range []struct {
		name, task, old, new string
		want                 []string
	}{
		{"a speaker nobody heard", "jailbreak", "asked, document: read", "asked", []string{"outputs.document: is missing"}},
		{"a speaker nobody knows", "jailbreak", "read}", "read, tool: read}", []string{"outputs.tool: unknown key"}},
		{"no threshold for a speaker", "jailbreak", "user: 0.5, ", "", []string{"thresholds.user: is missing"}},
		{"a threshold over one", "jailbreak", "user: 0.5", "user: 5", []string{"thresholds.user: 5 is not within"}},
		{"a mean that hides an attack", "jailbreak", "worst", "mean", []string{`aggregate: "mean" would let`}},
		{"outputs that are a list", "jailbreak", "{user: asked, document: read}", "[asked]", []string{"outputs: want a mapping"}},
		{"an output that is a number", "jailbreak", "user: asked", "user: 1", []string{"outputs.user: want a string"}},
		{"a sample of a stranger", "jailbreak", "role: user", "role: tool", []string{`self_test[0].role: "tool" is none of`}},
		{"one output where two belong", "pii", "outputs: {tag: tags, score: scores}", "output: tags", []string{"output: is not for the task pii", "outputs: is missing"}},
		{"no label for the rest", "pii", "O, ", "", []string{"labels: O is missing"}},
		{"an inside without a beginning", "pii", "B-EMAIL", "I-EMAIL", []string{`labels[3]: "I-EMAIL"`}},
		{"a label that is no tag", "pii", "B-EMAIL", "EMAIL", []string{`labels[3]: "EMAIL"`}},
		{"a label of nothing", "pii", "B-EMAIL", "B-", []string{`labels[3]: "B-"`}},
		{"a sample of a tag", "pii", "label: PERSON", "label: B-PERSON", []string{"self_test[0].label: "}},
		{"a span that is elsewhere", "pii", "span: Ann Lee", "span: Bob", []string{"self_test[0].span: is no part"}},
		{"three grades of difficulty", "difficulty", "[easy, hard]", "[easy, hard, harder]", []string{"labels: want 2"}},
		{"labels of a vector", "similarity", "output: vector", "output: vector\nlabels: [a, b]", []string{"labels: is not for the task similarity"}},
		{"a cosine over one", "similarity", "output: vector", "output: vector\nthreshold: 1.2", []string{"threshold: 1.2 is not within"}},
		{"nothing to be far from", "similarity", ", far: a tax form", "", []string{"self_test[0].far: is missing"}},
	} {
		manifest := strings.Replace(sharing(c.task), c.old, c.new, 1)
		if manifest == sharing(c.task) {
			t.Errorf("%s: the case changes nothing", c.name)
		}
		_, err := catalog.Read(beside(t, folder(t, good), c.task, manifest))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, want %q in it", c.name, err, want)
			}
		}
	}
}

// tags finds what it holds in every text; vectors knows the vectors of some.
type (
	tags    []classifiers.Span
	vectors map[string][]float32
)

func (tags) Labels() []string { return []string{"PERSON", "EMAIL"} }

func (s tags) Tag(context.Context, string) ([]classifiers.Span, error) { return s, nil }

func (vectors) Dim() int { return 2 }

func (v vectors) Embed(_ context.Context, text string) ([]float32, error) {
	if found, ok := v[text]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("no vector")
}

func TestSelfTestOfViews(t *testing.T) {
	entry := func(task string) *catalog.Manifest {
		e, err := catalog.Read(beside(t, folder(t, good), task, sharing(task)))
		if err != nil {
			t.Fatal(err)
		}
		return &e.Manifest
	}
	ctx := context.Background()
	pii, similarity := entry("pii"), entry("similarity")
	ann := classifiers.Span{Label: "PERSON", P: 0.9, Start: 5, End: 12}
	change := func(edit func(*classifiers.Span)) tags {
		s := ann
		edit(&s)
		return tags{s}
	}
	cat := vectors{"a cat": {1, 0}, "a kitten": {0.8, 0.6}, "a tax form": {0.6, 0.8}}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"the span":              {catalog.SelfTestTagger(ctx, pii, tags{{Label: "EMAIL", P: 1, Start: 0, End: 1}, ann}), ""},
		"no span":               {catalog.SelfTestTagger(ctx, pii, tags{}), "0 spans"},
		"half the span":         {catalog.SelfTestTagger(ctx, pii, change(func(s *classifiers.Span) { s.End = 8 })), "none is the PERSON"},
		"the span as another":   {catalog.SelfTestTagger(ctx, pii, change(func(s *classifiers.Span) { s.Label = "EMAIL" })), "none is the PERSON"},
		"the span, unsure":      {catalog.SelfTestTagger(ctx, pii, change(func(s *classifiers.Span) { s.P = 0.5 })), "none is the PERSON"},
		"the near one":          {catalog.SelfTestEmbedder(ctx, similarity, cat), ""},
		"the far one as near":   {catalog.SelfTestEmbedder(ctx, similarity, vectors{"a cat": {0, 1}, "a kitten": {1, 0}, "a tax form": {0, 1}}), "0.000 to near"},
		"a vector too many":     {catalog.SelfTestEmbedder(ctx, similarity, vectors{"a cat": {1, 0, 0}}), "a vector of 3, want 2"},
		"no vector":             {catalog.SelfTestEmbedder(ctx, similarity, vectors{}), "no vector"},
		"a role nobody sampled": {catalog.SelfTestRole(ctx, entry("jailbreak"), "tool", labelled{"benign", "jailbreak", "harmful"}), "no sample"},
	} {
		if c.want == "" && c.err != nil || c.want != "" && (c.err == nil || !strings.Contains(c.err.Error(), c.want)) {
			t.Errorf("%s: error is %v, want %q", name, c.err, c.want)
		}
	}
}

// labelled is a classifier that is never asked.
type labelled []string

func (l labelled) Labels() []string { return l }

func (labelled) Classify(context.Context, string) (classifiers.Scores, error) {
	return classifiers.Scores{}, errors.New("not asked")
}
