package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/config"
)

const models = "models: [{name: small}]\n"

func TestSignals(t *testing.T) {
	c, err := config.Parse("folder/mom.yaml", []byte(models+`signals:
  models: {difficulty: harder, similarity: nearer}
  similarity:
    billing: [Why was I charged twice?, "Cancel my plan"]
    outage: {file: outages.txt, exemplars: [Nothing loads], pool: mean-3}
  keywords:
    legal: [contract, GDPR]
    codes: {words: [a b], literals: ["ERR-"], regex: ['E\d{4}'], case: exact}
  timezone: UTC
  languages: [en, de]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Signals{
		Difficulty: "harder", Embedder: "nearer", Timezone: "UTC", Languages: []string{"en", "de"},
		Similarity: []config.Similarity{
			{Name: "billing", Exemplars: []string{"Why was I charged twice?", "Cancel my plan"}, Top: 1},
			{Name: "outage", Exemplars: []string{"Nothing loads"}, File: "outages.txt", Top: 3},
		},
		Keywords: []config.Keywords{
			{Name: "legal", Words: []string{"contract", "GDPR"}},
			{Name: "codes", Words: []string{"a b"}, Literals: []string{"ERR-"}, Regex: []string{`E\d{4}`}, Exact: true},
		},
	}
	if diff := cmp.Diff(want, c.Signals); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := c.Beside("outages.txt"); got != filepath.Join("folder", "outages.txt") {
		t.Error(got)
	}
	if got := c.Beside("/outages.txt"); got != "/outages.txt" {
		t.Error(got)
	}
}

func TestFaultsOfSignals(t *testing.T) {
	for name, tt := range map[string]struct{ signals, want string }{
		"an unknown kind":                  {"{similarty: {}}", `signals.similarty: unknown key; did you mean "similarity"?`},
		"a set without exemplars":          {"{similarity: {a: {pool: max}}}", "signals.similarity.a: needs exemplars or a file of them"},
		"a pool that is none":              {"{similarity: {a: {exemplars: [x], pool: mean-1}}}", `signals.similarity.a.pool: "mean-1" is neither max nor mean-N, N from 2 to 100`},
		"another":                          {"{similarity: {a: {exemplars: [x], pool: 3-mean}}}", `signals.similarity.a.pool: "3-mean" is neither max nor mean-N, N from 2 to 100`},
		"an exemplar twice":                {"{similarity: {a: [x, y, x]}}", "signals.similarity.a[2]: the same text stands at signals.similarity.a[0]"},
		"an exemplar that is a number":     {"{similarity: {a: [7]}}", "signals.similarity.a[0]: must be text, is a number; put it in quotes"},
		"a blank word":                     {`{keywords: {a: [" "]}}`, "signals.keywords.a[0]: a text has 1..4096 bytes and is not blank"},
		"keywords without any":             {"{keywords: {a: {case: exact}}}", "signals.keywords.a: needs words, literals or regex"},
		"an empty list":                    {"{keywords: {a: []}}", "signals.keywords.a: the list is empty"},
		"a set twice":                      {"{keywords: {a: [x], a: [y]}}", "signals.keywords.a: this key stands here twice"},
		"a name with a space":              {"{keywords: {a b: [x]}}", `signals.keywords.a b: "a b" is not a name of letters, digits, - _ and inner dots, at most 64`},
		"sets that are a list":             {"{keywords: [a]}", "signals.keywords: must be a mapping, is a list"},
		"a way to compare that nobody has": {"{keywords: {a: {words: [x], case: fold}}}", `signals.keywords.a.case: "fold" is not one of ignore, exact`},
		"a zone nobody knows":              {"{timezone: Mars/Base}", `signals.timezone: "Mars/Base" is not a time zone that this machine knows, such as UTC or Europe/Berlin`},
		"a model outside its folder":       {"{models: {difficulty: ../x}}", `signals.models.difficulty: "../x" is not a folder name (letters, digits, - _ and inner dots)`},
	} {
		_, err := config.Parse("", []byte(models+"signals: "+tt.signals+"\n"))
		if err == nil || strings.TrimPrefix(err.Error(), "line 2: ") != tt.want {
			t.Errorf("%s: %v\nwant %s", name, err, tt.want)
		}
	}
}
