package chat

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mom-router/mom/pkg/pipeline"
)

// EditSystem returns the edit that puts text before, behind or in place of the system prompt. The system prompt is the first message whose role is system
// or developer; where there is none a new first message becomes it.
func EditSystem(how pipeline.How, text string) pipeline.Edit {
	return pipeline.Edit{How: how, Field: "messages", JSON: string(quote(nil, text))}
}

// between parts what was put together.
const between = `\n\n`

// system returns the one change that an edit of the system prompt comes to, where messages is the value of that field and stands at byte at.
func system(messages []byte, at int, e pipeline.Edit) change {
	d := jsontext.NewDecoder(bytes.NewBuffer(messages), jsontext.AllowDuplicateNames(true))
	_, _ = d.ReadToken() // the bracket
	for d.PeekKind() == '{' {
		message, err := d.ReadValue()
		if err != nil {
			break
		}
		message = bytes.Clone(message) // the decoder's own memory
		found, content := false, span{}
		eachMember(message, func(name string, start, end int) {
			switch name {
			case "role":
				role, _ := jsontext.AppendUnquote(nil, message[start:end])
				found = string(role) == "system" || string(role) == "developer"
			case "content":
				content = span{start, end}
			}
		})
		if found {
			c := prompt(message, content, e)
			c.start += at + int(d.InputOffset()) - len(message)
			c.end += at + int(d.InputOffset()) - len(message)
			return c
		}
	}
	open := at + 1
	return change{start: open, end: open, text: `{"role":"system","content":` + e.JSON + `},`}
}

// prompt is the change of the message that is the system prompt, in offsets of that message.
func prompt(message []byte, content span, e pipeline.Edit) change {
	if content.end == 0 {
		return change{start: 1, end: 1, text: `"content":` + e.JSON + `,`} // its role follows
	}
	text, kind := e.JSON[1:len(e.JSON)-1], message[content.start]
	inner := span{content.start + 1, content.end - 1}
	switch {
	case e.How == pipeline.ReplaceSystem || kind != '"' && kind != '[':
		return change{start: content.start, end: content.end, text: e.JSON}
	case len(bytes.TrimSpace(message[inner.start:inner.end])) == 0 && (kind == '[' || inner.start == inner.end): // it is empty
		if kind == '[' {
			text = textPart(e)
		}
		return change{start: inner.start, end: inner.start, text: text}
	case e.How == pipeline.PrependSystem && kind == '"':
		return change{start: inner.start, end: inner.start, text: text + between}
	case e.How == pipeline.PrependSystem:
		return change{start: inner.start, end: inner.start, text: textPart(e) + ","}
	case kind == '"':
		return change{start: inner.end, end: inner.end, text: between + text}
	}
	return change{start: inner.end, end: inner.end, text: "," + textPart(e)}
}

// textPart is the text as an element of a list of parts.
func textPart(e pipeline.Edit) string { return `{"type":"text","text":` + e.JSON + `}` }
