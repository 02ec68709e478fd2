package app_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/tests/stack"
)

const routingExample = "deploy/examples/routing.yaml"

var measured = regexp.MustCompile(`\d\.\d{3}`)

// The page shows what the program prints, but for what a model measured to the last digit.
func TestTheExampleOfThePageOnRouting(t *testing.T) {
	needModel(t)
	page, err := os.ReadFile(filepath.Join(stack.Root(t), "docs", "routing.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(page), "```console\n")
	shown, _, _ = strings.Cut(shown, "```")
	shown = measured.ReplaceAllString(shown, "0.000")
	prompts := strings.Split(strings.TrimSpace(shown), "\n\n")
	if len(prompts) != 5 {
		t.Fatalf("the page shows %d prompts", len(prompts))
	}
	for _, block := range prompts {
		prompt, want, _ := strings.Cut(strings.TrimPrefix(block, "$ "), "\n")
		code, out, errs := mom(t, ask("MoM", prompt), "route", "--config", routingExample, "--explain")
		if code != 0 {
			t.Fatalf("%s: %s", prompt, errs)
		}
		var got []string
		for line := range strings.Lines(measured.ReplaceAllString(out, "0.000")) {
			word, _, _ := strings.Cut(line, " ")
			if word == "signal" || word == "when" || word == "winner" || word == "" {
				got = append(got, strings.TrimRight(line, "\n"))
			}
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), got); diff != "" {
			t.Errorf("%s: (-page +program)\n%s", prompt, diff)
		}
	}
	if code, out, errs := mom(t, "", "check", routingExample); code != 0 || out != routingExample+" ok\n" || errs != "" {
		t.Errorf("mom check: %d %s %s", code, out, errs)
	}
	code, out, _ := mom(t, ask("MoM", "Hello there"), "route", "--config", routingExample, "--explain", "--json")
	if code != 0 || !strings.Contains(out, `"winner": "casual"`) || !strings.Contains(out, `"expression": "keyword.casual"`) {
		t.Errorf("as JSON: %d %s", code, out)
	}
}

func TestADecisionThatNeedsNoModelMakesNoPass(t *testing.T) {
	needModel(t)
	t.Chdir(stack.Root(t))
	data, err := os.ReadFile(routingExample)
	if err != nil {
		t.Fatal(err)
	}
	// The guard reads every request; without it what is left is the route's.
	cfg, err := config.Parse(routingExample, []byte(strings.Replace(string(data), "guard: {jailbreak: block, pii: standard}", "guard: {enabled: false}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	shelf := app.NewShelf(app.Places{})
	defer func() {
		if err := shelf.Close(); err != nil {
			t.Error(err)
		}
	}()
	g, err := app.Build(t.Context(), cfg, shelf)
	if err != nil {
		t.Fatal(err)
	}
	trunk, _, err := shelf.Tried(t.Context(), "mom-brain-flash")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		prompt, decision string
		passes           uint64
	}{
		{"We have an outage, what now?", "incident", 0},
		{"Thank you!", "casual", 0},
		{"Where do I change the password of my account?", "account", 1},
		{"What is the integral of x squared over the unit interval?", "", 1}, // similarity, domain and difficulty in one
	} {
		body, fault := g.Parser.Parse("", []byte(ask("MoM", tt.prompt)))
		if fault != nil {
			t.Fatal(fault.Message)
		}
		before := trunk.Stats().Passes
		d, err := g.Runner.Run(t.Context(), body.Request)
		if err != nil {
			t.Fatal(err)
		}
		plan, _ := pipeline.Find[pipeline.Plan](d.Trail)
		if got := trunk.Stats().Passes - before; got != tt.passes || tt.decision != "" && plan.Decision != tt.decision {
			t.Errorf("%s: %s after %d passes, want %s after %d", tt.prompt, plan.Decision, got, tt.decision, tt.passes)
		}
	}
}

func TestCheckWarnsOfWhatCanNeverWin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mom.yaml")
	if err := os.WriteFile(file, []byte(`models: [{name: small}]
guard: {enabled: false}
brain: off
signals: {keywords: {a: {words: [x], regex: ["y"]}}}
route:
  decisions:
  - {name: one, when: keyword.a || tokens > 5, models: [small]}
  - {name: two, when: tokens > 10, models: [small]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := mom(t, "", "check", file)
	want := "warning: " + file + `:8: route.decisions[1].when: it can never win: "one" stands before it and holds whenever it does` + "\n"
	if code != 0 || out != file+" ok\n" || errs != want {
		t.Errorf("%d %q %q", code, out, errs)
	}
	broken := strings.NewReplacer(`["y"]`, `["("]`, "tokens > 10", "keyword.b")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(broken.Replace(string(data))), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs = mom(t, "", "check", file)
	for _, part := range []string{"signals.keywords.a.regex[0]: error parsing regexp", `route.decisions[1].when: column 1: no keyword is named "b"; there is a`} {
		if code == 0 || !strings.Contains(errs, part) {
			t.Errorf("%d %s lacks %s", code, errs, part)
		}
	}
}
