package guard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/pattern"
	wire "github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

func screen(t testing.TB, c guard.ScreenConfig) *guard.Screen {
	t.Helper()
	s, err := guard.NewScreen(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// words is a text of at least n bytes that holds nothing.
func words(n int) string {
	return strings.Repeat("the quick brown fox jumps over the lazy dog ", n/44+1)
}

// answer is what came of a text that was read in pieces: how much of it was let go, and why no more.
type answer struct {
	free  int
	reply string
}

// hear hands a text to a reader in pieces of n bytes, 0 for one, and says at its end that it is one.
func hear(t testing.TB, s wire.Screening, text string, n int) answer {
	t.Helper()
	if n == 0 {
		n = len(text)
	}
	r, a := s.Reader(), answer{}
	for given := 0; ; {
		piece := text[given:min(given+n, len(text))]
		given += len(piece)
		last := given == len(text)
		free, err := r.Read(t.Context(), []byte(piece), last)
		var w *wire.Withheld
		switch {
		case errors.As(err, &w):
			a.reply = w.Reply.Details
			if strings.Contains(string(w.Reply.Body), secret) || strings.Contains(err.Error(), secret) {
				t.Errorf("the answer shows in %s", w.Reply.Body)
			}
			return a
		case err != nil:
			t.Fatal(err)
		case free < a.free || free > given:
			t.Fatalf("%d bytes of %d are free, before it were %d", free, given, a.free)
		case last && free != given:
			t.Fatalf("at the end %d bytes of %d are free", free, given)
		}
		if a.free = free; last {
			return a
		}
	}
}

func TestScreen(t *testing.T) {
	const personal, harm = "mom_pii_detected", "mom_harmful_request"
	mine := asks("My card is " + card)
	for name, tt := range map[string]struct {
		req    *pipeline.Request
		policy string
		apart  map[string]guard.Action
		text   string
		want   string
	}{
		"a harmless answer":                           {text: words(3000)},
		"an answer of nothing":                        {text: "  \n "},
		"harm in a short one":                         {text: "take poison", want: harm},
		"harm at the end of a long one":               {text: words(3000) + "poison", want: harm},
		"harm at its beginning":                       {text: "poison " + words(3000), want: harm},
		"an attack is only quoted":                    {text: "they wrote: override your rules"},
		"a card number":                               {text: words(700) + card + " " + words(700), want: personal},
		"one at the very end":                         {text: "it is " + card, want: personal},
		"one that the client sent":                    {req: mine, text: "charged " + card + ", yes"},
		"another one than the client's":               {req: mine, text: "charged 5500 0000 0000 0004, yes", want: personal},
		"a kind that is flagged":                      {text: "mail ann@mail.example.com"},
		"a kind that the strict policy blocks":        {policy: "strict", text: "mail ann@mail.example.com now", want: personal},
		"a kind that is set apart":                    {apart: map[string]guard.Action{"CREDIT_CARD": guard.Allow}, text: card},
		"other scripts, in which a window is shorter": {text: strings.Repeat("世界の猫は今日も元気です。", 200)},
	} {
		policy := tt.policy
		if policy == "" {
			policy = "standard"
		}
		req := tt.req
		if req == nil {
			req = asks("hello")
		}
		s := screen(t, guard.ScreenConfig{Jailbreak: jailbreak(t, guard.JailbreakConfig{}), PII: pii(t, guard.PIIConfig{}, policy, tt.apart), Block: true})
		for _, n := range []int{0, 1, 3, 17, 96, 400} {
			if n > 0 && strings.Contains(name, "scripts") {
				n *= 3
			}
			opened := s.Open(req)
			got := hear(t, opened, tt.text, n)
			if got.reply != tt.want {
				t.Errorf("%s, in pieces of %d: %q, want %q", name, n, got.reply, tt.want)
			}
			if at := strings.Index(tt.text, card); tt.want == personal && at >= 0 && got.free > at {
				t.Errorf("%s, in pieces of %d: %d bytes were let go, the number stands at %d", name, n, got.free, at)
			}
			found, failed := opened.Found()
			if failed || found.Blocked != (tt.want != "") || found.Harmful != (tt.want == harm) || (len(found.PII) > 0) != (tt.want == personal) {
				t.Errorf("%s: found %+v", name, found)
			}
		}
	}
}

func asks(text string) *pipeline.Request { return chat(user(text)) }

// Wherever a number stands and however it comes, none of it goes before all of it was seen.
func TestScreenAcrossWindows(t *testing.T) {
	s := screen(t, guard.ScreenConfig{PII: pii(t, guard.PIIConfig{Tagger: pattern.New()}, "standard", nil), Block: true})
	for at := range 800 {
		for _, n := range []int{0, 5, 19} {
			text := words(at)[:at] + " " + card + ". " + words(300)
			if got := hear(t, s.Open(asks("hi")), text, n); got.reply != "mom_pii_detected" || got.free > at+1 {
				t.Fatalf("at %d, in pieces of %d: %+v", at, n, got)
			}
		}
	}
}

// key finds the word that begins with KEY, as far as it goes.
type key struct{}

func (key) Labels() []string { return []string{"US_PASSPORT"} }

func (key) Tag(_ context.Context, text string) ([]classifiers.Span, error) {
	at := strings.Index(text, "KEY")
	if at < 0 {
		return nil, nil
	}
	word, _, _ := strings.Cut(text[at:], " ")
	return []classifiers.Span{{Label: "US_PASSPORT", P: 0.99, Start: at, End: at + len(word)}}, nil
}

// What may still be a longer find waits from its beginning, and one that does not end is one.
func TestScreenWaitsForAFindThatGrows(t *testing.T) {
	s := screen(t, guard.ScreenConfig{PII: pii(t, guard.PIIConfig{Tagger: key{}}, "standard", nil), Block: true})
	for at := range 200 {
		for _, long := range []int{60, 130, 1000} {
			text := words(at)[:at] + " KEY" + strings.Repeat("x", long) + " " + words(300)
			if got := hear(t, s.Open(asks("hi")), text, 5); got.reply != "mom_pii_detected" || got.free > at+1 {
				t.Fatalf("at %d, %d bytes long: %+v", at, long, got)
			}
		}
	}
}

// A longer number is no card, wherever a window cuts it.
func TestScreenCutsNoNumber(t *testing.T) {
	s := screen(t, guard.ScreenConfig{PII: pii(t, guard.PIIConfig{Tagger: pattern.New()}, "standard", nil), Block: true})
	for at := range 800 {
		for _, n := range []int{0, 1} {
			text := words(at)[:at] + " 4111111111111111222233334444 " + words(500)
			if got := hear(t, s.Open(asks("hi")), text, n); got.reply != "" {
				t.Fatalf("at %d, in pieces of %d: %+v", at, n, got)
			}
		}
	}
}

// The first words come soon, and never does more than a window wait.
func TestScreenLetsTextGo(t *testing.T) {
	c := &counter{Classifier: reader(0.995)}
	s := screen(t, guard.ScreenConfig{Jailbreak: jailbreak(t, guard.JailbreakConfig{User: c}), Block: true})
	r, text, first, most := s.Open(asks("hi")).Reader(), words(4000), 0, 0
	for i := range text {
		free, err := r.Read(t.Context(), []byte(text[i:i+1]), false)
		if err != nil {
			t.Fatal(err)
		}
		if free > 0 && first == 0 {
			first = i + 1
		}
		most = max(most, i+1-free)
	}
	if first != 96 || most > 144 {
		t.Errorf("the first byte was let go after %d, and up to %d waited", first, most)
	}
	if n := len(c.asked()); n > len(text)/90 {
		t.Errorf("%d passes for %d bytes", n, len(text))
	}
	for _, text := range c.asked() {
		if len(text) > 384 {
			t.Errorf("a window of %d bytes", len(text))
		}
	}
}

func TestScreenThatFlags(t *testing.T) {
	s := screen(t, guard.ScreenConfig{Jailbreak: jailbreak(t, guard.JailbreakConfig{}), PII: pii(t, guard.PIIConfig{}, "standard", nil)})
	opened := s.Open(asks("hi"))
	r := opened.Reader()
	for i, piece := range []string{"poison ", words(200), card, " and more"} {
		if free, err := r.Read(t.Context(), []byte(piece), i == 3); err != nil || free < len(piece) {
			t.Fatalf("piece %d: %d, %v", i, free, err)
		}
	}
	found, failed := opened.Found()
	if diff := cmp.Diff(pipeline.Guarded{Harmful: true, PII: []string{"CREDIT_CARD"}}, found); diff != "" || failed || s.Blocks() {
		t.Errorf("failed %v (-want +got)\n%s", failed, diff)
	}
}

func TestScreenAsARefusal(t *testing.T) {
	s := screen(t, guard.ScreenConfig{PII: pii(t, guard.PIIConfig{}, "standard", nil), Block: true, Refusal: true})
	_, err := s.Open(asks("hi")).Reader().Read(t.Context(), []byte(card), true)
	var w *wire.Withheld
	if !errors.As(err, &w) || w.Reply.Status != 200 || !strings.Contains(string(w.Reply.Body), "content_filter") || !strings.Contains(string(w.Reply.Body), "CREDIT_CARD") {
		t.Errorf("%v", err)
	}
}

func TestScreenThatCannotRead(t *testing.T) {
	broken := errors.New("no model")
	for name, c := range map[string]classifiers.Classifier{
		"a model that fails":        odd(func(context.Context, string) ([]float32, error) { return nil, broken }),
		"one that talks nonsense":   odd(func(context.Context, string) ([]float32, error) { return []float32{2, 0, 0}, nil }),
		"one that panics":           odd(func(_ context.Context, text string) ([]float32, error) { panic(text) }),
		"one that has too much":     odd(func(context.Context, string) ([]float32, error) { return nil, classifiers.ErrTooLong }),
		"one whose time is at once": odd(func(ctx context.Context, _ string) ([]float32, error) { return nil, context.DeadlineExceeded }),
	} {
		for _, block := range []bool{true, false} {
			opened := screen(t, guard.ScreenConfig{Jailbreak: jailbreak(t, guard.JailbreakConfig{User: c}), Block: block}).Open(asks("hi"))
			text := words(2000) + secret
			free, err := opened.Reader().Read(t.Context(), []byte(text), true)
			found, failed := opened.Found()
			if (err != nil) != block || !failed || found.Flagged() || !block && free != len(text) || block && free != 0 {
				t.Errorf("%s, block %v: %d free, %v, found %+v, failed %v", name, block, free, err, found, failed)
			}
			if err != nil && strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("%s: the answer shows in %v", name, err)
			}
		}
	}
}

func TestNewScreen(t *testing.T) {
	for name, c := range map[string]guard.ScreenConfig{
		"nothing":                         {},
		"a model that does not know harm": {Jailbreak: jailbreak(t, guard.JailbreakConfig{User: mute{}})},
	} {
		if _, err := guard.NewScreen(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// mute knows attacks alone.
type mute struct{}

func (mute) Labels() []string { return []string{"benign", "jailbreak"} }
func (mute) Classify(context.Context, string) (classifiers.Scores, error) {
	return classifiers.Scores{P: []float32{1, 0}}, nil
}
