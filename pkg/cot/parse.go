package cot

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Parse reads a trail back, from the header's line or the display form, with any emoji or none, also when a client has read the header's bytes
// as Latin-1. It never fails: what is unknown or cut off is left out, and text that is no trail at all yields the empty Trail.
func Parse(s string) Trail {
	var t Trail
	marks := markers(unmangle(s))
	for i := 0; i < len(marks); {
		stage, isHead := head(marks[i])
		i++
		if !isHead {
			continue
		}
		end := i
		for end < len(marks) {
			if _, next := head(marks[end]); next {
				break
			}
			end++
		}
		switch stage {
		case '1':
			t.Guard = parseGuard(marks[i:end])
		case '2':
			t.Memory = parseMemory(marks[i:end])
		case '3':
			t.Route = parseRoute(marks[i:end])
		}
		i = end
	}
	return t
}

// A marker is *text* or, strong, ***text***.
type marker struct {
	text   string
	strong bool
}

// markers finds what stands between two runs of equally many stars. A run that does not fit opens anew, so one lost star costs one marker.
func markers(s string) []marker {
	var out []marker
	open, from := 0, 0 // how many stars opened, and where the text after them begins
	for i := 0; i < len(s); i++ {
		if s[i] != '*' {
			continue
		}
		start := i
		for i+1 < len(s) && s[i+1] == '*' {
			i++
		}
		n := i + 1 - start
		if n != open {
			open, from = n, i+1
			continue
		}
		if n == 1 || n == 3 {
			out = append(out, marker{text: s[from:start], strong: n == 3})
		}
		open = 0
	}
	return out
}

// head returns the number of the stage that m begins.
func head(m marker) (stage byte, ok bool) {
	rest, ok := strings.CutPrefix(m.text, "Stage ")
	if !ok || !m.strong || len(rest) < 4 || rest[1:4] != " - " {
		return 0, false
	}
	return rest[0], true
}

func parseGuard(marks []marker) *Guard {
	var g Guard
	jailbreakSeen, piiSeen, passed := false, false, false
	for _, m := range marks {
		switch {
		case m.strong:
			passed = passed || m.text == "Continue"
		case m.text == "No Jailbreak":
			jailbreakSeen = true
		case strings.HasPrefix(m.text, "Jailbreak Detected"):
			jailbreakSeen, g.Jailbreak = true, true
			if _, c, ok := strings.Cut(m.text, "Confidence: "); ok {
				if f, err := strconv.ParseFloat(c, 64); err == nil && known(f) {
					g.Confidence = f
				}
			}
		case m.text == "No PII":
			piiSeen = true
		case strings.HasPrefix(m.text, "PII Detected"):
			piiSeen, g.PII = true, true
		}
	}
	g.Passed = passed && (g.Jailbreak || g.PII)
	// Half of a stage that was cut off says nothing: "no jailbreak" alone must not read as "let through".
	if g.Blocked() || jailbreakSeen && piiSeen {
		return &g
	}
	return nil
}

func parseMemory(marks []marker) *Memory {
	var found *Memory
	for _, m := range marks {
		switch {
		case m.strong:
		case m.text == "HIT" || m.text == "MISS":
			found = &Memory{Hit: m.text == "HIT"}
		case found != nil && found.Hit && strings.HasPrefix(m.text, similarity):
			if f, err := strconv.ParseFloat(m.text[len(similarity):], 64); err == nil && known(f) {
				found.Similarity = f
			}
		}
	}
	return found
}

func parseRoute(marks []marker) *Route {
	var r *Route
	for _, m := range marks {
		switch {
		case m.strong:
		case r == nil:
			r = &Route{Domain: m.text}
		case m.text == "Reasoning On":
			r.Reasoning = pipeline.On
		case m.text == "Reasoning Off":
			r.Reasoning = pipeline.Off
		case m.text == "Prompt Optimized":
			r.Optimized = true
		case m.text != "Continue" && r.Model == "":
			r.Model = m.text
		}
	}
	return r
}

// unmangle undoes the reading of UTF-8 as Latin-1, by which every emoji becomes a run of characters that begins with ð (U+00F0) or â (U+00E2).
func unmangle(s string) string {
	if !strings.ContainsAny(s, "\u00f0\u00e2") {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			return s
		}
		b = append(b, byte(r))
	}
	if !utf8.Valid(b) {
		return s
	}
	return string(b)
}
