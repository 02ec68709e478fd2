package pipeline

import "iter"

// Request is one chat request as the stages see it. It is fixed when the body was parsed; nobody edits it afterwards. A new field is a change of
// the architecture: first ask whose Finding it would be.
type Request struct {
	ID       string    // the id Envoy gave the request; for logs, never a key
	Model    string    // as the client spelled it, 1..256 bytes
	Alias    Alias     // what that name stands for
	Stream   bool      // the answer is wanted as server-sent events
	Messages []Message // in the client's order, at least one

	// Leaves is every other string of the body that can reach a model, in the order of the body: what Messages' Texts do not hold.
	Leaves []Leaf
	// Caller is who sends it, and Asked what it asks; the latter is only there where the parser was told to find it.
	Caller Caller
	Asked  Asked
	// Needs is what a model must be able to do to answer.
	Needs Needs
	// Unscannable counts the content parts that hold something for the model to read which is not in Texts or Leaves: images, audio and files,
	// but for a file given as text.
	Unscannable int
}

// Alias says what a model name stands for.
type Alias uint8

const (
	// Named is a model's own name, known or not: nothing is chosen for the client.
	Named Alias = iota
	// MoM asks the router to choose.
	MoM
	// Omni asks it to let a language model choose.
	Omni
)

// Needs is what a body asks of whoever answers it. It is the parser's to find, which alone sees the body's fields; a stage has their texts only.
type Needs struct {
	Tools     int  // the tools it is offered: elements of tools and of functions
	Images    int  // the content parts that are images
	Files     int  // those that are audio or a file, but for a file given as text
	JSON      bool // the answer is to be JSON, by response_format or guided_json
	MaxTokens int  // the longest answer that is wanted, in tokens; 0 when the body does not say
}

// Message is one turn of the conversation.
type Message struct {
	Role  string   // system, developer, user, assistant, tool or function
	Texts []string // the text parts, unescaped, in order; a plain string is one part; empty when there is no text
}

// Leaf is one string, or one object key, of the body outside the text parts. It is never empty.
type Leaf struct {
	Path    string // such as messages[2].tool_calls[0].function.arguments or metadata{key}; a name of the client's own is a *, so it may be logged
	Message int    // index of the message it belongs to, -1 outside of messages
	Text    string // unescaped
}

// Ref is the number of one text of a Request: first the Texts of all Messages, in order, then the Leaves. It means nothing to another Request.
type Ref int

// Text is one text of a Request and whose it is.
type Text struct {
	Message int    // index of its message, -1 outside of messages
	Role    string // of that message, "" outside of messages
	Path    string // of a Leaf; "" for a text part
	Text    string // unescaped
}

// All yields every text of the request, the Texts of all Messages and then the Leaves, each with its number.
func (r *Request) All() iter.Seq2[Ref, Text] {
	return func(yield func(Ref, Text) bool) {
		var ref Ref
		for i := range r.Messages {
			for _, text := range r.Messages[i].Texts {
				if !yield(ref, Text{Message: i, Role: r.Messages[i].Role, Text: text}) {
					return
				}
				ref++
			}
		}
		for i := range r.Leaves {
			leaf := &r.Leaves[i]
			t := Text{Message: leaf.Message, Path: leaf.Path, Text: leaf.Text}
			if leaf.Message >= 0 {
				t.Role = r.Messages[leaf.Message].Role
			}
			if !yield(ref, t) {
				return
			}
			ref++
		}
	}
}

// Replacement puts With in place of the bytes [Start, End) of one text. Bounds inside a character move outwards to its edges, and bounds beyond
// the text to its ends, so that what is to go is gone.
type Replacement struct {
	Ref        Ref
	Start, End int
	With       string
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
