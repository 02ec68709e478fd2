package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/tests/stack"
)

func TestCheckKnowsTheSimilarityModel(t *testing.T) {
	models := t.TempDir()
	for _, name := range []string{"mom-brain-flash", "mom-jailbreak-flash", "mom-pii-flash", "mom-similarity-flash"} {
		text, err := os.ReadFile(filepath.Join(stack.Root(t), "models", name, "manifest.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		without := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool {
			return name == "mom-similarity-flash" && strings.HasPrefix(line, "threshold:")
		})
		err = os.MkdirAll(filepath.Join(models, name), 0o700)
		if err == nil {
			err = os.WriteFile(filepath.Join(models, name, "manifest.yaml"), []byte(strings.Join(without, "\n")), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct{ recall, want string }{
		"a model that is not there":   {"{scope: shared, semantic: {model: mom-nobody}}", ":2: recall.semantic: no model mom-nobody is in " + models + "; add it, or write semantic: off"},
		"a model for another task":    {"{scope: shared, semantic: {model: mom-pii-flash}}", `:2: recall.semantic: model mom-pii-flash is for task "pii", not "similarity"`},
		"a model without a threshold": {"{scope: shared}", "recall.semantic: the manifest of mom-similarity-flash has no threshold; set one here"},
		"a threshold of one's own":    {"{scope: shared, semantic: {threshold: 0.9}}", ""},
		"no such model, but off":      {"{scope: shared, semantic: off}", ""},
	} {
		file := filepath.Join(t.TempDir(), "mom.yaml")
		if err := os.WriteFile(file, []byte("models: [{name: small}]\nrecall: "+tt.recall+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := mom(t, "", "check", "--models", models, file)
		if wantCode := map[bool]int{true: 0, false: 2}[tt.want == ""]; code != wantCode || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: code %d, want %d and %q\n%s", name, code, wantCode, tt.want, errs)
		}
	}
}

// The vector of a question is another output of the pass by which the guard has read it.
func TestTheGuardsPassMakesTheVector(t *testing.T) {
	needGuards(t)
	passes := func(recall string) (each []uint64) {
		t.Helper()
		cfg, err := config.Parse("", []byte("models: [{name: small}]\nbrain: off\nrecall: "+recall+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		shelf := app.NewShelf(app.Places{Models: filepath.Join(stack.Root(t), "models"), Library: filepath.Join(stack.Root(t), ".build/lib/libonnxruntime.so")})
		defer func() { _ = shelf.Close() }()
		gateway, err := app.Build(t.Context(), cfg, shelf)
		if err != nil {
			t.Fatal(err)
		}
		trunk, _, err := shelf.Tried(t.Context(), "mom-jailbreak-flash")
		if err != nil {
			t.Fatal(err)
		}
		for _, messages := range []string{
			`[{"role":"user","content":"Why is the sky blue?"}]`,
			`[{"role":"user","content":"What colour has the sky at noon?"}]`,
			`[{"role":"system","content":"Be brief."},{"role":"user","content":"Who was the first to walk on the Moon, and when?"}]`,
			`[{"role":"user","content":"Hello!"},{"role":"assistant","content":"Hi."},{"role":"user","content":"How do I boil an egg in a kettle?"}]`,
			`[{"role":"user","content":"Wie koche ich ein Ei? \u00e4\u00f6\u00fc \ufb01n"}]`,
			fmt.Sprintf(`[{"role":"user","content":%q}]`, strings.Repeat("Tell me more of the lighthouse and its lamp. ", 8)),
		} {
			body, fault := gateway.Parser.ParseFrom(pipeline.Caller{}, "id", []byte(`{"model":"MoM","messages":`+messages+`}`))
			if fault != nil {
				t.Fatal(fault.Code)
			}
			before := trunk.Stats().Passes
			d, err := gateway.Runner.Run(t.Context(), body.Request)
			if err != nil {
				t.Fatal(err)
			}
			each = append(each, trunk.Stats().Passes-before)
			found, _ := pipeline.Find[pipeline.Recalled](d.Trail)
			if recall != "off" && (found.State != pipeline.RecallMiss || found.Vector == nil) {
				t.Errorf("%s: %s %q", messages, found.State, found.Why)
			}
		}
		return each
	}
	guarded, both := passes("off"), passes("{scope: shared}")
	if !slices.Equal(guarded, both) || slices.Contains(guarded, 0) {
		t.Errorf("passes of the guard %v, with the memory %v", guarded, both)
	}
	t.Logf("passes of the guard %v, with the memory %v", guarded, both)
}

// A question in other words is answered by the shipped models, and one that differs in a word that counts is not.
func TestTheShippedModelsFindOtherWords(t *testing.T) {
	needGuards(t)
	cfg, err := config.Parse("", []byte("models: [{name: small}]\nbrain: off\nrecall: {scope: shared, shadow: 0%}\n"))
	if err != nil {
		t.Fatal(err)
	}
	shelf := app.NewShelf(app.Places{Models: filepath.Join(stack.Root(t), "models"), Library: filepath.Join(stack.Root(t), ".build/lib/libonnxruntime.so")})
	defer func() { _ = shelf.Close() }()
	gateway, err := app.Build(t.Context(), cfg, shelf)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(content string) (*pipeline.Request, pipeline.Recalled) {
		t.Helper()
		body, fault := gateway.Parser.ParseFrom(pipeline.Caller{}, "id", []byte(`{"model":"MoM","messages":[{"role":"user","content":"`+content+`"}]}`))
		if fault != nil {
			t.Fatal(fault.Code)
		}
		d, err := gateway.Runner.Run(t.Context(), body.Request)
		if err != nil {
			t.Fatal(err)
		}
		found, _ := pipeline.Find[pipeline.Recalled](d.Trail)
		return body.Request, found
	}
	req, found := ask("How do I boil an egg for 5 minutes?")
	plan := &pipeline.Plan{Decision: "default", Tiers: []pipeline.Tier{{Model: "small"}}}
	if err := gateway.Memory.Remember(t.Context(), req, found, plan, chat.Completion{Content: "In hot water."}); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"How can I boil an egg for five minutes?": "",
		"How do I boil an egg for 6 minutes?":     "gate",
		"How do I not boil an egg for 5 minutes?": "gate",
		"How do I boil a potato for 5 minutes?":   "far",
		"What is the capital of Mongolia?":        "far",
	} {
		if _, found := ask(content); found.Why != want || (found.State == pipeline.RecallHit) != (want == "") {
			t.Errorf("%s: %s %q %.3f", content, found.State, found.Why, found.Cosine)
		}
	}
}
