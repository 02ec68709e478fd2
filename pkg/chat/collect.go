package chat

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Collector gathers a Completion from the bytes of an answer, in whatever cuts they come. What it cannot be sure of is none. Not safe for concurrent use.
type Collector struct {
	form  Form
	limit int // bytes
	seen  int

	buf   []byte // a whole answer, or the event that has not ended
	split splitter
	data  eventData
	begun bool // an event was read

	done, bad bool // [DONE] was read; it is no completion
	c         Completion
	content   strings.Builder
	reasoning strings.Builder
	finish    string
}

// NewCollector gathers an answer of at most limit bytes.
func NewCollector(form Form, limit int) *Collector { return &Collector{form: form, limit: limit} }

// Write takes the next bytes.
func (c *Collector) Write(b []byte) {
	if c.bad {
		return
	}
	if c.seen += len(b); c.seen > c.limit {
		c.bad, c.buf = true, nil
		return
	}
	c.buf = append(c.buf, b...)
	if c.form == Whole {
		return
	}
	gone := 0
	for {
		end, ok := c.split.next(c.buf, false)
		if !ok {
			break
		}
		c.event(c.buf[gone:end])
		gone = end
	}
	c.buf = append(c.buf[:0], c.buf[gone:]...)
	c.split.cut(gone)
}

// Completion returns what was gathered once the answer has ended; false when that is no Completion: cut short, of several choices, with calls, refused,
// filtered, empty.
func (c *Collector) Completion() (Completion, bool) {
	if c.form == Whole && !c.bad {
		c.whole()
	} else if !c.bad && len(bytes.TrimSpace(c.buf)) > 0 { // the last event may lack its empty line
		c.event(c.buf)
	}
	if c.bad || c.form == Events && !c.done || c.finish != "stop" || c.content.Len() == 0 {
		return Completion{}, false
	}
	c.c.Content, c.c.Reasoning = c.content.String(), c.reasoning.String()
	return c.c, true
}

// spoken is a message or a delta.
type spoken struct {
	Role             string          `json:"role"`
	Content          *string         `json:"content"`
	ReasoningContent *string         `json:"reasoning_content"`
	Reasoning        *string         `json:"reasoning"`
	Refusal          *string         `json:"refusal"`
	ToolCalls        json.RawMessage `json:"tool_calls"`
	FunctionCall     json.RawMessage `json:"function_call"`
	Audio            json.RawMessage `json:"audio"`
	Annotations      json.RawMessage `json:"annotations"`
}

type chunk struct {
	Object  string          `json:"object"`
	Model   string          `json:"model"`
	Error   json.RawMessage `json:"error"`
	Choices []struct {
		Index        int             `json:"index"`
		Message      *spoken         `json:"message"`
		Delta        *spoken         `json:"delta"`
		FinishReason *string         `json:"finish_reason"`
		Logprobs     json.RawMessage `json:"logprobs"`
	} `json:"choices"`
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
}

func (c *Collector) event(event []byte) {
	c.data.read(event, !c.begun)
	c.begun = true
	data := bytes.TrimSpace(c.data.data)
	switch {
	case len(data) == 0: // a comment
	case c.done:
		c.bad = true
	case string(data) == "[DONE]":
		c.done = true
	default:
		c.read(data, "chat.completion.chunk")
	}
}

func (c *Collector) whole() { c.read(c.buf, "chat.completion") }

// read adds a completion or a chunk of one.
func (c *Collector) read(data []byte, object string) {
	var k chunk
	if !utf8.Valid(data) || json.Unmarshal(data, &k) != nil || k.Object != object || present(k.Error) || len(k.Choices) > 1 {
		c.bad = true
		return
	}
	if c.c.Model == "" {
		c.c.Model = k.Model
	}
	if u := k.Usage; u != nil {
		c.c.Prompt, c.c.Answer = max(0, u.Prompt), max(0, u.Completion)
	}
	for _, choice := range k.Choices {
		m := choice.Delta
		if c.form == Whole {
			m = choice.Message
		}
		if choice.Index != 0 || c.finish != "" || present(choice.Logprobs) || m == nil && c.form == Whole || m != nil && !c.add(m) {
			c.bad = true
			return
		}
		if choice.FinishReason != nil {
			c.finish = *choice.FinishReason
		}
	}
}

// add adds what is said; false when it is more than text.
func (c *Collector) add(m *spoken) bool {
	if m.Refusal != nil && *m.Refusal != "" || present(m.ToolCalls) || present(m.FunctionCall) || present(m.Audio) || present(m.Annotations) {
		return false
	}
	if m.Content != nil {
		c.content.WriteString(*m.Content)
	}
	for field, text := range map[string]*string{"reasoning_content": m.ReasoningContent, "reasoning": m.Reasoning} {
		if text == nil || *text == "" {
			continue
		}
		if c.c.Field != "" && c.c.Field != field {
			return false
		}
		c.c.Field = field
		c.reasoning.WriteString(*text)
	}
	return true
}

// present says whether a value is there and says something.
func present(v json.RawMessage) bool {
	s := string(bytes.TrimSpace(v))
	return s != "" && s != "null" && s != "[]"
}
