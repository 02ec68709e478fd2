package recall

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/recall/evidence"
	"github.com/mom-router/mom/pkg/recall/gate"
)

// Embedder makes vectors of questions and of answers, so that those of like meaning are close. Every classifiers.Embedder is one.
type Embedder interface {
	// Embed returns a vector of length one. Errors: classifiers.ErrTooLong for a text that is too long for one, or the model's.
	Embed(ctx context.Context, text string) ([]float32, error)
}

// Meaning is how a question is found that was asked in other words.
type Meaning struct {
	Embedder Embedder
	// Model stands for the embedder and its weights: vectors of two are never compared.
	Model []byte
	// Threshold is the least cosine of two questions of which one may have the other's answer, (0, 1].
	Threshold float64
	// MaxError is the share of wrong answers among those given to questions in other words from which on this narrows or ends, (0, 1).
	MaxError float64
	// Shadow is the share of answers that are not given but asked of a backend and compared with what it says, [0, 1].
	Shadow float64
	// Changed is told, once each time, that too much was wrong. It must not wait. nil tells nobody.
	Changed func(evidence.State)
	// Draw returns a number in [0, 1); nil is a random one.
	Draw func() float64
}

// Why a request was not answered by the answer to another question.
const (
	noQuestion  = "question" // there is no question that stands alone
	switchedOff = "off"      // too much was wrong
	tooLong     = "length"   // too long for a vector
	noVector    = "model"    // the model failed or was too slow
	noNeighbors = "store"    // the store failed or was too slow
	nothingNear = "far"      // nothing like it was asked
	gated       = "gate"     // what was asked differs in a word that counts
	barred      = "evidence" // an answer of that entry was wrong before
	sampled     = "sample"   // it would have been answered, and is asked to see whether it may
)

const (
	neighbors = 8      // that are looked at; most questions have one or none
	witnesses = 10_000 // entries whose outcomes are remembered, some 5 MB
	checks    = 4      // under way at once; what comes then is not checked
	checkIn   = 5 * time.Second
)

// meaning is the part of a Recall that finds questions in other words.
type meaning struct {
	Meaning
	ledger *evidence.Ledger
	free   chan struct{} // a slot for each check under way
	under  sync.WaitGroup
}

func newMeaning(m Meaning) (*meaning, error) {
	switch {
	case m.Embedder == nil:
		return nil, errors.New("no embedder")
	case !(m.Shadow >= 0 && m.Shadow <= 1):
		return nil, fmt.Errorf("shadow %v is not within [0, 1]", m.Shadow)
	}
	ledger, err := evidence.New(evidence.Config{From: m.Threshold, MaxError: m.MaxError, Entries: witnesses})
	if err != nil {
		return nil, err
	}
	if m.Draw == nil {
		m.Draw = rand.Float64
	}
	return &meaning{Meaning: m, ledger: ledger, free: make(chan struct{}, checks)}, nil
}

// Evidence returns what is known of the answers to questions in other words; false where none are given.
func (r *Recall) Evidence() (evidence.State, bool) {
	if r.meaning == nil {
		return evidence.State{}, false
	}
	return r.meaning.ledger.State(), true
}

// Wait returns when no check of an answer is under way any more.
func (r *Recall) Wait() {
	if r.meaning != nil {
		r.meaning.under.Wait()
	}
}

// frame stands for all that was asked but the words of the question, and for the model that read them.
func (r *Recall) frame(req *pipeline.Request) Key {
	return r.key("frame", req, append(slices.Clone(r.meaning.Model), req.Asked.Frame[:]...))
}

// similar looks for an earlier question of the same meaning. found is the miss so far; it comes back as a hit with its entry, or as the miss with what
// is known of the question and why nothing served. Nothing here is an error: what fails is a miss.
func (r *Recall) similar(ctx context.Context, req *pipeline.Request, found pipeline.Recalled) (pipeline.Recalled, Entry, string) {
	m := r.meaning
	miss := func(why, note string) (pipeline.Recalled, Entry, string) {
		found.Why = why
		if note == "" {
			note = "miss: " + why
		}
		return found, Entry{}, note
	}
	switch {
	case req.Asked.Question == "" || req.Asked.Frame == [32]byte{}:
		return miss(noQuestion, "")
	case m.ledger.State().Mode == evidence.Off:
		return miss(switchedOff, "")
	}
	// The very text that the guard reads, so that its forward pass has made this vector too.
	v, err := m.Embedder.Embed(ctx, req.Asked.Question)
	switch {
	case errors.Is(err, classifiers.ErrTooLong):
		return miss(tooLong, "")
	case err != nil:
		return miss(noVector, "miss: no vector: "+cause(err))
	}
	found.Vector = v
	frame, now := r.frame(req), r.c.Now()
	near, err := r.c.Store.Near(ctx, Query{Frame: frame, Vector: v, Floor: float32(m.Threshold), Top: neighbors, Now: now})
	if err != nil {
		return miss(noNeighbors, "miss: no neighbors: "+cause(err))
	}
	asked := gate.Read(req.Asked.Question)
	why, note := nothingNear, ""
	for i := range near {
		n := &near[i]
		cosine := min(float64(n.Cosine), 1)
		// What a store says is not trusted.
		if n.Entry.Frame != frame || !r.usable(req, &n.Entry, now) || !(cosine >= m.Threshold) {
			continue
		}
		before := gate.Read(n.Entry.Question)
		if ok, reason := gate.Same(&asked, &before); !ok {
			if why == nothingNear {
				why, note = gated, fmt.Sprintf("miss: %s, like %.3f", reason, cosine)
			}
			continue
		}
		if !m.ledger.Serves(n.Key, cosine) {
			why, note = barred, fmt.Sprintf("miss: evidence, like %.3f", cosine)
			continue
		}
		found.Cosine = cosine
		if m.Draw() < m.Shadow {
			found.Check = n.Key
			return miss(sampled, fmt.Sprintf("miss: sample, like %.3f", cosine))
		}
		return pipeline.Recalled{State: pipeline.RecallHit, Cosine: cosine}, n.Entry,
			fmt.Sprintf("hit: like %.3f", cosine)
	}
	return miss(why, note)
}

// cause is an error in a word of ours: a store's own could hold what it was sent.
func cause(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "too slow"
	case errors.Is(err, classifiers.ErrBusy):
		return "busy"
	}
	return "failed"
}

// check compares the answer that a backend gave with the one that would have been given, off the client's way.
func (r *Recall) check(found pipeline.Recalled, tenant Key, said chat.Completion) {
	m := r.meaning
	if found.Check == (Key{}) {
		return
	}
	select {
	case m.free <- struct{}{}:
	default:
		m.ledger.Unsure()
		return
	}
	m.under.Go(func() {
		defer func() {
			if recover() != nil { // its value may hold text
				m.ledger.Unsure()
			}
			<-m.free
		}()
		ctx, cancel := context.WithTimeout(context.Background(), checkIn)
		defer cancel()
		e, ok, err := r.c.Store.Get(ctx, found.Check)
		if err != nil || !ok || e.Tenant != tenant {
			m.ledger.Unsure()
			return
		}
		right, sure := Agree(ctx, m.Embedder, m.Threshold, e.Completion.Content, said.Content)
		if !sure {
			m.ledger.Unsure()
			return
		}
		if state, changed := m.ledger.Saw(found.Check, found.Cosine, right); changed && m.Changed != nil {
			m.Changed(state)
		}
	})
}
