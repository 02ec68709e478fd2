package app_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/tests/stack"
)

// mom runs the program in process, from the repository's root as a newcomer would.
func mom(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	t.Chdir(stack.Root(t))
	var o, e bytes.Buffer
	code = app.Main(args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

// needModel fails or skips a test that reads with the real model.
func needModel(t *testing.T) {
	t.Helper()
	stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX")
}

func ask(model, text string) string {
	b, _ := json.Marshal(map[string]any{"model": model, "messages": []any{map[string]string{"role": "user", "content": text}}})
	return string(b)
}

func TestTheCommandLine(t *testing.T) {
	for name, tt := range map[string]struct {
		args      []string
		code      int
		out, errs string // parts of what is printed
	}{
		"without arguments it explains itself":       {nil, 0, "Available Commands", ""},
		"help for a command has an example":          {[]string{"route", "--help"}, 0, "echo '{\"model\":\"MoM\"", ""},
		"an unknown command":                         {[]string{"sreve"}, 2, "", `unknown command "sreve"`},
		"an unknown flag":                            {[]string{"route", "--jsn"}, 2, "", "unknown flag: --jsn"},
		"a missing argument":                         {[]string{"check"}, 2, "", "accepts 1 arg"},
		"a superfluous argument":                     {[]string{"serve", "now"}, 2, "", "mom --help"},
		"a configuration that is not there":          {[]string{"check", "nowhere.yaml"}, 1, "", "nowhere.yaml"},
		"the shipped files fit together":             {[]string{"check", "deploy/mom.yaml", "--envoy", "deploy/envoy/envoy.yaml"}, 0, "ok", ""},
		"the example of the fallbacks":               {[]string{"check", "deploy/examples/fallbacks.yaml", "--envoy", "deploy/envoy/envoy.yaml"}, 0, "ok", ""},
		"the example of the experiments":             {[]string{"check", "deploy/examples/experiments.yaml", "--envoy", "deploy/envoy/envoy.yaml"}, 0, "ok", ""},
		"a task that no model is for":                {[]string{"classify", "--task", "weather"}, 2, "", `task "weather"`},
		"the models that are there":                  {[]string{"models", "list"}, 0, "mom-brain-flash", ""},
		"a models folder that is not there":          {[]string{"models", "list", "--models", "nowhere"}, 1, "", "nowhere"},
		"the version has a name before it":           {[]string{"version"}, 0, "mom ", ""},
		"a configuration of route that is not there": {[]string{"route", "--config", "testdata/none.yaml"}, 1, "", "none.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := mom(t, "", tt.args...)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) {
				t.Errorf("mom %s: code %d, want %d\nout: %s\nerr: %s", strings.Join(tt.args, " "), code, tt.code, out, errs)
			}
		})
	}
}

func TestCheckReportsEveryFaultOfEveryRoomAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mom.yaml")
	if err := os.WriteFile(file, []byte(`models:
- {name: small, clutser: small}
- {name: large, cluster: lrage}
route:
  decisions:
  - {name: a, when: 'domian == "math"', models: [lagre]}
  - {name: b, when: 'domain == "maths"', models: [large]}
  default: {models: []}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := mom(t, "", "check", file, "--envoy", "deploy/envoy/envoy.yaml")
	if code != 2 {
		t.Errorf("code %d, want 2", code)
	}
	for _, want := range []string{
		":2: models[0].clutser: unknown key",
		`:3: models[1].cluster: Envoy has no cluster named "lrage"`,
		`:6: route.decisions[0].models[0]: no model is named "lagre"`,
		":6: route.decisions[0].when: column 1: undeclared reference to 'domian'",
		`:7: route.decisions[1].when: no domain is named "maths"`,
		":8: route.default.models: the list is empty",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("no line with %q in\n%s", want, errs)
		}
	}
}

// The prompts are no training data; eight of ten is what a first model must reach.
func TestRouteKnowsWhatAPromptIsAbout(t *testing.T) {
	needModel(t)
	right := 0
	for text, domain := range map[string]string{
		"If a train leaves at 9:15 and travels 210 km at 84 km/h, when does it arrive?": "math",
		"Why does my Go program deadlock when two goroutines wait on the same channel?": "computer science",
		"My landlord wants to evict me without notice, is that allowed?":                "law",
		"I have had a sore throat and a fever for three days, should I see someone?":    "health",
		"How did the fall of Constantinople change trade in Europe?":                    "history",
		"What happens to prices when a central bank raises interest rates?":             "economics",
		"How do enzymes lower the activation energy of a reaction in a living cell?":    "biology",
		"A ball is thrown upwards at 20 m/s; how high does it rise before it falls?":    "physics",
		"Is it ever right to lie, if you follow Kant's categorical imperative?":         "philosophy",
		"Suggest a name for my new kitten, she is grey and very lazy.":                  "other",
	} {
		code, out, errs := mom(t, ask("MoM", text), "route", "--json")
		var r struct{ Domain, Decision, COT string }
		if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil {
			t.Fatalf("code %d, %v\n%s%s", code, err, out, errs)
		}
		if r.Domain == domain {
			right++
		} else {
			t.Logf("%s: %s, want %s", text, r.Domain, domain)
		}
		if trail := cot.Parse(r.COT); trail.Route == nil {
			t.Errorf("the trail %q has no third stage", r.COT)
		}
	}
	if right < 8 {
		t.Errorf("%d of 10 right, want at least 8", right)
	}
}

func TestRouteRefusesAsServeWould(t *testing.T) {
	needModel(t)
	for name, tt := range map[string]struct{ in, want string }{
		"no JSON":             {"{", "invalid_json"},
		"nobody's model":      {ask("gpt-17", "hi"), "model_not_found"},
		"a key spelled twice": {`{"model":"MoM","messages":[{"role":"user","content":"hi"}],"model":"MoM"}`, "duplicate_key"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := mom(t, tt.in, "route")
			if code != 1 || !strings.Contains(out, tt.want) || !strings.Contains(errs, "refused") {
				t.Errorf("code %d\nout: %s\nerr: %s", code, out, errs)
			}
		})
	}
}

func TestClassifyHandsEveryOtherFieldThrough(t *testing.T) {
	needModel(t)
	code, out, errs := mom(t, "{\"text\":\"Solve x^2 = 9\",\"id\":12345678901234567890,\"note\":\"a<b ü\"}\n\n{\"text\":\"\"}\n", "classify")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 {
		t.Fatalf("code %d, %d lines\n%s%s", code, len(lines), out, errs)
	}
	for _, want := range []string{`"id":12345678901234567890`, `"note":"a<b ü"`, `"label":"math"`, `"computer science":`} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("no %s in %s", want, lines[0])
		}
	}
	for name, tt := range map[string]struct{ in, want string }{
		"a line that is not JSON":     {"{\"text\":\"a\"}\nnope\n", "line 2: not a JSON object"},
		"a line without a text":       {`{"txt":"a"}`, "line 1: field text must be a string"},
		"a text that is not a string": {`{"text":7}`, "line 1: field text must be a string"},
	} {
		if code, _, errs := mom(t, tt.in, "classify"); code != 1 || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: code %d, %s", name, code, errs)
		}
	}
}

func TestModelsVerifyFindsAChangedFile(t *testing.T) {
	needModel(t)
	if code, out, errs := mom(t, "", "models", "verify"); code != 0 || !strings.Contains(out, "mom-brain-flash ok") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	models := t.TempDir()
	if err := os.CopyFS(filepath.Join(models, "mom-brain-flash"), os.DirFS(filepath.Join(stack.Root(t), "models", "mom-brain-flash"))); err != nil {
		t.Fatal(err)
	}
	graph := filepath.Join(models, "mom-brain-flash", "model.onnx")
	raw, err := os.ReadFile(graph)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(graph, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := mom(t, "", "models", "verify", "--models", models); code != 1 || !strings.Contains(errs, "sha256") {
		t.Errorf("one flipped bit: code %d, %s", code, errs)
	}
}
