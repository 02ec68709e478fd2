package cot_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
)

const title = "🔀 vLLM Semantic Router - Chain-Of-Thought 🔀 → "

func routed(domain, model string) string {
	return cot.Trail{Route: &cot.Route{Domain: domain, Model: model}}.String()
}

func TestFormat(t *testing.T) {
	const stage3 = title + "🧠 ***Stage 3 - Smart Routing***: "
	for _, tc := range []struct{ name, got, want string }{
		{"no stage is no line", cot.Trail{}.String(), ""},
		{"no domain reads as other", routed("", "m"), stage3 + "📂 *other* → 🥷 *m* → 💯 ***Continue***"},
		{"no model is left out", routed("law", ""), stage3 + "📂 *law* → 💯 ***Continue***"},
		{"stars, arrows and line breaks become underscores", routed("a*b\r\n", "m*** → \x00\u2028\u202e\x85n"), stage3 + "📂 *a_b__* → 🥷 *m___ _ ____n* → 💯 ***Continue***"},
		{"a confidence nobody knows", cot.Trail{Guard: &cot.Guard{Jailbreak: true}}.String(),
			title + "🛡️ ***Stage 1 - Prompt Guard***: 🚨 *Jailbreak Detected, Confidence: N/A* → ✅ *No PII* → ❌ ***BLOCKED***"},
		{"a confidence that is no number", cot.Trail{Guard: &cot.Guard{Jailbreak: true, Confidence: math.NaN()}}.String(),
			title + "🛡️ ***Stage 1 - Prompt Guard***: 🚨 *Jailbreak Detected, Confidence: N/A* → ✅ *No PII* → ❌ ***BLOCKED***"},
		{"PII blocks too, and nothing follows a block",
			cot.Trail{Guard: &cot.Guard{PII: true}, Memory: &cot.Memory{}, Route: &cot.Route{Domain: "law"}}.String(),
			title + "🛡️ ***Stage 1 - Prompt Guard***: ✅ *No Jailbreak* → 🚨 *PII Detected* → ❌ ***BLOCKED***"},
		{"what was found and let through does not end the trail",
			cot.Trail{Guard: &cot.Guard{PII: true, Passed: true}, Route: &cot.Route{Domain: "law"}}.String(),
			title + "🛡️ ***Stage 1 - Prompt Guard***: ✅ *No Jailbreak* → 🚨 *PII Detected* → 💯 ***Continue*** → 🧠 ***Stage 3 - Smart Routing***: 📂 *law* → 💯 ***Continue***"},
		{"nothing follows a hit", cot.Trail{Memory: &cot.Memory{Hit: true}, Route: &cot.Route{Domain: "law"}}.String(),
			title + "🔥 ***Stage 2 - Router Memory***: 🔥 *HIT* → ⚡️ *Retrieve Memory* → 💯 ***Fast Response***"},
		{"a hit of another question says how alike they are", cot.Trail{Memory: &cot.Memory{Hit: true, Similarity: 0.93449}}.String(),
			title + "🔥 ***Stage 2 - Router Memory***: 🔥 *HIT* → 🎯 *Similarity: 0.934* → ⚡️ *Retrieve Memory* → 💯 ***Fast Response***"},
		{"a likeness that is no number", cot.Trail{Memory: &cot.Memory{Hit: true, Similarity: math.NaN()}}.String(),
			title + "🔥 ***Stage 2 - Router Memory***: 🔥 *HIT* → ⚡️ *Retrieve Memory* → 💯 ***Fast Response***"},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.name, diff)
		}
	}
}

func TestTheCodePointsAreThoseOfTheGrammar(t *testing.T) {
	full := cot.Trail{Guard: &cot.Guard{}, Memory: &cot.Memory{Hit: true}}.String() + routed("x", "y") +
		cot.Trail{Route: &cot.Route{Domain: "x", Reasoning: pipeline.Off}}.String()
	for name, want := range map[string]string{
		"the shield has a variation selector":          "\U0001F6E1\uFE0F ***Stage 1",
		"the bolt of Retrieve Memory has one":          "\u26A1\uFE0F *Retrieve Memory*",
		"the bolt of Reasoning Off has none":           "\u26A1 *Reasoning Off*",
		"the folder is U+1F4C2":                        "\U0001F4C2 *x*",
		"the ninja is U+1F977":                         "\U0001F977 *y*",
		"the arrow is U+2192 between two plain spaces": "\x20\u2192\x20",
	} {
		if !strings.Contains(full, want) {
			t.Errorf("%s: %+q is missing", name, want)
		}
	}
}

func TestTheLongestTrailStaysBelowTheLimit(t *testing.T) {
	for name, letter := range map[string]string{"ASCII": "x", "three bytes": "語", "four bytes": "😀", "invalid": "\xff"} {
		got := cot.Trail{Guard: &cot.Guard{}, Memory: &cot.Memory{}, Route: &cot.Route{
			Domain: strings.Repeat(letter, 500), Model: strings.Repeat(letter, 500), Reasoning: pipeline.Off, Optimized: true,
		}}.String()
		if len(got) > cot.MaxBytes || !utf8.ValidString(got) {
			t.Errorf("%s: %d bytes, valid: %t", name, len(got), utf8.ValidString(got))
		}
		if !strings.Contains(got, "…* → 💯 ***Continue***") && !strings.Contains(got, "…* → 🎯") {
			t.Errorf("%s: the cut does not show: %s", name, got)
		}
	}
}

func TestFromPlan(t *testing.T) {
	plan := pipeline.Plan{Decision: "d", Domain: "law", Tiers: []pipeline.Tier{{Model: "a", Reasoning: pipeline.Off}, {Model: "b"}}}
	first, second := &cot.Route{Domain: "law", Reasoning: pipeline.Off, Model: "a"}, &cot.Route{Domain: "law", Model: "b"}
	for answered, route := range map[int]*cot.Route{-1: first, 0: first, 1: second, 2: second} {
		want := cot.Trail{Route: route}
		if diff := cmp.Diff(want, cot.FromPlan(plan, answered)); diff != "" {
			t.Errorf("attempt %d: (-want +got)\n%s", answered, diff)
		}
	}
	explicit := pipeline.Plan{Decision: "explicit", Tiers: []pipeline.Tier{{Model: "a"}}}
	if got := cot.FromPlan(explicit, 0); got != (cot.Trail{}) || got.String() != "" {
		t.Errorf("a named model has no trail, got %q", got)
	}
}

func TestFromGuarded(t *testing.T) {
	for name, tt := range map[string]struct {
		found pipeline.Guarded
		want  *cot.Guard
	}{
		"nothing":                       {pipeline.Guarded{}, &cot.Guard{}},
		"an attack that is refused":     {pipeline.Guarded{Jailbreak: true, Confidence: 0.9, Blocked: true}, &cot.Guard{Jailbreak: true, Confidence: 0.9}},
		"an attack that is flagged":     {pipeline.Guarded{Jailbreak: true, Confidence: 0.9}, &cot.Guard{Jailbreak: true, Confidence: 0.9, Passed: true}},
		"data that is refused":          {pipeline.Guarded{PII: []string{"US_SSN"}, Blocked: true}, &cot.Guard{PII: true}},
		"data that is flagged":          {pipeline.Guarded{PII: []string{"PERSON"}}, &cot.Guard{PII: true, Passed: true}},
		"harm that is flagged":          {pipeline.Guarded{Harmful: true}, &cot.Guard{}},
		"harm that is refused":          {pipeline.Guarded{Harmful: true, Blocked: true}, nil},
		"a request that cannot be read": {pipeline.Guarded{Blocked: true}, nil},
	} {
		got := cot.FromGuarded(tt.found)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
		if got != nil && got.Blocked() != tt.found.Blocked {
			t.Errorf("%s: reads as blocked: %t", name, got.Blocked())
		}
	}
}

func BenchmarkString(b *testing.B) {
	t := cot.Trail{Guard: &cot.Guard{}, Memory: &cot.Memory{}, Route: &cot.Route{Domain: "computer science", Model: "large", Reasoning: pipeline.On}}
	b.ReportAllocs()
	for b.Loop() {
		if t.String() == "" {
			b.Fatal("empty")
		}
	}
}
