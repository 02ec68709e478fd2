// Package pipeline holds the nouns of one decision: a Request that nobody changes, the Stages that read it, the Outcome each of them
// returns, the Trail of what was found so far, and the Decision at the end. Run is the only thing that owns order, time limits, failure
// rules and recovery from panics, so that no stage has to.
//
// It imports the standard library alone and knows neither Envoy nor JSON nor any model. It never edits a Request and never logs.
package pipeline

import (
	"context"
	"time"
)

// A Stage reads a request and returns all it has to say about it as one value. Run must be safe for concurrent use, must honour ctx, and must
// change neither the Request nor the Trail. An error means the stage could not do its work; a fault of the client is not an error but an
// Outcome with a 4xx Reply.
type Stage interface {
	// Name is a short lower-case noun, unique in a Pipeline; it appears in errors, metrics and the trail.
	Name() string
	Run(ctx context.Context, req *Request, trail Trail) (Outcome, error)
}

// Verdict says how the journey goes on after a stage.
type Verdict uint8

const (
	// Continue hands the request to the next stage; after the last one it is proxied.
	Continue Verdict = iota
	// Block ends the journey: Outcome.Reply refuses the request.
	Block
	// Answer ends the journey: Outcome.Reply is the answer itself, no backend is asked.
	Answer
)

// String returns continue, block or answer.
func (v Verdict) String() string {
	switch v {
	case Continue:
		return "continue"
	case Block:
		return "block"
	case Answer:
		return "answer"
	}
	return "invalid"
}

// Outcome is everything a stage has to say. The zero Outcome means "go on".
type Outcome struct {
	Verdict Verdict
	Reply   *Reply // set exactly when Verdict is Block or Answer
	Finding any    // for later stages and the edge, found again by its type with Find
	Note    string // one line for people; never prompt text
	Lost    error  // what the stage had to do without, and why; the outcome stands. It holds no prompt text
}

// Reply is a complete answer made here, without a backend.
type Reply struct {
	Status  int               // HTTP status, 200..599
	Headers map[string]string // lower-case names, content-type among them
	Body    []byte
	Details string // the reason for access logs: mom_ and a word from a closed set, such as mom_model_not_found
}

// A Step places a stage and says how long it may take and what its failure means.
type Step struct {
	Stage Stage
	// Timeout bounds the stage; 0 means only the request's own deadline counts.
	Timeout time.Duration
	// FailOpen goes on without the stage when it fails, visibly: the failure stands in the Trail. False stops the request with a StageError.
	FailOpen bool
}

// A Decision is what a run came to: the verdict, the reply where there is one, and how it was reached.
type Decision struct {
	Verdict Verdict
	Reply   *Reply
	Trail   Trail
}
