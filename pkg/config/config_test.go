package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mom-router/mom/pkg/config"
)

var unexported = cmp.Options{cmpopts.IgnoreUnexported(config.Config{}), cmpopts.IgnoreFields(config.Config{}, "Revision")}

func TestAFileThatNamesOneModelGetsEveryDefault(t *testing.T) {
	got, err := config.Parse("mom.yaml", []byte("models: [{name: small}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Models = []config.Model{{Name: "small", Cluster: "small"}}
	want.Default.Models = []string{"small"}
	if diff := cmp.Diff(want, got, unexported); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	got, err := config.Parse("mom.yaml", []byte(`
listen: tcp://127.0.0.1:9002
aliases: {mom: [MoM, best]}
models:
- {name: small, cluster: c1, context: 2048}
- {name: large, context: 32768, max_tokens: 4096, reasoning: qwen3}
unknown_models: {passthrough: legacy}
guard: {jailbreak: flag, pii: off}
brain: {model: mom-brain-pro, min_confidence: 0.4}
route:
  decisions:
  - {name: numbers, when: 'domain in ["math", "physics"]', models: [large, small], reasoning: on}
  - name: letters
    when: |
      domain == "law" ||
      domain == "history"
    models: [large]
    reasoning: false
  default:
    models: [small, large]
    reasoning: medium
    system:
      append: |
        Answer in one line,
        please.
    params: {cap: {max_tokens: 100, top_p: 0.5}, default: {temperature: 0.1, max_tokens: 50}, set: {stop: [a, "b"], x: {y: true}}, strip: [user]}
    headers: {x-llm-priority: low}
  sticky: conversation
experiments:
- {id: small-first, policy: support, arms: [{name: a, percent: 30}, {name: b, percent: 70, policy: support}]}
policies:
  support: {decisions: [{name: a, when: 'true', models: [small]}], default: {models: [large]}}
expose: {headers: cot}
timeouts: {guard: 30ms, brain: 20ms, request: 1s}
limits: {body: 512KiB}
log: {level: debug}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Listen:     config.Listen{Network: "tcp", Address: "127.0.0.1:9002"},
		AliasesMoM: []string{"MoM", "best"},
		Models: []config.Model{
			{Name: "small", Cluster: "c1", Context: 2048},
			{Name: "large", Cluster: "large", Context: 32768, MaxTokens: 4096, Reasoning: "qwen3"},
		},
		Passthrough: "legacy",
		Guard: config.Guard{
			Jailbreak: config.Jailbreak{Action: "flag", Model: "mom-jailbreak-flash"}, Harmful: "allow",
			PII:         config.PII{Policy: "off", Model: "mom-pii-flash", MinConfidence: 0.8},
			Unscannable: "allow", BlockAs: "error", Output: "off",
		},
		Signals:     config.Default().Signals,
		Brain:       config.Brain{Model: "mom-brain-pro", MinConfidence: 0.4},
		Sticky:      "conversation",
		Experiments: []config.Experiment{{ID: "small-first", Policy: "support", Arms: []config.Arm{{Name: "a", Percent: 30}, {Name: "b", Percent: 70, Policy: "support"}}}},
		Policies: []config.Policy{{Name: "support", Rules: config.Rules{
			Decisions: []config.Decision{{Name: "a", When: "true", Choice: config.Choice{Models: []string{"small"}}}}, Default: config.Choice{Models: []string{"large"}},
		}}},
		Rules: config.Rules{Decisions: []config.Decision{
			{Name: "numbers", When: `domain in ["math", "physics"]`, Choice: config.Choice{Models: []string{"large", "small"}, Reasoning: "on"}},
			{Name: "letters", When: "domain == \"law\" ||\ndomain == \"history\"", Choice: config.Choice{Models: []string{"large"}, Reasoning: "off"}},
		}, Default: config.Choice{
			Models: []string{"small", "large"}, Reasoning: "medium", System: config.System{How: "append", Text: "Answer in one line,\nplease."},
			Params: []config.Param{
				{How: "strip", Name: "user"}, {How: "set", Name: "stop", JSON: `["a","b"]`}, {How: "set", Name: "x", JSON: `{"y":true}`},
				{How: "default", Name: "temperature", JSON: "0.1"}, {How: "default", Name: "max_tokens", JSON: "50"},
				{How: "cap", Name: "max_tokens", JSON: "100"}, {How: "cap", Name: "top_p", JSON: "0.5"},
			},
			Headers: []config.Header{{Name: "x-llm-priority", Value: "low"}},
		}},
		ExposeHeaders:  config.ExposeCoT,
		GuardTimeout:   30 * time.Millisecond,
		BrainTimeout:   20 * time.Millisecond,
		RequestTimeout: time.Second,
		BodyLimit:      512 << 10,
		LogLevel:       "debug",
	}
	if diff := cmp.Diff(want, got, unexported); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.LongestPlan() != 2 {
		t.Errorf("longest plan: got %d, want 2", got.LongestPlan())
	}
	f := got.Fault("route.decisions[1].when", "no bool")
	if want := "mom.yaml:14: route.decisions[1].when: no bool"; f.String() != want {
		t.Errorf("fault of a caller: got %q, want %q", f, want)
	}
	if f := got.Fault("route.decisions[0].nothing.here", "x"); f.Line != 12 {
		t.Errorf("a key that was not read takes its parent's line: got %d, want 12", f.Line)
	}
}

func TestBrainAndUnknownModelsHaveShortForms(t *testing.T) {
	for line, want := range map[string]config.Config{
		"brain: off":                       {},
		"brain: false":                     {},
		"brain: mine":                      {Brain: config.Brain{Model: "mine"}},
		"brain: {min_confidence: 1}":       {Brain: config.Brain{Model: "mom-brain-flash", MinConfidence: 1}},
		"unknown_models: reject":           {Brain: config.Brain{Model: "mom-brain-flash"}},
		"unknown_models: {passthrough: x}": {Brain: config.Brain{Model: "mom-brain-flash"}, Passthrough: "x"},
	} {
		got, err := config.Parse("", []byte("models: [{name: small}]\n"+line+"\n"))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want.Brain, got.Brain); diff != "" || got.Passthrough != want.Passthrough {
			t.Errorf("%s: passthrough %q, (-want +got)\n%s", line, got.Passthrough, diff)
		}
	}
}

func TestListenAddresses(t *testing.T) {
	for in, want := range map[string]config.Listen{
		"unix:///run/mom/x.sock":     {Network: "unix", Address: "/run/mom/x.sock"},
		"unix://.build/run/x.sock":   {Network: "unix", Address: ".build/run/x.sock"},
		"tcp://127.0.0.1:9002":       {Network: "tcp", Address: "127.0.0.1:9002"},
		"'tcp://[::1]:9002'":         {Network: "tcp", Address: "[::1]:9002"},
		"tcp://mom.svc.cluster:9002": {Network: "tcp", Address: "mom.svc.cluster:9002"},
	} {
		got, err := config.Parse("", []byte("models: [{name: small}]\nlisten: "+in+"\n"))
		if err != nil || got.Listen != want {
			t.Errorf("%s: got %v, %v, want %v", in, got.Listen, err, want)
		}
		if s := strings.Trim(in, "'"); err == nil && got.Listen.String() != s {
			t.Errorf("%s: prints as %s", in, got.Listen)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := config.Load(filepath.Join(dir, "absent.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: got %v", err)
	}
	path := filepath.Join(dir, "mom.yaml")
	if err := os.WriteFile(path, []byte("models: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(path)
	if want := path + ":1: models: the list is empty"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTheShippedFileIsShortAndValid(t *testing.T) {
	const path = "../../deploy/mom.yaml"
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "\n"); n > 40 || strings.Contains(string(data), "#") {
		t.Errorf("%d lines, want at most 40 and none of them a comment", n)
	}
	if c.Listen.String() != "unix://.build/run/ext_proc.sock" || len(c.Models) != 2 || len(c.Decisions) < 2 {
		t.Errorf("got listen %s, %d models, %d decisions", c.Listen, len(c.Models), len(c.Decisions))
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("../../deploy/mom.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, s := range []string{"", "models: [{name: a}]\nbrain: off\n", "a: &x [*x]\n", "<<: {models: 1}", "models:\n- ? [a]\n  : b", "listen: !!binary x\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("mom.yaml", data)
		if c == nil {
			t.Fatal("no configuration")
		}
		if err != nil {
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) == 0 || faults.Error() == "" {
				t.Fatalf("an error that is no list of faults: %v", err)
			}
			return
		}
		// What is accepted is whole.
		if len(c.Models) == 0 || len(c.AliasesMoM) == 0 || len(c.Default.Models) == 0 || c.Listen.Address == "" || c.BodyLimit <= 0 {
			t.Fatalf("accepted, but not whole: %+v", c)
		}
		for _, m := range c.Models {
			if m.Name == "" || m.Cluster == "" {
				t.Fatalf("accepted a model without name or cluster: %+v", m)
			}
		}
	})
}
