package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
)

// The labels of a jailbreak model that count.
const (
	labelJailbreak = "jailbreak"
	labelHarmful   = "harmful" // a model may do without
)

// sureHarm is the probability from which on a text counts as harmful. The models are told harmful from benign by few examples, and people ask about
// dangerous things for good reasons: only where hardly a doubt is left is it said at all.
const sureHarm = 0.9

// Thresholds are the probabilities of a jailbreak from which on a text is an attack, by its kind, each within (0, 1].
type Thresholds struct{ User, Document, Instructions float64 }

// InstructionsFrom is the threshold for instructions where none is set, with half of the user's doubt: system messages tell models what to do, as
// attacks do. A fixed one would be out of the reach of a model whose probabilities end below it.
func InstructionsFrom(user float64) float64 { return 1 - (1-user)/2 }

// JailbreakConfig is what a Jailbreak is built from.
type JailbreakConfig struct {
	User, Document classifiers.Classifier // with the label jailbreak, and harmful where they know it; they may be the same
	Thresholds     Thresholds
	Block          bool // refuse an attack; else it is flagged
	BlockHarmful   bool // refuse what is harmful too
	Limits         Limits
}

// Jailbreak is the stage that looks for texts which try to override the model's instructions. It leaves a pipeline.Guarded.
type Jailbreak struct {
	c     JailbreakConfig
	heads [Instructions + 1]head // by kind
	clean *memo[struct{}]        // texts that were neither attacks nor harmful
	whole *memo[struct{}]        // the same of all their views, so that these need not be made again
}

// head is a classifier and where its labels stand in its answer; harmful is -1 where it has no such label.
type head struct {
	classifiers.Classifier
	from               float64 // the threshold
	jailbreak, harmful int
}

// NewJailbreak checks the configuration.
func NewJailbreak(c JailbreakConfig) (*Jailbreak, error) {
	j := &Jailbreak{c: c}
	for kind, h := range [...]head{User: {c.User, c.Thresholds.User, 0, 0}, Document: {c.Document, c.Thresholds.Document, 0, 0},
		Instructions: {c.User, c.Thresholds.Instructions, 0, 0}} {
		if h.Classifier == nil {
			return nil, fmt.Errorf("no classifier for %s", Kind(kind))
		}
		h.jailbreak, h.harmful = slices.Index(h.Labels(), labelJailbreak), slices.Index(h.Labels(), labelHarmful)
		switch {
		case !(h.from > 0 && h.from <= 1):
			return nil, fmt.Errorf("threshold %v for %s is not within (0, 1]", h.from, Kind(kind))
		case h.jailbreak < 0:
			return nil, fmt.Errorf("the classifier for %s has no label %q", Kind(kind), labelJailbreak)
		case h.harmful < 0 && c.BlockHarmful:
			return nil, fmt.Errorf("the classifier for %s has no label %q to block by", Kind(kind), labelHarmful)
		}
		j.heads[kind] = h
	}
	var errs [2]error
	j.clean, errs[0] = newMemo(one)
	j.whole, errs[1] = newMemo(one)
	return j, errors.Join(errs[:]...)
}

func one(struct{}) uint32 { return 1 }

// Name returns StageJailbreak.
func (j *Jailbreak) Name() string { return StageJailbreak }

// Run judges every text of the request that was not found clean before. Errors are the classifiers', and one for an answer that is none.
func (j *Jailbreak) Run(ctx context.Context, req *pipeline.Request, _ pipeline.Trail) (pipeline.Outcome, error) {
	whole := unknown(sources(req, gathering{turns: true}).texts, j.whole, func(Text, struct{}) {})
	if out := j.c.Limits.admitSources(req, whole); out.Verdict != pipeline.Continue {
		return out, nil
	}
	todo := unknown(expand(texts(whole), allViews), j.clean, func(Text, struct{}) {})
	out, err := j.c.Limits.admit(req, todo)
	if err != nil || out.Verdict != pipeline.Continue {
		return out, err
	}
	var (
		mu    sync.Mutex
		found pipeline.Guarded
		worst Text // the one most like an attack
	)
	err = each(ctx, len(todo), func(ctx context.Context, i int) error {
		t := todo[i]
		s, err := j.Judge(ctx, t.Text)
		if err != nil {
			return err
		}
		if !s.Attack && !s.Harmful {
			j.clean.put(t.key, struct{}{})
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		found.Harmful = found.Harmful || s.Harmful
		if s.Attack && s.Jailbreak > found.Confidence {
			found.Jailbreak, found.Confidence, worst = true, s.Jailbreak, t.Text
		}
		if s.Attack && j.c.Block || s.Harmful && j.c.BlockHarmful {
			return errStop
		}
		return nil
	})
	switch {
	case found.Jailbreak && j.c.Block: // whatever became of the other texts
		return j.c.Limits.block(req, jailbroken, found, note(found, worst)), nil
	case found.Harmful && j.c.BlockHarmful:
		return j.c.Limits.block(req, harmful, found, "harmful"), nil
	case errors.Is(err, classifiers.ErrTooLong):
		return j.c.Limits.block(req, tooLong, pipeline.Guarded{}, tooLong.note), nil
	case err != nil:
		return pipeline.Outcome{}, err
	}
	if !found.Flagged() {
		for _, t := range whole {
			j.whole.put(t.key, struct{}{})
		}
	}
	return pipeline.Outcome{Finding: found, Note: note(found, worst)}, nil
}

// note says a finding in one line of words of ours.
func note(g pipeline.Guarded, worst Text) string {
	switch {
	case g.Jailbreak:
		return fmt.Sprintf("jailbreak %.3f in %s (%s, %s)", g.Confidence, worst.Where, worst.Kind, worst.View)
	case g.Harmful:
		return "harmful"
	}
	return "clean"
}

// Score is what a model says of one text.
type Score struct {
	Jailbreak, Harm float64 // probabilities
	From            float64 // the threshold of the text's kind
	Attack, Harmful bool    // what that comes to
	Passes          int     // forward passes it cost
}

// Judge judges one text by the head and the threshold of its kind, whatever is remembered of it.
func (j *Jailbreak) Judge(ctx context.Context, t Text) (Score, error) {
	h := j.heads[t.Kind]
	answer, err := h.Classify(ctx, t.Body)
	if err != nil {
		return Score{}, fmt.Errorf("judge %s: %w", t.Where, err)
	}
	if err := sound(answer.P, len(h.Labels())); err != nil {
		return Score{}, fmt.Errorf("judge %s: %w", t.Where, err)
	}
	s := Score{Jailbreak: float64(answer.P[h.jailbreak]), From: h.from, Passes: answer.Passes}
	s.Attack = s.Jailbreak >= s.From
	if h.harmful >= 0 {
		s.Harm = float64(answer.P[h.harmful])
		// Not of instructions: they speak of harm to forbid it.
		s.Harmful = s.Harm >= sureHarm && t.Kind != Instructions
	}
	return s, nil
}

// errProbabilities stands for an answer that cannot be compared: NaN is below every threshold, so that all would be let through.
var errProbabilities = errors.New("the classifier's answer holds no probabilities of its labels")

func sound(p []float32, labels int) error {
	sum := 0.0
	for _, x := range p {
		if !(x >= 0 && x <= 1) {
			return errProbabilities
		}
		sum += float64(x)
	}
	if len(p) != labels || !(sum > 0.99 && sum < 1.01) {
		return errProbabilities
	}
	return nil
}
