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
	"sync"
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
	// TTL is how long an answer may serve, and Decisions for how long that of a decision may, where it is not TTL; 0 is not at all.
	TTL       time.Duration
	Decisions map[Decision]time.Duration
	// Limit bounds the looks into the store, the making of a vector included, once before and once after the waiting for another request; 0 is no limit of
	// its own. A stage needs 2*Limit and Wait.
	Limit time.Duration
	// Prices are what the models' tokens cost, by the models' configured names.
	Prices map[string]Price
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

// Decision names a decision of a policy; Policy is "" where none is selected.
type Decision struct{ Policy, Name string }

// Recall is the stage. Safe for concurrent use.
type Recall struct {
	c       Config
	meaning *meaning // nil where only the same question is found
	flights *flights
	counts  counts

	keeping sync.RWMutex // held while an answer is put, so that none is put that was asked for before an invalidation and comes behind it
	epoch   uint64       // how often was invalidated
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
	r := &Recall{c: c, flights: newFlights(c.Now)}
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

// Run answers from memory, or says why not. Errors are the store's, and ctx's; the request is then a miss that leaves nothing.
func (r *Recall) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	if req.Alias == pipeline.Named { // who names a model wants that one to answer
		return pipeline.Outcome{}, nil
	}
	if why := r.bars(req, trail); why != "" {
		found := pipeline.Recalled{State: pipeline.RecallBypass, Why: why}
		r.counts.add(found, nil)
		return pipeline.Outcome{Finding: found, Note: "bypass: " + why}, nil
	}
	found, e, note, err := r.find(ctx, req)
	if err != nil {
		r.counts.add(found, err)
		return pipeline.Outcome{}, fmt.Errorf("look up: %w", err)
	}
	out := pipeline.Outcome{Finding: found, Note: note}
	if found.State == pipeline.RecallHit {
		found.Model, found.Age, found.Tokens = e.Backend, r.c.Now().Sub(e.Given), e.Completion.Prompt+e.Completion.Answer
		found.USD = r.c.Prices[e.Backend].cost(e.Completion)
		out.Verdict, out.Reply, out.Finding = pipeline.Answer, e.Completion.Reply(req, req.Asked.Usage), found
	}
	r.counts.add(found, nil)
	return out, nil
}

// find looks for the same question, waits for its answer where another request has just asked it, and else looks for one in other words.
func (r *Recall) find(ctx context.Context, req *pipeline.Request) (pipeline.Recalled, Entry, string, error) {
	miss := pipeline.Recalled{State: pipeline.RecallMiss, Key: r.key("answer", req, req.Asked.Whole[:]), Epoch: r.age()}
	hit := pipeline.Recalled{State: pipeline.RecallHit}
	look, cancel := r.limited(ctx)
	defer func() { cancel() }()
	e, ok, err := r.exact(look, req, miss.Key)
	if ok || err != nil {
		return hit, e, "hit", err
	}
	var under *flight
	if miss.Lease, under = r.flights.begin(miss.Key); under != nil {
		landed, err := r.flights.wait(ctx, under)
		if err != nil {
			return hit, Entry{}, "", err
		}
		cancel()
		look, cancel = r.limited(ctx)
		if landed {
			e, ok, err = r.exact(look, req, miss.Key)
			if ok || err != nil {
				return hit, e, "hit: waited", err
			}
			miss.Lease, _ = r.flights.begin(miss.Key) // it got no answer, so this one asks; nobody waits twice
		}
	}
	if r.meaning == nil {
		return miss, Entry{}, "miss", nil
	}
	found, e, note := r.similar(look, req, miss)
	if found.State == pipeline.RecallHit {
		r.Release(miss)
	}
	return found, e, note, nil
}

// exact returns the entry of a key, if it may serve.
func (r *Recall) exact(ctx context.Context, req *pipeline.Request, k Key) (Entry, bool, error) {
	e, ok, err := r.c.Store.Get(ctx, k)
	if err != nil || !ok || !r.usable(req, &e, r.c.Now()) {
		return Entry{}, false, err
	}
	return e, true, nil
}

func (r *Recall) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.c.Limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, r.c.Limit)
}

// Release lets requests go on that wait for the answer to this miss: it has ended. It does nothing for what is no miss, or after another was begun.
func (r *Recall) Release(found pipeline.Recalled) {
	if found.Lease != 0 {
		r.flights.end(found.Key, found.Lease)
	}
}

// Keeps says whether the answers of a decision of a policy are remembered.
func (r *Recall) Keeps(policy, decision string) bool { return r.ttl(policy, decision) > 0 }

func (r *Recall) ttl(policy, decision string) time.Duration {
	if d, ok := r.c.Decisions[Decision{policy, decision}]; ok {
		return d
	}
	return r.c.TTL
}

// usable says whether an entry may serve. What a store says is not trusted: it may be another's, or older than it should be.
func (r *Recall) usable(req *pipeline.Request, e *Entry, now time.Time) bool {
	return e.Tenant == r.tenant(req) && !now.Before(e.Given) && now.Before(e.Expires) && e.Completion.Content != ""
}

// Remember keeps the answer that the plan's first model gave to a request that was a miss. Only the edge knows whether the answer is whole and was given as
// intended. An answer that was asked for before an invalidation is not kept.
func (r *Recall) Remember(ctx context.Context, req *pipeline.Request, found pipeline.Recalled, plan *pipeline.Plan, c chat.Completion) error {
	ttl := r.ttl(req.Caller.Policy, plan.Decision)
	if found.State != pipeline.RecallMiss || ttl <= 0 {
		return errors.New("only the answer to a miss is remembered, of a decision that keeps any")
	}
	now := r.c.Now()
	e := Entry{
		Tenant: r.tenant(req), Completion: c, Backend: plan.Tiers[0].Model, Given: now, Expires: now.Add(ttl), System: r.system(req),
	}
	if r.meaning != nil {
		r.meaning.ledger.Forget(found.Key)
		if found.Vector != nil {
			e.Frame, e.Question, e.Vector = r.frame(req), req.Asked.Question, found.Vector
		}
	}
	err := r.put(ctx, found, e)
	if err != nil {
		r.Release(found)
		return fmt.Errorf("remember: %w", err)
	}
	r.flights.end(found.Key, 0) // whoever waits may have it, whoever it waits for
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

func (r *Recall) put(ctx context.Context, found pipeline.Recalled, e Entry) error {
	r.keeping.RLock()
	defer r.keeping.RUnlock()
	if found.Epoch != r.epoch {
		return nil
	}
	return r.c.Store.Put(ctx, found.Key, e)
}

// age is how often was invalidated so far.
func (r *Recall) age() uint64 {
	r.keeping.RLock()
	defer r.keeping.RUnlock()
	return r.epoch
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
