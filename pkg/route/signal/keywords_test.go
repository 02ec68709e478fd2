package signal_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mom-router/mom/pkg/route/signal"
)

func TestKeywords(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		k          signal.Keywords
		want       bool
	}{
		{"a word", "Please sign the contract.", signal.Keywords{Words: []string{"contract"}}, true},
		{"a part of a word", "a subcontractor", signal.Keywords{Words: []string{"contract"}}, false},
		{"a part of a word, with an accent", "contracté", signal.Keywords{Words: []string{"contract"}}, false},
		{"an accent of its own character", "contracte\u0301", signal.Keywords{Words: []string{"contracte"}}, false},
		{"a word in capitals", "THE CONTRACT", signal.Keywords{Words: []string{"contract"}}, true},
		{"a word in capitals, told apart", "THE CONTRACT", signal.Keywords{Words: []string{"contract"}, Exact: true}, false},
		{"capitals beyond ASCII", "DIE STRASSE IN KÖLN", signal.Keywords{Words: []string{"köln", "x"}}, true},
		{"a letter with two small forms", "STRASSE", signal.Keywords{Words: []string{"straße"}}, true},
		{"several words", "a non-disclosure agreement", signal.Keywords{Words: []string{"non-disclosure agreement"}}, true},
		{"the second time it stands alone", "contracts and a contract", signal.Keywords{Words: []string{"contract"}}, true},
		{"a longer word that goes on hides no shorter one", "an art-house", signal.Keywords{Words: []string{"art", "art-hous"}}, true},
		{"a word among others without spaces", "我需要法律建议", signal.Keywords{Words: []string{"法律"}}, true},
		{"a word with signs", "is C++ faster?", signal.Keywords{Words: []string{"c++"}}, true},
		{"a literal anywhere", "ERR-4711", signal.Keywords{Literals: []string{"rr-47"}}, true},
		{"a pattern", "order no. 12345", signal.Keywords{Patterns: []string{`NO\. \d{5}`}}, true},
		{"a pattern, capitals told apart", "order no. 12345", signal.Keywords{Patterns: []string{`NO\. \d{5}`}, Exact: true}, false},
		{"alternatives of a pattern stay together", "xb", signal.Keywords{Patterns: []string{`^a|b$`}}, true},
		{"none of them", "hello", signal.Keywords{Words: []string{"a"}, Literals: []string{"x"}, Patterns: []string{"y"}}, false},
		{"no text", "", signal.Keywords{Words: []string{"a"}}, false},
	} {
		tt.k.Name = "set"
		if got := read(t, signal.Config{Keywords: []signal.Keywords{{Name: "other", Words: []string{"zzz"}}, tt.k}}, ask(tt.text)).Keyword("set"); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
	if read(t, signal.Config{}, ask("x")).Keyword("set") {
		t.Error("a set that nobody configured")
	}
	if _, err := signal.NewReader(t.Context(), signal.Config{Keywords: []signal.Keywords{{Name: "a", Patterns: []string{"("}}}}); err == nil || !strings.HasPrefix(err.Error(), `keywords "a": `) {
		t.Errorf("a pattern that is none: %v", err)
	}
}

func TestLiteralsAreFoundAsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		some := rapid.StringMatching(`[abé語 -]{1,4}`)
		literals, text := rapid.SliceOfN(some, 1, 5).Draw(rt, "literals"), rapid.StringMatching(`[abé語 -]{0,20}`).Draw(rt, "text")
		want := false
		for _, l := range literals {
			want = want || strings.Contains(text, l)
		}
		s := read(t, signal.Config{Keywords: []signal.Keywords{{Name: "a", Literals: literals, Exact: true}}}, ask(text))
		if got := s.Keyword("a"); got != want {
			rt.Fatalf("%t, want %t", got, want)
		}
	})
}

func TestCode(t *testing.T) {
	for name, tt := range map[string]struct {
		text      string
		low, high float64
	}{
		"a question":                 {"What is the capital of France? And of Germany (the west)?", 0, 0},
		"a question with a formula":  {"What is the derivative of f(x) * g(x), please?", 0, 0},
		"a function":                 {"func add(a, b int) int {\n\treturn a + b;\n}", 0.7, 1},
		"Python":                     {"def add(a, b):\n    return sum([a, b])\nprint(add(1, 2) == 3)", 0.7, 1},
		"a fence":                    {"```\nhello there\n```", 1, 1},
		"half a fence, half a text":  {"Why does this hang?\n```go\nfor { select {} }\n```", 0.4, 0.7},
		"a fence that does not end":  {"~~~\nplain words here", 1, 1},
		"nothing":                    {"", 0, 0},
		"blank lines and one letter": {"\n\n \na", 0, 0},
	} {
		if got := read(t, signal.Config{}, ask(tt.text)).Code(); got < tt.low || got > tt.high {
			t.Errorf("%s: %.2f, want %.2f to %.2f", name, got, tt.low, tt.high)
		}
	}
}

func TestLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"What is the capital of France?":        "en",
		"Wie hoch ist der Eiffelturm?":          "de",
		"Quelle est la capitale de la France ?": "fr",
		"法国的首都是哪里？":                             "zh",
		"Какая столица Франции?":                "ru",
		"ok":      "",
		"12 * 13": "",
		" ":       "",
	} {
		if got := read(t, signal.Config{}, ask(text)).Language(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := read(t, signal.Config{Languages: []string{"es", "pt"}}, ask("¿Cuál es la capital de Francia?")).Language(); got != "es" {
		t.Errorf("of two languages: %q", got)
	}
	if _, err := signal.NewReader(t.Context(), signal.Config{Languages: []string{"en", "xx"}}); err == nil {
		t.Error("a language nobody knows was accepted")
	}
}
