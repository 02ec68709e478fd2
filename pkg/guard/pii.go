package guard

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	// Shown says whether there is a backend that may see a kind as it is; then a find that blocks is left to the stage that chooses. nil is none.
	Shown func(kind string) bool
	// Restored says that answers get back what was redacted, so that no placeholder in what an assistant said is one of ours.
	Restored bool
	Limits   Limits
}

// PII is the stage that looks for personal data. It leaves a pipeline.Guarded that has what a Jailbreak before it found too.
type PII struct {
	c     PIIConfig
	how   gathering
	found *memo[[]classifiers.Span] // of texts that were let through, what they hold
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
	if c.Shown == nil {
		c.Shown = func(string) bool { return false }
	}
	p := &PII{c: c, how: gathering{roles: len(c.Policy.roles) > 0}}
	// Where a text stands matters to what may be redacted, or shown to some, alone.
	p.how.traces = c.Policy.redacts() || slices.ContainsFunc(c.Tagger.Labels(), c.Shown)
	found, err := newMemo(weight)
	p.found = found
	return p, err
}

// weight is how much of the memo a text takes: four spans are as large as an entry without any.
func weight(spans []classifiers.Span) uint32 {
	return 1 + uint32(len(spans)/4) //nolint:gosec // a body has fewer bytes than 32 bits count
}

// Name returns StagePII.
func (p *PII) Name() string { return StagePII }

// Run reads every text of the request that was not let through before. Errors are the tagger's, and one for an answer that is none.
func (p *PII) Run(ctx context.Context, req *pipeline.Request, trail pipeline.Trail) (pipeline.Outcome, error) {
	found, _ := pipeline.Find[pipeline.Guarded](trail)
	read := sources(req, p.how)
	if out := p.c.Limits.admitSources(req, unknown(read.texts, p.found, func(Text, []classifiers.Span) {})); out.Verdict != pipeline.Continue {
		return out, nil
	}
	spans := map[seen][]classifiers.Span{}
	add := func(t Text, s []classifiers.Span) { spans[t.seen()] = s }
	views, distinct := p.views(read)
	todo := unknown(distinct, p.found, add)
	out, err := p.c.Limits.admit(req, todo)
	if err != nil || out.Verdict != pipeline.Continue {
		return out, err
	}
	var mu sync.Mutex
	err = each(ctx, len(todo), func(ctx context.Context, i int) error {
		t := todo[i]
		s, err := p.tag(ctx, t.Text)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(p.judge(t.Text, s), p.refuses) {
			p.found.put(t.key, s)
		}
		mu.Lock()
		defer mu.Unlock()
		add(t.Text, s)
		return nil
	})
	made := p.resolve(req, read, views, spans)
	found.PII, found.Redactions = made.kinds, made.redactions
	switch {
	case len(made.blocked) > 0: // whatever became of the other texts
		return p.Refuse(req, found, made.blocked), nil
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

// Refuse is the outcome of a request that is not let through for these kinds of personal data in it: sorted, at least one.
func (p *PII) Refuse(req *pipeline.Request, found pipeline.Guarded, kinds []string) pipeline.Outcome {
	names := strings.Join(kinds, ", ")
	return p.c.Limits.block(req, refused{403, "pii_detected", "The request was blocked: it contains personal data of these kinds: " + names + ".", ""},
		found, "blocked for "+names)
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

// Find returns the finds of one text that count, whatever is remembered of it.
func (p *PII) Find(ctx context.Context, t Text) ([]Find, error) {
	spans, err := p.tag(ctx, t)
	return p.judge(t, spans), err
}

// tag returns the spans of a text that may count.
func (p *PII) tag(ctx context.Context, t Text) ([]classifiers.Span, error) {
	all, err := p.c.Tagger.Tag(ctx, t.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Where, err)
	}
	var spans []classifiers.Span
	for _, s := range all {
		if !(s.P >= 0 && s.P <= 1) || !slices.Contains(p.c.Tagger.Labels(), s.Label) || s.Start < 0 || s.Start >= s.End || s.End > len(t.Body) {
			return nil, fmt.Errorf("read %s: %w", t.Where, errSpan)
		}
		if float64(s.P) >= math.Min(p.c.FlagFrom, p.c.BlockFrom) {
			spans = append(spans, s)
		}
	}
	return spans, nil
}

// judge returns what is to become of the request for each of a text's spans. What the application itself says, in instructions, never blocks, unless
// that is the rule for its role: a system message may hold the address of a help desk.
func (p *PII) judge(t Text, spans []classifiers.Span) []Find {
	var finds []Find
	for _, s := range spans {
		action, own := p.c.Policy.Of(s.Label, t.Role)
		if action == BlockIt && (t.Kind == Instructions && !own || float64(s.P) < p.c.BlockFrom) {
			action = Flag
		}
		if float64(s.P) >= p.c.FlagFrom || action == BlockIt {
			finds = append(finds, Find{s, action})
		}
	}
	return finds
}

// refuses says whether a find alone refuses the request.
func (p *PII) refuses(f Find) bool { return f.Action == BlockIt && !p.c.Shown(f.Label) }

// errSpan stands for an answer that cannot be compared: NaN, for one, is below every threshold.
var errSpan = errors.New("the tagger's answer holds a span that is none")

// Texts returns the texts of a request that Run reads: Texts without what only an attack needs. A number that somebody gives away stands in a turn as it
// is, not in its decoded views, and the end of one turn is not part of the next one's number.
func (p *PII) Texts(req *pipeline.Request) []Text {
	_, texts := p.views(sources(req, p.how))
	return texts
}

// views returns the sources in all their views, and of these each distinct text once.
func (p *PII) views(read *gatherer) ([]viewed, []Text) {
	g := newGatherer(len(read.texts))
	views := make([]viewed, 0, len(read.texts))
	for i, t := range read.texts {
		plainViews(t.Body, func(view View, body string) {
			v := Text{t.Kind, view, t.Role, t.Where, body}
			views = append(views, viewed{v, i})
			g.add(v, nil)
		})
	}
	return views, g.texts
}
