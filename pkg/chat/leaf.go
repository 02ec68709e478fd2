package chat

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
)

// opacity says which strings of a member are opaque: not for a guard to read. Any other string there is a leaf, so that no attack hides in a
// place where nobody looks.
type opacity uint8

const (
	legible    opacity = iota // none
	word                      // an id or a word of the API's, by its look: see isWord
	reference                 // the same, of something that the backend keeps
	schemaType                // a type of JSON Schema's
	dataURL                   // a binary data URL
	payload                   // a binary data URL or bare Base64
)

// hides says whether text, which stands at a member of this opacity, is opaque. It notes what an attachment holds.
func (s *scanner) hides(how opacity, text string) bool {
	switch how {
	case word:
		return isWord(text)
	case reference:
		s.attached = true
		return isWord(text)
	case schemaType:
		switch text {
		case "object", "array", "string", "number", "integer", "boolean", "null":
			return true
		}
	case dataURL, payload:
		media, params, body, ok := splitURL(text)
		if ok && !isBinary(media) {
			s.readable = true
			return false
		}
		s.attached = true
		// Any other parameter, and a body that is not Base64, could hold words.
		return ok && strings.EqualFold(params, "base64") && isBase64(body) || how == payload && isBase64(text)
	}
	return false
}

// value reads the string whose quote is next and keeps it as a leaf, unless it is empty or opaque.
func (s *scanner) value(how opacity) {
	at := s.pos
	if text := s.string(); text != "" && !s.hides(how, text) {
		s.keep(len(s.leaves), at, text, s.leafPath(s.path, ""))
	}
}

// key keeps the key of the member that next came to as a leaf, unless it is one of the API's words; its quote is at byte at.
func (s *scanner) key(k *kind, key string, at int) {
	if _, ok := words[key]; ok || k == biasKind && isNumber(key) {
		return
	}
	s.keep(len(s.leaves), at, key, s.leafPath(s.path[:len(s.path)-1], "{key}"))
}

// keep makes text, whose literal begins at byte at, the leaf number i. An empty text says nothing and is none.
func (s *scanner) keep(i, at int, text, path string) {
	if text == "" {
		return
	}
	leaf := pipeline.Leaf{Path: path, Message: -1, Text: text}
	if len(s.path) > 1 && s.path[0].key == "messages" && s.path[1].array {
		leaf.Message = s.path[1].index
	}
	if s.leaves == nil {
		s.leaves = make([]pipeline.Leaf, 0, 8)
	}
	s.leaves = slices.Insert(s.leaves, i, leaf)
	if s.locate {
		s.leafSpans = slices.Insert(s.leafSpans, i, s.span(at))
	}
}

// leafPath renders steps as far as they are the API's own names; what lies below is one *, and in front of an ending nothing. So a path holds no
// text of the client's, has a bounded length, and most leaves share theirs with the one before.
func (s *scanner) leafPath(steps []step, ending string) string {
	if ending == "" && len(steps) == 1 && steps[0].known {
		return steps[0].key
	}
	b, named := s.scratch.line[:0], false
	for _, st := range steps {
		if st.array && named {
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(st.index), 10)
			b = append(b, ']')
			named = false
			continue
		}
		if len(b) > 0 && (st.known || ending == "") {
			b = append(b, '.')
		}
		if named = st.known; !named {
			if ending == "" {
				b = append(b, '*')
			}
			break
		}
		b = append(b, st.key...)
	}
	b = append(b, ending...)
	for _, last := range s.lastPaths {
		if last == string(b) {
			return last
		}
	}
	// Paths share chunks: an allocation for each would be most of the cost of a body with tools.
	if s.paths.Cap()-s.paths.Len() < len(b) {
		s.paths = strings.Builder{}
		s.paths.Grow(pathChunk)
	}
	from := s.paths.Len()
	s.paths.Write(b)
	s.lastPaths[1], s.lastPaths[0] = s.lastPaths[0], s.paths.String()[from:]
	return s.lastPaths[0]
}

// pathChunk has room for about twenty paths; the longest path is far shorter.
const pathChunk = 768

// longestWord is as long as the ids that the API's own servers make, and too short for a story.
const longestWord = 64

// isWord says whether s looks like an id or a word of an API: at most 64 bytes of [A-Za-z0-9_.:-].
func isWord(s string) bool {
	if len(s) > longestWord {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isAlnum(c) && c != '_' && c != '.' && c != ':' && c != '-' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) }

func isNumber(s string) bool {
	return len(s) <= longestWord && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// splitURL splits data:MEDIA;PARAMS,BODY and says whether s is that.
func splitURL(s string) (media, params, body string, ok bool) {
	const scheme = "data:"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return "", "", "", false
	}
	head, body, ok := strings.Cut(s[len(scheme):], ",")
	media, params, _ = strings.Cut(head, ";")
	return strings.ToLower(media), params, body, ok
}

// isBinary says whether content of this media type is certainly not text. A type that is not known may be text.
func isBinary(media string) bool {
	family, name, _ := strings.Cut(media, "/")
	if !isWord(strings.ReplaceAll(name, "+", "-")) || strings.Contains(name, "svg") || strings.HasSuffix(name, "xml") || strings.HasSuffix(name, "json") {
		return false
	}
	switch family {
	case "image", "audio", "video":
		return true
	case "application":
		for _, office := range []string{"vnd.openxmlformats-officedocument.", "vnd.oasis.opendocument.", "vnd.ms-"} {
			if strings.HasPrefix(name, office) {
				return true
			}
		}
		return name == "pdf" || name == "zip" || name == "msword"
	}
	return false
}

// isBase64 says whether s is written in one of Base64's two alphabets.
func isBase64(s string) bool {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isAlnum(c) && c != '+' && c != '/' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
