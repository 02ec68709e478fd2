package signal_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/route/signal"
)

// recorder is a classifier that keeps what it was shown.
type recorder struct {
	texts []string
	p     []float32
	err   error
	waits bool
	panic string
}

func (r *recorder) Labels() []string { return []string{"math", "law"} }

func (r *recorder) Classify(ctx context.Context, text string) (classifiers.Scores, error) {
	r.texts = append(r.texts, text)
	if r.panic != "" {
		panic(r.panic)
	}
	if r.waits {
		<-ctx.Done()
		return classifiers.Scores{}, ctx.Err()
	}
	return classifiers.Scores{P: r.p, Passes: 1}, r.err
}

func read(t *testing.T, c signal.Config, req *pipeline.Request) *signal.Set {
	t.Helper()
	r, err := signal.NewReader(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r.Read(req)
}

func ask(text string) *pipeline.Request {
	return &pipeline.Request{Model: "MoM", Alias: pipeline.MoM, Messages: []pipeline.Message{{Role: "user", Texts: []string{text}}}}
}

func TestTheModelsReadTheLastUserTurnAndNothingElse(t *testing.T) {
	domain, difficulty := &recorder{p: []float32{0.25, 0.75}}, &recorder{p: []float32{0.9, 0.1}}
	s := read(t, signal.Config{Domain: domain, Sure: 0.75, Difficulty: difficulty}, &pipeline.Request{Messages: []pipeline.Message{
		{Role: "system", Texts: []string{"be brief"}},
		{Role: "user", Texts: []string{"first question"}},
		{Role: "assistant", Texts: []string{"an answer"}},
		{Role: "user", Texts: []string{"a document", "second question"}},
		{Role: "tool", Texts: []string{"a result"}},
	}})
	if _, ok := s.Read(); ok || len(domain.texts) != 0 {
		t.Error("a signal was found that nobody asked for")
	}
	for range 2 {
		d, err := s.Domain(t.Context())
		want := signal.Domain{Label: "law", Probability: 0.75, Sure: true, Labels: []string{"math", "law"}, P: []float32{0.25, 0.75}}
		if diff := cmp.Diff(want, d); diff != "" || err != nil {
			t.Errorf("%v, (-want +got)\n%s", err, diff)
		}
		if hard, err := s.Difficulty(t.Context()); err != nil || float32(hard) != 0.1 {
			t.Errorf("difficulty %v, %v", hard, err)
		}
	}
	for _, r := range []*recorder{domain, difficulty} {
		if diff := cmp.Diff([]string{"a document\nsecond question"}, r.texts); diff != "" {
			t.Errorf("texts (-want +got)\n%s", diff)
		}
	}
	if d, ok := s.Read(); !ok || d.Label != "law" {
		t.Errorf("what was found is lost: %+v", d)
	}
}

func TestThereIsNothingToRead(t *testing.T) {
	for name, messages := range map[string][]pipeline.Message{
		"no user turn":              {{Role: "system", Texts: []string{"x"}}},
		"a user turn without text":  {{Role: "user"}},
		"a user turn of blank text": {{Role: "user", Texts: []string{" ", "\n"}}},
	} {
		r := &recorder{p: []float32{1, 0}}
		s := read(t, signal.Config{Domain: r}, &pipeline.Request{Messages: messages})
		if d, err := s.Domain(t.Context()); !errors.Is(err, signal.ErrNothing) || len(r.texts) != 0 {
			t.Errorf("%s: got %+v, %v, %d calls", name, d, err, len(r.texts))
		}
	}
	s := new(signal.Reader).Read(ask("hello"))
	_, domain := s.Domain(t.Context())
	_, difficulty := s.Difficulty(t.Context())
	_, similarity := s.Similarity(t.Context(), "billing")
	for _, err := range []error{domain, difficulty, similarity} {
		if !errors.Is(err, signal.ErrNothing) {
			t.Errorf("without a model: %v", err)
		}
	}
}

func TestBothEndsOfALongTextAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"one byte over, ASCII":    strings.Repeat("x", 4097),
		"three-byte runes":        strings.Repeat("語", 3000),
		"four-byte runes, offset": "a" + strings.Repeat("😀", 2000) + "bc",
		"no rune at all":          strings.Repeat("\x80", 9000),
	} {
		r := &recorder{p: []float32{1, 0}}
		if _, err := read(t, signal.Config{Domain: r}, ask(text)).Domain(t.Context()); err != nil {
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
	if _, err := read(t, signal.Config{Domain: r}, ask(text)).Domain(t.Context()); err != nil || r.texts[0] != text {
		t.Errorf("4096 bytes are read whole: %v", err)
	}
}

func TestAnswersThatAreNoneAreRefused(t *testing.T) {
	nan := float32(math.NaN())
	for name, p := range map[string][]float32{"empty": nil, "too few": {1}, "too many": {1, 0, 0}, "not a number": {0.9, nan}, "above one": {1.5, 0}, "negative": {-0.5, 1}} {
		r := &recorder{p: p}
		s := read(t, signal.Config{Domain: r, Difficulty: r}, ask("hello"))
		_, domain := s.Domain(t.Context())
		_, difficulty := s.Difficulty(t.Context())
		var of *signal.Error
		if !errors.As(domain, &of) || of.Signal != "domain" || !errors.As(difficulty, &of) || of.Signal != "difficulty" {
			t.Errorf("%s: got %v, %v", name, domain, difficulty)
		}
	}
}

func TestAModelThatFailsIsAskedOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		r    recorder
		want error
	}{
		"it says so":                  {recorder{err: classifiers.ErrBusy}, classifiers.ErrBusy},
		"it takes longer than it may": {recorder{waits: true}, context.DeadlineExceeded},
		"it panics":                   {recorder{panic: "the prompt was: secret"}, nil},
	} {
		s := read(t, signal.Config{Domain: &tt.r, Timeout: time.Millisecond}, ask("hello"))
		for range 2 {
			_, err := s.Domain(t.Context())
			var of *signal.Error
			if !errors.As(err, &of) || tt.want != nil && !errors.Is(err, tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(tt.r.texts) != 1 {
			t.Errorf("%s: asked %d times", name, len(tt.r.texts))
		}
	}
}

func TestTheThresholdIsAProbability(t *testing.T) {
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := signal.NewReader(t.Context(), signal.Config{Sure: bad}); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestWhatARequestItselfTells(t *testing.T) {
	s := new(signal.Reader).Read(&pipeline.Request{
		Messages: []pipeline.Message{
			{Role: "system", Texts: []string{strings.Repeat("a", 40)}}, {Role: "user", Texts: []string{strings.Repeat("я", 10)}},
			{Role: "tool", Texts: []string{strings.Repeat("語", 5)}}, {Role: "user", Texts: []string{"😀"}},
		},
		Leaves: []pipeline.Leaf{{Message: -1, Text: "four"}},
		Needs:  pipeline.Needs{Tools: 2, JSON: true},
		Caller: pipeline.Caller{Tenant: "acme", Headers: map[string]string{"x-plan": "pro"}},
	})
	if s.Turns() != 2 || s.Role("tool") != 1 || s.Role("assistant") != 0 || s.Tools() != 2 || s.Images() != 0 || !s.JSON() || s.Identity() != "acme" ||
		s.Header("x-plan") != "pro" || s.Header("x-other") != "" {
		t.Errorf("%+v", s)
	}
	if got, want := s.Tokens(), 4*4+10+5+5+1+1; got != want {
		t.Errorf("%d tokens, want %d", got, want)
	}
	if h, d := s.Hour(), s.Weekday(); h < 0 || h > 23 || d < 1 || d > 7 {
		t.Errorf("hour %d, day %d", h, d)
	}
}
