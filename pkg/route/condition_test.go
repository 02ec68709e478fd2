package route_test

import (
	"testing"

	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
)

func TestConditionsAreCheckedWhenTheyAreCompiled(t *testing.T) {
	c, err := route.NewCompiler(signal.Names{Domains: []string{"math", "computer science"}, Similarity: []string{"billing"}, Keywords: []string{"legal"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, when, want string }{
		{"a comparison", `domain == "math"`, ""},
		{"a list", `domain in ["math", "computer science"] && confidence >= 0.5`, ""},
		{"a constant", `true`, ""},
		{"a function of strings may use any word", `domain.startsWith("comp")`, ""},
		{"a variable nobody knows", `domian == "math"`, "column 1: undeclared reference to 'domian' (did you mean 'domain'?)"},
		{"two faults", `domian == "math" || dificulty > 0.5`, "column 1: undeclared reference to 'domian' (did you mean 'domain'?); column 21: undeclared reference to 'dificulty' (did you mean 'difficulty'?)"},
		{"text instead of a condition", `domain`, "a condition is true or false, this one is string"},
		{"a number compared with text", `confidence == "high"`, "column 12: found no matching overload for '_==_' applied to '(double, string)'"},
		{"a domain nobody has", `domain == "maths"`, `no domain is named "maths"; the domains are math, computer science`},
		{"the same from the other side, in a list, and denied", `"maths" == domain || domain in ["cs", "math"] || domain != "law"`,
			`no domain is named "maths", "cs", "law"; the domains are math, computer science`},
		{"signals by name, in both spellings", `similarity.billing > 0.5 && similarity["billing"] < 1 && header["x-plan"] == "pro" && role.tool == 0`, ""},
		{"whole numbers against parts", `difficulty > 0 && tokens < 1.5e3`, ""},
		{"a language", `language == "de" || language == "" || keyword.legal`, ""},
		{"a language nobody tells", `language in ["de", "German"]`, `no language is named "German"; the languages are ar, cs, de, en, es, fr, hi, id, it, ja, ko, nl, pl, pt, ru, sv, tr, uk, vi, zh`},
		{"keywords nobody has", `keyword.law`, `column 1: no keyword is named "law"; there is legal`},
		{"a set nobody has", `true && similarity.bills > 0.5`, `column 9: no similarity is named "bills"; there is billing`},
		{"a role nobody has", `role["usr"] > 0`, `column 1: no role is named "usr"; there is system, developer, user, assistant, tool, function`},
		{"a name that is not known before", `similarity[domain] > 0.5`, `column 1: similarity needs a name in quotes`},
		{"all names at once", `size(similarity) > 1`, `column 6: similarity needs a name, such as similarity.NAME or similarity["NAME"]`},
		{"whether there is a header", `has(header.plan)`, `column 4: has() tells nothing of a signal; one that is not there is an empty text or 0`},
		{"a header in capitals", `header["X-Plan"] == "pro"`, `column 1: names of headers are written in lower case here: "x-plan"`},
		{"a pattern that is none", `domain.matches("(")`, "plan the condition: error parsing regexp: missing closing ): `(`"},
		{"half a condition", "domain ==", "column 10: Syntax error: mismatched input '<EOF>'"},
		{"a fault in the second line", "domain == 'math' &&\n  foo", "line 2, column 3: undeclared reference to 'foo'"},
	} {
		_, err := c.Compile(tc.when)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	free, err := route.NewCompiler(signal.Names{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := free.Compile(`domain == "maths"`); err != nil {
		t.Errorf("without labels every word passes: %v", err)
	}
}
