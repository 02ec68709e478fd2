package recall

import (
	"strings"

	"github.com/mom-router/mom/pkg/pipeline"
)

// Why a request is neither answered from memory nor remembered, beside the words of pipeline.Asked.Unlike.
const (
	noTenant  = "tenant"  // nobody vouches for who asks
	noStore   = "asked"   // the caller asked for it
	unguarded = "guard"   // not all guards have read it, or they found something
	timely    = "time"    // the answer may be another one by now
	task      = "task"    // a chat client's own request, for a title or tags
	long      = "long"    // too long to be asked twice
	personal  = "private" // it holds personal data
)

// most is how many bytes all texts of a request may have, some 2,000 tokens of English.
const most = 8 << 10

// bars says by which word a request goes past the memory, "" when it does not.
func (r *Recall) bars(req *pipeline.Request, trail pipeline.Trail) string {
	found, _ := pipeline.Find[pipeline.Guarded](trail)
	switch {
	case !r.c.Shared && req.Caller.Tenant == "":
		return noTenant
	case req.Caller.NoStore:
		return noStore
	case req.Asked.Unlike != "":
		return req.Asked.Unlike
	case req.Asked.Whole == [32]byte{}: // nobody looked
		return "field"
	case len(found.PII) > 0:
		return personal
	case pipeline.GuardState(trail, r.c.Guards) != pipeline.GuardOK:
		return unguarded
	}
	bytes := 0
	for _, t := range req.All() {
		bytes += len(t.Text)
		switch {
		case bytes > most:
			return long
		case isTask(t):
			return task
		case t.Role == "user" && isTimely(t.Text):
			return timely
		}
	}
	return ""
}

// isTask finds the requests that chat clients make for themselves, for a title or for tags: they repeat what a user said. The words are those of Open
// WebUI and chat-ui.
func isTask(t pipeline.Text) bool {
	switch t.Role {
	case "user":
		return strings.HasPrefix(strings.TrimSpace(t.Text), "### Task:")
	case "system":
		return strings.HasPrefix(t.Text, "You are a chat thread titling assistant")
	}
	return false
}
