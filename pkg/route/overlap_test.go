package route_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/route"
	"github.com/mom-router/mom/pkg/route/signal"
)

func TestWarnings(t *testing.T) {
	c, err := route.NewCompiler(signal.Names{Keywords: []string{"legal"}, Similarity: []string{"billing"}})
	if err != nil {
		t.Fatal(err)
	}
	const first, never = `it can never win: "a" stands before it and holds whenever it does`, "it can never hold"
	for _, tt := range []struct {
		name, conditions string // by lines, named a, b, c
		want             []route.Warning
	}{
		{"decisions apart", "domain == \"math\"\ndomain == \"law\"", nil},
		{"after one that always holds", "true\ndomain == \"law\"", []route.Warning{{1, first}}},
		{"one that never holds", "false\ndomain == \"law\"", []route.Warning{{0, never}}},
		{"a contradiction", `domain == "math" && domain == "law"`, []route.Warning{{0, never}}},
		{"a contradiction of numbers", `tokens > 10 && tokens <= 10`, []route.Warning{{0, never}}},
		{"the same, in other words", "domain == \"math\"\n\"math\" == domain", []route.Warning{{1, first}}},
		{"the special after the general", "domain in [\"math\", \"physics\"]\ndomain == \"math\" && difficulty > 0.5", []route.Warning{{1, first}}},
		{"the general after the special", "domain == \"math\" && difficulty > 0.5\ndomain in [\"math\", \"physics\"]", nil},
		{"a smaller interval", "tokens >= 100\ntokens > 100 && tokens < 200", []route.Warning{{1, first}}},
		{"a larger interval", "tokens > 100\ntokens >= 100", nil},
		{"an interval, denied", "!(difficulty < 0.5)\ndifficulty >= 0.5", []route.Warning{{1, first}}},
		{"alternatives that are all there", "keyword.legal || domain == \"law\"\ndomain == \"law\" && tokens > 5\nkeyword[\"legal\"]", []route.Warning{{1, first}, {2, first}}},
		{"alternatives of which one is not there", "domain == \"law\"\nkeyword.legal || domain == \"law\"", nil},
		{"both denied", "!(keyword.legal || domain == \"law\")\n!keyword.legal && domain != \"law\" && domain != \"math\"", []route.Warning{{1, first}}},
		{"a word that is denied", "domain != \"law\"\ndomain == \"math\"", []route.Warning{{1, first}}},
		{"what nobody can read is like itself alone", "size(language) == 2 && turns > 1\nturns > 1 && size(language) == 2 && json\nsize(language) == 3 && turns > 1", []route.Warning{{1, first}}},
		{"two that share some words", "domain in [\"math\", \"law\"]\ndomain in [\"law\", \"history\"]", []route.Warning{{1, `for some domain law it and "a" both hold, and "a" wins`}}},
		{"two intervals that cross", "tokens > 10\ntokens < 20", []route.Warning{{1, `for some tokens it and "a" both hold, and "a" wins`}}},
		{"two about different signals", "similarity.billing > 0.5\ntokens < 20", nil},
	} {
		var decisions []route.Decision
		for i, when := range strings.Split(tt.conditions, "\n") {
			condition, err := c.Compile(when)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			decisions = append(decisions, route.Decision{Name: string(rune('a' + i)), When: condition})
		}
		if diff := cmp.Diff(tt.want, route.Warnings(decisions)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}
