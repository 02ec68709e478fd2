package chat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
)

// read is what readers were given of an answer, sorted: the order of texts that begin in one event is nobody's concern.
func (w *watcher) read() []string {
	var out []string
	for _, t := range w.texts {
		out = append(out, string(t))
	}
	slices.Sort(out)
	return out
}

func TestReadersAreGivenWhatPeopleRead(t *testing.T) {
	for name, tt := range map[string]struct {
		form chat.Form
		in   string
		want []string
	}{
		"each field and each choice": {chat.Events, delta(0, "reasoning", "r") + delta(1, "content", "b1") + delta(0, "content", "a1") + delta(1, "content", "b2") + delta(0, "content", "a2") + delta(0, "refusal", "no") + finished,
			[]string{"a1a2", "b1b2", "no", "r"}},
		"fields that nobody knows": {chat.Events, `data: {"choices":[{"delta":{"thinking":[{"type":"t","text":"x","signature":"s"}],"audio":{"id":"i","data":"AAAA","transcript":"y"},"annotations":[{"url_citation":{"title":"z"}}]}}]}` + "\n\n",
			[]string{"x", "y", "z"}},
		"unescaped": {chat.Events, `data: {"choices":[{"delta":{"c\u006fntent":"h\u00e9\ud83d\ude00\ud83d\/"}}]}` + "\n\n", []string{"hé😀\uFFFD/"}},
		"each call for itself": {chat.Events, `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"n","arguments":"a"}},{"function":{"arguments":"b"},"index":1}]}}]}` + "\n\n" +
			`data: {"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"B"}}]}}]}` + "\n\n", []string{"a", "bB"}},
		"what stands beside the choices, once": {chat.Events, strings.Repeat(`data: {"id":"i","object":"o","citations":["u1","u2"],"choices":[]}`+"\n\n", 3) + "data: {\"error\":{\"message\":\"m\"}}\n\n",
			[]string{"m\n", "u1\nu2\n"}},
		"what is no JSON":                  {chat.Events, "data: hello \xff\n\ndata: {\"a\":\n\n", []string{"hello \uFFFD", "{\"a\":"}},
		"what is too deep":                 {chat.Events, "data: " + strings.Repeat("[", 70) + `"x"` + strings.Repeat("]", 70) + "\n\n", []string{strings.Repeat("[", 70) + `"x"` + strings.Repeat("]", 70)}},
		"the words of another API":         {chat.Events, `data: {"type":"response.output_text.delta","delta":"hello"}` + "\n\n", []string{"response.output_text.delta\nhello\n"}},
		"an event that was cut off":        {chat.Events, `data: {"choices":[{"delta":{"content":"end"}}]}`, []string{"end"}},
		"a whole completion":               {chat.Whole, `{"choices":[{"logprobs":{"content":[{"token":"c"}]},"message":{"role":"assistant","content":"c","reasoning":"r"}},{"index":1,"text":"t"}]}`, []string{"c", "r", "t"}},
		"a whole answer that is no object": {chat.Whole, `["a",{"b":"c"},7]`, []string{"a\nc\n"}},
		"half a completion":                {chat.Whole, `{"choices":[{"message":{"content":"x"`, []string{`{"choices":[{"message":{"content":"x"`}},
	} {
		for lag, cuts := range [][]int{nil, everyByte(len(tt.in))} {
			w := &watcher{lag: 2 * lag}
			out, err := pass(chat.NewAnswer(tt.form, nil, w.reader), []byte(tt.in), cuts...)
			if err != nil || string(out) != tt.in {
				t.Errorf("%s: %v, %q", name, err, out)
			}
			if diff := cmp.Diff(tt.want, w.read()); diff != "" || w.open > 0 {
				t.Errorf("%s: %d texts have no end (-want +got)\n%s", name, w.open, diff)
			}
		}
	}
}

// What readers hold back waits, and no longer than it must.
func TestEventsWaitForTheirReaders(t *testing.T) {
	w := &watcher{lag: 4}
	a := chat.NewAnswer(chat.Events, nil, w.reader)
	for i, tt := range []struct{ in, out string }{
		{delta(0, "content", "abc"), ""},
		{": ping\n\n", ""},
		{delta(0, "content", "defg"), delta(0, "content", "abc") + ": ping\n\n"},
		{delta(1, "content", "other choice"), ""},
		{delta(0, "content", "hijk"), delta(0, "content", "defg")},
		{delta(1, "content", "1234"), delta(1, "content", "other choice")},
		{delta(0, "refusal", "x"), delta(0, "content", "hijk")}, // the field before is over
		{delta(1, "content", "3456"), delta(1, "content", "1234")},
		{`data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}` + "\n\n", delta(0, "refusal", "x")},
		{"data: [DONE]\n\n", delta(1, "content", "3456") + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}` + "\n\ndata: [DONE]\n\n"},
	} {
		got, err := a.Write(t.Context(), []byte(tt.in))
		if err != nil || string(got) != tt.out {
			t.Fatalf("write %d: %v\n%q\nwant\n%q", i, err, got, tt.out)
		}
	}
}

func TestAStreamThatIsEndedEndsWell(t *testing.T) {
	in := delta(0, "content", "fine, ") + delta(1, "content", "fine too") + finished[:strings.Index(finished, "data: [DONE]")] + delta(1, "content", " barred") + delta(1, "content", "never seen")
	a := chat.NewAnswer(chat.Events, nil, (&watcher{lag: 3}).reader)
	out, err := pass(a, []byte(in))
	if !errors.Is(err, errBarred) {
		t.Fatal(err)
	}
	out = append(slices.Clone(out), a.End()...)
	want := delta(0, "content", "fine, ") +
		`data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"small","choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}` + "\n\n" +
		`data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"small","choices":[{"index":1,"delta":{},"finish_reason":"content_filter"}]}` + "\n\n" + "data: [DONE]\n\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := contents(t, out); got != "fine, " {
		t.Errorf("the official client reads %q", got)
	}

	// A choice that has said its last is not finished twice, and a stream of which nothing was read ends too.
	a = chat.NewAnswer(chat.Events, nil, (&watcher{}).reader)
	if _, err := pass(a, []byte(delta(0, "content", "x")+finished[:strings.Index(finished, "data: [DONE]")]+delta(1, "content", "barred"))); !errors.Is(err, errBarred) {
		t.Fatal(err)
	}
	if got := string(a.End()); strings.Contains(got, `"index":0`) || !strings.Contains(got, `"index":1`) {
		t.Error(got)
	}
	if got := string(chat.NewAnswer(chat.Events, nil, nil).End()); !strings.Contains(got, `"finish_reason":"content_filter"`) || !strings.HasSuffix(got, "\n\ndata: [DONE]\n\n") || !json.Valid([]byte(got[6:strings.Index(got, "\n")])) {
		t.Error(got)
	}
}

func TestWhatIsTooLongIsAnErrorAndMayPass(t *testing.T) {
	long := strings.Repeat("x", chat.MaxAnswer)
	var choices strings.Builder
	for i := range 1100 {
		fmt.Fprintf(&choices, `{"index":%d},`, i)
	}
	for name, tt := range map[string]struct {
		form chat.Form
		in   string
	}{
		"a whole answer":          {chat.Whole, `{"choices":[{"message":{"content":"` + long + `"}}]}`},
		"one event":               {chat.Events, delta(0, "content", "[EMAIL_ADDRESS_1] [EM") + delta(0, "content", long) + finished},
		"an event without an end": {chat.Events, "data: " + long},
		"many choices":            {chat.Events, `data: {"choices":[` + choices.String() + `{}]}` + "\n\n"},
		"more behind the answer":  {chat.Whole, `{"choices":[]}{"choices":[]}`},
	} {
		for _, cuts := range [][]int{nil, {5, 1000, 70_000}} {
			a := chat.NewAnswer(tt.form, redacted(t), (&watcher{lag: 1}).reader)
			out, err := pass(a, []byte(tt.in), cuts...)
			if err == nil {
				t.Errorf("%s: no error", name)
			}
			if len(cuts) > 0 || tt.form == chat.Whole && !strings.Contains(name, "behind") {
				continue // the rest was not written
			}
			out = append(slices.Clone(out), a.GiveUp()...)
			more, err := a.Write(t.Context(), []byte("more [EMAIL_ADDRESS_1]"))
			out = append(out, more...)
			if want := strings.Replace(tt.in, "[EMAIL_ADDRESS_1]", "ann@example.org", 1) + "more [EMAIL_ADDRESS_1]"; err != nil || string(out) != want {
				t.Errorf("%s: given up, %v, %d bytes, want %d", name, err, len(out), len(want))
			}
		}
	}
}

// A text that waits for ever must not make the rest wait in memory.
func TestWhatWaitsHasABound(t *testing.T) {
	a := chat.NewAnswer(chat.Events, redacted(t), nil)
	in, out, most := delta(0, "content", "[EMAIL_"), 0, 0
	written := len(in)
	if _, err := a.Write(t.Context(), []byte(in)); err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		in := delta(1, "content", "0123456789")
		written += len(in)
		got, err := a.Write(t.Context(), []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		out += len(got)
		most = max(most, written-out)
	}
	if most > 300<<10 || out < written-most {
		t.Errorf("%d bytes waited at once, %d of %d came out", most, out, written)
	}
}

// FuzzAnswer: whatever the bytes and however they are cut, nothing is lost, nothing depends on the cuts, and without placeholders nothing changes.
func FuzzAnswer(f *testing.F) {
	for _, tt := range odd {
		f.Add([]byte(tt.text), tt.form == chat.Events, uint16(3), uint16(50))
	}
	f.Add([]byte(delta(0, "content", "[EMAIL_")+delta(1, "content", "x")+delta(0, "content", "ADDRESS_1] barred")), true, uint16(20), uint16(90))
	f.Fuzz(func(t *testing.T, whole []byte, events bool, i, k uint16) {
		form := chat.Whole
		if events {
			form = chat.Events
		}
		if len(whole) > 64<<10 {
			return
		}
		cuts := []int{min(int(i), len(whole)), min(max(int(i), int(k)), len(whole))}
		plain, err := pass(chat.NewAnswer(form, nil, nil), whole, cuts...)
		if err == nil && !bytes.Equal(plain, whole) {
			t.Fatalf("%q came out as %q", whole, plain)
		}
		type result struct {
			out, end, err string
			texts         []string
		}
		run := func(cuts ...int) result {
			w := &watcher{lag: 5}
			a := chat.NewAnswer(form, redacted(t), w.reader)
			out, err := pass(a, whole, cuts...)
			r := result{out: string(out), err: fmt.Sprint(err), texts: w.read()}
			if err != nil {
				r.end = string(a.End())
			}
			return r
		}
		want := run()
		if diff := cmp.Diff(want, run(cuts...), cmp.AllowUnexported(result{})); diff != "" {
			t.Fatalf("cut at %v (-whole +cut)\n%s", cuts, diff)
		}
		if len(whole) < 2000 {
			if diff := cmp.Diff(want, run(everyByte(len(whole))...), cmp.AllowUnexported(result{})); diff != "" {
				t.Fatalf("byte by byte (-whole +cut)\n%s", diff)
			}
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	var stream bytes.Buffer
	for range 200 {
		stream.WriteString(delta(0, "content", " token"))
	}
	stream.WriteString(finished)
	placeholders := redacted(b)
	for name, reader := range map[string]func() chat.Reader{"restore": nil, "read": func() chat.Reader { return letGo{} }} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(stream.Len()))
			b.ReportAllocs()
			for b.Loop() {
				a := chat.NewAnswer(chat.Events, placeholders, reader)
				for e := range bytes.SplitAfterSeq(stream.Bytes(), []byte("\n\n")) {
					if _, err := a.Write(context.Background(), e); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

type letGo struct{}

func (letGo) Read(context.Context, []byte, bool) (int, error) { return 1 << 40, nil }
