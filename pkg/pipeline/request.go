package pipeline

// Request is one chat request as the stages see it. It is fixed when the body was parsed; nobody edits it afterwards. A new field is a change of
// the architecture: first ask whose Finding it would be.
type Request struct {
	ID       string    // the id Envoy gave the request; for logs, never a key
	Model    string    // as the client spelled it, 1..256 bytes
	Alias    Alias     // what that name stands for
	Stream   bool      // the answer is wanted as server-sent events
	Messages []Message // in the client's order, at least one
}

// Alias says what a model name stands for.
type Alias uint8

const (
	// Named is a model's own name, known or not: nothing is chosen for the client.
	Named Alias = iota
	// MoM asks the router to choose.
	MoM
)

// Message is one turn of the conversation.
type Message struct {
	Role  string   // system, developer, user, assistant, tool or function
	Texts []string // the text parts, unescaped, in order; a plain string is one part; empty when there is no text
}

// LastUser returns the text parts of the last user turn, or nil when there is none.
func (r *Request) LastUser() []string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return r.Messages[i].Texts
		}
	}
	return nil
}
