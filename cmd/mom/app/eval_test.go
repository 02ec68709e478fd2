package app_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/cmd/mom/app"
	"github.com/mom-router/mom/tests/stack"
)

// evaluation is the part of mom eval domain --json that the tests read.
type evaluation struct {
	Data struct {
		SHA256        string
		Rows, Judged  int
		UnknownLabels map[string]int `json:"unknown_labels"`
	}
	Accuracy struct {
		N           int
		Value, High float64
	}
	MacroF1 float64 `json:"macro_f1"`
	Groups  []struct {
		Name     string
		Accuracy struct{ N int }
	}
	Baselines struct {
		Majority struct{ Accuracy float64 }
	}
}

func eval(t *testing.T, args ...string) evaluation {
	t.Helper()
	code, out, errs := mom(t, "", append([]string{"eval", "domain", "--json"}, args...)...)
	var e evaluation
	if err := json.Unmarshal([]byte(out), &e); code != 0 || err != nil {
		t.Fatalf("code %d, %v\n%s%s", code, err, out, errs)
	}
	return e
}

// write puts a file of rows somewhere and returns its path.
func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const everyday = "models/recipes/samples/everyday.jsonl"

// The sample was never trained on. The floor is under the card's figure by what a change of the CPU may cost, not by what a worse model may.
func TestEvalDomainHoldsTheFloor(t *testing.T) {
	needModel(t)
	e := eval(t, "--data", everyday)
	if e.Accuracy.N != 118 || e.Accuracy.Value < 0.80 || e.MacroF1 < 0.80 {
		t.Errorf("accuracy %.3f, macro-F1 %.3f of %d, want at least 0.80 of 118", e.Accuracy.Value, e.MacroF1, e.Accuracy.N)
	}
	if e.Baselines.Majority.Accuracy > 0.2 || len(e.Groups) != 0 {
		t.Errorf("majority reaches %.3f; groups %v of rows without a source", e.Baselines.Majority.Accuracy, e.Groups)
	}
	raw, err := os.ReadFile(everyday)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	if want := hex.EncodeToString(sum[:]); e.Data.SHA256 != want {
		t.Errorf("sha256 of the data is %s, want %s", e.Data.SHA256, want)
	}
}

func TestEvalDomainCountsWhatItCannotJudge(t *testing.T) {
	needModel(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, `{"text":"What is the derivative of sin(x)?","label":"math","kind":"exam"}

{"text":"Where is Samarkand?","label":"geography","kind":"chat"}
{"text":"Can my neighbour sue me for breach of contract?","label":"law","kind":7}
{"text":"Is it going to rain?","label":"weather"}
{"text":"Where is Bukhara?","label":"geography"}
`); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := write(t, zipped.String()) // without .gz in its name
	e := eval(t, "--data", file, "--by", "kind")
	if diff := cmp.Diff(map[string]int{"geography": 2, "weather": 1}, e.Data.UnknownLabels); diff != "" || e.Data.Rows != 5 || e.Data.Judged != 2 {
		t.Errorf("%d rows, %d judged, unknown labels (-want +got):\n%s", e.Data.Rows, e.Data.Judged, diff)
	}
	if e.Accuracy.Value != 1 || len(e.Groups) != 2 || e.Groups[0].Name != "7" || e.Groups[1].Name != "exam" {
		t.Errorf("accuracy %v, groups %v, want 1 and 7, exam", e.Accuracy.Value, e.Groups)
	}
	code, out, _ := mom(t, "", "eval", "domain", "--data", file)
	for _, want := range []string{"2 of 5 rows judged", `2 with the label "geography"`, `1 with the label "weather"`, "accuracy    1.000  [0.342, 1.000]  2 of 2"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("code %d, no %q in\n%s", code, want, out)
		}
	}
}

// A question that only its options place.
func TestEvalDomainAsksWithOptions(t *testing.T) {
	needModel(t)
	file := write(t, `{"text":"Which of these is true?","label":"chemistry","options":["Sodium chloride is an ionic compound","Methane is an acid","Benzene is a salt"]}`)
	if e := eval(t, "--data", file); e.Accuracy.Value != 0 {
		t.Errorf("without its options the question is right")
	}
	if e := eval(t, "--data", file, "--options"); e.Accuracy.Value != 1 {
		t.Errorf("with its options the question is wrong")
	}
}

func TestEvalDomainSpreadsTheLimit(t *testing.T) {
	needModel(t)
	var rows strings.Builder
	for _, source := range []string{"a", "b", "c"} {
		for range 10 {
			rows.WriteString(`{"text":"hello","label":"other","source":"` + source + `"}` + "\n")
		}
	}
	e := eval(t, "--data", write(t, rows.String()), "--limit", "6")
	for _, g := range e.Groups {
		if g.Accuracy.N != 2 {
			t.Errorf("%d rows of %s, want 2 of each", g.Accuracy.N, g.Name)
		}
	}
	if len(e.Groups) != 3 || e.Data.Judged != 6 {
		t.Errorf("%d judged, groups %v", e.Data.Judged, e.Groups)
	}
}

func TestEvalRefuses(t *testing.T) {
	good := `{"text":"a","label":"math"}` + "\n"
	for name, tt := range map[string]struct {
		content string
		args    []string
		code    int
		want    string
	}{
		"a line that is not JSON":           {good + "nope\n", nil, 1, "line 2: not a JSON object"},
		"a line without a label":            {good + "\n" + `{"text":"a"}`, nil, 1, "line 3: field label must be a string"},
		"a text that is null":               {`{"text":null,"label":"math"}`, nil, 1, "line 1: field text must be a string"},
		"options that are no list":          {`{"text":"a","label":"math","options":"A"}`, nil, 1, "line 1: field options"},
		"more options than letters":         {`{"text":"a","label":"math","options":[` + strings.Repeat(`"x",`, 26) + `"x"]}`, nil, 1, "line 1: field options"},
		"bytes that are no text":            {good + "{\"text\":\"\xff\",\"label\":\"math\"}", nil, 1, "line 2: not UTF-8"},
		"a line without an end":             {strings.Repeat("a", 5<<20), nil, 1, "after line 0: bufio.Scanner: token too long"},
		"a cut gzip file":                   {"\x1f\x8b\x08\x00", nil, 1, "unexpected EOF"},
		"a negative limit":                  {good, []string{"--limit", "-1"}, 2, "--limit -1 is negative"},
		"a superfluous argument":            {good, []string{"now"}, 2, "mom --help"},
		"a model that is not there":         {good, []string{"--model", "none"}, 1, "none"},
		"a models folder that is not there": {good, []string{"--models", "nowhere"}, 1, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := mom(t, "", append([]string{"eval", "domain", "--data", write(t, tt.content)}, tt.args...)...)
			if code != tt.code || out != "" || !strings.Contains(errs, tt.want) {
				t.Errorf("code %d, want %d\nout: %s\nerr: %s, want %q", code, tt.code, out, errs, tt.want)
			}
		})
	}
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no file":                    {[]string{"eval", "domain"}, 2, "--data"},
		"a file that is not there":   {[]string{"eval", "domain", "--data", "none.jsonl"}, 1, "none.jsonl"},
		"a task nobody can evaluate": {[]string{"eval", "weather"}, 2, `unknown command "weather"`},
	} {
		if code, _, errs := mom(t, "", tt.args...); code != tt.code || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: code %d, want %d: %s", name, code, tt.code, errs)
		}
	}
}

func TestEvalWithoutAKnownLabelSaysWhichThereAre(t *testing.T) {
	needModel(t)
	code, _, errs := mom(t, "", "eval", "domain", "--data", write(t, `{"text":"a","label":"maths"}`))
	if code != 1 || !strings.Contains(errs, "no row has a label of mom-brain-flash") || !strings.Contains(errs, "physics") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// interrupter presses Ctrl-C when the program first says how far it is.
type interrupter struct {
	bytes.Buffer
	once sync.Once
	t    *testing.T
}

func (i *interrupter) Write(p []byte) (int, error) {
	i.once.Do(func() {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
			i.t.Error(err)
		}
	})
	return i.Buffer.Write(p)
}

func TestEvalStopsAtCtrlC(t *testing.T) {
	needModel(t)
	t.Chdir(stack.Root(t))
	var rows strings.Builder
	for i := range 100_000 { // minutes of work, no text twice
		fmt.Fprintf(&rows, `{"text":"What is the derivative of sin(%dx)?","label":"math"}`+"\n", i)
	}
	file := write(t, rows.String())
	var out bytes.Buffer
	errs := &interrupter{t: t}
	code := app.Main([]string{"eval", "domain", "--data", file}, strings.NewReader(""), &out, errs)
	if code != 1 || out.Len() != 0 || !strings.Contains(errs.String(), "of 100000 rows\n") || !strings.Contains(errs.String(), "mom: stopped after ") {
		t.Errorf("code %d\nout: %s\nerr: %s", code, &out, errs)
	}
}
