package extproc

import (
	"context"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// Runner decides about a request. *pipeline.Pipeline is one.
type Runner interface {
	Run(context.Context, *pipeline.Request) (pipeline.Decision, error)
}

// Memory keeps answers. *recall.Recall is one.
type Memory interface {
	// Remember keeps the whole answer that the plan's first model gave to a request for which found was a miss.
	Remember(ctx context.Context, req *pipeline.Request, found pipeline.Recalled, plan *pipeline.Plan, c chat.Completion) error
	// Release says that no answer will be remembered any more for what was found, if one was not. It may be called more than once.
	Release(found pipeline.Recalled)
	// Keeps says whether the answers of a decision of a policy are remembered.
	Keeps(policy, decision string) bool
}

// Choices keeps who answered, for the requests that follow. *route.Sticky is one.
type Choices interface {
	Answered(req *pipeline.Request, plan *pipeline.Plan, tier int)
}

// Load is told how the backends do, by their names. *load.Load is one.
type Load interface {
	// Sent and Left bound the time in which a request waits for the first byte of an answer.
	Sent(model string)
	Left(model string)
	// Told says whether a backend failed, and else in what time it began to answer; 0 where that is not known.
	Told(model string, took time.Duration, failed bool)
}

// Gateway is one generation of the configuration as the door needs it. It is immutable; a reload makes a new one, and a stream keeps the one it
// began with.
type Gateway struct {
	Parser  *chat.Parser
	Runner  Runner
	Models  []Model       // what GET /v1/models lists, in order
	Expose  Expose        // which of our headers the client sees
	Guards  []string      // the names of the stages that guard, in order; their failures and findings are told apart
	Timeout time.Duration // for the whole decision, and for each chunk of an answer; below Envoy's message_timeout, so that our own JSON wins; 0 is 4 s
	Screen  chat.Screen   // reads the answers; nil: nobody does
	Load    Load          // is told how the backends do; nil: nobody is
	Memory  Memory        // keeps the answers that may be given again; nil: nobody does
	Tenant  Tenant        // by what Envoy vouches for whose answers may be shared
	Headers []string      // the request headers, in lower case, that decisions ask for
	Restore bool          // put the client's own values back into answers where the request was redacted
	// Choices is told who answered; nil: nobody is.
	Choices Choices
	// Policies are the names that an Envoy route may select; another is refused.
	Policies map[string]bool
	// Backends and Domains are the closed sets of metric labels; a value outside them is counted as "other".
	Backends map[string]bool
	Domains  map[string]bool
}

// Model is one line of GET /v1/models. A field that is zero is left out: chat clients refuse null and 0.
type Model struct {
	ID          string
	Description string
	Context     int // tokens
}

// Expose says which response headers tell how a request was decided.
type Expose uint8

const (
	// ExposeAll sends every header.
	ExposeAll Expose = iota
	// ExposeCOT sends x-vllm-semantic-router-cot alone.
	ExposeCOT
	// ExposeNone sends none.
	ExposeNone
)

const defaultTimeout = 4 * time.Second
