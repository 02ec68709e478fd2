package chat

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Completion is a whole answer of one choice that says something in text, ends of itself and calls nothing: what can be said again.
type Completion struct {
	Model     string // who said it, as the backend spelled it
	Content   string // never empty
	Reasoning string // what was thought before; "" for nothing
	Field     string // in which field Reasoning stood: reasoning_content or reasoning; "" for nothing
	Prompt    int    // tokens, as the backend counted them; 0 when it did not
	Answer    int    // tokens
}

// ourAnswer is a completion, or a chunk of one, as we write it.
type ourAnswer struct {
	ID      string      `json:"id"`
	Object  string      `json:"object"`
	Created int64       `json:"created"`
	Model   string      `json:"model"`
	Choices []ourChoice `json:"choices"`
	Usage   *ourUsage   `json:"usage,omitempty"`
}

type ourChoice struct {
	Index        int      `json:"index"`
	Message      *ourText `json:"message,omitempty"`
	Delta        *ourText `json:"delta,omitempty"`
	FinishReason *string  `json:"finish_reason"`
}

type ourText struct {
	Role             string  `json:"role,omitempty"`
	Content          *string `json:"content,omitempty"`
	ReasoningContent string  `json:"reasoning_content,omitempty"`
	Reasoning        string  `json:"reasoning,omitempty"`
}

// reasons is a text that was thought, in the field of that name.
func reasons(field, text string) ourText {
	if field == "reasoning" {
		return ourText{Reasoning: text}
	}
	return ourText{ReasoningContent: text}
}

type ourUsage struct {
	Prompt     int         `json:"prompt_tokens"`
	Completion int         `json:"completion_tokens"`
	Total      int         `json:"total_tokens"`
	Details    *ourDetails `json:"prompt_tokens_details,omitempty"`
}

type ourDetails struct {
	Cached int `json:"cached_tokens"`
}

// saying is a completion of ours, now, without choices.
func saying(req *pipeline.Request, model string) ourAnswer {
	return ourAnswer{ID: "chatcmpl-" + req.ID, Object: "chat.completion", Created: time.Now().Unix(), Model: model}
}

// bytes is the JSON.
func (s ourAnswer) bytes() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("a completion does not marshal") // strings and integers always do
	}
	return b
}

// event is a chunk as a server-sent event.
func (s ourAnswer) event(choices []ourChoice, u *ourUsage) []byte {
	s.Object, s.Choices, s.Usage = "chat.completion.chunk", choices, u
	return append(append([]byte("data: "), s.bytes()...), "\n\n"...)
}

// Reply says the completion again to req: as a completion or as events, as it asks, and each event one sentence. Its usage is zero, with the tokens of
// the prompt as cached ones: nothing was computed.
func (c Completion) Reply(req *pipeline.Request, includeUsage bool) *pipeline.Reply {
	stop := "stop"
	out := saying(req, c.Model)
	paid := &ourUsage{Details: &ourDetails{c.Prompt}}
	reply := &pipeline.Reply{Status: 200, Headers: map[string]string{"content-type": "application/json"}, Details: "mom_cache_hit"}
	if !req.Stream {
		message := reasons(c.Field, c.Reasoning)
		message.Role, message.Content = "assistant", &c.Content
		out.Choices, out.Usage = []ourChoice{{Message: &message, FinishReason: &stop}}, paid
		reply.Body = out.bytes()
		return reply
	}
	reply.Headers = map[string]string{"content-type": "text/event-stream", "cache-control": "no-cache"}
	say := func(t ourText, finish *string) {
		reply.Body = append(reply.Body, out.event([]ourChoice{{Delta: &t, FinishReason: finish}}, nil)...)
	}
	empty := ""
	say(ourText{Role: "assistant", Content: &empty}, nil)
	for _, s := range sentences(c.Reasoning) {
		say(reasons(c.Field, s), nil)
	}
	for _, s := range sentences(c.Content) {
		say(ourText{Content: &s}, nil)
	}
	say(ourText{}, &stop)
	if includeUsage {
		reply.Body = append(reply.Body, out.event([]ourChoice{}, paid)...)
	}
	reply.Body = append(reply.Body, "data: [DONE]\n\n"...)
	return reply
}

// longest is the most bytes of one event's text: a client shows an event at once.
const longest = 400

// sentences cuts a text behind the marks that end a sentence and behind line breaks. Joined, they are the text.
func sentences(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		next := i + 1
		ends := s[i] == '\n' || strings.IndexByte(".!?", s[i]) >= 0 && next < len(s) && s[next] == ' '
		if !ends && next-start < longest {
			continue
		}
		for next < len(s) && !utf8.RuneStart(s[next]) {
			next++
		}
		out, start = append(out, s[start:next]), next
		i = next - 1
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}
