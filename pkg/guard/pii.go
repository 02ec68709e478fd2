package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/pkg/pipeline"
)

// PIIConfig is what a PII is built from.
type PIIConfig struct {
	Tagger classifiers.Tagger
	Policy Policy
	// FlagFrom and BlockFrom are the probabilities, each within (0, 1], from which on a find counts and blocks. Checked forms are found with 0.85 and
	// more, so a BlockFrom up to there blocks by them, and by a model alone only where it is as sure.
	FlagFrom, BlockFrom float64
	Limits              Limits
}

// PII is the stage that looks for personal data. It leaves a pipeline.Guarded that has what a Jailbreak before it found too.
type PII struct {
	c     PIIConfig
	found *memo[[]string] // of texts that were let through, the kinds they hold
}

// NewPII checks the configuration.
func NewPII(c PIIConfig) (*PII, error) {
	if c.Tagger == nil {
		return nil, errors.New("no tagger")
	}
	for _, from := range [...]float64{c.FlagFrom, c.BlockFrom} {
		if !(from > 0 && from <= 1) {
			return nil, fmt.Errorf("probability %v is not within (0, 1]", from)
		}
	}
	found, err := newMemo[[]string]()
	return &PII{c: c, found: found}, err
}

// Name returns StagePII.
func (p *PII) Name() string { return StagePII }

// Run reads every text of the request that was not let through before. Errors are the tagger's, and one for an answer that is none.
func (p *PII) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	found, _ := pipeline.Find[pipeline.Guarded](trail)
	kinds := map[string]bool{}
	add := func(more []string) {
		for _, k := range more {
			kinds[k] = true
		}
	}
	read := sources(req, false)
	if out := p.c.Limits.admitSources(req, unknown(read, p.found, func([]string) {})); out.Verdict != pipeline.Continue {
		return out, nil
	}
	todo := unknown(expand(read, plainViews), p.found, add)
	out, err := p.c.Limits.admit(req, todo)
	if err != nil || out.Verdict != pipeline.Continue {
		return out, err
	}
	var mu sync.Mutex
	blocked := map[string]bool{}
	err = each(ctx, len(todo), func(ctx context.Context, i int) error {
		t := todo[i]
		finds, err := p.Find(ctx, t.Text)
		if err != nil {
			return err
		}
		var here, barred []string
		for _, f := range finds {
			if f.Action != Allow && !slices.Contains(here, f.Label) {
				here = append(here, f.Label)
			}
			if f.Action == BlockIt {
				barred = append(barred, f.Label)
			}
		}
		if len(barred) == 0 {
			p.found.put(t.key, here)
		}
		mu.Lock()
		defer mu.Unlock()
		add(here)
		for _, k := range barred {
			blocked[k] = true
		}
		return nil
	})
	found.PII = sorted(kinds)
	switch {
	case len(blocked) > 0: // whatever became of the other texts
		names := strings.Join(sorted(blocked), ", ")
		return p.c.Limits.block(req, refused{403, "pii_detected", "The request was blocked: it contains personal data of these kinds: " + names + ".", ""},
			found, "blocked for "+names), nil
	case errors.Is(err, classifiers.ErrTooLong):
		return p.c.Limits.block(req, tooLong, pipeline.Guarded{}, tooLong.note), nil
	case err != nil:
		return pipeline.Outcome{}, err
	}
	n := "none"
	if len(found.PII) > 0 {
		n = strings.Join(found.PII, ", ")
	}
	return pipeline.Outcome{Finding: found, Note: n}, nil
}

func sorted(set map[string]bool) []string {
	if len(set) == 0 {
		return nil
	}
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Find is personal data in a text, and what is to become of the request for it.
type Find struct {
	classifiers.Span
	Action Action
}

// Find returns the finds of one text that count, whatever is remembered of it. What the application itself says, in instructions, never blocks: a
// system message may hold the address of a help desk.
func (p *PII) Find(ctx context.Context, t Text) ([]Find, error) {
	spans, err := p.c.Tagger.Tag(ctx, t.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Where, err)
	}
	var finds []Find
	for _, s := range spans {
		if !(s.P >= 0 && s.P <= 1) || !slices.Contains(p.c.Tagger.Labels(), s.Label) || s.Start < 0 || s.Start >= s.End || s.End > len(t.Body) {
			return nil, fmt.Errorf("read %s: %w", t.Where, errSpan)
		}
		action := p.c.Policy.Of(s.Label)
		if action == BlockIt && (t.Kind == Instructions || float64(s.P) < p.c.BlockFrom) {
			action = Flag
		}
		if float64(s.P) >= p.c.FlagFrom || action == BlockIt {
			finds = append(finds, Find{s, action})
		}
	}
	return finds, nil
}

// errSpan stands for an answer that cannot be compared: NaN, for one, is below every threshold.
var errSpan = errors.New("the tagger's answer holds a span that is none")

// Texts returns the texts of a request that Run reads.
func (p *PII) Texts(req *pipeline.Request) []Text { return plainTexts(req) }
