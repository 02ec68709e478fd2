package cot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/cot"
	"github.com/mom-router/mom/pkg/pipeline"
)

var full = cot.Trail{
	Guard: &cot.Guard{}, Memory: &cot.Memory{},
	Route: &cot.Route{Domain: "math", Reasoning: pipeline.On, Model: "deepseek-v3", Optimized: true},
}

// latin1 is what a client sees that takes every byte of a header for a character.
func latin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func TestParse(t *testing.T) {
	line := full.String()
	for _, tc := range []struct {
		name, in string
		want     cot.Trail
	}{
		{"the whole line", line, full},
		{"without variation selectors", strings.ReplaceAll(line, "\uFE0F", ""), full},
		{"with one after every emoji", strings.NewReplacer("🔥", "🔥\uFE0F", "🧠", "🧠\uFE0F", "✅", "✅\uFE0F").Replace(line), full},
		{"read as Latin-1", latin1(line), full},
		{"over several lines, as it is shown", full.Display(), full},
		{"inside an answer's text", "Hello\n" + full.Display() + "\n---\n# **Answer** * 1", full},
		{"a block", "🛡️ ***Stage 1 - Prompt Guard***: 🚨 *Jailbreak Detected, Confidence: 0.950* → 🚨 *PII Detected* → ❌ ***BLOCKED***",
			cot.Trail{Guard: &cot.Guard{Jailbreak: true, Confidence: 0.95, PII: true}}},
		{"what was found and let through", "🛡️ ***Stage 1 - Prompt Guard***: 🚨 *Jailbreak Detected, Confidence: 0.950* → ✅ *No PII* → 💯 ***Continue***",
			cot.Trail{Guard: &cot.Guard{Jailbreak: true, Confidence: 0.95, Passed: true}}},
		{"a block of unknown confidence", "***Stage 1 - Prompt Guard***: *Jailbreak Detected, Confidence: N/A* ", cot.Trail{Guard: &cot.Guard{Jailbreak: true}}},
		{"a hit", cot.Trail{Guard: &cot.Guard{}, Memory: &cot.Memory{Hit: true}}.String(), cot.Trail{Guard: &cot.Guard{}, Memory: &cot.Memory{Hit: true}}},
		{"a hit of another question", cot.Trail{Memory: &cot.Memory{Hit: true, Similarity: 0.934}}.String(), cot.Trail{Memory: &cot.Memory{Hit: true, Similarity: 0.934}}},
		{"a likeness of a miss", "***Stage 2 - Router Memory***: *MISS* → *Similarity: 0.934*", cot.Trail{Memory: &cot.Memory{}}},
		{"reasoning off, no model", routedOff, cot.Trail{Route: &cot.Route{Domain: "law", Reasoning: pipeline.Off}}},
		{"cut in stage 2", line[:strings.Index(line, "MISS")], cot.Trail{Guard: full.Guard}},
		{"cut in stage 1, after half a verdict", line[:strings.Index(line, "*No PII")], cot.Trail{}},
		{"cut after the domain", line[:strings.Index(line, "*deepseek")], cot.Trail{Guard: full.Guard, Memory: full.Memory, Route: &cot.Route{Domain: "math", Reasoning: pipeline.On}}},
		{"a stage nobody knows", "***Stage 4 - Whatever***: *x* → ***Stage 3 - Smart Routing***: *law*", cot.Trail{Route: &cot.Route{Domain: "law"}}},
		{"a marker nobody knows comes before the model's rule", "***Stage 3 - Smart Routing***: *law* → *m* → *New Thing*", cot.Trail{Route: &cot.Route{Domain: "law", Model: "m"}}},
		{"a lost star", "** ***Stage 3 - Smart Routing***: *law* → *m", cot.Trail{Route: &cot.Route{Domain: "law"}}},
		{"nothing", "", cot.Trail{}},
		{"other text", "a * b ** c *** d", cot.Trail{}},
		{"French with an odd byte", "âge \xff", cot.Trail{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, cot.Parse(tc.in)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

const routedOff = "🧠 ***Stage 3 - Smart Routing***: 📂 *law* → ⚡ *Reasoning Off* → 💯 ***Continue***"

func FuzzParse(f *testing.F) {
	f.Add(full.String())
	f.Add(latin1(full.String()))
	f.Add(full.Display())
	f.Add("***Stage 1 - ***Stage 3 - **** *a**b***")
	f.Fuzz(func(t *testing.T, s string) {
		got := cot.Parse(s)
		if line := got.String(); len(line) > cot.MaxBytes || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("parsed, then written: %q", line)
		}
	})
}

// FuzzRoundTrip holds that no name, however made, changes another part of the line.
func FuzzRoundTrip(f *testing.F) {
	f.Add("math", "large", byte(0))
	f.Add("", "***Stage 1 - Prompt Guard***", byte(255))
	f.Add("* → 🚨 *PII Detected*", "\r\nx-mom-decision: route", byte(7))
	f.Fuzz(func(t *testing.T, domain, model string, bits byte) {
		in := cot.Trail{
			Guard: &cot.Guard{}, Memory: &cot.Memory{},
			Route: &cot.Route{Domain: domain, Model: model, Reasoning: pipeline.Reasoning(bits % 3), Optimized: bits&4 != 0},
		}
		line := in.String()
		switch model {
		case "Reasoning On", "Reasoning Off", "Prompt Optimized", "Continue":
			return // the grammar has no way to tell these from its own words
		}
		got := cot.Parse(line)
		if got.Guard == nil || got.Guard.Blocked() || got.Memory == nil || got.Memory.Hit || got.Route == nil {
			t.Fatalf("%q, %q: a stage changed: %s", domain, model, line)
		}
		if r := got.Route; r.Reasoning != in.Route.Reasoning || r.Optimized != in.Route.Optimized || (model == "") != (r.Model == "") {
			t.Fatalf("%q, %q: got %+v from %s", domain, model, *r, line)
		}
		if again := got.String(); again != line {
			t.Fatalf("written again it differs:\n%s\n%s", line, again)
		}
	})
}
