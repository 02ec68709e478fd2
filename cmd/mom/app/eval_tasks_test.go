package app_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// evalJSON runs a task of mom eval on the tiny family and reads what it prints into out.
func evalJSON(t *testing.T, out any, models, task string, args ...string) {
	t.Helper()
	code, printed, errs := mom(t, "", append([]string{"eval", task, "--models", models, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(printed), out); code != 0 || err != nil {
		t.Fatalf("code %d, %v\n%s%s", code, err, printed, errs)
	}
}

// evalText runs the same for a reader and wants parts of what is printed.
func evalText(t *testing.T, models string, args []string, want ...string) {
	t.Helper()
	code, out, errs := mom(t, "", append([]string{"eval"}, append(args, "--models", models)...)...)
	if code != 0 || strings.Contains(out, "%!") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
}

// near takes numbers as equal to four digits, and null as null alone.
var near = cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 6e-5 })

func number(v float64) *float64 { return &v }

// The model says 0.5, 0.881 and 0.982 of the questions; half of the models fail at the second, all at the third. With its options the first has
// more courts than the others.
const examRows = `{"text":"the","label":"law","options":["court court court"],"models":{"a":{"correct":1,"output_len":10},"b":{"correct":1,"output_len":4}}}
{"text":"court","label":"math","models":{"a":{"correct":1,"output_len":10},"b":{"correct":0,"output_len":4}}}
{"text":"court court","label":"law","models":{"a":{"correct":0,"output_len":10},"b":{"correct":0,"output_len":4}}}
`

func TestEvalDifficulty(t *testing.T) {
	needModel(t)
	models, file := tinyFamily(t), write(t, examRows)
	type figures struct {
		Name     string
		Spearman *float64
		Error    *float64 `json:"absolute_error"`
	}
	var got struct {
		Task             string
		Forms, Baselines []figures
	}
	train := write(t, `{"text":"x","label":"law","models":{"a":{"correct":1}}}
{"text":"y","label":"law","models":{"a":{"correct":0},"b":{"correct":1}}}
{"text":"z","label":"physics","models":{"a":{"correct":0}}}`)
	evalJSON(t, &got, models, "difficulty", "--data", file, "--train", train)
	want := []figures{
		{"question alone", number(1), number((0.5 + 0.3808 + 0.0180) / 3)},
		{"with options", number(-0.5), number((0.9975 + 0.3808 + 0.0180) / 3)},
	}
	if diff := cmp.Diff(want, got.Forms, near); diff != "" || got.Task != "difficulty" {
		t.Errorf("%s (-want +got):\n%s", got.Task, diff)
	}
	// The other file says 0.25 of law, and of math, which it does not have, what it says of all its questions, 0.5.
	baselines := []figures{
		{"constant, the mean", nil, number(1.0 / 3)}, {"length of the question", number(1), nil},
		{"its domain's mean", number(0), number((0.25 + 0 + 0.75) / 3)},
	}
	if diff := cmp.Diff(baselines, got.Baselines, near); diff != "" {
		t.Errorf("baselines (-want +got):\n%s", diff)
	}
	evalText(t, models, []string{"difficulty", "--data", file}, "3 of 3 rows judged", "question alone               1.000           0.300", "      1  0.982  1.000")
}

func TestEvalRouting(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	// b is never sent a question that it alone gets right; the questions that gain are those the model calls hard.
	file := write(t, examRows+`{"text":"court court of","models":{"a":{"correct":1,"output_len":10},"b":{"correct":0,"output_len":4},"c":{"correct":1,"output_len":1}}}
{"text":"integral","models":{"a":{"correct":1,"output_len":10}}}
`)
	type answerer struct {
		Name     string
		N        int
		Accuracy float64
	}
	var got struct {
		Data         struct{ Rows, Judged int }
		Strong, Weak answerer
		Orders       []struct {
			Name    string
			Reaches *float64
			Points  []struct{ Accuracy, Cost float64 }
		}
	}
	evalJSON(t, &got, models, "routing", "--data", file, "--strong", "a", "--weak", "b")
	if got.Data.Rows != 5 || got.Data.Judged != 4 || got.Strong != (answerer{"a", 5, 0.8}) || got.Weak != (answerer{"b", 4, 0.25}) {
		t.Errorf("%+v, %+v against %+v: want 4 of 5 questions, a against b", got.Data, got.Strong, got.Weak)
	}
	names := ""
	for _, o := range got.Orders {
		names += o.Name + " "
		if diff := cmp.Diff([]float64{0.25, 4, 0.75, 10}, []float64{o.Points[0].Accuracy, o.Points[0].Cost, o.Points[10].Accuracy, o.Points[10].Cost}, near); diff != "" {
			t.Errorf("ends of %s (-want +got):\n%s", o.Name, diff)
		}
	}
	if names != "model random length oracle " {
		t.Errorf("orders %s", names)
	}
	// The hardest two are alike to the model: one gains, one does not; then the second question gains.
	if diff := cmp.Diff([]*float64{number(0.75), number(1), number(0.75), number(0.5)},
		[]*float64{got.Orders[0].Reaches, got.Orders[1].Reaches, got.Orders[2].Reaches, got.Orders[3].Reaches}, near); diff != "" {
		t.Errorf("95 %% of the way (-want +got):\n%s", diff)
	}
	evalText(t, models, []string{"routing", "--data", file, "--strong", "a", "--weak", "b"}, "strong  a: accuracy 0.800", "weak    b: accuracy 0.250", "50 %", "model       0.562 (0.250-0.750)    50.0 (25.0-75.0)    85.0", "+0.0312  75.0 %")
}

func TestEvalRoutingChoosesItsModels(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	answer := func(correct, length int) string {
		return fmt.Sprintf(`{"correct":%d,"output_len":%d}`, correct, length)
	}
	for name, tt := range map[string]struct{ even, odd, strong, weak string }{
		"the most accurate, and of those half as long the most accurate": {
			`"good":` + answer(1, 100) + `,"near":` + answer(1, 90) + `,"half":` + answer(1, 50) + `,"tiny":` + answer(0, 1),
			`"good":` + answer(1, 100) + `,"near":` + answer(0, 90) + `,"half":` + answer(0, 50) + `,"tiny":` + answer(0, 1), "good", "half",
		},
		"not one that answered seldom": {
			`"good":` + answer(1, 100) + `,"rare":` + answer(1, 1) + `,"tiny":` + answer(0, 9), `"good":` + answer(0, 100) + `,"tiny":` + answer(0, 9), "good", "tiny",
		},
		"the shortest where none is half as long": {
			`"good":` + answer(1, 100) + `,"long":` + answer(0, 90) + `,"short":` + answer(0, 80), `"good":` + answer(1, 100) + `,"long":` + answer(1, 90) + `,"short":` + answer(0, 80),
			"good", "short",
		},
	} {
		file := write(t, strings.Repeat(`{"text":"a","models":{`+tt.even+`}}`+"\n"+`{"text":"b","models":{`+tt.odd+`}}`+"\n", 5))
		var got struct{ Strong, Weak struct{ Name string } }
		evalJSON(t, &got, models, "routing", "--data", file)
		if got.Strong.Name != tt.strong || got.Weak.Name != tt.weak {
			t.Errorf("%s: %s and %s", name, got.Strong.Name, got.Weak.Name)
		}
	}
}

// share is a share as JSON has it.
type share struct{ Hits, N int }

// Attacks at 0.982 and, as documents, 0.881 and 0.998; the thresholds are 0.4 for a user's text and 0.9 for a document.
const guardLines = `{"text":"court","label":"jailbreak","family":"own:7","source":"mine"}
{"text":"integral","label":"benign","family":"benign_trigger_words","source":"mine"}
{"text":"the word","label":"benign","role":"tool","source":"bipia","family":"clean"}
{"text":"the word","label":"benign","role":"user","source":"bipia"}
{"text":"the court","label":"jailbreak","source":"bipia","family":"code"}
{"text":"the","label":"jailbreak","family":"injecguard_valid:PINT_documents","source":"injecguard_valid"}
{"text":"ignore previous words, court","label":"jailbreak"}
{"text":"court","label":"harmful"}
`

func TestEvalJailbreak(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	file := write(t, guardLines+`{"text":"`+strings.Repeat("word ", 60_000)+`","label":"jailbreak"}`+"\n")
	var got struct {
		Data          struct{ Rows, Judged int }
		UnknownLabels map[string]int `json:"unknown_labels"`
		TooLong       map[string]int `json:"too_long"`
		Documents     int
		Attack        struct {
			Accuracy  share
			AUC       float64
			RecallAt1 share `json:"recall_at_1_percent"`
		} `json:"attack_against_benign"`
		Recall      share
		FalseAlarms share `json:"false_alarms"`
		Groups      []struct {
			Name  string
			Share share
		} `json:"recall_by"`
		False []struct {
			Name  string
			Share share
		} `json:"false_alarms_by"`
		Baselines struct {
			Keywords struct {
				Recall      share
				FalseAlarms share `json:"false_alarms"`
			}
		}
	}
	evalJSON(t, &got, models, "jailbreak", "--data", file)
	if got.Data.Rows != 9 || got.Data.Judged != 7 || got.UnknownLabels["harmful"] != 1 || got.TooLong["jailbreak"] != 1 || got.Documents != 3 {
		t.Errorf("%+v, unknown %v, too long %v, %d documents", got.Data, got.UnknownLabels, got.TooLong, got.Documents)
	}
	// Attacks: 0.982, 0.998, 0.881 and 0.982; benign: 0.018, 0.881 and 0.5, of which the last two are called attacks.
	if got.Attack.Accuracy != (share{5, 7}) || math.Abs(got.Attack.AUC-11.5/12) > 1e-4 || got.Attack.RecallAt1 != (share{3, 4}) {
		t.Errorf("attacks against benign texts %+v: want 5 of 7 right, AUC 11.5/12, 3 of 4 found above 0.881", got.Attack)
	}
	if got.Recall != (share{3, 4}) || got.FalseAlarms != (share{1, 3}) || got.Baselines.Keywords.Recall != (share{1, 4}) || got.Baselines.Keywords.FalseAlarms != (share{0, 3}) {
		t.Errorf("at the thresholds %v and %v, by keywords %+v: want 3 of 4 and 1 of 3, 1 of 4 and none", got.Recall, got.FalseAlarms, got.Baselines)
	}
	groups := map[string]share{}
	for _, g := range got.Groups {
		groups["found "+g.Name] = g.Share
	}
	for _, g := range got.False {
		groups[g.Name] = g.Share
	}
	if diff := cmp.Diff(map[string]share{
		"found mine, own": {1, 1}, "found bipia, code": {1, 1}, "found injecguard_valid:PINT_documents": {0, 1}, "found user": {1, 1},
		"mine, benign_trigger_words": {0, 1}, "bipia, clean": {0, 1}, "bipia": {1, 1}, "all benign rows with trigger words": {0, 1},
		"all clean pages of bipia": {1, 2}, "all clean pages, pasted by a user": {1, 1}, // the page is at 0.5 by the user's head
	}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	evalJSON(t, &got, models, "jailbreak", "--data", file, "--role", "document")
	if got.Documents != 7 {
		t.Errorf("%d documents, want all", got.Documents)
	}
	evalText(t, models, []string{"jailbreak", "--data", file}, `1 with the label "harmful", which`, `1 with the label "jailbreak", too long`, "3 as documents", "attacks found          0.750")
}

// A word of full-width letters is an unknown one to the tokenizer, which tells it nothing, so that the text is at 0.5.
func TestEvalJailbreakByViewSourceAndLength(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	code := base64.StdEncoding.EncodeToString([]byte("court court"))
	long := strings.Repeat("integral ", 600)
	file := write(t, `{"text":"court","label":"jailbreak","source":"a"}
{"text":"integral ｃｏｕｒｔ","label":"jailbreak","source":"a"}
{"text":"integral `+code+` integral","label":"jailbreak"}
{"text":"integral","label":"benign","source":"a","family":"benign_trigger_words"}
{"text":"ｉｎｔｅｇｒａｌ","label":"benign","source":"a","family":"benign_trigger_words"}
{"text":"`+strings.Repeat("integral ", 14)+`","label":"benign","source":"b"}
{"text":"`+strings.Repeat("integral ", 15)+`","label":"benign","source":"b"}
{"text":"`+long+strings.Repeat("court ", 30)+`","label":"jailbreak","source":"b"}
{"text":"`+long+`","label":"benign","source":"b"}
`)
	type figures struct {
		Name    string
		Recall  share
		At1     share    `json:"recall_at_1_percent"`
		False   share    `json:"false_alarms"`
		Trigger share    `json:"trigger_words_flagged"`
		MacroF1 *float64 `json:"macro_f1"`
	}
	var got struct {
		Attack struct {
			Limit float64 `json:"limit_at_1_percent"`
		} `json:"attack_against_benign"`
		Views    []figures
		BySource []figures `json:"by_source"`
		ByLength []figures `json:"by_length"`
	}
	evalJSON(t, &got, models, "jailbreak", "--data", file)
	if got.Attack.Limit != 0.5 {
		t.Errorf("the limit is %v, want that of the benign text at 0.5", got.Attack.Limit)
	}
	views := []figures{
		{Name: "raw", Recall: share{2, 4}, False: share{1, 5}, Trigger: share{1, 2}},
		{Name: "normalised", Recall: share{4, 4}, False: share{0, 5}, Trigger: share{0, 2}},
		{Name: "both, as served", Recall: share{4, 4}, False: share{1, 5}, Trigger: share{1, 2}},
	}
	if diff := cmp.Diff(views, got.Views, near); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
	// As written: of a, one of two attacks and one of two benign texts are right; nothing is known of a lone label.
	sources := []figures{
		{"(none)", share{0, 1}, share{0, 1}, share{}, share{}, nil},
		{"a", share{1, 2}, share{1, 2}, share{1, 2}, share{1, 2}, number(0.5)},
		{"b", share{1, 1}, share{1, 1}, share{0, 3}, share{}, number(1)},
	}
	if diff := cmp.Diff(sources, got.BySource, near); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	byLength := []figures{ // 14 words and two special tokens are 16; each sign of the code is a token
		{"1-16", share{1, 2}, share{1, 2}, share{1, 3}, share{1, 2}, number((2.0/3 + 0.5) / 2)},
		{"17-32", share{0, 1}, share{0, 1}, share{0, 1}, share{}, number(1.0 / 3)},
		{"513+", share{1, 1}, share{1, 1}, share{0, 1}, share{}, number(1)},
	}
	if diff := cmp.Diff(byLength, got.ByLength, near); diff != "" {
		t.Errorf("lengths (-want +got):\n%s", diff)
	}
	evalText(t, models, []string{"jailbreak", "--data", file}, "both, as served           1.000 [0.510, 1.000]     4", "17-32                   0.000 [0.000, 0.793]     1  ",
		"at 1 % alarms    0.500  [0.150, 0.850]  2 of 4, above 0.500")
}

func TestEvalJailbreakHidden(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	file := write(t, `{"text":"court","label":"jailbreak"}
{"text":"integral","label":"benign"}
{"text":"nobody judges this","label":"harmful"}
`)
	type figures struct {
		Recall share
		False  share `json:"false_alarms"`
	}
	type hidden struct {
		Name    string
		Undone  share
		Attacks share `json:"attacks_as_plain"`
		Benign  share `json:"benign_as_plain"`
		Views   []figures
	}
	var got struct{ Hidden []hidden }
	evalJSON(t, &got, models, "jailbreak", "--data", file, "--hidden")
	byName := map[string]hidden{}
	for _, h := range got.Hidden {
		byName[h.Name] = h
	}
	for _, want := range []hidden{
		{ // to the tokenizer an unknown word, of which nothing is known, but in the normal view
			Name: "full-width", Undone: share{2, 2}, Attacks: share{1, 1}, Benign: share{0, 1},
			Views: []figures{{share{1, 1}, share{1, 1}}, {share{1, 1}, share{0, 1}}, {share{1, 1}, share{1, 1}}},
		},
		{ // both words are too short for a code, so that the normaliser leaves it
			Name: "rot13", Undone: share{0, 2}, Attacks: share{1, 1}, Benign: share{0, 1},
			Views: []figures{{share{1, 1}, share{1, 1}}, {share{1, 1}, share{1, 1}}, {share{1, 1}, share{1, 1}}},
		},
	} {
		if diff := cmp.Diff(want, byName[want.Name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, diff)
		}
	}
	// A code may make a long text too long.
	var long struct {
		Hidden []struct {
			Name    string
			TooLong int   `json:"too_long"`
			Benign  share `json:"benign_as_plain"`
		}
	}
	evalJSON(t, &long, models, "jailbreak", "--hidden", "--data", write(t, `{"text":"`+strings.Repeat("the ", 3000)+`","label":"benign"}`))
	for _, h := range long.Hidden {
		if h.TooLong+h.Benign.N != 1 || h.Name == "soft hyphen" && h.TooLong != 0 || h.Name == "HTML entities" && h.TooLong != 1 {
			t.Errorf("%s: %d too long, %d judged", h.Name, h.TooLong, h.Benign.N)
		}
	}
	got.Hidden = nil
	evalJSON(t, &got, models, "jailbreak", "--data", file)
	if got.Hidden != nil {
		t.Error("hidden though nobody asked")
	}
	evalText(t, models, []string{"jailbreak", "--data", file, "--hidden"}, "full-width                  1.000   1.000 [0.207, 1.000]     1   1.000 1.000 1.000")
}

const pairLines = `{"a":"court","b":"the court","score":1,"label":1,"source":"x"}
{"a":"court","b":"of","score":0.5,"label":0,"source":"x"}
{"a":"court","b":"integral","score":0.2,"label":1,"source":"y"}
{"a":"court","b":"court court","label":0,"source":"not"}
{"a":"the word","b":"court","source":"nobody knows"}
`

func TestEvalSimilarity(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	file := write(t, pairLines+`{"a":"court","b":"`+strings.Repeat("word ", 20)+`","label":0}`+"\n")
	type figures struct {
		Source   string
		N        int
		Spearman *float64
		Jaccard  *float64 `json:"jaccard_spearman"`
		Cosine   *float64 `json:"mean_cosine"`
		Overlap  *float64 `json:"mean_jaccard"`
	}
	var got struct {
		TooLong         int `json:"too_long"`
		Graded, Negated []figures
	}
	evalJSON(t, &got, models, "similarity", "--data", file)
	// The cosines are 1, 1/√17 and 1/17; words are shared in the first pair alone, so the overlaps' ranks are 2, 0.5 and 0.5.
	graded := []figures{{Source: "all", N: 3, Spearman: number(1), Jaccard: number(0.8660)}, {Source: "x", N: 2, Spearman: number(1), Jaccard: number(1)}, {Source: "y", N: 1}}
	if diff := cmp.Diff(graded, got.Graded, near); diff != "" || got.TooLong != 1 {
		t.Errorf("%d too long, graded (-want +got):\n%s", got.TooLong, diff)
	}
	cosine := 33 / math.Sqrt(17*65)
	negated := []figures{{Source: "all", N: 1, Cosine: number(cosine), Overlap: number(1)}, {Source: "not", N: 1, Cosine: number(cosine), Overlap: number(1)}}
	if diff := cmp.Diff(negated, got.Negated, near); diff != "" {
		t.Errorf("negated (-want +got):\n%s", diff)
	}
	evalText(t, models, []string{"similarity", "--data", file}, "1 pairs with a text longer", "all                                            3     1.000       0.866")
}

func TestEvalCache(t *testing.T) {
	needModel(t)
	models := tinyFamily(t)
	file := write(t, pairLines+`{"a":"court 5","b":"court 6","label":0,"kind":"number"}`+"\n"+`{"a":"a court","b":"the court court court","label":0,"kind":"article"}`+"\n")
	var got struct {
		Unlabeled  int
		Thresholds []struct {
			Threshold       float64
			Cosine, Jaccard struct {
				Hits  share
				Wrong share `json:"wrong_hits"`
			}
			Gate struct {
				Hits  share
				Wrong share `json:"wrong_hits"`
			} `json:"cosine_and_gate"`
		}
		Best struct {
			Cosine share
			Gate   share `json:"cosine_and_gate"`
		} `json:"hits_at_1_percent_wrong"`
		Gate struct {
			Hits  share
			Wrong share `json:"wrong_hits"`
		}
		Kinds []struct {
			Kind       string
			Gate       share
			Thresholds []struct {
				Threshold float64
				Cosine    share
				Gate      share `json:"cosine_and_gate"`
			}
		}
		Refused []struct {
			Reason          string
			Same, Different int
		}
	}
	evalJSON(t, &got, models, "cache", "--data", file)
	if n := len(got.Thresholds); n != 20 || got.Thresholds[0].Threshold != 0.8 || got.Thresholds[19].Threshold != 0.99 || got.Unlabeled != 1 {
		t.Fatalf("%d thresholds, %d without a label", n, got.Unlabeled)
	}
	// "court court" is at 0.9927 from "court", and has the same words.
	last := got.Thresholds[19]
	if last.Cosine.Hits != (share{1, 2}) || last.Jaccard.Hits != (share{0, 2}) || last.Jaccard.Wrong != (share{1, 4}) {
		t.Errorf("at 0.99: %+v", last)
	}
	// The gate lets "the court" and "court" pass, and what names a court twice; not another number or another word.
	if last.Gate.Hits != (share{1, 2}) || got.Gate.Hits != (share{1, 2}) || got.Gate.Wrong != (share{2, 4}) {
		t.Errorf("with the gate: %+v, alone %+v", last.Gate, got.Gate)
	}
	if got.Best.Cosine != (share{0, 2}) || got.Best.Gate != (share{1, 2}) {
		t.Errorf("without a wrong hit: %v, with the gate %v", got.Best.Cosine, got.Best.Gate)
	}
	if len(got.Kinds) != 2 || got.Kinds[0].Kind != "article" || got.Kinds[0].Gate != (share{1, 1}) || got.Kinds[1].Gate != (share{0, 1}) ||
		got.Kinds[1].Thresholds[0].Threshold != 0.8 || got.Kinds[1].Thresholds[1].Threshold != 0.92 || got.Kinds[1].Thresholds[1].Gate != (share{0, 1}) {
		t.Errorf("by kind: %+v", got.Kinds)
	}
	if len(got.Refused) != 2 || got.Refused[0].Reason != "name" || got.Refused[0].Same != 1 || got.Refused[1].Reason != "number" || got.Refused[1].Different != 1 {
		t.Errorf("refused: %+v", got.Refused)
	}
	// "court" is given for "the court", and wrongly for a court named twice, until that was checked.
	var learnt struct {
		Policies []struct {
			Name   string
			Shares struct {
				Hits  share
				Wrong share `json:"wrong_hits"`
			}
			Given  share  `json:"wrong_of_given"`
			Before *share `json:"wrong_of_given_before"`
		}
		Answers *struct {
			Same struct{ Right, Wrong, Unsure share }
		}
	}
	evalJSON(t, &learnt, models, "cache", "--data", file, "--answers", file)
	if n := len(learnt.Policies); n != 6 {
		t.Fatalf("%d policies", n)
	}
	if p := learnt.Policies[2]; p.Name != "cosine 0.80 and gate" || p.Shares.Hits != (share{1, 2}) || p.Shares.Wrong != (share{2, 4}) || p.Given != (share{2, 3}) || p.Before != nil {
		t.Errorf("%+v", p)
	}
	if p := learnt.Policies[5]; p.Name != "cosine 0.92, gate and evidence" || p.Shares.Wrong.Hits != 0 || p.Before == nil || p.Before.N == 0 {
		t.Errorf("%+v", p)
	}
	if a := learnt.Answers; a == nil || a.Same.Right.N != 2 || a.Same.Right.Hits+a.Same.Wrong.Hits+a.Same.Unsure.Hits != 2 {
		t.Errorf("answers: %+v", a)
	}
	evalText(t, models, []string{"cache", "--data", file, "--answers", file}, "wrong of all that is given", "come to the same", "1 pairs without a label", "     0.99  0.500 (0.905)  ", "number            1  ", "number                     0               1")
}

func TestEvalTasksRefuse(t *testing.T) {
	for name, tt := range map[string]struct {
		task, content string
		args          []string
		code          int
		want          string
	}{
		"an exam without models":            {"difficulty", `{"text":"secret"}`, nil, 1, "line 1: field models must name"},
		"an exam without a text":            {"routing", `{"models":{"a":{"correct":1}}}`, nil, 1, "line 1: field text must be a string"},
		"an answer that is half right":      {"difficulty", `{"text":"secret","models":{"a":{"correct":2}}}`, nil, 1, "line 1: field models: correct must be 0 or 1"},
		"answers that are a list":           {"routing", `{"text":"secret","models":["a"]}`, nil, 1, "line 1: not a JSON object with the fields"},
		"no exams at all":                   {"difficulty", "\n", nil, 1, "no rows"},
		"other exams that are not there":    {"difficulty", examRows, []string{"--train", "none.jsonl"}, 1, "none.jsonl"},
		"a strong model that is not there":  {"routing", examRows, []string{"--strong", "nobody"}, 1, "no model nobody in the field models"},
		"one model that answered all":       {"routing", `{"text":"secret","models":{"a":{"correct":1}}}`, nil, 1, "no two models answered nine questions in ten"},
		"a model against itself":            {"routing", examRows, []string{"--strong", "a", "--weak", "a"}, 2, "a cannot be both"},
		"a pair of one":                     {"similarity", `{"a":"secret"}`, nil, 1, "line 1: fields a and b must be strings"},
		"a score beyond one":                {"similarity", `{"a":"secret","b":"b","score":5}`, nil, 1, "line 1: field score must be within 0 and 1"},
		"a label that is neither 0 nor 1":   {"cache", `{"a":"secret","b":"b","label":2}`, nil, 1, "line 1: field label must be 0 or 1"},
		"a label that is a word":            {"cache", `{"a":"secret","b":"b","label":"secret"}`, nil, 1, "line 1: not a JSON object with the fields"},
		"a role that is none":               {"jailbreak", `{"text":"a","label":"benign","role":"secret"}`, nil, 1, "line 1: field role must be one of user, system"},
		"a flag with a role that is none":   {"jailbreak", guardLines, []string{"--role", "nobody"}, 2, "--role must be one of user"},
		"a row without a label":             {"jailbreak", `{"text":"secret"}`, nil, 1, "line 1: fields text and label must be strings"},
		"bytes that are no text":            {"similarity", "{\"a\":\"\xff\",\"b\":\"b\"}", nil, 1, "line 1: not UTF-8"},
		"a negative limit":                  {"cache", pairLines, []string{"--limit", "-1"}, 2, "--limit -1 is negative"},
		"a models folder that is not there": {"jailbreak", guardLines, []string{"--models", "nowhere"}, 1, "nowhere"},
		"a superfluous argument":            {"routing", examRows, []string{"now"}, 2, "mom --help"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := mom(t, "", append([]string{"eval", tt.task, "--data", write(t, tt.content)}, tt.args...)...)
			if code != tt.code || out != "" || !strings.Contains(errs, tt.want) || strings.Contains(errs, "secret") {
				t.Errorf("code %d, want %d\nout: %s\nerr: %s, want %q", code, tt.code, out, errs, tt.want)
			}
		})
	}
}

func TestEvalTasksWithoutAModelForThem(t *testing.T) {
	empty := t.TempDir()
	for task, content := range map[string]string{
		"difficulty": examRows, "routing": examRows, "jailbreak": guardLines, "similarity": pairLines, "cache": pairLines,
	} {
		if code, _, errs := mom(t, "", "eval", task, "--models", empty, "--data", write(t, content)); code != 2 || !strings.Contains(errs, "is for task") {
			t.Errorf("%s: code %d, %s", task, code, errs)
		}
	}
}
