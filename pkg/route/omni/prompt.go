package omni

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// The prompt is the one the Arch router was trained for, in three parts: its routes and its conversation are put between them, and are not searched for
// anything. A replacement in the text would expand $$ in a formula, and a route described by the words {conversation} would take the user's place.
const (
	beforeRoutes = `You are a helpful assistant designed to find the best suited route.
You are provided with route description within <routes></routes> XML tags:

<routes>

`
	beforeConversation = `

</routes>

<conversation>

`
	behind = `

</conversation>

Your task is to decide which route is best suit with user intent on the conversation in <conversation></conversation> XML tags.

Follow those instructions:
1. Use prior turns to choose the best route for the current message if needed.
2. If no route match the full conversation respond with other route {"route": "other"}.
3. Analyze the route descriptions and find the best match route for user latest intent.
4. Respond only with the route name that best matches the user's request, using the exact name in the <routes> block.
Based on your analysis, provide your response in the following JSON format if you decide to match any route:
{"route": "route_name"}`
)

// What of a conversation is sent. The lengths are in UTF-16 units, as chat-ui counts and ships them.
const (
	turns         = 16
	mostAssistant = 500
	mostEarlier   = 400
	perToken      = 3    // units, where a token has about four
	leastLatest   = 1000 // of the latest user turn, whatever else there is
)

// turn is one message of the conversation.
type turn struct{ role, content string }

// describe writes the routes as JSON.stringify does: no spaces, nothing escaped that need not be.
func describe(routes []Route) string {
	b := []byte{'['}
	for i, r := range routes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(quote(append(b, `{"name":`...), r.Name), `,"description":`...)
		b = append(quote(b, r.Description), '}')
	}
	return string(append(b, ']'))
}

// quote appends a JSON string in its shortest form (RFC 8785), which is that of JSON.stringify.
func quote(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // what is no UTF-8 becomes U+FFFD
	return b
}

// thought is what a model wrote to itself.
var thought = regexp.MustCompile(`(?s)<think>.*?(?:</think>|$)`)

// conversation returns the last turns that have text, those of tools left out: no intent is in them. What is hidden is replaced.
func conversation(req *pipeline.Request, hidden []pipeline.Replacement) []turn {
	texts := map[int][]string{}
	for ref, t := range req.All() {
		if t.Path == "" && t.Message >= 0 {
			texts[t.Message] = append(texts[t.Message], chat.Replaced(ref, t.Text, hidden))
		}
	}
	var out []turn
	for i := range req.Messages {
		role, text := req.Messages[i].Role, strings.Join(texts[i], "\n")
		if role == "assistant" {
			text = thought.ReplaceAllString(text, "")
		}
		if role != "tool" && role != "function" && strings.TrimSpace(text) != "" {
			out = append(out, turn{role, text})
		}
	}
	return out[max(len(out)-turns, 0):]
}

// prompt writes the routes and the conversation into it. Of the latest user turn it takes what the context holds beside the rest.
func prompt(routes string, context int, conversation []turn) []byte {
	latest := -1
	for i, t := range conversation {
		if t.role == "user" {
			latest = i
		}
	}
	left := context*perToken - len(beforeRoutes) - len(routes) - len(beforeConversation) - len(behind)
	conversation = slices.Clone(conversation)
	for i, t := range conversation {
		switch {
		case i == latest:
			continue
		case t.role == "assistant":
			conversation[i].content = cut(t.content, mostAssistant)
		case t.role == "user":
			conversation[i].content = cut(t.content, mostEarlier)
		}
		left -= len(conversation[i].content)
	}
	if latest >= 0 {
		conversation[latest].content = cut(conversation[latest].content, max(left, leastLatest))
	}
	b := append([]byte(beforeRoutes), routes...)
	b = append(append(b, beforeConversation...), '[')
	for i, t := range conversation {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(quote(append(b, `{"role":`...), t.role), `,"content":`...)
		b = append(quote(b, t.content), '}')
	}
	return append(append(b, ']'), behind...)
}

// cut takes the middle out of a text that has more than most UTF-16 units, and no half of a character.
func cut(text string, most int) string {
	if len(text) <= most { // bytes are never fewer than units
		return text
	}
	units := utf16.Encode([]rune(text))
	if len(units) <= most {
		return text
	}
	head := (6*(most-1) + 9) / 10
	tail := len(units) - (most - 1 - head)
	if head > 0 && units[head-1]&0xFC00 == 0xD800 {
		head--
	}
	if tail < len(units) && units[tail]&0xFC00 == 0xDC00 {
		tail++
	}
	return string(utf16.Decode(units[:head])) + "…" + string(utf16.Decode(units[tail:]))
}

// body is the request, to the letter what chat-ui sends.
func (r *Router) body(prompt []byte) []byte {
	b := quote([]byte(`{"model":`), r.c.Model)
	b = quote(append(b, `,"messages":[{"role":"user","content":`...), string(prompt))
	b = strconv.AppendInt(append(b, `}],"temperature":0,"max_tokens":`...), int64(r.c.MaxTokens), 10)
	return append(b, `,"stream":false}`...)
}
