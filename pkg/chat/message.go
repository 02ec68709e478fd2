package chat

import (
	"bytes"
	"fmt"

	"github.com/mom-router/mom/pkg/pipeline"
)

func (s *scanner) messages() []pipeline.Message {
	if s.peek() != '[' {
		s.refuse(invalidType, "", "an array of messages")
		s.skip(messageKind, legible)
		return nil
	}
	ms := make([]pipeline.Message, 0, 8)
	s.texts = make([]string, 0, 8)
	a := s.array()
	for s.elem(&a) {
		if a.elements > s.limits.Messages {
			if s.shape == nil {
				s.shape = &Fault{
					Status: 400, Code: tooManyMessages, Param: "messages",
					Message: fmt.Sprintf("'messages' has more than %d messages.", s.limits.Messages),
				}
			}
			s.skip(messageKind, legible)
			continue
		}
		ms = append(ms, s.message())
	}
	if len(ms) == 0 {
		s.refuse(invalidValue, "", "at least one message")
	}
	return ms
}

// given says what a message has for content.
type given uint8

const (
	absent given = iota
	null
	noParts
	some
)

const contentTypes = "a string or an array of parts"

func (s *scanner) message() pipeline.Message {
	if s.peek() != '{' {
		s.refuse(invalidType, "", "an object")
		s.skip(messageKind, legible)
		return pipeline.Message{}
	}
	var (
		m       pipeline.Message
		role    bool
		content given
		instead bool // something of an assistant's turn that may stand without content
		first   = len(s.texts)
	)
	o := s.object(messageKind)
	for {
		key, ok := s.next(&o)
		if !ok {
			break
		}
		switch key {
		case "role":
			role = true
			m.Role = s.role()
		case "content":
			content = s.content()
		case "tool_calls", "function_call", "refusal", "audio":
			start := s.pos
			s.member(messageKind, key)
			instead = instead || s.fault == nil && !isEmpty(s.raw[start:s.pos])
		default:
			s.member(messageKind, key)
		}
	}
	if len(s.texts) > first {
		m.Texts = s.texts[first:len(s.texts):len(s.texts)]
	}
	switch {
	case !role:
		s.refuse(missingParameter, "role", "")
	case content == some, m.Role == "assistant" && instead, m.Role == "function" && content == null:
	case content == absent:
		s.refuse(missingParameter, "content", "")
	case content == null:
		s.refuse(invalidType, "content", contentTypes)
	default:
		s.refuse(invalidValue, "content", "at least one part")
	}
	return m
}

// isEmpty says whether a sound JSON value is null, an empty string or an empty array.
func isEmpty(v []byte) bool {
	switch v[0] {
	case 'n':
		return true
	case '"':
		return len(v) == 2
	case '[':
		return len(bytes.TrimSpace(v[1:len(v)-1])) == 0
	}
	return false
}

func (s *scanner) role() string {
	role, ok := s.stringOrSkip()
	if !ok {
		s.refuse(invalidType, "", "a string")
		return ""
	}
	switch role {
	case "system", "developer", "user", "assistant", "tool", "function":
	default:
		s.refuse(invalidValue, "", "system, developer, user, assistant, tool or function")
	}
	return role
}

// content reads a message's content and adds its texts. A value of a wrong type is refused here and counts as some.
func (s *scanner) content() given {
	switch s.peek() {
	case '"':
		at := s.pos
		s.addText(at, s.string())
		return some
	case 'n':
		s.skip(nil, legible)
		return null
	case '[':
		a := s.array()
		for s.elem(&a) {
			s.part()
		}
		if a.elements == 0 {
			return noParts
		}
		return some
	}
	s.refuse(invalidType, "", contentTypes)
	s.skip(partKind, legible)
	return some
}

func (s *scanner) part() {
	if s.peek() != '{' {
		s.refuse(invalidType, "", "an object")
		s.skip(partKind, legible)
		return
	}
	var typ, text, refusal partString
	s.attached, s.readable = false, false
	o := s.object(partKind)
	for {
		key, ok := s.next(&o)
		if !ok {
			break
		}
		switch key {
		case "type":
			typ.read(s)
		case "text":
			text.read(s)
		case "refusal":
			refusal.read(s)
			if refusal.valid {
				s.keep(refusal.leaf, refusal.at, refusal.value, s.leafPath(s.path, ""))
			}
		default:
			s.member(partKind, key)
		}
	}
	if !typ.require(s, "type") {
		return
	}
	switch typ.value {
	case "text":
		if text.require(s, "text") {
			s.addText(text.at, text.value)
		}
	case "refusal":
		refusal.require(s, "refusal")
	case "image_url":
		s.attached = s.attached || !s.readable
		s.images++
	case "input_audio", "file":
		s.attached = s.attached || !s.readable
		if s.attached {
			s.files++
		}
	default:
		s.refuse(invalidValue, "type", "text, image_url, input_audio, file or refusal")
	}
	if typ.value != "text" && text.valid {
		s.keep(text.leaf, text.at, text.value, s.leafPath(s.path, ".text"))
	}
	if s.attached {
		s.unscannable++
	}
}

// addText adds one to the texts; its literal begins at byte at.
func (s *scanner) addText(at int, text string) {
	s.texts = append(s.texts, text)
	if s.locate {
		s.textSpans = append(s.textSpans, s.span(at))
	}
}

// partString is a member of a part that has to be a string, if the part's type, which may stand after it, asks for it.
type partString struct {
	value        string
	at, leaf     int // where it begins, and the number of the leaf that it would be
	there, valid bool
}

func (p *partString) read(s *scanner) {
	p.there, p.at, p.leaf = true, s.pos, len(s.leaves)
	p.value, p.valid = s.stringOrSkip()
}

func (p *partString) require(s *scanner, name string) bool {
	switch {
	case !p.there:
		s.refuse(missingParameter, name, "")
	case !p.valid:
		s.refuse(invalidType, name, "a string")
	}
	return p.valid
}
