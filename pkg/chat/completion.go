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

// Reply says the completion again to req: as a completion or as events, as it asks, and each event one sentence. Its usage is zero, with the tokens of
// the prompt as cached ones: nothing was computed.
func (c Completion) Reply(req *pipeline.Request, includeUsage bool) *pipeline.Reply {
	type details struct {
		Cached int `json:"cached_tokens"`
	}
	type usage struct {
		Prompt     int     `json:"prompt_tokens"`
		Completion int     `json:"completion_tokens"`
		Total      int     `json:"total_tokens"`
		Details    details `json:"prompt_tokens_details"`
	}
	type choice struct {
		Index        int            `json:"index"`
		Message      map[string]any `json:"message,omitempty"`
		Delta        map[string]any `json:"delta,omitempty"`
		FinishReason *string        `json:"finish_reason"`
	}
	type completion struct {
		ID      string   `json:"id"`
		Object  string   `json:"object"`
		Created int64    `json:"created"`
		Model   string   `json:"model"`
		Choices []choice `json:"choices"`
		Usage   *usage   `json:"usage,omitempty"`
	}
	encode := func(v completion) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			panic("a completion does not marshal") // strings and integers always do
		}
		return b
	}
	stop := "stop"
	out := completion{ID: "chatcmpl-" + req.ID, Object: "chat.completion", Created: time.Now().Unix(), Model: c.Model}
	paid := &usage{Details: details{c.Prompt}}
	reply := &pipeline.Reply{Status: 200, Headers: map[string]string{"content-type": "application/json"}, Details: "mom_cache_hit"}
	if !req.Stream {
		message := map[string]any{"role": "assistant", "content": c.Content}
		if c.Field != "" {
			message[c.Field] = c.Reasoning
		}
		out.Choices, out.Usage = []choice{{Message: message, FinishReason: &stop}}, paid
		reply.Body = encode(out)
		return reply
	}
	reply.Headers = map[string]string{"content-type": "text/event-stream", "cache-control": "no-cache"}
	out.Object = "chat.completion.chunk"
	say := func(choices []choice, u *usage) {
		out.Choices, out.Usage = choices, u
		reply.Body = append(append(append(reply.Body, "data: "...), encode(out)...), "\n\n"...)
	}
	say([]choice{{Delta: map[string]any{"role": "assistant", "content": ""}}}, nil)
	if c.Field != "" {
		for _, s := range sentences(c.Reasoning) {
			say([]choice{{Delta: map[string]any{c.Field: s}}}, nil)
		}
	}
	for _, s := range sentences(c.Content) {
		say([]choice{{Delta: map[string]any{"content": s}}}, nil)
	}
	say([]choice{{Delta: map[string]any{}, FinishReason: &stop}}, nil)
	if includeUsage {
		say([]choice{}, paid)
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
