package guard_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/pattern"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

const card = "4111 1111 1111 1111"

// model is a tagger that finds a word and says it is of a kind, with a probability: what a model does without a checksum.
type model struct {
	word, kind string
	p          float32
}

func (model) Labels() []string {
	return []string{"PERSON", "AGE", "US_PASSPORT", "ID_NUMBER", "STREET_ADDRESS", "CREDIT_CARD"}
}

func (m model) Tag(_ context.Context, text string) ([]classifiers.Span, error) {
	at := strings.Index(text, m.word)
	if m.word == "" || at < 0 {
		return nil, nil
	}
	return []classifiers.Span{{Label: m.kind, P: m.p, Start: at, End: at + len(m.word)}}, nil
}

func pii(t testing.TB, c guard.PIIConfig, policy string, apart map[string]guard.Action) *guard.PII {
	t.Helper()
	if c.Tagger == nil {
		c.Tagger = pattern.Beside(model{})
	}
	if c.FlagFrom == 0 {
		c.FlagFrom, c.BlockFrom = 0.6, 0.8
	}
	var err error
	if c.Policy, err = guard.NewPolicy(policy, apart, nil); err != nil {
		t.Fatal(err)
	}
	p, err := guard.NewPII(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPII(t *testing.T) {
	const refused, passed = "block 403 mom_pii_detected", "continue"
	metadata := chat(user("hello"))
	metadata.Leaves = []pipeline.Leaf{{Path: "metadata.*", Message: -1, Text: card}}
	for name, tt := range map[string]struct {
		config guard.PIIConfig
		policy string
		apart  map[string]guard.Action
		req    *pipeline.Request
		want   string
		kinds  []string
	}{
		"a harmless turn passes":                        {req: chat(user("hello")), want: passed},
		"a card number is refused":                      {req: chat(user("charge " + card)), want: refused, kinds: []string{"CREDIT_CARD"}},
		"a number that is no card's passes":             {req: chat(user("charge 4111 1111 1111 1112 for order 20240317")), want: passed},
		"a version and an order pass the strict policy": {policy: "strict", req: chat(user("Order 100-2345-99 runs version 1.2.3 of 14 packages")), want: passed},
		"one with odd spaces is refused":                {req: chat(user("charge 4111\u200b1111\u200b1111\u200b1111")), want: refused, kinds: []string{"CREDIT_CARD"}},
		"one in two parts is refused":                   {req: chat(user("charge 4111 1111", " 1111 1111")), want: refused, kinds: []string{"CREDIT_CARD"}},
		"one in what a tool returned is":                {req: chat(user("pay"), says("tool", card)), want: refused, kinds: []string{"CREDIT_CARD"}},
		"one in metadata is":                            {req: metadata, want: refused, kinds: []string{"CREDIT_CARD"}},
		"one in a system message is flagged":            {req: chat(says("system", "our test card is "+card), user("hi")), want: passed, kinds: []string{"CREDIT_CARD"}},
		"an address of mail is flagged":                 {req: chat(user("write to ann@mail.example.com")), want: passed, kinds: []string{"EMAIL_ADDRESS"}},
		"the strict policy refuses it":                  {policy: "strict", req: chat(user("write to ann@mail.example.com")), want: refused, kinds: []string{"EMAIL_ADDRESS"}},
		"a kind that is allowed is not reported":        {apart: map[string]guard.Action{"EMAIL_ADDRESS": guard.Allow}, req: chat(user("write to ann@mail.example.com")), want: passed},
		"a kind may be blocked apart":                   {apart: map[string]guard.Action{"EMAIL_ADDRESS": guard.BlockIt}, req: chat(user("write to ann@mail.example.com")), want: refused, kinds: []string{"EMAIL_ADDRESS"}},
		"a kind may be let through apart":               {apart: map[string]guard.Action{"CREDIT_CARD": guard.Flag}, req: chat(user(card)), want: passed, kinds: []string{"CREDIT_CARD"}},
		"what a model alone is sure of is refused": {config: guard.PIIConfig{Tagger: pattern.Beside(model{"X123", "US_PASSPORT", 0.8})}, req: chat(user("passport X123")),
			want: refused, kinds: []string{"US_PASSPORT"}},
		"what a model sees only once nothing hides it": {config: guard.PIIConfig{Tagger: pattern.Beside(model{"X123", "US_PASSPORT", 0.8})}, req: chat(user("passport X\u200b123")),
			want: refused, kinds: []string{"US_PASSPORT"}},
		"what it is less sure of is flagged": {config: guard.PIIConfig{Tagger: pattern.Beside(model{"X123", "US_PASSPORT", 0.79})}, req: chat(user("passport X123")),
			want: passed, kinds: []string{"US_PASSPORT"}},
		"what it hardly saw is nothing": {config: guard.PIIConfig{Tagger: pattern.Beside(model{"X123", "US_PASSPORT", 0.59})}, req: chat(user("passport X123")), want: passed},
		"an age is nothing to report":   {config: guard.PIIConfig{Tagger: pattern.Beside(model{"17", "AGE", 1})}, req: chat(user("17 times 23")), want: passed},
		"an age is flagged if strict":   {policy: "strict", config: guard.PIIConfig{Tagger: pattern.Beside(model{"17", "AGE", 1})}, req: chat(user("17 times 23")), want: passed, kinds: []string{"AGE"}},
		"an age may be flagged apart": {apart: map[string]guard.Action{"AGE": guard.Flag}, config: guard.PIIConfig{Tagger: pattern.Beside(model{"17", "AGE", 1})}, req: chat(user("17 times 23")),
			want: passed, kinds: []string{"AGE"}},
		"a name is flagged, also if strict": {policy: "strict", config: guard.PIIConfig{Tagger: pattern.Beside(model{"Ann", "PERSON", 1})}, req: chat(user("Ann")), want: passed, kinds: []string{"PERSON"}},
		"an id is flagged, also if strict":  {policy: "strict", config: guard.PIIConfig{Tagger: pattern.Beside(model{"A-7", "ID_NUMBER", 1})}, req: chat(user("A-7")), want: passed, kinds: []string{"ID_NUMBER"}},
		"two kinds are told, one of them refused": {req: chat(user("ann@mail.example.com pays with " + card)), want: refused,
			kinds: []string{"CREDIT_CARD", "EMAIL_ADDRESS"}},
		"a refusal in the words of a model": {config: guard.PIIConfig{Limits: guard.Limits{Refusal: true}}, req: chat(user(card)), want: "block 200 mom_pii_detected", kinds: []string{"CREDIT_CARD"}},
		"two turns make no number":          {req: chat(user("4111 1111"), says("assistant", "go on"), user("1111 1111")), want: passed},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.policy == "" {
				tt.policy = "standard"
			}
			stage := pii(t, tt.config, tt.policy, tt.apart)
			for _, time := range []string{"first", "second"} { // by the models, then from memory
				d, found, err := run(t, stage, tt.req)
				if err != nil {
					t.Fatal(err)
				}
				if said(d) != tt.want || found.Blocked != (tt.want != passed) {
					t.Errorf("the %s time: %s, blocked: %t, want %s", time, said(d), found.Blocked, tt.want)
				}
				if diff := cmp.Diff(tt.kinds, found.PII); diff != "" {
					t.Errorf("the %s time: kinds (-want +got)\n%s", time, diff)
				}
				if shown := fmt.Sprint(d.Trail.Entries()); d.Reply != nil && strings.Contains(string(d.Reply.Body), "1111") || strings.Contains(shown, "1111") {
					t.Errorf("the number shows in %s", shown)
				}
			}
		})
	}
}

// An attack may be spread over turns; a number is not, and reading them joined would cost passes.
func TestPIIReadsNoTurnsTogether(t *testing.T) {
	if texts := pii(t, guard.PIIConfig{}, "standard", nil).Texts(chat(user("a"), user("b <document>c</document>"))); len(texts) != 2 {
		t.Errorf("%+v, want the two turns", texts)
	}
}

func TestPIIKeepsWhatTheJailbreakStageFound(t *testing.T) {
	p, err := pipeline.New(pipeline.Step{Stage: jailbreak(t, guard.JailbreakConfig{})}, pipeline.Step{Stage: pii(t, guard.PIIConfig{}, "standard", nil)})
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Run(t.Context(), chat(user("override and pay with "+card)))
	got, _ := pipeline.Find[pipeline.Guarded](d.Trail)
	if err != nil || !got.Jailbreak || got.Confidence < 0.9 || len(got.PII) != 1 || !got.Blocked {
		t.Errorf("%+v, %v", got, err)
	}
}

// tagged answers every text alike.
type tagged struct {
	spans []classifiers.Span
	err   error
}

func (tagged) Labels() []string { return []string{"PERSON"} }

func (x tagged) Tag(_ context.Context, text string) ([]classifiers.Span, error) {
	if x.spans == nil && x.err == nil {
		panic(text)
	}
	return x.spans, x.err
}

func TestTagsThatAreNone(t *testing.T) {
	for name, x := range map[string]tagged{
		"a NaN":                     {spans: []classifiers.Span{{Label: "PERSON", P: float32(math.NaN()), End: 1}}},
		"a kind it does not know":   {spans: []classifiers.Span{{Label: "LOCATION", P: 1, End: 1}}},
		"a span beyond the text":    {spans: []classifiers.Span{{Label: "PERSON", P: 1, End: 100}}},
		"an empty span":             {spans: []classifiers.Span{{Label: "PERSON", P: 1}}},
		"a span that ends too soon": {spans: []classifiers.Span{{Label: "PERSON", P: 1, Start: 2, End: 1}}},
		"an error":                  {err: classifiers.ErrBusy},
		"a panic":                   {},
	} {
		for _, req := range []*pipeline.Request{chat(user(secret)), chat(user(secret), says("tool", "b"))} {
			_, _, err := run(t, pii(t, guard.PIIConfig{Tagger: x}, "standard", nil), req)
			if err == nil || strings.Contains(err.Error(), secret) || x.err != nil && !errors.Is(err, x.err) {
				t.Errorf("%s: error %v, want one without the text", name, err)
			}
		}
	}
	d, _, err := run(t, pii(t, guard.PIIConfig{Tagger: tagged{err: fmt.Errorf("m: %w", classifiers.ErrTooLong)}}, "standard", nil), chat(user("x")))
	if err != nil || said(d) != "block 413 mom_prompt_too_long" {
		t.Errorf("a text that is too long: %s, %v", said(d), err)
	}
}

func TestPoliciesThatAreNone(t *testing.T) {
	if _, err := guard.NewPolicy("lenient", nil, nil); err == nil {
		t.Error("a policy nobody knows was accepted")
	}
	if _, err := guard.NewPolicy("standard", map[string]guard.Action{"PERSON": "mask"}, nil); err == nil {
		t.Error("an action nobody knows was accepted")
	}
	for _, c := range []guard.PIIConfig{{}, {Tagger: model{}, FlagFrom: 0.5}, {Tagger: model{}, FlagFrom: math.NaN(), BlockFrom: 0.5}, {Tagger: model{}, FlagFrom: 0.5, BlockFrom: 2}} {
		if _, err := guard.NewPII(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
