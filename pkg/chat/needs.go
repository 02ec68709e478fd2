package chat

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mom-router/mom/pkg/pipeline"
)

// needed reads a member of the request that the parser itself has no use for, and notes what it asks of a model. A value of a wrong type is the
// backend's to refuse; here it asks for nothing.
func (s *scanner) needed(key string, n *pipeline.Needs) {
	start := s.pos
	switch key {
	case "tools", "functions":
		n.Tools += s.elements(key)
	case "max_completion_tokens":
		s.member(requestKind, key)
		if v, err := strconv.Atoi(s.text[start:s.pos]); err == nil && v > 0 {
			n.MaxTokens = v
		}
	case "max_tokens": // the older name; where a body has both, the newer one counts
		s.member(requestKind, key)
		if v, err := strconv.Atoi(s.text[start:s.pos]); err == nil && v > 0 && n.MaxTokens == 0 {
			n.MaxTokens = v
		}
	case "response_format":
		n.JSON = s.format() || n.JSON
	case "guided_json":
		n.JSON = n.JSON || s.peek() != 'n'
		s.member(requestKind, key)
	default:
		s.member(requestKind, key)
	}
}

// elements reads a member of the request as member does and returns how many elements it has; what is no array has none.
func (s *scanner) elements(key string) int {
	if s.peek() != '[' {
		s.member(requestKind, key)
		return 0
	}
	a := s.array()
	for s.elem(&a) {
		s.skip(requestKind.inside(key), requestKind.hides(key))
	}
	return a.elements
}

// format reads response_format as member does and says whether it asks for JSON.
func (s *scanner) format() (isJSON bool) {
	k := requestKind.inside("response_format")
	if s.peek() != '{' {
		s.member(requestKind, "response_format")
		return false
	}
	o := s.object(k)
	for {
		key, ok := s.next(&o)
		if !ok {
			return isJSON
		}
		start := s.pos
		s.member(k, key)
		if key == "type" {
			word, err := jsontext.AppendUnquote(nil, s.text[start:s.pos])
			isJSON = err == nil && (string(word) == "json_object" || string(word) == "json_schema")
		}
	}
}
