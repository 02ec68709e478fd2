package signal

import (
	"strings"
	"unicode"
)

// Code returns how much of the last user turn is program code, in [0, 1] by its characters: what stands between fences, and lines that look like it.
func (s *Set) Code() float64 {
	share, _ := s.code.get(func() (float64, error) { return codeShare(s.whole()), nil })
	return share
}

func codeShare(text string) float64 {
	code, all, fence := 0, 0, ""
	for line := range strings.Lines(text) {
		bare := strings.TrimSpace(line)
		n := len(bare)
		all += n
		switch {
		case n == 0:
		case fence != "":
			code += n
			if strings.HasPrefix(bare, fence) {
				fence = ""
			}
		case strings.HasPrefix(bare, "```") || strings.HasPrefix(bare, "~~~"):
			code += n
			fence = bare[:3]
		case isCode(line, bare):
			code += n
		}
	}
	if all == 0 {
		return 0
	}
	return float64(code) / float64(all)
}

// codeSigns are what code has much of and sentences have little of.
const codeSigns = "{}()[];=<>:+*/&|_$#@\\^%`\""

// isCode guesses by the signs of a line: one character in eight, and an end, a beginning or an operator that no sentence has.
func isCode(line, bare string) bool {
	signs, letters := 0, 0
	for _, r := range bare {
		switch {
		case r < unicode.MaxASCII && strings.ContainsRune(codeSigns, r):
			signs++
		case !unicode.IsSpace(r):
			letters++
		}
	}
	if 8*signs < signs+letters {
		return false
	}
	switch bare[len(bare)-1] {
	case ';', '{', '}', ']', '\\':
		return true
	}
	if line[0] == ' ' || line[0] == '\t' || bare[len(bare)-1] == ':' && strings.ContainsAny(bare, "(=") {
		return true
	}
	for _, sign := range []string{"==", ":=", "->", "=>", "!=", "&&", "||", "++", "+=", "::", "();", "</", "/>", " = "} {
		if strings.Contains(bare, sign) {
			return true
		}
	}
	return false
}
