package extproctest

import (
	"net/http"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
)

// Request is what the client sends, and what goes wrong on the way. The zero Request is an empty-bodied POST to /v1/chat/completions whose
// length is announced as 0, so that no body message follows.
type Request struct {
	Method  string      // POST when empty; CONNECT is played as a tunnel that never ends
	Path    string      // /v1/chat/completions when empty
	Headers [][2]string // in order; names are lower-cased as Envoy does; content-type application/json is added when there is none
	Body    []byte      // empty: the headers end the stream
	Chunked bool        // the client announces no content-length
	// Trailers makes the body arrive with end_of_stream false; a trailers message follows where the mode asks for one.
	Trailers bool

	// Metadata is what filters before this one wrote, by namespace, and Attributes what Envoy knows of the connection. The server is shown of them what
	// Settings.Forwarded and Settings.Attributes name.
	Metadata   map[string]map[string]any
	Attributes map[string]any

	LocalReply LocalReply // another filter, or Envoy itself, answers instead of a backend
	CancelAt   Point      // the client goes away here, as soon as the server has read all that was sent
	Odd        Odd        // messages that a processor must survive
}

// LocalReply is an answer that no backend gave: at Opened (the stream begins with response_headers), HeadersAnswered (the body was over Envoy's
// limit or never came) or BodySent (the body is still pending). Never means there is none.
type LocalReply struct {
	At     Point
	Status int
}

// Point is a moment of a stream.
type Point uint8

// The moments, in order.
const (
	Never Point = iota
	Opened
	HeadersSent
	HeadersAnswered
	BodySent
	BodyAnswered
	ResponseSent
	// AnswerBegun is when the first chunk of a streamed answer was answered.
	AnswerBegun
)

// Odd is a set of odd messages.
type Odd uint8

const (
	// UnknownMessages puts an empty message and one of a kind from the future before every other (R19).
	UnknownMessages Odd = 1 << iota
	// EndAgainPending repeats the end of the body, with an empty chunk, while the body is pending (R17).
	EndAgainPending
	// EndAgain repeats the end of the body, with an empty chunk, after the body was answered (R17).
	EndAgain
)

// Upstream is one attempt as a backend sees it.
type Upstream struct {
	Attempt int    // from 1
	Cluster string // chosen by the plan
	Method  string
	Path    string
	Headers http.Header // after every mutation, without pseudo headers
	Body    []byte      // after the tier filter's splices
}

// Response is what a backend answers. The zero Response is an empty 200.
type Response struct {
	Status   int // 200 when 0; 5xx and 429 are retried along the plan
	Headers  [][2]string
	Body     []byte
	Cut      int  // size of the chunks in which a streamed body arrives; 0: all at once
	Trailers bool // the body is followed by trailers: no chunk of it ends the stream
	Reset    bool // no answer: refused, reset, or over the time of a try
}

// Outcome is how a request ended.
type Outcome uint8

const (
	// Failed is an error of Envoy's own, 503 or 504, because the server failed; no backend was asked.
	Failed Outcome = iota
	// Forwarded went to the plan's backends; Result.Attempts has them.
	Forwarded
	// Immediate was answered by the server.
	Immediate
	// Undecided met the cluster without endpoints, because the decision header or clear_route_cache was missing: 503.
	Undecided
	// Unguarded is a stream that ended with nil before the verdict: a fault in any case.
	Unguarded
	// Local was answered by Envoy or another filter.
	Local
	// Cancelled lost its client.
	Cancelled
)

// String returns the outcome's name in lower case.
func (o Outcome) String() string {
	return [...]string{"failed", "forwarded", "immediate", "undecided", "unguarded", "local", "cancelled"}[o]
}

// Result is all that can be seen of a request.
type Result struct {
	Outcome  Outcome
	Status   int         // what the client gets; 0 when it is gone
	Headers  http.Header // what the client gets
	Body     []byte      // what the client gets
	Details  string      // why Envoy or the server answered: the response code details
	Attempts []Upstream
	Metadata map[string]map[string]any       // dynamic metadata by namespace, merged key by key
	Replies  []*extprocv3.ProcessingResponse // as received, in order
	Messages int                             // sent to the server

	HandlerErr  error         // what Process returned
	HandlerTook time.Duration // from the moment Envoy let go of the stream to the return of Process; 0 when it had returned by itself
	Violations  []string
}
