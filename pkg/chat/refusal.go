package chat

import (
	"encoding/json"
	"time"

	"github.com/mom-router/mom/pkg/pipeline"
)

// RefusalReply answers req as a model that refuses: with status 200, a completion that says text and ends for content_filter, as server-sent events
// where the request asks for a stream. It carries the request's own model name, which the client knows. Details is mom_<code>.
func RefusalReply(req *pipeline.Request, code, text string) *pipeline.Reply {
	type message struct {
		Role    string `json:"role,omitempty"`
		Content string `json:"content,omitempty"`
	}
	type choice struct {
		Index        int      `json:"index"`
		Message      *message `json:"message,omitempty"`
		Delta        *message `json:"delta,omitempty"`
		FinishReason *string  `json:"finish_reason"`
	}
	type usage struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
	}
	type completion struct {
		ID      string   `json:"id"`
		Object  string   `json:"object"`
		Created int64    `json:"created"`
		Model   string   `json:"model"`
		Choices []choice `json:"choices"`
		Usage   *usage   `json:"usage,omitempty"`
	}
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // structs of strings and integers always marshal
		}
		return b
	}
	filtered := "content_filter"
	c := completion{ID: "chatcmpl-" + req.ID, Object: "chat.completion", Created: time.Now().Unix(), Model: req.Model}
	reply := &pipeline.Reply{Status: 200, Headers: map[string]string{"content-type": "application/json"}, Details: "mom_" + code}
	if !req.Stream {
		c.Choices, c.Usage = []choice{{Message: &message{"assistant", text}, FinishReason: &filtered}}, &usage{}
		reply.Body = encode(c)
		return reply
	}
	reply.Headers = map[string]string{"content-type": "text/event-stream", "cache-control": "no-cache"}
	c.Object = "chat.completion.chunk"
	for _, part := range []choice{{Delta: &message{"assistant", text}}, {Delta: &message{}, FinishReason: &filtered}} {
		c.Choices = []choice{part}
		reply.Body = append(append(append(reply.Body, "data: "...), encode(c)...), "\n\n"...)
	}
	reply.Body = append(reply.Body, "data: [DONE]\n\n"...)
	return reply
}
