package chat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// errBarred is what a watcher says of a text that holds the word barred.
var errBarred = errors.New("barred")

// watcher holds back the last lag bytes of each text, and remembers all it was given.
type watcher struct {
	lag   int
	texts [][]byte // one for each reader, in the order they were made
	open  int      // texts that were not told their end
}

func (w *watcher) reader() chat.Reader {
	w.texts = append(w.texts, nil)
	return &watching{of: w, n: len(w.texts) - 1}
}

type watching struct {
	of   *watcher
	n    int
	open bool
}

func (w *watching) Read(_ context.Context, more []byte, last bool) (int, error) {
	text := append(w.of.texts[w.n], more...)
	w.of.texts[w.n] = text
	if w.open == last {
		w.open = !last
		w.of.open += map[bool]int{true: -1, false: 1}[last]
	}
	if bytes.Contains(text, []byte("barred")) {
		return 0, errBarred
	}
	if last {
		return len(text), nil
	}
	return max(0, len(text)-w.of.lag), nil
}

// redacted is a request whose personal data was replaced: placeholders and the values behind them.
func redacted(t testing.TB) *chat.Placeholders {
	t.Helper()
	values := []struct{ with, value string }{
		{"[EMAIL_ADDRESS_1]", "ann@example.org"}, {"[EMAIL_ADDRESS_10]", "zoë@example.org"}, {"[PASSWORD_1]", "a\"b\\c\n世"}, {"[PERSON_1]", "[PERSON_2]"},
	}
	req := &pipeline.Request{Messages: []pipeline.Message{{Role: "user", Texts: []string{""}}}}
	var replacements []pipeline.Replacement
	for _, v := range values {
		text := &req.Messages[0].Texts[0]
		replacements = append(replacements, pipeline.Replacement{Start: len(*text), End: len(*text) + len(v.value), With: v.with})
		*text += v.value + " "
	}
	return chat.NewPlaceholders(req, replacements)
}

// pass sends the answer through, cut at these places, and returns what came out; the error is the first.
func pass(a *chat.Answer, whole []byte, cuts ...int) (out []byte, err error) {
	for len(cuts) > 0 && cuts[len(cuts)-1] >= len(whole) {
		cuts = cuts[:len(cuts)-1]
	}
	from := 0
	for _, to := range append(slices.Clone(cuts), len(whole)) {
		some, err := a.Write(context.Background(), slices.Clone(whole[from:to]))
		if out = append(out, some...); err != nil {
			return out, err
		}
		from = to
	}
	some, err := a.Close(context.Background())
	return append(out, some...), err
}

func everyByte(n int) []int {
	cuts := make([]int, 0, n)
	for i := 1; i < n; i++ {
		cuts = append(cuts, i)
	}
	return cuts
}

// delta is one event in which choice n says some of its field.
func delta(n int, field, text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // strings always marshal
	}
	return fmt.Sprintf(`data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"small","choices":[{"index":%d,"delta":{%q:%s},"finish_reason":null}]}`+"\n\n", n, field, quoted)
}

const finished = `data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"small","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"

// odd are answers in which nothing is to be restored: every byte must come out as it came in.
var odd = map[string]struct {
	form chat.Form
	text string
}{
	"a stream":                         {chat.Events, delta(0, "content", "Hello") + delta(0, "content", " world") + finished},
	"comments, names, ids":             {chat.Events, ": ping\n\nevent: message\nid: 7\nretry: 3\n" + delta(0, "content", "Hello") + ":\n\n" + finished},
	"CRLF":                             {chat.Events, strings.ReplaceAll(delta(0, "content", "Hello")+finished, "\n", "\r\n")},
	"CR":                               {chat.Events, strings.ReplaceAll(delta(0, "content", "Hello")+finished, "\n", "\r")},
	"a byte order mark":                {chat.Events, "\ufeff" + delta(0, "content", "Hello") + finished},
	"no space behind data:":            {chat.Events, strings.ReplaceAll(delta(0, "content", "Hello")+finished, "data: ", "data:")},
	"data in several lines":            {chat.Events, "data: {\"choices\":\ndata: [{\"index\":0,\ndata: \"delta\":{\"content\":\"Hello\"}}]}\n\ndata\n\n" + finished},
	"spaces and escapes":               {chat.Events, `data:  { "choices" : [ { "delta" : { "content" : "h\u00e9\ud83d\ude00\/\t" } , "index" : 0 } ] } ` + "\n\n" + finished},
	"half a surrogate pair in each":    {chat.Events, `data: {"choices":[{"delta":{"content":"\ud83d"}}]}` + "\n\n" + `data: {"choices":[{"delta":{"content":"\ude00"}}]}` + "\n\n" + finished},
	"bytes that are not UTF-8":         {chat.Events, "data: {\"choices\":[{\"delta\":{\"content\":\"\xe2\x82\"}}]}\n\ndata: \xff\xfe\n\n" + finished},
	"an error as an event":             {chat.Events, delta(0, "content", "Hel") + "data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n"},
	"no JSON":                          {chat.Events, "data: hello\n\ndata:\n\ndata: {\"choices\":[\n\n" + finished},
	"other shapes":                     {chat.Events, "data: 1\n\ndata: []\n\ndata: {\"choices\":{\"a\":[1]}}\n\ndata: {\"choices\":[7,\"x\",null,{\"delta\":\"y\"}],\"usage\":{\"a\":\"b\"}}\n\n" + finished},
	"usage behind the end":             {chat.Events, delta(0, "content", "Hello") + `data: {"choices":[],"usage":{"total_tokens":5}}` + "\n\ndata: [DONE]\n\n"},
	"no end":                           {chat.Events, delta(0, "content", "Hello") + "data: {\"choices\":[{\"delta\":{\"content\":\" w\"}}]}"},
	"nothing":                          {chat.Events, ""},
	"empty lines":                      {chat.Events, "\n\n\n" + finished + "\n\r\n"},
	"brackets that hold no name":       {chat.Events, delta(0, "content", "a[") + delta(0, "content", "0][EMAIL") + delta(0, "content", "_ADDRESS_]") + delta(0, "content", "[[[EMAIL_ADDRESS_1") + finished},
	"a name over two fields":           {chat.Events, delta(0, "reasoning_content", "[EMAIL_") + delta(0, "content", "ADDRESS_1]") + finished},
	"a completion":                     {chat.Whole, `{"id":"c1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}` + "\n"},
	"a completion in lines":            {chat.Whole, "\n {\n\t\"choices\" : [ { \"message\" : { \"content\" : \"He\\\"l}]lo\" } } ]\n}\r\n"},
	"a name in the role":               {chat.Whole, `{"id":"[EMAIL_ADDRESS_1]","choices":[{"message":{"role":"[EMAIL_ADDRESS_1]","content":""}}]}`},
	"no completion":                    {chat.Whole, `[1,"[EMAIL_ADDRESS_1]"]`},
	"half a completion":                {chat.Whole, `{"choices":[{"message":{"content":"[EMAIL_ADDRESS_1]"`},
	"not even JSON":                    {chat.Whole, "<html>busy</html>"},
	"no bytes":                         {chat.Whole, ""},
	"a completion with two other keys": {chat.Whole, `{"citations":["https://a.test"],"choices":[]}`},
}

func TestAnAnswerWithoutPlaceholdersIsHandedOnByteForByte(t *testing.T) {
	for name, tt := range odd {
		t.Run(name, func(t *testing.T) {
			whole := []byte(tt.text)
			check := func(reader func() chat.Reader, cuts ...int) {
				t.Helper()
				got, err := pass(chat.NewAnswer(tt.form, redacted(t), reader), whole, cuts...)
				if err != nil || !bytes.Equal(got, whole) {
					t.Fatalf("cuts %v: %v\n%q\nwant\n%q", cuts, err, got, whole)
				}
			}
			check(nil)
			check(nil, everyByte(len(whole))...)
			for i := range whole {
				check((&watcher{lag: 3}).reader, i)
			}
		})
	}
}

func TestAnAnswerGetsItsValuesBack(t *testing.T) {
	call := func(arguments string) string {
		quoted, _ := json.Marshal(arguments)
		return `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"[EMAIL_ADDRESS_1]","function":{"name":"mail","arguments":` + string(quoted) + `}}]}}]}` + "\n\n"
	}
	for name, tt := range map[string]struct {
		form     chat.Form
		in, want string
	}{
		"in one delta":                   {chat.Events, delta(0, "content", "To [EMAIL_ADDRESS_1].") + finished, delta(0, "content", "To ann@example.org.") + finished},
		"the longer name":                {chat.Events, delta(0, "content", "[EMAIL_ADDRESS_10]") + finished, delta(0, "content", "zoë@example.org") + finished},
		"token by token":                 {chat.Events, delta(0, "content", "To [") + delta(0, "content", "EMAIL_ADDRESS_1") + delta(0, "content", "], yes") + finished, delta(0, "content", "To ann@example.org") + delta(0, "content", "") + delta(0, "content", ", yes") + finished},
		"several, side by side":          {chat.Events, delta(0, "content", "[EMAIL_ADDRESS_1][EMAIL_ADDRESS_10][") + delta(0, "content", "EMAIL_ADDRESS_1]") + finished, delta(0, "content", "ann@example.orgzoë@example.organn@example.org") + delta(0, "content", "") + finished},
		"in brackets":                    {chat.Events, delta(0, "content", "[[EMAIL_ADDRESS_1]]") + finished, delta(0, "content", "[ann@example.org]") + finished},
		"quotes and lines":               {chat.Events, delta(0, "content", "is [PASSWORD_1]") + finished, delta(0, "content", "is a\"b\\c\n世") + finished},
		"a value that looks like a name": {chat.Events, delta(0, "content", "[PERSON_1]") + finished, delta(0, "content", "[PERSON_2]") + finished},
		"between escapes":                {chat.Events, `data: {"choices":[{"delta":{"content":"\u00e9\ud83d\ude00\ud83d [EMAIL\u005fADDRESS_1]\n\"x"}}]}` + "\n\n", `data: {"choices":[{"delta":{"content":"\u00e9\ud83d\ude00\ud83d ann@example.org\n\"x"}}]}` + "\n\n"},
		"each choice for itself": {chat.Events, delta(0, "content", "a [EMAIL_") + delta(1, "content", "b [EMAIL_ADDRESS_1") + delta(0, "content", "ADDRESS_1]") + delta(1, "content", "0]") + finished,
			delta(0, "content", "a ann@example.org") + delta(1, "content", "b zoë@example.org") + delta(0, "content", "") + delta(1, "content", "") + finished},
		"reasoning and refusals": {chat.Events, delta(0, "reasoning", "[EMAIL_ADDRESS_1]") + delta(0, "reasoning_content", "[EMAIL_ADDRESS_1]") + delta(0, "refusal", "[EMAIL_ADDRESS_1]") + finished,
			delta(0, "reasoning", "ann@example.org") + delta(0, "reasoning_content", "ann@example.org") + delta(0, "refusal", "ann@example.org") + finished},
		"arguments, which are JSON themselves": {chat.Events, call(`{"to": "[PASS`) + call(`WORD_1]"}`) + finished, call(`{"to": "a\"b\\c\n世`) + call(`"}`) + finished},
		"an answer that is JSON itself":        {chat.Events, delta(0, "content", " {\"to\":\"") + delta(0, "content", "[PASSWORD_1]\"}") + finished, delta(0, "content", " {\"to\":\"") + delta(0, "content", `a\"b\\c\n世"}`) + finished},
		"data in several lines": {chat.Events, "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"[EMAIL_ADDRESS_1]!\"}}]}\n\n" + finished,
			"data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"ann@example.org!\"}}]}\n\n" + finished},
		"data in several lines that end in CRLF": {chat.Events, "data: {\"choices\":[{\"index\":0,\r\ndata: \"delta\":{\"content\":\"[EMAIL_ADDRESS_1]!\"}}]}\r\n\r\n",
			"data: {\"choices\":[{\"index\":0,\r\ndata: \"delta\":{\"content\":\"ann@example.org!\"}}]}\r\n\r\n"},
		"the index behind the text": {chat.Events, `data: {"choices":[{"delta":{"content":"[EMAIL_"},"index":1}]}` + "\n\n" + delta(1, "content", "ADDRESS_1]"), `data: {"choices":[{"delta":{"content":"ann@example.org"},"index":1}]}` + "\n\n" + delta(1, "content", "")},
		"a whole completion": {chat.Whole, `{"choices":[{"message":{"content":[{"type":"text","text":"[EMAIL_ADDRESS_1]"}],"tool_calls":[{"function":{"arguments":"{\"a\":\"[PASSWORD_1]\"}"}}]}},{"index":1,"message":{"content":"[PASSWORD_1]"}}]}`,
			`{"choices":[{"message":{"content":[{"type":"text","text":"ann@example.org"}],"tool_calls":[{"function":{"arguments":"{\"a\":\"a\\\"b\\\\c\\n世\"}"}}]}},{"index":1,"message":{"content":"a\"b\\c\n世"}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			in := []byte(tt.in)
			check := func(reader func() chat.Reader, cuts ...int) {
				t.Helper()
				got, err := pass(chat.NewAnswer(tt.form, redacted(t), reader), in, cuts...)
				if diff := cmp.Diff(tt.want, string(got)); diff != "" || err != nil {
					t.Fatalf("cuts %v: %v (-want +got)\n%s", cuts, err, diff)
				}
			}
			check(nil)
			check(nil, everyByte(len(in))...)
			for i := range in { // every cut of every placeholder, and of all around it
				check(nil, i)
				check((&watcher{lag: 9}).reader, i, i+1)
			}
		})
	}
}

// A model says a placeholder in tokens of its own.
func TestAPlaceholderOverAnyTwoAndThreeDeltas(t *testing.T) {
	const text, want = "To [EMAIL_ADDRESS_1] and [PERSON_1].", "To ann@example.org and [PERSON_2]."
	for i := range len(text) + 1 {
		for k := i; k <= len(text); k++ {
			in := []byte(delta(0, "content", text[:i]) + delta(0, "content", text[i:k]) + delta(0, "content", text[k:]) + finished)
			out, err := pass(chat.NewAnswer(chat.Events, redacted(t), nil), in)
			if got := contents(t, out); err != nil || got != want {
				t.Fatalf("cut at %d and %d: %q, %v", i, k, got, err)
			}
			if bytes.Count(out, []byte("data: ")) != 5 {
				t.Fatalf("cut at %d and %d: an event came or went: %s", i, k, out)
			}
		}
	}
}

// contents is what the official client reads of choice 0.
func contents(t *testing.T, events []byte) string {
	t.Helper()
	stream := ssestream.NewStream[openai.ChatCompletionChunk](ssestream.NewDecoder(&http.Response{
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(bytes.NewReader(events)),
	}), nil)
	var out strings.Builder
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			if c.Index == 0 {
				out.WriteString(c.Delta.Content)
			}
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPlaceholdersOfTheClientsOwnStay(t *testing.T) {
	req := &pipeline.Request{Messages: []pipeline.Message{{Role: "user", Texts: []string{"What is [EMAIL_ADDRESS_1]? Mail ann@example.org"}}, {Role: "user", Texts: []string{"ann@example.org +1"}}}}
	for name, tt := range map[string]struct {
		replacements []pipeline.Replacement
		want         string
	}{
		"one that it wrote":          {[]pipeline.Replacement{{Start: 32, End: 47, With: "[EMAIL_ADDRESS_1]"}}, "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS_2] [X_1]"},
		"beside one that it did not": {[]pipeline.Replacement{{Start: 32, End: 47, With: "[EMAIL_ADDRESS_1]"}, {Ref: 1, Start: 0, End: 15, With: "[EMAIL_ADDRESS_2]"}}, "[EMAIL_ADDRESS_1] ann@example.org [X_1]"},
		"the first value counts":     {[]pipeline.Replacement{{Ref: 1, Start: 16, End: 18, With: "[X_1]"}, {Start: 0, End: 4, With: "[X_1]"}}, "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS_2] What"},
		"no place of the request":    {[]pipeline.Replacement{{Ref: 7, Start: 0, End: 4, With: "[X_1]"}, {Ref: -1, Start: 0, End: 4, With: "[X_1]"}}, "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS_2] [X_1]"},
		"no name in brackets":        {[]pipeline.Replacement{{Start: 0, End: 4, With: "X_1"}, {Start: 5, End: 6, With: "[]"}, {Start: 6, End: 7, With: "[X]_1]"}}, "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS_2] [X_1]"},
	} {
		in := delta(0, "content", "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS_2] [X_1]")
		out, err := pass(chat.NewAnswer(chat.Events, chat.NewPlaceholders(req, tt.replacements), nil), []byte(in))
		if diff := cmp.Diff(delta(0, "content", tt.want), string(out)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	if chat.NewPlaceholders(req, nil) != nil {
		t.Error("placeholders of a request that was not redacted")
	}
}
