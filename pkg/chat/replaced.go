package chat

import (
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Replaced returns one text of a request with the replacements that are made in it, as Body.Apply would write it; those of other texts are ignored.
func Replaced(ref pipeline.Ref, text string, replacements []pipeline.Replacement) string {
	var own []pipeline.Replacement
	for _, r := range replacements {
		if r.Ref == ref {
			own = append(own, r)
		}
	}
	if own == nil {
		return text
	}
	var b strings.Builder
	at := 0
	for _, m := range masks(text, own) {
		b.WriteString(text[at:m.start])
		b.WriteString(m.with)
		at = m.end
	}
	b.WriteString(text[at:])
	return b.String()
}
