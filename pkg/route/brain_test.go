package route_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route"
)

// recorder is a classifier that keeps what it was shown.
type recorder struct {
	texts []string
	p     []float32
	err   error
}

func (r *recorder) Labels() []string { return []string{"math", "law"} }

func (r *recorder) Classify(_ context.Context, text string) (classifiers.Scores, error) {
	r.texts = append(r.texts, text)
	return classifiers.Scores{P: r.p, Passes: 1}, r.err
}

func run(t *testing.T, r *recorder, threshold float64, req *pipeline.Request) (pipeline.Outcome, error) {
	t.Helper()
	b, err := route.NewBrain(r, threshold)
	if err != nil {
		t.Fatal(err)
	}
	return b.Run(t.Context(), req, pipeline.Trail{})
}

func TestBrainReadsTheLastUserTurnAndNothingElse(t *testing.T) {
	r := &recorder{p: []float32{0.25, 0.75}}
	out, err := run(t, r, 0.75, &pipeline.Request{Alias: pipeline.MoM, Messages: []pipeline.Message{
		{Role: "system", Texts: []string{"be brief"}},
		{Role: "user", Texts: []string{"first question"}},
		{Role: "assistant", Texts: []string{"an answer"}},
		{Role: "user", Texts: []string{"a document", "second question"}},
		{Role: "tool", Texts: []string{"a result"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a document\nsecond question"}, r.texts); diff != "" {
		t.Errorf("texts (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(route.Domain{Label: "law", Probability: 0.75, Sure: true}, out.Finding); diff != "" {
		t.Errorf("finding (-want +got)\n%s", diff)
	}
	if strings.Contains(out.Note, "question") {
		t.Errorf("the note holds the prompt: %s", out.Note)
	}
}

func TestBrainStaysSilentWhereNobodyAsksIt(t *testing.T) {
	user := []pipeline.Message{{Role: "user", Texts: []string{"hello"}}}
	for name, req := range map[string]*pipeline.Request{
		"a named model":             {Alias: pipeline.Named, Model: "small", Messages: user},
		"no user turn":              {Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "system", Texts: []string{"x"}}}},
		"a user turn without text":  {Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "user"}}},
		"a user turn of blank text": {Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "user", Texts: []string{" ", "\n"}}}},
	} {
		r := &recorder{p: []float32{1, 0}}
		out, err := run(t, r, 0.5, req)
		if err != nil || out.Finding != nil || len(r.texts) != 0 {
			t.Errorf("%s: got %+v, %v, %d calls", name, out, err, len(r.texts))
		}
	}
}

func TestBrainReadsBothEndsOfALongText(t *testing.T) {
	for name, text := range map[string]string{
		"one byte over, ASCII":    strings.Repeat("x", 4097),
		"three-byte runes":        strings.Repeat("語", 3000),
		"four-byte runes, offset": "a" + strings.Repeat("😀", 2000) + "bc",
		"no rune at all":          strings.Repeat("\x80", 9000),
	} {
		r := &recorder{p: []float32{1, 0}}
		if _, err := run(t, r, 0.5, ask(text)); err != nil {
			t.Fatal(err)
		}
		got := r.texts[0]
		head, tail, ok := strings.Cut(got, "\n")
		if !ok || len(got) > 4097 || !strings.HasPrefix(text, head) || !strings.HasSuffix(text, tail) {
			t.Errorf("%s: %d bytes are not the two ends", name, len(got))
		}
		if utf8.ValidString(text) && (!utf8.ValidString(got) || len(got) < 4097-6) {
			t.Errorf("%s: %d bytes, valid: %t", name, len(got), utf8.ValidString(got))
		}
	}
	r := &recorder{p: []float32{1, 0}}
	text := strings.Repeat("y", 4096)
	if _, err := run(t, r, 0.5, ask(text)); err != nil || r.texts[0] != text {
		t.Errorf("4096 bytes are read whole: %v", err)
	}
}

func TestBrainRefusesAnswersThatAreNone(t *testing.T) {
	nan := float32(math.NaN())
	for name, p := range map[string][]float32{"empty": nil, "too few": {1}, "too many": {1, 0, 0}, "not a number": {0.9, nan}, "above one": {1.5, 0}, "negative": {-0.5, 1}} {
		if out, err := run(t, &recorder{p: p}, 0.5, ask("hello")); err == nil {
			t.Errorf("%s: got %+v", name, out)
		}
	}
	if _, err := run(t, &recorder{err: classifiers.ErrBusy}, 0.5, ask("hello")); !errors.Is(err, classifiers.ErrBusy) {
		t.Errorf("the classifier's error is lost: %v", err)
	}
}

func TestTheThresholdIsAProbability(t *testing.T) {
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := route.NewBrain(&recorder{}, bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}
