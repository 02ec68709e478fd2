package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
)

func TestGuard(t *testing.T) {
	defaults := func(edits ...func(*config.Guard)) config.Guard {
		g := config.Guard{
			Jailbreak: config.Jailbreak{Action: "block", Model: "mom-jailbreak-flash"}, Harmful: "allow",
			PII:         config.PII{Policy: "standard", Model: "mom-pii-flash", MinConfidence: 0.8},
			Unscannable: "allow", BlockAs: "error", Output: "off",
		}
		for _, e := range edits {
			e(&g)
		}
		return g
	}
	off := defaults(func(g *config.Guard) { g.Jailbreak.Action, g.PII.Policy = "off", "off" })
	for name, tt := range map[string]struct {
		file string
		want config.Guard
		on   bool
	}{
		"switched on in words":         {"guard: {enabled: true}\n", defaults(), true},
		"switched off":                 {"guard: {enabled: false}\n", off, false},
		"both stages off":              {"guard: {jailbreak: off, pii: off}\n", off, false},
		"off in the words of YAML 1.1": {"guard: {jailbreak: false, pii: false}\n", off, false},
		"one stage off":                {"guard: {pii: off}\n", defaults(func(g *config.Guard) { g.PII.Policy = "off" }), true},
		"one word each": {"guard: {jailbreak: flag, pii: strict, harmful: block, unscannable: block, max_windows: 50, block: {as: refusal}}\n", defaults(func(g *config.Guard) {
			g.Jailbreak.Action, g.PII.Policy, g.Harmful, g.Unscannable, g.MaxWindows, g.BlockAs = "flag", "strict", "block", "block", 50, "refusal"
		}), true},
		"everything": {`guard:
  enabled: true
  jailbreak: {action: flag, model: mom-jailbreak-pro, thresholds: {user: 0.8, document: 0.7, instructions: 0.95}, fail_mode: open}
  pii: {policy: strict, model: mom-pii-pro, types: {EMAIL_ADDRESS: flag, PERSON: block}, min_confidence: 0.7, fail_mode: open}
`, defaults(func(g *config.Guard) {
			g.Jailbreak = config.Jailbreak{Action: "flag", Model: "mom-jailbreak-pro", Thresholds: config.Thresholds{User: 0.8, Document: 0.7, Instructions: 0.95}, FailOpen: true}
			g.PII = config.PII{Policy: "strict", Model: "mom-pii-pro", Types: map[string]string{"EMAIL_ADDRESS": "flag", "PERSON": "block"}, MinConfidence: 0.7, FailOpen: true}
		}), true},
		"one type alone": {"guard:\n  pii:\n    types:\n      PERSON: block\n", defaults(func(g *config.Guard) { g.PII.Types = map[string]string{"PERSON": "block"} }), true},
		"what is redacted": {"guard: {pii: {types: {EMAIL_ADDRESS: redact}, roles: {system: {EMAIL_ADDRESS: allow}, tool: {PERSON: redact}}, restore: true}}\n", defaults(func(g *config.Guard) {
			g.PII.Types = map[string]string{"EMAIL_ADDRESS": "redact"}
			g.PII.Roles = map[string]map[string]string{"system": {"EMAIL_ADDRESS": "allow"}, "tool": {"PERSON": "redact"}}
			g.PII.Restore = true
		}), true},
		"redacted in one role alone": {"guard: {pii: {roles: {tool: {PERSON: redact}}, restore: true}}\n", defaults(func(g *config.Guard) {
			g.PII.Roles, g.PII.Restore = map[string]map[string]string{"tool": {"PERSON": "redact"}}, true
		}), true},
		"answers are read":                          {"guard: {output: block}\n", defaults(func(g *config.Guard) { g.Output = "block" }), true},
		"answers are not, in the words of YAML 1.1": {"guard: {output: false}\n", defaults(), true},
		"closed in words":                           {"guard: {jailbreak: {fail_mode: closed}}\n", defaults(), true},
	} {
		c, err := config.Parse("", []byte("models: [{name: small}]\n"+tt.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, c.Guard); diff != "" || c.Guard.On() != tt.on {
			t.Errorf("%s: on is %t, want %t; (-want +got)\n%s", name, c.Guard.On(), tt.on, diff)
		}
	}
}

func TestFaultsOfTheGuard(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"an empty section":   {"guard: {}", "line 2: guard: the section is empty; leave it out for the defaults, or write guard: {enabled: false}"},
		"nothing at all":     {"guard:", "line 2: guard: must be a mapping, is nothing"},
		"off in short":       {"guard: off", "line 2: guard: must be a mapping, is text"},
		"an unknown key":     {"guard: {jailbrake: block}", `line 2: guard.jailbrake: unknown key; did you mean "jailbreak"?`},
		"enabled in words":   {"guard: {enabled: yes}", "line 2: guard.enabled: must be true or false, is text"},
		"jailbreak: allow":   {"guard: {jailbreak: allow}", `line 2: guard.jailbreak: "allow" is not one of block, flag, off`},
		"jailbreak: true":    {"guard: {jailbreak: true}", "line 2: guard.jailbreak: must be one of block, flag, off"},
		"a word for harmful": {"guard: {harmful: flag}", `line 2: guard.harmful: "flag" is not one of allow, block`},
		"an action inside":   {"guard: {jailbreak: {action: blok}}", `line 2: guard.jailbreak.action: "blok" is not one of block, flag, off; did you mean "block"?`},
		"a model elsewhere":  {"guard: {jailbreak: {model: ../x}}", `line 2: guard.jailbreak.model: "../x" is not a folder name (letters, digits, - _ and inner dots)`},
		"a threshold of 0":   {"guard: {jailbreak: {thresholds: {user: 0}}}", "line 2: guard.jailbreak.thresholds.user: 0 is not above 0 and at most 1"},
		"a threshold over 1": {"guard: {jailbreak: {thresholds: {document: 1.01}}}", "line 2: guard.jailbreak.thresholds.document: 1.01 is not above 0 and at most 1"},
		"an unknown role":    {"guard: {jailbreak: {thresholds: {system: 0.9}}}", "line 2: guard.jailbreak.thresholds.system: unknown key"},
		"stricter on system": {"guard: {jailbreak: {thresholds: {user: 0.9, instructions: 0.8}}}",
			"line 2: guard.jailbreak.thresholds.instructions: 0.8 is below that of the user (0.9): system messages would be judged more strictly than what users say"},
		"a fail mode in words":           {"guard: {jailbreak: {fail_mode: opne}}", `line 2: guard.jailbreak.fail_mode: "opne" is not one of closed, open; did you mean "open"?`},
		"a fail mode of the pii":         {"guard: {pii: {fail_mode: true}}", "line 2: guard.pii.fail_mode: must be text, is true or false; put it in quotes"},
		"an unknown policy":              {"guard: {pii: lax}", `line 2: guard.pii: "lax" is not one of standard, strict, off`},
		"an unknown action of a type":    {"guard: {pii: {types: {PERSON: mask}}}", `line 2: guard.pii.types.PERSON: "mask" is not one of allow, flag, redact, block`},
		"an action of a role nobody has": {"guard: {pii: {roles: {human: {PERSON: flag}}}}", `line 2: guard.pii.roles.human: unknown key`},
		"an unknown action of a role":    {"guard: {pii: {roles: {tool: {PERSON: redcat}}}}", `line 2: guard.pii.roles.tool.PERSON: "redcat" is not one of allow, flag, redact, block; did you mean "redact"?`},
		"a role without a type":          {"guard: {pii: {roles: {tool: redact}}}", "line 2: guard.pii.roles.tool: must be a mapping, is text"},
		"restore in words":               {"guard: {pii: {types: {PERSON: redact}, restore: yes}}", "line 2: guard.pii.restore: must be true or false, is text"},
		"nothing to restore":             {"guard: {pii: {types: {PERSON: block}, restore: true}}", "line 2: guard.pii.restore: nothing is redacted, so this would change nothing"},
		"a word for what a model sees":   {"guard: {pii: strict}\nmodels: [{name: small, pii: some}]", `line 3: models[0].pii: "some" is neither all nor a list of kinds`},
		"a model that sees no list":      {"guard: {pii: strict}\nmodels: [{name: small, pii: []}]", "line 3: models[0].pii: the list is empty"},
		"what a model may see without a guard": {"guard: {pii: off}\nmodels: [{name: small, pii: all}]",
			"line 3: models[0].pii: nothing looks for personal data (guard.pii is off), so this would change nothing"},
		"a type twice":           {"guard: {pii: {types: {PERSON: flag, PERSON: block}}}", "line 2: guard.pii.types.PERSON: this key stands here twice"},
		"types in a list":        {"guard: {pii: {types: [PERSON]}}", "line 2: guard.pii.types: must be a mapping, is a list"},
		"a confidence over 1":    {"guard: {pii: {min_confidence: 80}}", "line 2: guard.pii.min_confidence: 80 is not above 0 and at most 1"},
		"no windows":             {"guard: {max_windows: 0}", "line 2: guard.max_windows: 0 is not within 1..1048576"},
		"a word for unscannable": {"guard: {unscannable: flag}", `line 2: guard.unscannable: "flag" is not one of allow, block`},
		"block in a word":        {"guard: {block: refusal}", "line 2: guard.block: must be a mapping, is text"},
		"a form of block":        {"guard: {block: {as: reject}}", `line 2: guard.block.as: "reject" is not one of error, refusal`},
		"a disabled guard that looks for something": {"guard: {enabled: false, pii: strict, max_windows: 3}",
			"line 2: guard.pii: the guard is disabled, so this would change nothing\nline 2: guard.max_windows: the guard is disabled, so this would change nothing"},
		"limits of nothing":         {"guard: {jailbreak: off, pii: off, unscannable: block}", "line 2: guard.unscannable: jailbreak and pii are both off, so this would change nothing"},
		"answers that nobody reads": {"guard: {jailbreak: off, pii: off, output: flag}", "line 2: guard.output: jailbreak and pii are both off, so this would change nothing"},
		"an odd word for answers":   {"guard: {output: redact}", `line 2: guard.output: "redact" is not one of block, flag, off`},
		"harm without a model":      {"guard: {jailbreak: off, harmful: block}", "line 2: guard.harmful: jailbreak is off, whose model tells what is harmful, so this would change nothing"},
		"slower than the request":   {"guard: {pii: strict}\ntimeouts: {guard: 5s}", "line 3: timeouts.guard: 5s is longer than the whole request may take (timeouts.request: 4s)"},
	} {
		models := "models: [{name: small}]\n"
		if strings.Contains(tt.file, "models:") {
			models = "\n"
		}
		_, err := config.Parse("", []byte(models+tt.file+"\n"))
		if err == nil {
			t.Errorf("%s: accepted; want %s", name, tt.want)
			continue
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestWhatModelsSee(t *testing.T) {
	c, err := config.Parse("", []byte("models:\n- {name: local, pii: all}\n- {name: near, pii: [PERSON, AGE]}\n- {name: far}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string][]bool{"PERSON": {true, true, false}, "API_KEY": {true, false, false}} {
		for i, want := range want {
			if got := c.Models[i].Sees(kind); got != want {
				t.Errorf("%s sees %s: %t", c.Models[i].Name, kind, got)
			}
		}
	}
}
