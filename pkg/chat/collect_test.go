package chat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// events makes a stream of these deltas that ends for reason.
func events(reason string, deltas ...string) string {
	var b strings.Builder
	for _, d := range deltas {
		fmt.Fprintf(&b, "data: {\"object\":\"chat.completion.chunk\",\"model\":\"small\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":null}]}\n\n", d)
	}
	fmt.Fprintf(&b, "data: {\"object\":\"chat.completion.chunk\",\"model\":\"small\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":%q}]}\n\n", reason)
	b.WriteString("data: {\"object\":\"chat.completion.chunk\",\"model\":\"small\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n")
	return b.String() + "data: [DONE]\n\n"
}

func collect(form chat.Form, answer string, cuts ...int) (chat.Completion, bool) {
	c := chat.NewCollector(form, 1<<20)
	at := 0
	for _, cut := range append(cuts, len(answer)) {
		c.Write([]byte(answer[at:cut]))
		at = cut
	}
	return c.Completion()
}

func TestCollectWhateverTheCuts(t *testing.T) {
	answer := ": hello\n\n" + events("stop", `{"role":"assistant","content":""}`, `{"reasoning_content":"Hm."}`, `{"content":"Das Bl\u00e4"}`, `{"content":"ue, \ud83d\ude00!"}`)
	want := chat.Completion{Model: "small", Content: "Das Bläue, 😀!", Reasoning: "Hm.", Field: "reasoning_content", Prompt: 7, Answer: 3}
	for _, written := range []string{answer, strings.ReplaceAll(answer, "\n", "\r\n"), "\xef\xbb\xbf" + answer, strings.TrimRight(answer, "\n")} {
		for cut := range len(written) {
			got, ok := collect(chat.Events, written, cut)
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Fatalf("cut at %d: %v %s", cut, ok, diff)
			}
		}
	}
}

func TestCollectTakesOnlyWholeAnswers(t *testing.T) {
	whole := func(message, reason string) string {
		return `{"object":"chat.completion","model":"small","choices":[{"index":0,"message":` + message + `,"finish_reason":` + reason + `}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`
	}
	for _, c := range []struct {
		name   string
		form   chat.Form
		answer string
		ok     bool
	}{
		{"a completion", chat.Whole, whole(`{"role":"assistant","content":"Yes."}`, `"stop"`), true},
		{"a stream", chat.Events, events("stop", `{"content":"Yes."}`), true},
		{"that calls no tools", chat.Whole, whole(`{"role":"assistant","content":"Yes.","tool_calls":[],"refusal":null}`, `"stop"`), true},
		{"that was cut by its length", chat.Whole, whole(`{"content":"Yes"}`, `"length"`), false},
		{"that was filtered", chat.Events, events("content_filter", `{"content":"Yes"}`), false},
		{"that has not ended", chat.Whole, whole(`{"content":"Yes"}`, `null`), false},
		{"a stream without [DONE]", chat.Events, strings.TrimSuffix(events("stop", `{"content":"Yes."}`), "data: [DONE]\n\n"), false},
		{"a stream that goes on after [DONE]", chat.Events, events("stop", `{"content":"Yes."}`) + events("stop", `{"content":"No."}`), false},
		{"a stream that goes on after its end", chat.Events, strings.Replace(events("stop", `{"content":"Yes."}`), `"delta":{},"finish_reason":"stop"`, `"delta":{},"finish_reason":"stop"}]}`+"\n\n"+`data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"No."}`, 1), false},
		{"that says nothing", chat.Whole, whole(`{"content":""}`, `"stop"`), false},
		{"that refuses", chat.Whole, whole(`{"content":"Yes.","refusal":"No."}`, `"stop"`), false},
		{"that calls a tool", chat.Events, events("stop", `{"content":"Yes."}`, `{"tool_calls":[{"index":0}]}`), false},
		{"with audio", chat.Whole, whole(`{"content":"Yes.","audio":{"id":"a"}}`, `"stop"`), false},
		{"of two choices", chat.Whole, strings.Replace(whole(`{"content":"Yes."}`, `"stop"`), `"choices":[`, `"choices":[{"index":1,"message":{"content":"No."},"finish_reason":"stop"},`, 1), false},
		{"of another choice", chat.Whole, strings.Replace(whole(`{"content":"Yes."}`, `"stop"`), `"index":0`, `"index":1`, 1), false},
		{"with an error", chat.Events, `data: {"error":{"message":"boom"}}` + "\n\ndata: [DONE]\n\n", false},
		{"that is no JSON", chat.Whole, whole(`{"content":"Yes."}`, `"stop"`) + "x", false},
		{"that is no UTF-8", chat.Whole, whole("{\"content\":\"Yes\xff.\"}", `"stop"`), false},
		{"something else", chat.Whole, `{"object":"list","data":[]}`, false},
		{"nothing", chat.Events, "", false},
	} {
		if got, ok := collect(c.form, c.answer); ok != c.ok {
			t.Errorf("%s: %v, want %v (%+v)", c.name, ok, c.ok, got)
		}
	}
	long := chat.NewCollector(chat.Whole, 100)
	long.Write(bytes.Repeat([]byte(" "), 60))
	long.Write([]byte(whole(`{"content":"Yes."}`, `"stop"`)))
	if _, ok := long.Completion(); ok {
		t.Error("an answer over the limit was taken")
	}
}

// An answer is said again in either form with the very text, and what is said can be collected again, whatever its cuts.
func TestReplySaysTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	words := []string{"Yes. ", "No? ", "ä", "😀", "\n", "line\r\n", "\"quoted\"", "<b>", "  ", strings.Repeat("x", 500), strings.Repeat("é", 300), "data: ", "[DONE]", "\u2028"}
	for i := range 10_000 {
		text := ""
		for range 1 + rng.IntN(8) {
			text += words[rng.IntN(len(words))]
		}
		c := chat.Completion{Model: "small", Content: text}
		if rng.IntN(2) == 0 {
			c.Reasoning, c.Field = text+"!", []string{"reasoning", "reasoning_content"}[rng.IntN(2)]
		}
		req := &pipeline.Request{ID: "r", Stream: i%2 == 0}
		reply := c.Reply(req, rng.IntN(2) == 0)
		form := chat.Whole
		if req.Stream {
			form = chat.Events
		}
		cut := rng.IntN(len(reply.Body) + 1)
		got, ok := collect(form, string(reply.Body), cut)
		if diff := cmp.Diff(c, got); !ok || diff != "" {
			t.Fatalf("%v %s", ok, diff)
		}
	}
}

// A stream is cut into events by a backend and into chunks by the network. Replayed from what was collected, as a stream or whole, it says the same, byte for
// byte.
func TestTenThousandStreamsAreReplayed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	pieces := []string{"Yes. ", "Nein? ", "ä", "😀", "👩‍👩‍👧", "\n\n", "line\r\n", `"quoted"`, "<b>&amp;", "  ", "\t", "\u2028", "data: ", "[DONE]", `\u0041`, "日本語。", strings.Repeat("x", 450)}
	for i := range 10_000 {
		var deltas []string
		said := ""
		for range 1 + rng.IntN(12) {
			text := pieces[rng.IntN(len(pieces))]
			said += text
			delta, err := json.Marshal(map[string]string{"content": text})
			if err != nil {
				t.Fatal(err)
			}
			deltas = append(deltas, string(delta))
		}
		stream := events("stop", deltas...)
		if i%3 == 0 {
			stream = strings.ReplaceAll(stream, "\n", "\r\n")
		}
		var cuts []int
		for at := rng.IntN(40); at < len(stream); at += 1 + rng.IntN(200) { // in the middle of characters, of events and of line ends
			cuts = append(cuts, at)
		}
		c, ok := collect(chat.Events, stream, cuts...)
		if !ok || c.Content != said {
			t.Fatalf("stream %d: collected %t %q, want %q", i, ok, c.Content, said)
		}
		for form, asked := range map[chat.Form]bool{chat.Events: true, chat.Whole: false} {
			again, ok := collect(form, string(c.Reply(&pipeline.Request{ID: "r", Stream: asked}, true).Body))
			if !ok || again.Content != said {
				t.Fatalf("stream %d, replayed as %v: %t %q, want %q", i, form, ok, again.Content, said)
			}
		}
	}
}

func TestReplyIsPaidForByNobody(t *testing.T) {
	c := chat.Completion{Model: "small", Content: "Yes.", Prompt: 7, Answer: 3}
	var got struct {
		Model string
		Usage struct {
			Prompt  int `json:"prompt_tokens"`
			Total   int `json:"total_tokens"`
			Details struct {
				Cached int `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
		}
	}
	if err := json.Unmarshal(c.Reply(&pipeline.Request{}, true).Body, &got); err != nil {
		t.Fatal(err)
	}
	if got.Model != "small" || got.Usage.Total != 0 || got.Usage.Details.Cached != 7 {
		t.Errorf("%+v", got)
	}
	with := string(c.Reply(&pipeline.Request{Stream: true}, true).Body)
	without := string(c.Reply(&pipeline.Request{Stream: true}, false).Body)
	if !strings.Contains(with, `"usage"`) || strings.Contains(without, `"usage"`) {
		t.Error("usage is sent where it was not asked for, or not where it was")
	}
}
