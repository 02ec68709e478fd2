package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/tests/stack"
)

// tinyFamily makes a folder of models, one for each task, that share the tiny graph of classifiers/onnx.
func tinyFamily(t *testing.T) string {
	t.Helper()
	models := t.TempDir()
	write := func(path string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copied := func(from, to string) catalog.File {
		data, err := os.ReadFile(filepath.Join(stack.Root(t), "classifiers", "onnx", "testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(models, "tiny-domain", to), data)
		sum := sha256.Sum256(data)
		return catalog.File{File: to, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
	}
	first := catalog.Manifest{
		Version: "1", License: "Apache-2.0",
		Source: catalog.Source{Base: "none", Package: "none", Revision: "0000000", Recipe: "classifiers/onnx/testdata/make.py"},
		Graph:  copied("heads.onnx", "model.onnx"), Tokenizer: copied("tokenizer.json", "tokenizer.json"),
		Inputs: []string{"input_ids", "attention_mask"}, MaxTokens: 16, Overlap: 4,
	}
	for task, fill := range map[string]func(m *catalog.Manifest){
		"domain": func(m *catalog.Manifest) {
			m.Graph.Model, m.Tokenizer.Model = "", ""
			m.Output, m.Labels, m.Aggregate, m.Temperature, m.Threshold = "domain", []string{"math", "law", "other"}, "mean", 1, 0.5
			m.SelfTest = []catalog.Sample{{Text: "the integral", Label: "math", MinProbability: 0.9}}
		},
		"difficulty": func(m *catalog.Manifest) {
			m.Output, m.Labels, m.Aggregate, m.Temperature = "difficulty", []string{"easy", "hard"}, "mean", 2
			m.SelfTest = []catalog.Sample{{Text: "the court", Label: "hard", MinProbability: 0.8}}
		},
		"jailbreak": func(m *catalog.Manifest) {
			m.Outputs = map[string]string{"user": "user", "document": "document"}
			m.Thresholds = map[string]float64{"user": 0.4, "document": 0.9}
			m.Labels, m.Aggregate, m.Temperature = []string{"benign", "jailbreak"}, "worst", 1
			m.SelfTest = []catalog.Sample{
				{Text: "the integral", Label: "benign", MinProbability: 0.9, Role: "user"},
				{Text: "the word", Label: "jailbreak", MinProbability: 0.8, Role: "document"},
			}
		},
		"pii": func(m *catalog.Manifest) {
			m.Outputs, m.Threshold = map[string]string{"tag": "tag", "score": "score"}, 0.75
			m.Labels = []string{"O", "B-PLACE", "I-PLACE", "B-NAME", "I-NAME"}
			m.SelfTest = []catalog.Sample{{Text: "the court integral", Label: "PLACE", MinProbability: 0.8, Span: "court integral"}}
		},
		"similarity": func(m *catalog.Manifest) {
			m.Output = "vector"
			m.SelfTest = []catalog.Sample{{Text: "the court", Near: "court", Far: "integral"}}
		},
	} {
		m := first
		m.Name, m.Task, m.Graph.Model, m.Tokenizer.Model = "tiny-"+task, task, "tiny-domain", "tiny-domain"
		fill(&m)
		manifest, err := yaml.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(models, m.Name, catalog.ManifestFile), manifest)
	}
	return models
}

func TestClassifyAnswersForEveryTask(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	for name, tt := range map[string]struct{ task, in, want string }{
		"domain: role is nobody's business": {
			"domain", `{"text":"the integral","role":7,"id":12345678901234567890}`,
			`{"id":12345678901234567890,"label":"math","probabilities":{"law":0.017668422,"math":0.96466315,"other":0.017668422},"probability":0.96466315,"role":7,"text":"the integral"}`,
		},
		"difficulty: the probability of the second label": {
			"difficulty", `{"text":"the integral"}`,
			`{"difficulty":0.5,"label":"easy","probabilities":{"easy":0.5,"hard":0.5},"probability":0.5,"text":"the integral"}`,
		},
		"embedding: a vector of length 1": {
			"embedding", `{"text":"the court","dim":"replaced"}`,
			`{"dim":3,"embedding":[0,0.9701425,0.24253562],"text":"the court"}`,
		},
		"pii: places in code points, beside the text": {
			"pii", `{"text":"日本 \ud83d\ude00 <court  integral>, e\u0301 word"}`,
			`{"spans":[{"start":6,"end":21,"label":"PLACE","probability":0.8055,"text":"court  integral"},` +
				`{"start":27,"end":31,"label":"NAME","probability":0.81,"text":"word"}],"text":"日本 \ud83d\ude00 <court  integral>, e\u0301 word"}`,
		},
		"pii: a span under the threshold is left out": {
			"pii", `{"text":"of word"}`, `{"spans":[{"start":3,"end":7,"label":"NAME","probability":0.802,"text":"word"}],"text":"of word"}`,
		},
		"pii: no spans are an empty list": {"pii", `{"text":"the","role":"tool"}`, `{"role":"tool","spans":[],"text":"the"}`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := mom(t, tt.in+"\n", "classify", "--models", models, "--task", tt.task)
			if diff := cmp.Diff(tt.want+"\n", out); code != 0 || diff != "" {
				t.Errorf("code %d, %s\n%s", code, errs, diff)
			}
		})
	}
}

// The thresholds are such that neither the label nor the other role's threshold would give the same answer.
func TestClassifyJudgesAJailbreakByWhoseTextItIs(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	user := `"flagged":true,"label":"benign","probabilities":{"benign":0.5,"jailbreak":0.5},"probability":0.5`
	document := `"flagged":false,"label":"jailbreak","probabilities":{"benign":0.11920292,"jailbreak":0.8807971},"probability":0.8807971`
	var in, want strings.Builder
	for _, line := range [][2]string{{"user", user}, {"system", user}, {"assistant", user}, {"tool", document}, {"document", document}} {
		in.WriteString(`{"text":"the word","role":"` + line[0] + "\"}\n")
		want.WriteString("{" + line[1] + `,"role":"` + line[0] + `","text":"the word"}` + "\n")
	}
	in.WriteString(`{"text":"the word"}`)
	want.WriteString("{" + user + `,"text":"the word"}` + "\n")
	code, out, errs := mom(t, in.String(), "classify", "--models", models, "--task", "jailbreak")
	if diff := cmp.Diff(want.String(), out); code != 0 || diff != "" {
		t.Errorf("code %d, %s\n%s", code, errs, diff)
	}
}

func TestClassifyFlagsNoHarmfulTextThatIsNoAttack(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	relabel := func(labels ...string) {
		e, err := catalog.Read(filepath.Join(models, "tiny-jailbreak"))
		if err != nil {
			t.Fatal(err)
		}
		m := e.Manifest
		m.Labels, m.Outputs = labels, map[string]string{"user": "domain", "document": "domain"}
		m.SelfTest = []catalog.Sample{
			{Text: "integral", Label: "benign", MinProbability: 0.9, Role: "user"},
			{Text: "integral", Label: "benign", MinProbability: 0.9, Role: "document"},
		}
		manifest, err := yaml.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(e.Dir, catalog.ManifestFile), manifest, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		labels []string
		want   string
	}{
		{[]string{"benign", "harmful", "jailbreak"}, `{"flagged":false,"label":"harmful",`},
		{[]string{"benign", "jailbreak", "harmful"}, `{"flagged":true,"label":"jailbreak",`},
	} {
		relabel(tt.labels...)
		code, out, errs := mom(t, `{"text":"the court"}`, "classify", "--models", models, "--task", "jailbreak")
		if code != 0 || !strings.HasPrefix(out, tt.want) {
			t.Errorf("labels %v: code %d\n%s%s", tt.labels, code, out, errs)
		}
	}
	relabel("benign", "harmful", "attack")
	if code, _, errs := mom(t, "", "classify", "--models", models, "--task", "jailbreak"); code != 1 || !strings.Contains(errs, `no label "jailbreak"`) {
		t.Errorf("no label to judge by: code %d, %s", code, errs)
	}
}

func TestClassifyRefuses(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	for name, tt := range map[string]struct {
		in   string
		args []string
		code int
		want string
	}{
		"a role that is none":                    {"{\"text\":\"a\"}\n{\"text\":\"a\",\"role\":\"secret\"}\n", []string{"--task", "jailbreak"}, 1, "line 2: field role must be one of user, system"},
		"a role of pii that is none":             {`{"text":"a","role":"User"}`, []string{"--task", "pii"}, 1, "line 1: field role must be one of user, system"},
		"a role that is no string":               {`{"text":"a","role":["user"]}`, []string{"--task", "pii"}, 1, "line 1: field role"},
		"a role that is null":                    {`{"text":"a","role":null}`, []string{"--task", "pii"}, 1, "line 1: field role"},
		"a line that is null":                    {"null", []string{"--task", "pii"}, 1, "line 1: not a JSON object"},
		"a line without a text":                  {`{"txt":"a"}`, []string{"--task", "embedding"}, 1, "line 1: field text must be a string"},
		"a text too long for one vector":         {`{"text":"` + strings.Repeat("word ", 20) + `"}`, []string{"--task", "embedding"}, 1, "line 1: tiny-similarity: text is too long"},
		"a model for another task":               {"", []string{"--task", "pii", "--model", "tiny-domain"}, 2, `model tiny-domain is for task "domain", not "pii"`},
		"a model for another task, none named":   {"", []string{"--model", "tiny-pii"}, 2, `model tiny-pii is for task "pii", not "domain"`},
		"a model that is not there":              {"", []string{"--task", "pii", "--model", "nobody"}, 1, "nobody"},
		"a task by the name that manifests have": {"", []string{"--task", "similarity"}, 2, `task "similarity" is none of domain, difficulty`},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := mom(t, tt.in, append([]string{"classify", "--models", models}, tt.args...)...)
			if code != tt.code || !strings.Contains(errs, tt.want) || strings.Contains(errs, "secret") {
				t.Errorf("code %d, want %d with %q\n%s", code, tt.code, tt.want, errs)
			}
		})
	}
}

func TestModelsVerifyTriesEveryTask(t *testing.T) {
	needModel(t)
	code, out, errs := mom(t, "", "models", "verify", "--models", tinyFamily(t))
	if want := "tiny-difficulty ok\ntiny-domain ok\ntiny-jailbreak ok\ntiny-pii ok\ntiny-similarity ok\n"; code != 0 || out != want {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}
