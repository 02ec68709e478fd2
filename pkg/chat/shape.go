package chat

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/mom-router/mom/pkg/pipeline"
)

// body reads the whole body: one object and nothing after it.
func (s *scanner) body(b *Body) *pipeline.Request {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if strings.HasPrefix(s.text, mark) {
			s.refuseJSON(invalidJSON, "a byte order mark", 0)
			return nil
		}
	}
	s.blank()
	var req *pipeline.Request
	if s.peek() == '{' {
		req = s.request(b)
	} else {
		s.skip(nil, legible)
		if s.shape == nil {
			s.shape = &Fault{Status: 400, Code: invalidType, Message: "The request body must be a JSON object."}
		}
	}
	s.blank()
	if s.fault == nil && s.pos < len(s.raw) {
		s.unexpected()
	}
	return req
}

func (s *scanner) request(b *Body) *pipeline.Request {
	req := &pipeline.Request{}
	var model, messages bool
	o := s.object(requestKind)
	b.open = s.pos
	b.fields = make([]field, 0, 8)
	for {
		key, ok := s.next(&o)
		if !ok {
			break
		}
		start := s.pos
		switch key {
		case "model":
			model = true
			req.Model = s.model()
		case "messages":
			messages = true
			req.Messages = s.messages()
		case "stream":
			req.Stream = s.peek() == 't'
			if c := s.peek(); c != 't' && c != 'f' {
				s.refuse(invalidType, "", "a boolean")
			}
			s.skip(nil, legible)
		default:
			s.needed(key, &req.Needs)
		}
		b.fields = append(b.fields, field{name: key, start: start, end: s.pos})
	}
	req.Leaves, req.Unscannable = s.leaves, s.unscannable
	req.Needs.Images, req.Needs.Files = s.images, s.files
	if !model {
		s.refuse(missingParameter, "model", "")
	}
	if !messages {
		s.refuse(missingParameter, "messages", "")
	}
	return req
}

func (s *scanner) model() string {
	name, ok := s.stringOrSkip()
	switch {
	case !ok:
		s.refuse(invalidType, "", "a string")
	case name == "":
		s.refuse(invalidValue, "", "a name that is not empty")
	case len(name) > s.limits.ModelBytes:
		s.refuse(invalidValue, "", fmt.Sprintf("at most %d bytes", s.limits.ModelBytes))
	case strings.ContainsFunc(name, unicode.IsControl):
		s.refuse(invalidValue, "", "a name without control characters")
	}
	return name
}

// stringOrSkip reads one value and says whether it is a string.
func (s *scanner) stringOrSkip() (string, bool) {
	if s.peek() == '"' {
		return s.string(), true
	}
	s.skip(nil, legible)
	return "", false
}
