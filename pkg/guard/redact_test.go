package guard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/pattern"
	body "github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

// people is a tagger that knows some names, each as often as it stands there.
type people struct{}

func (people) Labels() []string { return []string{"PERSON"} }

func (people) Tag(_ context.Context, text string) ([]classifiers.Span, error) {
	var spans []classifiers.Span
	for i := 0; i < len(text); i++ {
		for _, name := range []string{"Ann Lee", "Größe", "Bob", "O\"Neil", "Zoë\\"} {
			if strings.HasPrefix(text[i:], name) {
				spans = append(spans, classifiers.Span{Label: "PERSON", P: 0.9, Start: i, End: i + len(name)})
				i += len(name) - 1
				break
			}
		}
	}
	return spans, nil
}

// redacted is what a request says where all redactions are made, text by text.
func redacted(req *pipeline.Request, found pipeline.Guarded) []string {
	var texts []string
	for ref, t := range req.All() {
		out, done := "", 0
		for i, r := range found.Redactions {
			if r.Ref == ref && (i == 0 || found.Redactions[i-1].Replacement != r.Replacement) {
				out, done = out+t.Text[done:r.Start]+r.With, r.End
			}
		}
		texts = append(texts, out+t.Text[done:])
	}
	return texts
}

func actions(list ...string) map[string]guard.Action {
	m := map[string]guard.Action{}
	for _, a := range list {
		kind, action, _ := strings.Cut(a, " ")
		m[kind] = guard.Action(action)
	}
	return m
}

func shows(kinds ...string) func(string) bool {
	return func(kind string) bool { return slices.Contains(kinds, kind) }
}

func leaf(path string, message int, text string) pipeline.Leaf {
	return pipeline.Leaf{Path: path, Message: message, Text: text}
}

func with(req *pipeline.Request, leaves ...pipeline.Leaf) *pipeline.Request {
	req.Leaves = leaves
	return req
}

func TestRedact(t *testing.T) {
	const mail = "ann@mail.example.com"
	both := actions("EMAIL_ADDRESS redact", "PERSON redact", "CREDIT_CARD redact")
	long := strings.Repeat("word ", 20)
	wide := strings.NewReplacer("4", "４", "1", "１").Replace(card)
	const passed, refused = "continue", "block 403 mom_pii_detected"
	for name, tt := range map[string]struct {
		types    map[string]guard.Action // both, where nothing is said
		roles    map[string]map[string]guard.Action
		shown    func(string) bool
		req      *pipeline.Request
		want     string   // passed, where nothing is said
		texts    []string // as they were, where nothing is said
		barred   string
		restored bool
	}{
		"a value goes":               {req: chat(user("mail " + mail + ", please")), texts: []string{"mail [EMAIL_ADDRESS_1], please"}},
		"the same value is the same": {req: chat(user("Bob and Ann Lee"), says("assistant", "Ann Lee?"), user("Bob")), texts: []string{"[PERSON_1] and [PERSON_2]", "[PERSON_2]?", "[PERSON_1]"}},
		"kinds are counted apart":    {req: chat(user("Bob, " + mail)), texts: []string{"[PERSON_1], [EMAIL_ADDRESS_1]"}},
		"a number that is written otherwise is another value": {req: chat(user(card + " or " + strings.ReplaceAll(card, " ", "-"))),
			texts: []string{"[CREDIT_CARD_1] or [CREDIT_CARD_2]"}},
		"a name that stands there already is not given": {req: chat(user("What is [PERSON_1] and [PERSON_3]? Bob, Ann Lee")),
			texts: []string{"What is [PERSON_1] and [PERSON_3]? [PERSON_2], [PERSON_4]"}},
		"one in what an assistant said stands for what it stood for then": {req: chat(user("I am Bob"), says("assistant", "Hi [PERSON_1]"), user("Ann Lee")),
			texts: []string{"I am [PERSON_1]", "Hi [PERSON_1]", "[PERSON_2]"}},
		"but not where answers are restored": {restored: true, req: chat(user("I am Bob"), says("assistant", "Hi [PERSON_1]"), user("Ann Lee")),
			texts: []string{"I am [PERSON_2]", "Hi [PERSON_1]", "[PERSON_3]"}},
		"in instructions too":                 {req: chat(says("system", "You help Bob.")), texts: []string{"You help [PERSON_1]."}},
		"what is only flagged stays":          {types: actions("PERSON redact"), req: chat(user("Bob " + mail)), texts: []string{"[PERSON_1] " + mail}},
		"what the model is not sure of stays": {types: actions("AGE redact"), req: chat(user("Bob"))},
		"what hides goes with what hides it":  {req: chat(user("to ann\u200b@mail.exam\u00adple.com\u2003now")), texts: []string{"to [EMAIL_ADDRESS_1]\u2003now"}},
		"a number in wide digits goes":        {req: chat(user("卡号" + wide + "谢谢")), texts: []string{"卡号[CREDIT_CARD_1]谢谢"}},
		"a number over two parts goes from both": {req: chat(user("charge 4111 1111", " 1111 1111 now")),
			texts: []string{"charge [CREDIT_CARD_1]", "[CREDIT_CARD_2] now"}},
		"a value in JSON goes, and its marks stay": {req: chat(user("x"), says("tool", `{"who": "Bob", "to": ["`+mail+`"], "n": 4111111111111111}`)),
			texts: []string{"x", `{"who": "[PERSON_1]", "to": ["[EMAIL_ADDRESS_1]"], "n": [CREDIT_CARD_1]}`}},
		"escapes in JSON go whole": {req: chat(says("tool", `{"a\u0062c":"O\"Neil\n","z":"\u005a\u006f\u00eb\\\\"}`)),
			texts: []string{`{"a\u0062c":"[PERSON_1]\n","z":"[PERSON_2]\\"}`}},
		"what is escaped in JSON is the same value": {req: chat(user("Größe"), says("tool", `{"a":"Gr\u00f6\u00dfe"}`)), texts: []string{"[PERSON_1]", `{"a":"[PERSON_1]"}`}},
		"behind a pair of surrogates too":           {req: chat(says("tool", `{"a":"\ud83d\ude00 Bob\ud83d\ude00"}`)), texts: []string{`{"a":"\ud83d\ude00 [PERSON_1]\ud83d\ude00"}`}},
		"a key in JSON goes":                        {req: chat(says("tool", `{"Bob":1}`)), texts: []string{`{"[PERSON_1]":1}`}},
		"arguments of a call are looked into": {req: with(chat(user("x"), pipeline.Message{Role: "assistant"}), leaf("messages[1].tool_calls[0].function.arguments", 1, `{"to":"`+mail+`","say":"`+long+`"}`)),
			texts: []string{"x", `{"to":"[EMAIL_ADDRESS_1]","say":"` + long + `"}`}},
		"a number in them is not replaced, but refused": {req: with(chat(user("x"), pipeline.Message{Role: "assistant"}), leaf("messages[1].tool_calls[0].function.arguments", 1, `{"card":4111111111111111}`)),
			want: refused},
		"small strings are told apart": {req: with(chat(user("x")), leaf("metadata.*", -1, "Bob"), leaf("metadata.*", -1, "small"), leaf("metadata.*", -1, "to Ann Lee")),
			texts: []string{"x", "[PERSON_1]", "small", "to [PERSON_2]"}},
		"so is the same string twice": {req: with(chat(user("Bob")), leaf("metadata.*", -1, "Bob"), leaf("metadata.*", -1, "Bob")), texts: []string{"[PERSON_1]", "[PERSON_1]", "[PERSON_1]"}},
		"the name of a function stays, for it would be none": {types: actions("PERSON redact", "CREDIT_CARD block"), req: with(chat(user("x"), pipeline.Message{Role: "assistant"}), leaf("tools[0].function.name", -1, "call_Bob"), leaf("tools[0].function.description", -1, "calls Bob"),
			leaf("messages[1].tool_calls[0].function.name", 1, "call_Bob"), leaf("functions[0].name", -1, "Bob"), leaf("tool_choice.function.name", -1, "call Bob")),
			texts: []string{"x", "call_Bob", "calls [PERSON_1]", "call_Bob", "Bob", "call [PERSON_1]"}},
		"but does not hide what is blocked": {req: with(chat(user("x")), leaf("messages[0].tool_calls[0].function.name", 0, "4111111111111111")), types: actions("PERSON redact"), want: refused},
		"nor what only some may see":        {req: with(chat(user("x")), leaf("messages[0].tool_calls[0].function.name", 0, "4111111111111111")), types: actions("PERSON redact"), shown: shows("CREDIT_CARD"), barred: "CREDIT_CARD"},
		"what a file says cannot be replaced": {req: with(chat(user("x")), leaf("messages[0].content[1].file.file_data", 0, "data:text/plain;base64,"+"bWFpbCBhbm5AbWFpbC5leGFtcGxlLmNvbSBub3c=")),
			want: refused},
		"nor what stands where nobody can tell": {req: chat(user(strings.Repeat(" ", 100) + strings.Repeat("\u00a0", 100) + "ann\u200b@mail.example.com and all else")), want: refused},
		"but may be shown to who may see it": {shown: shows("EMAIL_ADDRESS"), req: with(chat(user("x")), leaf("messages[0].content[1].file.file_data", 0, "data:text/plain;base64,"+"bWFpbCBhbm5AbWFpbC5leGFtcGxlLmNvbSBub3c=")),
			barred: "EMAIL_ADDRESS"},

		"what blocks is refused":                             {types: actions("PERSON redact"), req: chat(user("Bob pays with " + card)), want: refused},
		"unless somebody may see it":                         {types: actions("PERSON redact"), shown: shows("CREDIT_CARD"), req: chat(user("Bob pays with " + card)), texts: []string{"[PERSON_1] pays with [CREDIT_CARD_1]"}, barred: "CREDIT_CARD"},
		"and something else is not shown for that":           {shown: shows("CREDIT_CARD"), types: actions("PERSON block"), req: chat(user("Bob " + card)), want: refused},
		"what nobody blocks or redacts needs no permission":  {types: actions("PERSON flag"), shown: shows("PERSON"), req: chat(user("Bob"))},
		"what blocks where it cannot be found again may too": {types: actions("PERSON flag"), shown: shows("CREDIT_CARD"), req: with(chat(user("x")), leaf("messages[0].content[1].file.file_data", 0, "data:text/plain,4111111111111111")), barred: "CREDIT_CARD"},

		"a role may have its own way": {roles: map[string]map[string]guard.Action{"system": actions("PERSON allow")}, req: chat(says("system", "You help Bob."), user("I am Bob.")),
			texts: []string{"You help Bob.", "I am [PERSON_1]."}},
		"also where two roles say the same": {roles: map[string]map[string]guard.Action{"assistant": actions("PERSON allow")}, req: chat(says("system", "Bob"), says("assistant", "Bob"), says("system", "Bob")),
			texts: []string{"[PERSON_1]", "Bob", "[PERSON_1]"}},
		"a role may redact what others may say": {types: actions("PERSON flag"), roles: map[string]map[string]guard.Action{"tool": actions("PERSON redact")}, req: chat(user("Bob"), says("tool", "Bob")),
			texts: []string{"Bob", "[PERSON_1]"}},
		"a function is a tool": {types: actions("PERSON flag"), roles: map[string]map[string]guard.Action{"tool": actions("PERSON redact")}, req: chat(user("Bob"), says("function", "Bob")),
			texts: []string{"Bob", "[PERSON_1]"}},
		"instructions block where their role says so": {types: actions("PERSON flag"), roles: map[string]map[string]guard.Action{"system": actions("CREDIT_CARD block")}, req: chat(says("system", card)), want: refused},
		"and else never do":                           {types: actions("PERSON flag"), roles: map[string]map[string]guard.Action{"user": actions("CREDIT_CARD block")}, req: chat(says("system", card))},
		"small strings of two roles are told apart": {types: actions("PERSON flag"), roles: map[string]map[string]guard.Action{"assistant": actions("PERSON redact")},
			req:   with(chat(user("x"), pipeline.Message{Role: "assistant"}), leaf("metadata.*", -1, "Bob"), leaf("messages[1].tool_calls[0].function.arguments", 1, "Bob")),
			texts: []string{"x", "Bob", "[PERSON_1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.types == nil {
				tt.types = both
			}
			if tt.want == "" {
				tt.want = passed
			}
			if tt.texts == nil && tt.want == passed {
				for _, text := range tt.req.All() {
					tt.texts = append(tt.texts, text.Text)
				}
			}
			policy, err := guard.NewPolicy("standard", tt.types, tt.roles)
			if err != nil {
				t.Fatal(err)
			}
			stage, err := guard.NewPII(guard.PIIConfig{Tagger: pattern.Beside(people{}), Policy: policy, FlagFrom: 0.6, BlockFrom: 0.8, Shown: tt.shown, Restored: tt.restored})
			if err != nil {
				t.Fatal(err)
			}
			for _, time := range []string{"first", "second"} { // by the models, then from memory
				d, found, err := run(t, stage, tt.req)
				if err != nil || said(d) != tt.want {
					t.Fatalf("the %s time: %s, %v; want %s", time, said(d), err, tt.want)
				}
				if tt.want != passed {
					if found.Redactions != nil {
						t.Errorf("a refused request has redactions")
					}
					continue
				}
				if diff := cmp.Diff(tt.texts, redacted(tt.req, found)); diff != "" {
					t.Errorf("the %s time: (-want +got)\n%s", time, diff)
				}
				barred := ""
				for _, r := range found.Redactions {
					if r.Barred {
						barred = r.Kind
					}
				}
				if barred != tt.barred {
					t.Errorf("the %s time: barred for %q, want %q", time, barred, tt.barred)
				}
				if len(found.Redactions) > 0 && !found.Flagged() {
					t.Error("a redacted request is not flagged")
				}
			}
		})
	}
}

// overlapping finds a number, and a longer one around it only once nothing hides it.
type overlapping struct{}

func (overlapping) Labels() []string { return []string{"ID_NUMBER", "PERSON"} }

func (overlapping) Tag(_ context.Context, text string) ([]classifiers.Span, error) {
	if at := strings.Index(text, "A-12-B"); at >= 0 {
		return []classifiers.Span{{Label: "PERSON", P: 1, Start: at, End: at + 6}}, nil
	}
	if at := strings.Index(text, "12"); at >= 0 {
		return []classifiers.Span{{Label: "ID_NUMBER", P: 1, Start: at, End: at + 2}}, nil
	}
	return nil, nil
}

func TestOverlappingFindsAreOne(t *testing.T) {
	stage := pii(t, guard.PIIConfig{Tagger: overlapping{}}, "standard", actions("PERSON redact", "ID_NUMBER redact"))
	_, found, err := run(t, stage, chat(user("see A-12-\u200bB now")))
	if err != nil {
		t.Fatal(err)
	}
	all := pipeline.Replacement{Start: 4, End: 13, With: "[PERSON_1]"}
	want := []pipeline.Redaction{{Replacement: all, Kind: "PERSON"}, {Replacement: all, Kind: "ID_NUMBER"}}
	if diff := cmp.Diff(want, found.Redactions); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// everywhere finds each of some values wherever it stands.
type everywhere []string

func (everywhere) Labels() []string { return []string{"PERSON", "EMAIL_ADDRESS"} }

func (e everywhere) Tag(_ context.Context, text string) ([]classifiers.Span, error) {
	var spans []classifiers.Span
	for i := 0; i < len(text); {
		n := 1
		for _, v := range e {
			if strings.HasPrefix(text[i:], v) {
				n = len(v)
				spans = append(spans, classifiers.Span{Label: e.Labels()[strings.Count(v, "@")], P: 0.9, Start: i, End: i + n})
			}
		}
		i += n
	}
	return spans, nil
}

// quoted is s as a literal of JSON, with or without an escape for every character.
func quoted(s string, escaped bool) string {
	if !escaped {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(s)
		return strings.TrimSpace(b.String())
	}
	out := `"`
	for _, u := range utf16.Encode([]rune(s)) {
		out += fmt.Sprintf(`\u%04x`, u)
	}
	return out + `"`
}

// Whatever a body looks like, no value that was found is left in what is forwarded, however it is read, and all else is there byte for byte.
func TestRedactAnything(t *testing.T) {
	values := everywhere{"Ann Lee", "Bob", "Größe", "O\"Neil\\", "ann@mail.example.com", "bob.lee@mail.example.com"}
	words := rapid.SampledFrom(append([]string{
		" ", "\n", "hello", "\u200b", "\u00a0", "日本", "é", "[PERSON]", "[EMAIL_ADDRESS_2", "{", `"`, `\`, "\u0001", "1", "</document>", strings.Repeat("x ", 40),
		"Bo", "b", "B\u200bob", "Ann\u00a0Lee", "Ｂｏｂ", " B\u043eb ", "\u0441\u0430\u0441\u0435", "😀",
	}, values...))
	texts := rapid.Custom(func(t *rapid.T) string {
		s := strings.Join(rapid.SliceOfN(words, 0, 12).Draw(t, "words"), rapid.SampledFrom([]string{"", " ", ", "}).Draw(t, "between"))
		return quoted(s, rapid.Bool().Draw(t, "escaped"))
	})
	inner := rapid.Custom(func(t *rapid.T) string {
		return quoted(`{"a": `+texts.Draw(t, "value")+`, "b": [`+texts.Draw(t, "item")+`, 17]}`, false)
	})
	stage := pii(t, guard.PIIConfig{Tagger: values}, "strict", actions("EMAIL_ADDRESS redact", "PERSON redact"))
	p, err := pipeline.New(pipeline.Step{Stage: stage})
	if err != nil {
		t.Fatal(err)
	}
	parser := &body.Parser{}
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(fmt.Sprintf(`{"model": "m", "metadata": {"k": %s, "l": %s}, "messages": [{"role": "system", "content": %s}, {"role":"user","content":[{"type":"text","text":%s},{"type":"text","text":%s}]},
 {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": %s}}]}, {"role": "tool", "tool_call_id": "c", "content": %s}]}`,
			texts.Draw(t, "k"), texts.Draw(t, "l"), texts.Draw(t, "system"), texts.Draw(t, "part"), texts.Draw(t, "part"), inner.Draw(t, "arguments"), inner.Draw(t, "result")))
		b, fault := parser.Parse("", raw)
		if fault != nil {
			t.Fatalf("%s: %+v", raw, fault)
		}
		d, err := p.Run(t.Context(), b.Request)
		if err != nil || d.Verdict != pipeline.Continue {
			t.Fatalf("%s: %v, %v, though all can be replaced", raw, d.Verdict, err)
		}
		found, _ := pipeline.Find[pipeline.Guarded](d.Trail)
		var replacements []pipeline.Replacement
		for _, r := range found.Redactions {
			if !slices.Contains(replacements, r.Replacement) {
				replacements = append(replacements, r.Replacement)
			}
		}
		got := b.Apply(nil, replacements...)
		after, fault := parser.Parse("", got)
		if fault != nil {
			t.Fatalf("%s became %s: %+v", raw, got, fault)
		}
		var have []string
		for _, t := range after.Request.All() {
			have = append(have, t.Text)
		}
		for _, read := range stage.Texts(after.Request) {
			for _, v := range values {
				if strings.Contains(read.Body, v) {
					t.Fatalf("%s became %s, which has %q", raw, got, v)
				}
			}
		}
		if want := redacted(b.Request, found); !slices.Equal(want, have) {
			t.Fatalf("%s became %s: texts %q, want %q", raw, got, have, want)
		}
		// What stands between the placeholders stood there before, in this order, and at both ends.
		rest := string(raw)
		kept := strings.Split(regexp.MustCompile(`\[(PERSON|EMAIL_ADDRESS)_[1-9]\d*\]`).ReplaceAllStringFunc(string(got), func(name string) string {
			if slices.ContainsFunc(replacements, func(r pipeline.Replacement) bool { return r.With == name }) {
				return "\x00"
			}
			return name
		}), "\x00")
		if len(kept) != len(replacements)+1 {
			t.Fatalf("%s became %s, with %d redactions", raw, got, len(replacements))
		}
		for i, part := range kept {
			at := strings.Index(rest, part)
			if i == len(kept)-1 {
				at = strings.LastIndex(rest, part)
			}
			if at < 0 || i == 0 && at > 0 || i == len(kept)-1 && at+len(part) < len(rest) {
				t.Fatalf("%s became %s: %q was changed too", raw, got, part)
			}
			rest = rest[at+len(part):]
		}
		if len(replacements) > 0 {
			changed++
		}
	})
	if changed < 50 {
		t.Errorf("only %d of the bodies had anything to redact", changed)
	}
}
