// Package recall is stage 2: a question that was asked before, by somebody who may know the answer, gets the answer that was given then. It decides what
// may be looked up and under which key, and hands what is found to the edge as a reply.
//
// It never guesses: in doubt a request is a miss. It never shares an answer between tenants, between configurations, or between requests that differ in
// anything but how the answer is sent and, where a Meaning says how to find those, the words of the last question. Keys are keyed hashes; of a prompt a
// store holds nothing but, for the Meaning, that question.
package recall

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
)

// StageName is the name of the stage in the trail.
const StageName = "recall"

// Config is what a Recall is built from.
type Config struct {
	Store Store
	// Shared is true where all callers are one tenant. Else a caller whom nobody vouches for is never answered from memory.
	Shared bool
	// Revision stands for everything that decides how a request is answered: with another one, no earlier answer is found.
	Revision []byte
	// TTL is how long an answer may serve.
	TTL time.Duration
	// Meaning is how questions in other words are found; nil where only the same question is.
	Meaning *Meaning
	// Guards are the names of the stages that must have read a request before.
	Guards []string
	// Save writes down what the store holds, so that the next process has it; nil where that is not wanted.
	Save func() error
	// Secret keys the keys; nil is a random one, and then no other process finds what this one remembers.
	Secret []byte
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Recall is the stage. Safe for concurrent use.
type Recall struct {
	c       Config
	meaning *meaning // nil where only the same question is found
}

// New checks the configuration.
func New(c Config) (*Recall, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("no store")
	case c.TTL <= 0:
		return nil, fmt.Errorf("ttl %v is not positive", c.TTL)
	}
	if c.Secret == nil {
		c.Secret = make([]byte, 32)
		_, _ = rand.Read(c.Secret) // never fails
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	r := &Recall{c: c}
	if c.Meaning != nil {
		var err error
		if r.meaning, err = newMeaning(*c.Meaning); err != nil {
			return nil, fmt.Errorf("meaning: %w", err)
		}
	}
	return r, nil
}

// Name returns StageName.
func (r *Recall) Name() string { return StageName }

// Run answers from memory, or says why not. Errors are the store's; the request is then a miss that leaves nothing.
func (r *Recall) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	if req.Alias == pipeline.Named { // who names a model wants that one to answer
		return pipeline.Outcome{}, nil
	}
	if why := r.bars(req, trail); why != "" {
		return pipeline.Outcome{Finding: pipeline.Recalled{State: pipeline.RecallBypass, Why: why}, Note: "bypass: " + why}, nil
	}
	k := r.key("answer", req, req.Asked.Whole[:])
	e, ok, err := r.c.Store.Get(ctx, k)
	if err != nil {
		return pipeline.Outcome{}, fmt.Errorf("look up: %w", err)
	}
	found, note := pipeline.Recalled{State: pipeline.RecallMiss, Key: k}, "miss"
	switch now := r.c.Now(); {
	case ok && r.usable(req, &e, now):
		found, note = pipeline.Recalled{State: pipeline.RecallHit, Model: e.Backend, Age: now.Sub(e.Given)}, "hit"
	case r.meaning != nil:
		found, e, note = r.similar(ctx, req, found)
	}
	out := pipeline.Outcome{Finding: found, Note: note}
	if found.State == pipeline.RecallHit {
		out.Verdict, out.Reply = pipeline.Answer, e.Completion.Reply(req, req.Asked.Usage)
	}
	return out, nil
}

// usable says whether an entry may serve. What a store says is not trusted: it may be another's, or older than it should be.
func (r *Recall) usable(req *pipeline.Request, e *Entry, now time.Time) bool {
	return e.Tenant == r.tenant(req) && !now.Before(e.Given) && now.Before(e.Expires) && e.Completion.Content != ""
}

// Remember keeps the answer to a request that was a miss. Only the edge knows whether the answer is whole and was given as intended.
func (r *Recall) Remember(ctx context.Context, req *pipeline.Request, found pipeline.Recalled, c chat.Completion, backend string) error {
	if found.State != pipeline.RecallMiss {
		return errors.New("only the answer to a miss is remembered")
	}
	now := r.c.Now()
	e := Entry{
		Tenant: r.tenant(req), Completion: c, Backend: backend, Given: now, Expires: now.Add(r.c.TTL), System: r.system(req),
	}
	if r.meaning != nil {
		r.meaning.ledger.Forget(found.Key)
		if found.Vector != nil {
			e.Frame, e.Question, e.Vector = r.frame(req), req.Asked.Question, found.Vector
		}
	}
	if err := r.c.Store.Put(ctx, found.Key, e); err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	if r.meaning != nil {
		r.check(found, e.Tenant, c)
	}
	return nil
}

// Save writes down what is remembered, so that the next process has it.
func (r *Recall) Save() error {
	if r.c.Save == nil {
		return nil
	}
	return r.c.Save()
}

// system stands for the texts of the system and developer turns; zero without any.
func (r *Recall) system(req *pipeline.Request) Key {
	parts := [][]byte{[]byte("system")}
	for i := range req.Messages {
		if m := &req.Messages[i]; m.Role == "system" || m.Role == "developer" {
			for _, text := range m.Texts {
				parts = append(parts, []byte(text))
			}
		}
	}
	if len(parts) == 1 {
		return Key{}
	}
	return r.hash(parts...)
}

// tenant stands for whose answers may serve, whatever the configuration.
func (r *Recall) tenant(req *pipeline.Request) Key {
	return r.hash([]byte("tenant"), []byte(r.scope(req)))
}

// key stands for all that keeps requests apart.
func (r *Recall) key(purpose string, req *pipeline.Request, asked []byte) Key {
	return r.hash([]byte(purpose), []byte(r.scope(req)), r.c.Revision, []byte{byte(req.Alias)}, []byte(req.Caller.Policy), asked)
}

// hash is the HMAC of the parts, each with its length before it.
func (r *Recall) hash(parts ...[]byte) Key {
	h := hmac.New(sha256.New, r.c.Secret)
	for _, part := range parts {
		_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		_, _ = h.Write(part)
	}
	return Key(h.Sum(nil))
}

// scope is whose answers may serve.
func (r *Recall) scope(req *pipeline.Request) string {
	if r.c.Shared {
		return ""
	}
	return req.Caller.Tenant
}
