package text

import (
	"encoding/base32"
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxDecoded = 64 << 10 // bytes of all pieces together
	maxPieces  = 32
	maxDepth   = 2
	minPiece   = 8  // characters
	minBase64  = 11 // what 8 bytes take without padding
	minBase32  = 13
	maxWord    = 24 // letters of a natural word, and bytes that may be text by chance
	minLine    = 16 // of base64 that goes on in the next line
)

// Decoded returns the texts that s holds in another writing: base64 (standard, URL-safe, with or without padding and line breaks; also of UTF-16LE),
// base32, hexadecimal and binary (together or in groups), percent-encoding, HTML entities, backslash escapes, and rot13 where English comes of it.
// Where escapes stand in running text a piece is the lines they are in. What comes out is decoded once more. A piece is valid UTF-8 of at least 8
// characters, 85 % of them readable; hashes, keys and binary data give none. At most 32 pieces of 64 kB together, none twice.
func Decoded(s string) []string {
	d := decoder{left: maxDecoded, seen: []string{s}}
	for at, depth := 0, 0; depth < maxDepth; depth++ {
		for level := d.seen[at:]; len(level) > 0; level = level[1:] {
			at++
			d.read(level[0])
		}
	}
	return d.pieces
}

// decoder collects pieces within their bounds.
type decoder struct {
	pieces []string
	seen   []string // the string itself, the pieces, and what may hold a piece but is none, such as a number
	left   int      // bytes
}

func (d *decoder) full() bool { return d.left < minPiece || len(d.seen) > maxPieces }

func (d *decoder) read(s string) {
	d.runs(s)
	d.groups(s, 16)
	d.groups(s, 2)
	d.escaped(s, '%', unpercent)
	d.escaped(s, '&', unentity)
	d.escaped(s, '\\', unescape)
	if r := rotated(s, d.left); r != s {
		d.add(r)
	}
}

// add takes a piece that can be read and reports whether it was one.
func (d *decoder) add(s string) bool {
	s = strings.TrimSpace(s)
	if d.full() || len(s) < minPiece {
		return false
	}
	if len(s) > d.left {
		s = cut(s, d.left)
	}
	if utf8.RuneCountInString(s) < minPiece || !utf8.ValidString(s) || !readable(s) {
		return false
	}
	if slices.Contains(d.seen, s) {
		return true
	}
	d.seen = append(d.seen, s)
	d.left -= len(s)
	if wordy(s) {
		d.pieces = append(d.pieces, s)
	}
	return true
}

// cut returns at most n bytes of s, whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// readable reports whether at least 85 % of the characters are letters, digits, spaces and punctuation.
func readable(s string) bool {
	good, all := 0, 0
	for _, r := range s {
		all++
		if r != utf8.RuneError && (unicode.IsGraphic(r) || r == '\n' || r == '\t' || r == '\r' || isTag(r) || invisible(r)) {
			good++
		}
	}
	return all > 0 && 100*good >= 85*all
}

// wordy reports whether at least half of the characters are letters or spaces. Chance makes punctuation and digits of bytes as often.
func wordy(s string) bool {
	good, all := 0, 0
	for _, r := range s {
		all++
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsSpace(r) || isTag(r) {
			good++
		}
	}
	return 2*good >= all
}

// runs decodes runs of the alphabets of base64 and base32.
func (d *decoder) runs(s string) {
	for i := 0; i < len(s) && !d.full(); {
		if !base64Byte(s[i]) {
			i++
			continue
		}
		end, line := i, i
		for end < len(s) {
			if base64Byte(s[end]) || s[end] == '=' {
				end++
				continue
			}
			next := end
			if strings.HasPrefix(s[next:], "\r\n") {
				next += 2
			} else if s[next] == '\n' {
				next++
			}
			if next == end || end-line < minLine || next == len(s) || !base64Byte(s[next]) {
				break
			}
			end, line = next, next
		}
		d.run(s[i:end])
		i = end
	}
}

// run decodes one run: whole, else line by line, else what stands between its signs, for they may belong to the text around.
func (d *decoder) run(s string) {
	if len(s) < minBase64 || d.alphabet(s) {
		return
	}
	for _, separators := range []string{"\r\n", "\r\n=", "\r\n=/+-_"} {
		if !strings.ContainsAny(s, separators) {
			continue
		}
		found := false
		for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			found = d.alphabet(part) || found
		}
		if found {
			return
		}
	}
}

func (d *decoder) alphabet(s string) bool {
	s = base64Signs.Replace(s)
	if len(s) < minBase64 || len(s) < maxWord && oneCase(s[1:]) {
		return false
	}
	if len(s) >= minBase32 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '2' || r > '7') }) {
		whole := s[:min(len(s), d.left/5*8+8)]
		if b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(whole); err == nil && d.bytes(b) {
			return true
		}
	}
	s = s[:min(len(s), d.left/3*4+4)]
	if len(s)%4 == 1 { // one character stands for six bits, no byte
		s = s[:len(s)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return false
	}
	return d.bytes(narrow(b))
}

// bytes adds what comes of a run of letters, any of which is bytes of some kind. Few of them may be text by chance, so all must be printable then,
// and one word must be letters.
func (d *decoder) bytes(b []byte) bool {
	s := string(b)
	if len(b) < maxWord && !strings.Contains(s, " ") && strings.ContainsFunc(s, func(r rune) bool { return r < 0x80 && !wordRune(r) && !strings.ContainsRune("-_.!?=", r) }) {
		return false
	}
	if len(b) < maxWord && strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) || r == utf8.RuneError }) {
		return false
	}
	return d.add(s)
}

// oneCase reports whether s is letters of one case alone, as in a word.
func oneCase(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 'a' || r > 'z' }) || !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

func base64Byte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// base64Signs brings the URL-safe alphabet to the standard one, without padding and line breaks.
var base64Signs = strings.NewReplacer("-", "+", "_", "/", "=", "", "\n", "", "\r", "")

// narrow reads bytes whose every second one is zero as UTF-16LE of ASCII, which PowerShell takes.
func narrow(b []byte) []byte {
	if len(b) < 2 || b[1] != 0 {
		return b
	}
	out := make([]byte, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		if b[i+1] != 0 {
			return b
		}
		out = append(out, b[i])
	}
	return out
}
