package pipeline

import "time"

// Asked tells requests apart by what they ask. It holds no text but the Question, and means nothing across versions of this program.
type Asked struct {
	// Whole is a SHA-256 over everything in the body but the model's name and how the answer is to be sent: two requests that share it, and what
	// their models' names stand for, ask the same. Spaces, the order of keys and escapes make no difference.
	Whole [32]byte
	// Frame is Whole without the Question: two requests that share it differ in what the last user says alone. Only where there is a Question.
	Frame [32]byte
	// Question is the text of the last message, where that is one text of a user; else "".
	Question string
	// Unlike is why an earlier answer could not serve, a word: tools, attachment, choices, logprobs or field (one that nobody knows to be harmless);
	// "" when it could.
	Unlike string
	// Usage: a stream is to end with its usage.
	Usage bool
}

// Caller is who sends a request, as the edge vouches for it.
type Caller struct {
	Tenant string // whose answers may be shared, 1..256 bytes; "" is nobody known
	// Conversation keeps the requests of a conversation together: its id, as the client names it (then Named), or a hash of the client's credentials; "" is
	// neither. It is the client's own word: it may part traffic, and never open anything.
	Conversation string
	Named        bool
	Aside        bool   // the client says that this is no turn of a conversation, such as the request for its title
	Retry        bool   // the client has asked this before
	Policy       string // by which the request is decided; "" is the one that holds where no other does
	NoStore      bool   // wants neither an earlier answer nor to leave one
	// Headers are the request headers that a decision may ask for, by their lower-case names; only those that the edge was told to read.
	Headers map[string]string
}

// The states of a Recalled.
const (
	RecallOff    = "off"    // no stage recalls
	RecallHit    = "hit"    // answered from memory
	RecallMiss   = "miss"   // nothing fit; the answer may be remembered
	RecallBypass = "bypass" // not looked up, and not to be remembered
)

// Recalled is the finding of the stage that looks for an earlier answer.
type Recalled struct {
	State string        // RecallHit, RecallMiss or RecallBypass
	Why   string        // of a bypass, and of a miss that looked for other words too: a word from a closed set
	Key   [32]byte      // of a miss: under which the answer may be remembered
	Model string        // of a hit: who gave the answer
	Age   time.Duration // of a hit: how old the answer is

	Tokens int     // of a hit: what a backend would have read and written, as it counted
	USD    float64 // of a hit: what that would have cost; 0 where nobody says
	Lease  uint64  // of a miss: others that ask the same wait a moment for this request, until it is released by this number; 0 where nobody does
	Epoch  uint64  // of a miss: with it the answer is kept only while it is still the memory's own
	// Cosine is of the vectors of this question and the one that was answered, (0, 1]; 0 where they are the same question, or there is none.
	Cosine float64
	Vector []float32 // of a miss: the question's, of length one; nil where it has none
	// Check is, of a miss: the entry that would have answered, were this not a sample. The answer is compared with its one; zero where there is none.
	Check [32]byte
}
