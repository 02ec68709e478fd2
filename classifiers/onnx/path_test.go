package onnx

import (
	"testing"

	"github.com/daulet/tokenizers"
	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
)

// The tags of the types PLACE and NAME, as numbers.
const (
	o = int64(iota)
	bPlace
	iPlace
	bName
	iName
)

// ranks are the two likeliest tags of a token.
type ranks struct {
	token     string // with the white space before it
	tags      [2]int64
	p, second float32
}

func TestTheLikeliestWay(t *testing.T) {
	tags := []tag{{label: none}, {0, true}, {0, false}, {1, true}, {1, false}}
	for _, c := range []struct {
		name   string
		tokens []ranks
		want   []string // type and text
	}{
		{"a token that alone would be none is in the middle of a name",
			[]ranks{{"Rua", [2]int64{bPlace, o}, 0.9, 0.1}, {" da", [2]int64{o, iPlace}, 0.6, 0.4}, {" Fonte", [2]int64{iPlace, o}, 0.9, 0.1}},
			[]string{"PLACE Rua da Fonte"}},
		{"a second beginning that is hardly one goes on",
			[]ranks{{"Ebba", [2]int64{bName, o}, 0.9, 0.1}, {" Lund", [2]int64{bName, iName}, 0.6, 0.4}},
			[]string{"NAME Ebba Lund"}},
		{"a second beginning that surely is one begins",
			[]ranks{{"Ebba", [2]int64{bName, o}, 0.98, 0.02}, {" Lund", [2]int64{bName, iName}, 0.99, 0.01}},
			[]string{"NAME Ebba", "NAME Lund"}},
		{"a mark before a name is none of it",
			[]ranks{{"Dr", [2]int64{o, bName}, 0.9, 0.1}, {".", [2]int64{iName, o}, 0.6, 0.4}, {" Lund", [2]int64{bName, iName}, 0.6, 0.4}},
			[]string{"NAME Lund"}},
		{"pieces of a word that disagree have the type they make likeliest together",
			[]ranks{{"Kir", [2]int64{bPlace, bName}, 0.6, 0.4}, {"by", [2]int64{iName, iPlace}, 0.8, 0.2}},
			[]string{"NAME Kirby"}},
		{"a name goes on in the next line as another",
			[]ranks{{"Ebba", [2]int64{bName, o}, 0.9, 0.1}, {"\nLund", [2]int64{iName, bName}, 0.6, 0.4}},
			[]string{"NAME Ebba", "NAME Lund"}},
		{"a beginning in the next line needs no more to begin",
			[]ranks{{"Ebba", [2]int64{bName, o}, 0.9, 0.1}, {"\nLund", [2]int64{bName, iName}, 0.6, 0.4}},
			[]string{"NAME Ebba", "NAME Lund"}},
		{"a span that nothing begins but a sure token",
			[]ranks{{"in", [2]int64{o, bName}, 0.9, 0.1}, {" Kirby", [2]int64{iPlace, o}, 0.999, 0.001}},
			[]string{"PLACE Kirby"}},
		{"nothing", nil, nil},
	} {
		p := path{tags: tags, states: []state{{label: none}}}
		for _, r := range c.tokens {
			p.text += r.token
			start := len(p.text) - len(r.token)
			for p.text[start] == ' ' || p.text[start] == '\n' {
				start++
			}
			p.enc.offsets = append(p.enc.offsets, tokenizers.Offset{uint(start), uint(len(p.text))})
		}
		p.enc.text = p.text
		for i, r := range c.tokens {
			if err := p.add(i, r.tags[:], []float32{r.p, r.second}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, s := range p.spans([]string{"PLACE", "NAME"}) {
			got = append(got, s.Label+" "+p.text[s.Start:s.End])
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestTheProbabilityOfASpanIsTheMeanOfItsTypes(t *testing.T) {
	p := path{text: "Ebba Lund", tags: []tag{{label: none}, {0, true}, {0, false}}, states: []state{{label: none}}}
	p.enc = encoding{text: p.text, offsets: []tokenizers.Offset{{0, 4}, {5, 9}}}
	for i, scores := range [][]float32{{0.7, 0.2}, {0.5, 0.1}} {
		if err := p.add(i, []int64{1, 2}, scores); err != nil {
			t.Fatal(err)
		}
	}
	want := []classifiers.Span{{Label: "NAME", P: 0.75, Start: 0, End: 9}}
	if diff := cmp.Diff(want, p.spans([]string{"NAME"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
