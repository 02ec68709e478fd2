package app_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The model knows places by "court" and, not surely enough, "integral", and names by "word"; the recognisers know the address of mail.
const taggedTexts = `{"text":"court x@y.de","spans":[{"start":0,"end":5,"label":"PLACE"},{"start":6,"end":12,"label":"EMAIL_ADDRESS"}],"types":["PLACE","EMAIL_ADDRESS"],"source":"a"}
{"text":"日 the word Court","spans":[{"start":11,"end":16,"label":"PLACE"}],"types":["PLACE"],"source":"a"}

{"text":"the integral","spans":[{"start":4,"end":12,"label":"PLACE"}],"types":["PLACE"],"source":"b"}
{"text":"Of The","spans":[],"types":["PERSON"]}
`

func TestEvalPII(t *testing.T) {
	needModel(t)
	models, file := tinyFamily(t), write(t, taggedTexts)
	type share struct{ Hits, N int }
	type figures struct {
		Name                       string
		Precision, Recall, Touched share
		F1                         *float64
	}
	type reader struct {
		Name            string
		All, Names      figures
		Missed          share `json:"texts_missed"`
		Labels, Sources []figures
	}
	var got struct {
		Task      string
		Data      struct{ Rows, Judged int }
		Threshold float64
		Readers   []reader
	}
	evalJSON(t, &got, models, "pii", "--data", file)
	if got.Task != "pii" || got.Data.Rows != 4 || got.Data.Judged != 4 || got.Threshold != 0.75 || len(got.Readers) != 4 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []reader{
		{
			Name: "model", All: figures{"all", share{2, 2}, share{2, 4}, share{2, 4}, number(2.0 / 3)}, Missed: share{2, 3},
			Labels: []figures{
				{"EMAIL_ADDRESS", share{0, 0}, share{0, 1}, share{0, 1}, number(0)},
				{"PLACE", share{2, 2}, share{2, 3}, share{2, 3}, number(0.8)},
			},
			Sources: []figures{
				{"a", share{2, 2}, share{2, 3}, share{2, 3}, number(0.8)},
				{"b", share{0, 0}, share{0, 1}, share{0, 1}, number(0)},
			},
		},
		{
			Name: "recognisers", All: figures{"all", share{1, 1}, share{1, 4}, share{1, 4}, number(0.4)}, Missed: share{3, 3},
			Labels: []figures{
				{"EMAIL_ADDRESS", share{1, 1}, share{1, 1}, share{1, 1}, number(1)},
				{"PLACE", share{0, 0}, share{0, 3}, share{0, 3}, number(0)},
			},
			Sources: []figures{
				{"a", share{1, 1}, share{1, 3}, share{1, 3}, number(0.5)},
				{"b", share{0, 0}, share{0, 1}, share{0, 1}, number(0)},
			},
		},
		{
			Name: "both", All: figures{"all", share{3, 3}, share{3, 4}, share{3, 4}, number(6.0 / 7)}, Missed: share{1, 3},
			Labels: []figures{
				{"EMAIL_ADDRESS", share{1, 1}, share{1, 1}, share{1, 1}, number(1)},
				{"PLACE", share{2, 2}, share{2, 3}, share{2, 3}, number(0.8)},
			},
			Sources: []figures{
				{"a", share{3, 3}, share{3, 3}, share{3, 3}, number(1)},
				{"b", share{0, 0}, share{0, 1}, share{0, 1}, number(0)},
			},
		},
		{ // it takes the whole of the last text for a person, and touches the court of the second without knowing what it is
			Name: "capitals", All: figures{"all", share{0, 1}, share{0, 4}, share{1, 4}, number(0)}, Missed: share{2, 3},
			Names: figures{"names", share{0, 1}, share{}, share{}, number(0)},
			Labels: []figures{
				{"EMAIL_ADDRESS", share{0, 0}, share{0, 1}, share{0, 1}, number(0)},
				{"PERSON", share{0, 1}, share{}, share{}, number(0)},
				{"PLACE", share{0, 0}, share{0, 3}, share{1, 3}, number(0)},
			},
			Sources: []figures{
				{"", share{0, 1}, share{}, share{}, number(0)},
				{"a", share{0, 0}, share{0, 3}, share{1, 3}, number(0)},
				{"b", share{0, 0}, share{0, 1}, share{0, 1}, number(0)},
			},
		},
	} {
		if want.Names.Name == "" {
			want.Names.Name = "names" // of which there are none
		}
		if diff := cmp.Diff(want, got.Readers[i], near); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, diff)
		}
	}
	evalText(t, models, []string{"pii", "--data", file}, "tiny-pii 1 on rows.jsonl: 4 of 4 rows judged", "probability of 0.75 on", "both",
		"texts with a span that nothing touches", "PLACE                   model           1.000 [0.342, 1.000]     2   0.667 [0.208, 0.939]     3   0.800 [0.344, 0.968]", "2 of 3",
		"PERSON                  model           -                            -                            -                     -")
}

// A run of capitalised words with single spaces is one person; a capital within a word begins nothing.
func TestEvalPIICapitals(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	file := write(t, `{"text":"So Zoé McKay, X1 met iOS Ed","types":["PERSON"],"spans":[{"start":0,"end":12,"label":"PERSON"},`+
		`{"start":14,"end":16,"label":"PERSON"},{"start":25,"end":27,"label":"PERSON"}]}`)
	var got struct {
		Readers []struct {
			All struct{ Precision, Recall struct{ N, Hits int } }
		}
	}
	evalJSON(t, &got, models, "pii", "--data", file)
	if all := got.Readers[3].All; all.Precision.N != 3 || all.Precision.Hits != 3 || all.Recall.Hits != 3 {
		t.Errorf("capitals: %+v, want 3 of 3", all)
	}
}

func TestEvalPIIRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ content, want string }{
		"a line that is no object":              {"nope\n", "line 1: not a JSON object"},
		"a row without a text":                  {`{"types":["A"]}`, "line 1: field text must be a string"},
		"a row that nothing was looked for in":  {`{"text":"a","spans":[]}`, "line 1: field types"},
		"a span beyond the text":                {`{"text":"日本","spans":[{"start":0,"end":3,"label":"A"}],"types":["A"]}`, "line 1: spans[0]: no part of the text, which has 2 code points"},
		"a span of nothing":                     {`{"text":"ab","spans":[{"start":1,"end":1,"label":"A"}],"types":["A"]}`, "line 1: spans[0]: no part"},
		"a span before the text":                {`{"text":"ab","spans":[{"start":-1,"end":1,"label":"A"}],"types":["A"]}`, "line 1: spans[0]: no part"},
		"a span of a label not looked for":      {`{"text":"ab","spans":[{"start":0,"end":1,"label":"B"}],"types":["A"]}`, "line 1: spans[0]: its label"},
		"spans that are no list":                {`{"text":"secret","spans":"x","types":["A"]}`, "line 1: not a JSON object with the fields"},
		"a file without rows":                   {"\n", "no rows"},
		"a row after good ones, with its place": {`{"text":"a","types":["A"]}` + "\n\n{}", "line 3: field text"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := mom(t, "", "eval", "pii", "--data", write(t, tt.content))
			if code != 1 || out != "" || !strings.Contains(errs, tt.want) || strings.Contains(errs, "secret") {
				t.Errorf("code %d\nout: %s\nerr: %s, want %q", code, out, errs, tt.want)
			}
		})
	}
	if code, _, errs := mom(t, "", "eval", "pii", "--data", write(t, taggedTexts), "--models", "models", "--model", "mom-brain-flash"); code != 2 {
		t.Errorf("a model of another task: code %d, %s", code, errs)
	}
}
