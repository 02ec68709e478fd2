package route

import (
	"slices"
	"strconv"

	"github.com/mom-router/mom/pkg/pipeline"
)

// optimizes says whether an edit changes the system prompt.
func optimizes(edits []pipeline.Edit) bool {
	return slices.ContainsFunc(edits, func(e pipeline.Edit) bool {
		return e.How == pipeline.PrependSystem || e.How == pipeline.AppendSystem || e.How == pipeline.ReplaceSystem
	})
}

// limits are the edits that keep a request within what the backend may be asked, by both names that the API has for it. They come last: nothing that a
// decision sets goes beyond them.
func (b Backend) limits() []pipeline.Edit {
	if b.MaxTokens == 0 {
		return nil
	}
	most := strconv.Itoa(b.MaxTokens)
	return []pipeline.Edit{
		{How: pipeline.CapField, Field: "max_tokens", JSON: most}, {How: pipeline.CapField, Field: "max_completion_tokens", JSON: most},
	}
}
