package text

import (
	"encoding/base64"
	"strings"
)

// Kind is what a data URL holds.
type Kind int

// The kinds: not a data URL at all, text, and bytes that no text guard can read, such as an image or broken base64.
const (
	None Kind = iota
	Text
	Opaque
)

// DataURL returns the text in a data URL (RFC 2397) of a text media type: text/*, JSON, XML, SVG, YAML, JavaScript and forms, with base64 or percent
// escapes undone; no media type is text/plain. At most 64 kB are returned, as valid UTF-8. Anything else in a data URL is Opaque, without a text.
func DataURL(s string) (string, Kind) {
	const scheme = "data:"
	s = strings.TrimSpace(s)
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return "", None
	}
	header, data, ok := strings.Cut(s[len(scheme):], ",")
	if !ok {
		return "", Opaque
	}
	media, parameters, _ := strings.Cut(strings.ToLower(header), ";")
	if !textual(strings.TrimSpace(media)) {
		return "", Opaque
	}
	last := parameters[strings.LastIndexByte(parameters, ';')+1:]
	if strings.TrimSpace(last) != "base64" {
		// Three bytes of an escape give one.
		return strings.ToValidUTF8(cut(percents(cut(data, 3*maxDecoded)), maxDecoded), "\uFFFD"), Text
	}
	data = base64Signs.Replace(percents(cut(data, 2*maxDecoded)))
	data = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, data)
	data = data[:min(len(data), maxDecoded/3*4)]
	if len(data)%4 == 1 {
		data = data[:len(data)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(data)
	if err != nil {
		return "", Opaque
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), Text
}

// textual reports whether a media type is text.
func textual(media string) bool {
	switch media {
	case "", "application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript", "application/x-javascript",
		"application/ecmascript", "application/x-www-form-urlencoded", "application/x-ndjson", "application/sql", "application/toml", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasPrefix(media, "application/") &&
		(strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "+yaml"))
}

// percents decodes every %XX.
func percents(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && hexDigits(s[i+1:], 2) {
			out = append(out, byte(number(s[i+1:i+3], 16)))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}
