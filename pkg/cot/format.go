package cot

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/pipeline"
)

// The wire form's vocabulary. The shield and the bolt of Retrieve Memory carry U+FE0F, the bolt of Reasoning Off does not.
const (
	title   = "🔀 vLLM Semantic Router - Chain-Of-Thought 🔀"
	between = " → "

	stageGuard  = "\U0001F6E1\uFE0F ***Stage 1 - Prompt Guard***: "
	stageMemory = "🔥 ***Stage 2 - Router Memory***: "
	stageRoute  = "🧠 ***Stage 3 - Smart Routing***: "

	carryOn = "💯 ***Continue***"
	blocked = "❌ ***BLOCKED***"
	hit     = "🔥 *HIT*"
	fast    = "\u26A1\uFE0F *Retrieve Memory* → 💯 ***Fast Response***"
	miss    = "🌊 *MISS* → 🧠 *Update Memory* → 💯 ***Continue***"

	noJailbreak   = "✅ *No Jailbreak*"
	noPII         = "✅ *No PII*"
	pii           = "🚨 *PII Detected*"
	reasoningOn   = "🧠 *Reasoning On*"
	reasoningOff  = "\u26A1 *Reasoning Off*"
	promptChanged = "🎯 *Prompt Optimized*"
	similarity    = "Similarity: "
)

// The longest names that are shown whole, in bytes. With them the longest trail is below MaxBytes.
const (
	maxDomain = 64
	maxModel  = 256
)

// String returns the header's value: one line, or "" when no stage is in the trail.
func (t Trail) String() string { return t.format(title, between) }

// Display returns the same for people, one stage a line.
func (t Trail) Display() string { return t.format("**"+title+"**", "\n  → ") }

func (t Trail) format(head, stageSep string) string {
	t = t.shown()
	if t == (Trail{}) {
		return ""
	}
	// One buffer that holds nearly every trail, and stays on the stack; the string is then the only allocation.
	b := append(make([]byte, 0, 640), head...)
	if g := t.Guard; g != nil {
		b = g.append(append(b, stageSep...))
	}
	if m := t.Memory; m != nil {
		b = m.append(append(b, stageSep...))
	}
	if r := t.Route; r != nil {
		b = r.append(append(b, stageSep...))
	}
	return string(b)
}

func (g *Guard) append(b []byte) []byte {
	b = append(b, stageGuard...)
	if g.Jailbreak {
		b = append(b, "🚨 *Jailbreak Detected, Confidence: "...)
		if known(g.Confidence) {
			b = strconv.AppendFloat(b, g.Confidence, 'f', 3, 64)
		} else {
			b = append(b, "N/A"...)
		}
		b = append(b, '*')
	} else {
		b = append(b, noJailbreak...)
	}
	b = append(b, between...)
	if g.PII {
		b = append(b, pii...)
	} else {
		b = append(b, noPII...)
	}
	b = append(b, between...)
	if g.Blocked() {
		return append(b, blocked...)
	}
	return append(b, carryOn...)
}

func (m *Memory) append(b []byte) []byte {
	b = append(b, stageMemory...)
	if !m.Hit {
		return append(b, miss...)
	}
	b = append(b, hit...)
	if known(m.Similarity) {
		b = append(b, between+"🎯 *"+similarity...)
		b = append(strconv.AppendFloat(b, m.Similarity, 'f', 3, 64), '*')
	}
	return append(b, between+fast...)
}

func (r *Route) append(b []byte) []byte {
	b = append(b, stageRoute+"📂 *"...)
	b = append(b, clean(orOther(r.Domain), maxDomain)...)
	b = append(b, '*')
	switch {
	case r.Reasoning.Thinks():
		b = append(b, between+reasoningOn...)
	case r.Reasoning == pipeline.Off:
		b = append(b, between+reasoningOff...)
	}
	if r.Model != "" {
		b = append(b, between+"🥷 *"...)
		b = append(b, clean(r.Model, maxModel)...)
		b = append(b, '*')
	}
	if r.Optimized {
		b = append(b, between+promptChanged...)
	}
	return append(b, between+carryOn...)
}

// clean makes a name fit between two stars on one line. A line break would end the header and begin a forged one; stars, arrows and unseen
// characters would forge a stage. A name of more than limit bytes is cut and ends in an ellipsis.
func clean(s string, limit int) string {
	bad := func(r rune) bool { return r == '*' || r == '→' || r == utf8.RuneError || !unicode.IsGraphic(r) }
	if strings.ContainsFunc(s, bad) {
		s = strings.Map(func(r rune) rune {
			if bad(r) {
				return '_'
			}
			return r
		}, s)
	}
	if len(s) <= limit {
		return s
	}
	const ellipsis = "…"
	cut := limit - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}
