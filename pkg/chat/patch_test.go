package chat_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// swap replaces what of the text number ref by with; what stands in it once.
type swap struct {
	ref        pipeline.Ref
	what, with string
}

func replacements(t *testing.T, req *pipeline.Request, swaps []swap) []pipeline.Replacement {
	t.Helper()
	var all []pipeline.Replacement
	for _, s := range swaps {
		for ref, text := range req.All() {
			if ref == s.ref {
				at := strings.Index(text.Text, s.what)
				if at < 0 {
					t.Fatalf("text %d is %q, without %q", ref, text.Text, s.what)
				}
				all = append(all, pipeline.Replacement{Ref: ref, Start: at, End: at + len(s.what), With: s.with})
			}
		}
	}
	if len(all) != len(swaps) {
		t.Fatalf("%d of %d texts are there", len(all), len(swaps))
	}
	return all
}

func TestReplacesAPartOfATextAndNothingElse(t *testing.T) {
	for _, row := range []struct {
		name, body string
		edits      []pipeline.Edit
		swaps      []swap
		want       string
	}{
		{"a word of a question", asks(`"mail ann@x.org now"`), nil, []swap{{0, "ann@x.org", "[EMAIL]"}}, asks(`"mail [EMAIL] now"`)},
		{"all of it", asks(`"a\nb"`), nil, []swap{{0, "a\nb", ""}}, asks(`""`)},
		{"nothing, which is an insertion", asks(`"ab"`), nil, []swap{{0, "", "x"}}, asks(`"xab"`)},
		{"a word between escapes", asks(`"\u0061\/\ud83d\ude00ann\u0040\t\"\\é"`), nil, []swap{{0, "ann@", "x"}}, asks(`"\u0061\/\ud83d\ude00x\t\"\\é"`)},
		{"a character of two escapes", asks(`"\ud83d\ude00\uD83D\uDE01\u00e9"`), nil, []swap{{0, "😁", "é"}}, asks(`"\ud83d\ude00é\u00e9"`)},
		{"by what needs escapes", asks(`"ab"`), nil, []swap{{0, "b", "\"\\\n\x00\xff</"}}, asks(`"a\"\\\n\u0000` + "\ufffd</\"")},
		{"two of one text, the later first", asks(`"one two three"`), nil, []swap{{0, "three", "3"}, {0, "one", "1"}}, asks(`"1 two 3"`)},
		{"two that touch", asks(`"onetwo"`), nil, []swap{{0, "two", "2"}, {0, "one", "1"}}, asks(`"12"`)},
		{"two that overlap, the later's text counts", asks(`"abcdef"`), nil, []swap{{0, "bcd", "1"}, {0, "cde", "2"}}, asks(`"a2f"`)},
		{"one inside another, given before it", asks(`"abcdef"`), nil, []swap{{0, "cd", "1"}, {0, "bcde", "2"}}, asks(`"a2f"`)},
		{"one inside another, given behind it", asks(`"abcdef"`), nil, []swap{{0, "bcde", "1"}, {0, "cd", "2"}}, asks(`"a2f"`)},
		{"two that begin at the same byte", asks(`"abc"`), nil, []swap{{0, "ab", "1"}, {0, "", "2"}}, asks(`"2c"`)},
		{"a part of the second message's second text", say(`{"content":"aa","role":"user"}`, `{"role":"user","content":[{"type":"text","text":"aa"},{"text":"a\u0062c","type":"text"}]}`), nil,
			[]swap{{2, "b", "x"}}, say(`{"content":"aa","role":"user"}`, `{"role":"user","content":[{"type":"text","text":"aa"},{"text":"axc","type":"text"}]}`)},
		{"the arguments of a call", say(user, `{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"to\":\"ann@x.org\"}"}}]}`), nil,
			[]swap{{2, "ann@x.org", "[EMAIL]"}}, say(user, `{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"to\":\"[EMAIL]\"}"}}]}`)},
		{"a text of a part of another type", asks(`[{"x":"a","text":"b","y":"c","type":"file"}]`), nil, []swap{{2, "b", "B"}, {4, "c", "C"}, {1, "a", "A"}},
			asks(`[{"x":"A","text":"B","y":"C","type":"file"}]`)},
		{"a key and its value", with(`"metadata" : { "ann x" : "ann" }`), nil, []swap{{1, "ann", "bob"}, {2, "ann", "eve"}}, with(`"metadata" : { "bob x" : "eve" }`)},
		{"texts and a model behind them", `{"messages":[` + user + `],"stop":["ann","bob"],"model":"MoM"}`, []pipeline.Edit{chat.SetModel("small"), set("n", "1")},
			[]swap{{2, "bob", "3"}, {0, "h", "H"}}, `{"n":1,"messages":[{"role":"user","content":"Hi"}],"stop":["ann","3"],"model":"small"}`},
		{"in a field that is edited the edit counts", with(`"stop":["ann","bob"]`), []pipeline.Edit{set("stop", `["x"]`)}, []swap{{1, "ann", "1"}, {0, "hi", "ho"}},
			strings.Replace(with(`"stop":["x"]`), "hi", "ho", 1)},
		{"a key of the top", with(`"ann":"bob"`), nil, []swap{{1, "n", "N"}, {2, "o", "O"}}, with(`"aNn":"bOb"`)},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, row.body)
			if fault != nil {
				t.Fatal(fault.Code)
			}
			all := replacements(t, b.Request, row.swaps)
			if diff := cmp.Diff(row.want, string(b.Apply(row.edits, all...))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(row.body, string(b.Apply(nil))); diff != "" {
				t.Errorf("the raw body was written to: %s", diff)
			}
		})
	}
}

func TestReplacementsOfWhatIsNotThere(t *testing.T) {
	b, fault := parse(t, asks(`"aé\ud83d\ude00b"`))
	if fault != nil {
		t.Fatal(fault.Code)
	}
	for _, row := range []struct {
		name       string
		ref        pipeline.Ref
		start, end int
		want       string
	}{
		{"a text beyond the last", 1, 0, 1, `"aé\ud83d\ude00b"`},
		{"a text before the first", -1, 0, 1, `"aé\ud83d\ude00b"`},
		{"bounds beyond the text", 0, -5, 99, `"x"`},
		{"a start behind the end", 0, 7, 1, `"aé\ud83d\ude00xb"`},
		{"a start behind the text", 0, 50, 60, `"aé\ud83d\ude00bx"`},
		{"the first half of a character", 0, 1, 2, `"ax\ud83d\ude00b"`},
		{"the second half of a pair of escapes", 0, 5, 7, `"aéxb"`},
		{"from one character into the next", 0, 2, 4, `"axb"`},
	} {
		r := pipeline.Replacement{Ref: row.ref, Start: row.start, End: row.end, With: "x"}
		if diff := cmp.Diff(asks(row.want), string(b.Apply(nil, r))); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
}

func TestReplacementsThatChangeNothingAreTheRawBody(t *testing.T) {
	raw := []byte(say(user))
	b, fault := (&chat.Parser{}).Parse("", raw)
	if fault != nil {
		t.Fatal(fault.Code)
	}
	if got := b.Apply(nil, pipeline.Replacement{End: 1, With: "h"}); &got[0] != &raw[0] {
		t.Errorf("a copy: %s", got)
	}
}

func TestBetweenWithReplacements(t *testing.T) {
	body := with(`"max_tokens":9000,"stop":["ann","bob"],"x":"ann"`)
	swaps := []swap{{0, "h", "Hello, h"}, {1, "ann", "[NAME]"}, {2, "bob", ""}, {3, "x", "xy"}, {4, "ann", "a much longer name"}}
	for _, row := range []struct {
		name     string
		from, to []pipeline.Edit
		splices  int
	}{
		{"no edits", nil, nil, 0},
		{"another model", []pipeline.Edit{chat.SetModel("a")}, []pipeline.Edit{chat.SetModel("longer")}, 1},
		{"a field with replacements in the one", []pipeline.Edit{set("stop", `"."`)}, []pipeline.Edit{chat.SetModel("longer")}, 2},
		{"a field with replacements in the other", []pipeline.Edit{set("n", "1")}, []pipeline.Edit{set("stop", `"."`), set("max_tokens", "1")}, 3},
		{"a field with replacements in both", []pipeline.Edit{set("stop", `"."`)}, []pipeline.Edit{set("stop", `"!"`)}, 1},
		{"a field set to what it was", []pipeline.Edit{set("stop", `["ann","bob"]`)}, nil, 1},
		{"a field set to what the replacements make of it", []pipeline.Edit{set("stop", `["[NAME]",""]`)}, nil, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, fault := parse(t, body)
			if fault != nil {
				t.Fatal(fault.Code)
			}
			all := replacements(t, b.Request, swaps)
			splices := b.Between(row.from, row.to, all...)
			if len(splices) != row.splices {
				t.Errorf("%d splices, want %d: %+v", len(splices), row.splices, splices)
			}
			if diff := cmp.Diff(string(b.Apply(row.to, all...)), splice(t, string(b.Apply(row.from, all...)), splices)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAll(t *testing.T) {
	b, fault := parse(t, `{"user":"u","model":"m","messages":[{"role":"system","content":"a"},{"role":"user","name":"n","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}]}`)
	if fault != nil {
		t.Fatal(fault.Code)
	}
	want := []pipeline.Text{
		{Message: 0, Role: "system", Text: "a"}, {Message: 1, Role: "user", Text: "b"}, {Message: 1, Role: "user", Text: "c"},
		{Message: -1, Path: "user", Text: "u"}, {Message: 1, Role: "user", Path: "messages[1].name", Text: "n"},
	}
	for stop := range len(want) + 1 {
		var got []pipeline.Text
		for ref, text := range b.Request.All() {
			if len(got) == stop {
				break
			}
			if int(ref) != len(got) {
				t.Errorf("text %d has number %d", len(got), ref)
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want[:stop], append([]pipeline.Text{}, got...)); diff != "" {
			t.Error(diff)
		}
	}
}

// literal is one string of a body, read by jsontext: its text, and where it stands without its quotes.
type literal struct {
	text       string
	start, end int
}

func literals(t *testing.T, raw []byte) []literal {
	t.Helper()
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	var all []literal
	for {
		if d.PeekKind() != '"' {
			if _, err := d.ReadToken(); err == io.EOF {
				return all
			} else if err != nil {
				t.Fatalf("not JSON: %v", err)
			}
			continue
		}
		v, err := d.ReadValue()
		if err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		var text string
		if err := json.Unmarshal(v, &text); err != nil {
			t.Fatal(err)
		}
		end := int(d.InputOffset()) - 1
		all = append(all, literal{text, end - len(v) + 2, end})
	}
}

// cut finds where text[:n] ends between the quotes of its literal, by unquoting one beginning after the other.
func cut(quoted []byte, text string, n int) int {
	for i := n; i <= len(quoted); i++ { // a literal is never shorter than its text
		var head, tail string
		if json.Unmarshal(slices.Concat([]byte(`"`), quoted[:i], []byte(`"`)), &head) == nil && head == text[:n] &&
			json.Unmarshal(slices.Concat([]byte(`"`), quoted[i:], []byte(`"`)), &tail) == nil && tail == text[n:] {
			return i
		}
	}
	return -1
}

func FuzzReplace(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), i%3, i%4, i, "[\"NAME]\n\xff\xfe")
	}
	p := &chat.Parser{}
	f.Fuzz(func(t *testing.T, raw []byte, ref, start, end int, with string) {
		b, fault := p.Parse("", raw)
		if fault != nil {
			return
		}
		var texts []pipeline.Text
		for _, text := range b.Request.All() {
			texts = append(texts, text)
		}
		ref %= len(texts) + 1
		out := b.Apply(nil, pipeline.Replacement{Ref: pipeline.Ref(ref), Start: start, End: end, With: with})
		if ref < 0 || ref >= len(texts) {
			if !bytes.Equal(out, raw) {
				t.Fatal("a text that is not there was replaced")
			}
			return
		}
		text := texts[ref].Text
		from := min(max(start, 0), len(text))
		to := min(max(end, from), len(text))
		for !utf8.ValidString(text[:from]) {
			from--
		}
		for !utf8.ValidString(text[to:]) {
			to++
		}
		quoted, _ := jsontext.AppendQuote(nil, with)
		if err := json.Unmarshal(quoted, &with); err != nil { // bytes that are not UTF-8 are U+FFFD now
			t.Fatal(err)
		}

		// Every other byte is the same: of the literals that hold this text one has changed, and only there.
		found := false
		old := literals(t, raw)
		for _, l := range old {
			if l.text != text || found {
				continue
			}
			in := raw[l.start:l.end]
			i, j := cut(in, text, from), cut(in, text, to)
			found = string(out) == string(raw[:l.start+i])+string(quoted[1:len(quoted)-1])+string(raw[l.start+j:])
		}
		if !found {
			t.Fatalf("bytes [%d, %d) of %q by %q:\n%s\n%s", from, to, text, with, raw, out)
		}
		// And it reads so.
		changed := 0
		for i, l := range literals(t, out) {
			if l.text != old[i].text {
				changed++
				if old[i].text != text || l.text != text[:from]+with+text[to:] {
					t.Fatalf("string %d was %q, is %q", i, old[i].text, l.text)
				}
			}
		}
		if changed > 1 {
			t.Fatalf("%d strings changed", changed)
		}
		// What was opaque or empty may have become a leaf, and the other way round; else the numbers are the same.
		again, fault := p.Parse("", out)
		if fault != nil {
			if !strings.HasSuffix(texts[ref].Path, "{key}") {
				t.Fatalf("after the replacement: %s", fault.Message)
			}
			return
		}
		if len(again.Request.Leaves) != len(b.Request.Leaves) || strings.HasSuffix(texts[ref].Path, "{key}") {
			return
		}
		for i, text := range again.Request.All() {
			want := texts[i]
			if int(i) == ref {
				want.Text = want.Text[:from] + with + want.Text[to:]
			}
			if diff := cmp.Diff(want, text); diff != "" {
				t.Fatalf("text %d: %s", i, diff)
			}
		}
	})
}
