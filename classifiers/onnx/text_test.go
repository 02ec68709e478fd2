package onnx_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

func classify(t *testing.T, m *model, text string) classifiers.Scores {
	t.Helper()
	s, err := m.Classify(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The graph sums over the tokens, so that the class says whether a word was seen, wherever it stands.
func TestEveryPartOfATextIsSeen(t *testing.T) {
	whole := open(t, tiny(t, "good.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.MaxTokens = 1000 }), onnx.Options{})
	for _, c := range []struct {
		name, text, label string
	}{
		{"after a NUL", "the word\x00 court", "law"},
		{"after a NUL at the start", "\x00court", "law"},
		{"after a spelled end token", "the word [SEP] court", "law"},
		{"after 128 tokens, where the tokenizer file truncates", strings.Repeat("word ", 300) + "court", "law"},
		{"after characters the tokenizer does not know", "\U0001f600\U0001f600 court", "law"},
	} {
		s := classify(t, whole, c.text)
		if top, p := s.Top(); whole.Labels()[top] != c.label || p < 0.9 {
			t.Errorf("%s: got %s at %.2f, want %s", c.name, whole.Labels()[top], p, c.label)
		}
	}
}

func TestShortTextsAreNotPadded(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", func(m *catalog.Manifest, _ map[string][]byte) { m.MaxTokens = 200 }), onnx.Options{})
	classify(t, m, "the word")
	if got := m.Stats().Tokens; got != 4 { // the file pads to 128
		t.Errorf("two words cost %d tokens, want 4", got)
	}
}

func TestTokensAreThoseOfThePythonTokenizers(t *testing.T) {
	var golden []struct {
		Text  string   `json:"text"`
		IDs   []uint32 `json:"ids"`
		Cased []uint32 `json:"cased"` // with the codes of models/recipes
	}
	if err := json.Unmarshal(testdata(t, "golden.json"), &golden); err != nil {
		t.Fatal(err)
	}
	for graph, inputs := range map[string][]string{"good.onnx": {"input_ids", "attention_mask"}, "cased.onnx": {"input_ids", "attention_mask", "letter_case"}} {
		m := open(t, tiny(t, graph, func(m *catalog.Manifest, _ map[string][]byte) { m.MaxTokens, m.Inputs = 1000, inputs }), onnx.Options{})
		for _, g := range golden {
			want := g.IDs
			if graph == "cased.onnx" {
				want = g.Cased
			}
			got, err := m.TokenIDs(g.Text)
			if err != nil {
				t.Errorf("%s: %q: %v", graph, g.Text, err)
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %q: ids %v, want %v", graph, g.Text, got, want)
			}
		}
	}
}

func TestTheCaseOfLettersReachesTheGraph(t *testing.T) {
	m := open(t, tiny(t, "cased.onnx", func(m *catalog.Manifest, _ map[string][]byte) {
		m.Inputs = []string{"attention_mask", "letter_case", "input_ids"} // in any order
		m.SelfTest = []catalog.Sample{{Text: "A word", Label: "math", MinProbability: 0.5}}
	}), onnx.Options{})
	for _, c := range []struct{ name, text, label string }{
		{"a capital", "the Word of the court", "math"},
		{"a word in capitals", "the WORD of the court", "law"},
		{"mixed letters", "the wOrd of the court", "other"},
		{"a capital after many windows", strings.Repeat("the ", 200) + "The", "math"},
		{"the same words after they were seen in another case", "the word of The court", "math"},
	} {
		s := classify(t, m, c.text)
		p := map[string]float32{}
		for i, label := range m.Labels() {
			p[label] = s.P[i]
		}
		for label := range p {
			if label != c.label && p[label] >= p[c.label] {
				t.Errorf("%s: %s has %v, want less than %s, which has %v", c.name, label, p[label], c.label, p[c.label])
			}
		}
	}
}

func TestWindowsOfALongText(t *testing.T) {
	// Windows of 14 words beside the two special tokens; neighbours share 4, so a new one begins every 10 words.
	for _, c := range []struct {
		name   string
		words  int
		passes int
	}{
		{"nothing", 0, 1}, {"one word", 1, 1}, {"a full window", 14, 1}, {"a word more", 15, 2}, {"two full windows", 24, 2},
		{"a word more than two", 25, 3}, {"a hundred", 100, 10},
	} {
		m := open(t, tiny(t, "good.onnx", nil), onnx.Options{})
		s := classify(t, m, words(c.words))
		if s.Passes != c.passes || m.Stats().Passes != uint64(c.passes) {
			t.Errorf("%s: %d passes, %d counted, want %d", c.name, s.Passes, m.Stats().Passes, c.passes)
		}
		// Every window carries both special tokens, every overlap is read twice.
		if want := uint64(c.words + 2*c.passes + 4*(c.passes-1)); m.Stats().Tokens != want {
			t.Errorf("%s: %d tokens, want %d", c.name, m.Stats().Tokens, want)
		}
	}
}

func TestAggregates(t *testing.T) {
	// Three windows; only the last has "court", whose logit is 4 among zeros: e^4 / (e^4 + 2).
	text := words(30) + "court"
	sure := math.Exp(4) / (math.Exp(4) + 2)
	for _, c := range []struct {
		aggregate   string
		temperature float64
		want        float64
	}{
		{"mean", 1, (1.0/3 + 1.0/3 + sure) / 3},
		{"max", 1, sure / (sure + 1.0/3 + 1.0/3)},
		{"mean", 2, (1.0/3 + 1.0/3 + math.Exp(2)/(math.Exp(2)+2)) / 3},
		{"worst", 1, sure},
	} {
		e := tiny(t, "good.onnx", func(m *catalog.Manifest, _ map[string][]byte) {
			m.Aggregate, m.Temperature = c.aggregate, c.temperature
		})
		s := classify(t, open(t, e, onnx.Options{}), text)
		if s.Passes != 3 || math.Abs(float64(s.P[1])-c.want) > 1e-5 {
			t.Errorf("%s at temperature %v: %.5f in %d passes, want %.5f in 3", c.aggregate, c.temperature, s.P[1], s.Passes, c.want)
		}
	}
}

func TestTextsThatAreRefused(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{MaxBytes: 2000, MaxWindows: 10})
	for _, c := range []struct {
		name, text string
		tooLong    bool
	}{
		{"a byte over the limit", strings.Repeat("\u00e9", 1000) + "a", true},
		{"over the limit once NUL is replaced", strings.Repeat("\x00", 700), true},
		{"a window over the limit", strings.Repeat("word ", 105), true},
		{"half a code point", "court \xe2\x82", false},
		{"a surrogate", "court \xed\xa0\x80", false},
	} {
		_, err := m.Classify(context.Background(), c.text)
		if err == nil || errors.Is(err, classifiers.ErrTooLong) != c.tooLong {
			t.Errorf("%s: error is %v, want ErrTooLong: %v", c.name, err, c.tooLong)
		}
		if err != nil && (strings.Contains(err.Error(), "court") || strings.Contains(err.Error(), "word")) {
			t.Errorf("%s: the error holds the text: %v", c.name, err)
		}
	}
	if got := m.Stats().Passes; got != 0 {
		t.Errorf("refused texts cost %d passes", got)
	}
	if s := classify(t, m, words(104)); s.Passes != 10 {
		t.Errorf("ten windows of ten: %d passes", s.Passes)
	}
}

func TestLogitsThatAreNoNumbers(t *testing.T) {
	for graph, text := range map[string]string{"infinite.onnx": "the court", "not_a_number.onnx": "the integral"} {
		m := open(t, tiny(t, graph, nil), onnx.Options{})
		if s, err := m.Classify(context.Background(), text); err == nil || !strings.Contains(err.Error(), "logit") {
			t.Errorf("%s: %v, %v, want an error about a logit", graph, s, err)
		}
		classify(t, m, "a word") // the model goes on
	}
}

// Without a token for the unknown, the binding cannot encode some texts, and hands back an empty encoding instead of an error.
func TestEncodingThatFails(t *testing.T) {
	e := tiny(t, "good.onnx", func(_ *catalog.Manifest, files map[string][]byte) {
		file := string(files["tokenizer.json"])
		files["tokenizer.json"] = []byte(strings.Replace(file, `"unk_token":"[UNK]"`, `"unk_token":"[NONE]"`, 1))
	})
	m := open(t, e, onnx.Options{})
	classify(t, m, "")
	classify(t, m, "the court")
	if s, err := m.Classify(context.Background(), "the court \U0001f600"); err == nil || strings.Contains(err.Error(), "court") {
		t.Errorf("got %v, %v, want an error without the text", s, err)
	}
}

func TestDefaultLimits(t *testing.T) {
	m := open(t, tiny(t, "good.onnx", nil), onnx.Options{}) // a window begins every 10 words
	for name, text := range map[string]string{
		"more than 256 KiB": strings.Repeat(" ", 256<<10+1), "more than 64 windows": strings.Repeat("word ", 14+63*10+1),
	} {
		if _, err := m.Classify(context.Background(), text); !errors.Is(err, classifiers.ErrTooLong) {
			t.Errorf("%s: %v, want ErrTooLong", name, err)
		}
	}
	if s := classify(t, m, words(14+63*10)); s.Passes != 64 {
		t.Errorf("64 windows: %d passes", s.Passes)
	}
	if s := classify(t, m, strings.Repeat(" ", 256<<10)); s.Passes != 1 {
		t.Errorf("256 KiB of nothing: %d passes", s.Passes)
	}
}
