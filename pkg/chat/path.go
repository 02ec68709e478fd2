package chat

import (
	"fmt"
	"strconv"
)

// step is one level of where the scanner stands: a member of an object or an element of an array.
type step struct {
	key   string
	index int
	array bool
	known bool // key is, byte for byte, a name of the object's kind
}

// where renders the path, such as messages[0].content[1], as far as it consists of the API's own names. Any other key is the client's text, and
// text must not reach an error.
func (s *scanner) where() string {
	var b []byte
	for _, st := range s.path {
		switch {
		case st.array && st.index >= 0:
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(st.index), 10)
			b = append(b, ']')
		case !st.array && isKnown(st.key):
			if len(b) > 0 {
				b = append(b, '.')
			}
			b = append(b, st.key...)
		default:
			return string(b)
		}
	}
	return string(b)
}

// refuseBody is a fault of the JSON as a whole.
func (s *scanner) refuseBody(code, message string) {
	if s.fault == nil {
		s.fault = &Fault{Status: 400, Code: code, Message: message}
	}
}

// refuseKey is a fault of the key at the end of the path, which begins at byte at.
func (s *scanner) refuseKey(code, what string, at int) {
	param := s.where()
	where := "in the top-level object"
	if param != "" {
		where = "at or inside '" + param + "'"
	}
	s.fault = &Fault{Status: 400, Code: code, Param: param, Message: fmt.Sprintf("The request body is ambiguous: %s, %s, at byte %d.", what, where, at)}
}

// refuse notes a fault of the shape, unless there is one already: of where the scanner stands or, with name, of that member of it.
func (s *scanner) refuse(code, name, want string) {
	if s.shape != nil || s.fault != nil {
		return
	}
	param := s.where()
	if name != "" {
		if param != "" {
			param += "."
		}
		param += name
	}
	var message string
	switch code {
	case missingParameter:
		message = fmt.Sprintf("Missing required parameter: '%s'.", param)
	case invalidType:
		message = fmt.Sprintf("Invalid type for '%s': expected %s.", param, want)
	case invalidValue:
		message = fmt.Sprintf("Invalid value for '%s': expected %s.", param, want)
	default:
		message = fmt.Sprintf("'%s' %s.", param, want)
	}
	s.shape = &Fault{Status: 400, Code: code, Param: param, Message: message}
}
