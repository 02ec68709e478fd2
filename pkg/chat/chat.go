// Package chat turns the JSON body of an OpenAI chat completion into a pipeline.Request, and edits of that request back into bytes. It reads
// the body once and strictly, and hands out every string of it that can reach a model: whatever two JSON parsers could read differently (a key spelled twice, a lone surrogate, bytes that are not
// UTF-8, a second value after the first) is refused, because an attacker lives in the difference between the guard's parser and the backend's.
// Faults of the client come back as a Fault, which knows its OpenAI-shaped reply.
//
// It never repairs a body, never changes a byte that no Edit and no Replacement names, never puts text of the body into a fault, and knows no transport.
package chat

import "github.com/mom-router/mom/pkg/pipeline"

// Parser holds what parsing needs to know of the configuration. The zero Parser is ready: every model name is pipeline.Named and the
// limits are the defaults. Safe for concurrent use while nobody changes it.
type Parser struct {
	Aliases map[string]pipeline.Alias // what a model name stands for, compared byte for byte; absent means pipeline.Named
	Limits  Limits
	Ask     bool // fill Request.Asked, which costs a second reading
}

// Limits bound one body. A field that is 0 stands for its default.
type Limits struct {
	Bytes      int // length of the body; default 1 MiB
	Depth      int // arrays and objects open at once, at most 1000; default 64
	Keys       int // object members in the whole body; default 100,000
	Messages   int // default 4096
	ModelBytes int // length of the model name, unescaped; default 256
}

// maxDepth bounds Limits.Depth: the scanner recurses, and a stack overflow cannot be recovered from.
const maxDepth = 1000

func (l Limits) withDefaults() Limits {
	or := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	or(&l.Bytes, 1<<20)
	or(&l.Depth, 64)
	or(&l.Keys, 100_000)
	or(&l.Messages, 4096)
	or(&l.ModelBytes, 256)
	l.Depth = min(l.Depth, maxDepth)
	return l
}

// Body is a parsed body: the Request, and where the top-level fields stand in the bytes. It is immutable and safe for concurrent use.
type Body struct {
	// Request is what the stages see. Its strings share one private copy of the body and never alias raw, so they may outlive raw; who
	// keeps a short one for long clones it, or it holds the whole copy.
	Request *pipeline.Request

	raw    []byte
	limits Limits
	open   int // just behind the opening brace
	fields []field
}

// field is one member of the top-level object: its unescaped name and the span of its value in raw.
type field struct {
	name       string
	start, end int
}

// Parse reads the body of one chat completion; id is the request's id for logs. Exactly one of the results is nil. Body keeps raw, which must
// not change as long as the Body is used. The time is linear in len(raw).
//
// A body that is not strict JSON is refused with the first such fault; one that is, but has not the shape of a chat completion, with the first
// fault of shape.
func (p *Parser) Parse(id string, raw []byte) (*Body, *Fault) {
	return p.ParseFrom(pipeline.Caller{}, id, raw)
}

// ParseFrom is Parse for a caller who is known.
func (p *Parser) ParseFrom(caller pipeline.Caller, id string, raw []byte) (*Body, *Fault) {
	limits := p.Limits.withDefaults()
	if len(raw) > limits.Bytes {
		return nil, tooLarge(limits.Bytes)
	}
	s := newScanner(raw, limits)
	b := &Body{raw: raw, limits: limits}
	req := s.body(b)
	if s.fault != nil {
		return nil, s.fault
	}
	if s.shape != nil {
		return nil, s.shape
	}
	req.ID = id
	req.Alias = p.Aliases[req.Model]
	req.Caller = caller
	b.Request = req
	if p.Ask {
		req.Asked = b.asked()
	}
	return b, nil
}
