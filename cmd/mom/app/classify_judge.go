package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
)

// A judge answers for the lines of mom classify.
type judge struct {
	guard bool // the line's field role is read
	// answer returns the fields to add, in a map of the caller's own. role is one of roles.
	answer func(ctx context.Context, text, role string) (map[string]any, error)
}

// roles are the values of a line's field role. The first is the default.
var roles = []string{"user", "system", "assistant", "tool", "document"}

// classifyTasks are the values of --task.
var classifyTasks = []string{"domain", "difficulty", "jailbreak", "pii", "embedding"}

// newJudge opens the named model, or the first one in the folder, for one of classifyTasks.
func newJudge(ctx context.Context, s *Shelf, task, name string) (judge, error) {
	if !slices.Contains(classifyTasks, task) {
		return judge{}, usageError{fmt.Errorf("task %q is none of %s", task, strings.Join(classifyTasks, ", "))}
	}
	if task == "embedding" {
		task = "similarity"
	}
	name, err := nameFor(s, task, name)
	if err != nil {
		return judge{}, err
	}
	trunk, e, err := s.Tried(ctx, name)
	if err != nil {
		return judge{}, err
	}
	switch task {
	case "difficulty":
		return difficultyJudge(trunk, e)
	case "jailbreak":
		return jailbreakJudge(trunk, e)
	case "pii":
		return piiJudge(trunk, e)
	case "similarity":
		return embeddingJudge(trunk, e)
	default:
		return domainJudge(trunk, e)
	}
}

func domainJudge(t *onnx.Trunk, e *catalog.Entry) (judge, error) {
	c, err := t.Classifier(e, "")
	if err != nil {
		return judge{}, err
	}
	return judge{answer: func(ctx context.Context, text, _ string) (map[string]any, error) {
		_, out, err := classified(ctx, c, text)
		return out, err
	}}, nil
}

func difficultyJudge(t *onnx.Trunk, e *catalog.Entry) (judge, error) {
	c, err := t.Classifier(e, "")
	if err != nil {
		return judge{}, err
	}
	return judge{answer: func(ctx context.Context, text, _ string) (map[string]any, error) {
		p, out, err := classified(ctx, c, text)
		if err != nil {
			return nil, err
		}
		out["difficulty"] = p[1] // the second label is what the one logit stands for
		return out, nil
	}}, nil
}

// attackLabel is the label of a jailbreak model that its thresholds are for. Its others may be of texts that are harmful and yet no attack.
const attackLabel = "jailbreak"

// harmfulLabel is that of texts that are harmful; a model may do without.
const harmfulLabel = "harmful"

func jailbreakJudge(t *onnx.Trunk, e *catalog.Entry) (judge, error) {
	attack := slices.Index(e.Labels, attackLabel)
	if attack < 0 {
		return judge{}, fmt.Errorf("%s: has no label %q to judge by", e.Name, attackLabel)
	}
	heads := map[string]*onnx.Classifier{}
	for _, role := range []string{catalog.RoleUser, catalog.RoleDocument} {
		c, err := t.Classifier(e, role)
		if err != nil {
			return judge{}, err
		}
		heads[role] = c
	}
	return judge{guard: true, answer: func(ctx context.Context, text, role string) (map[string]any, error) {
		head := headFor(role)
		p, out, err := classified(ctx, heads[head], text)
		if err != nil {
			return nil, err
		}
		out["flagged"] = float64(p[attack]) >= e.Thresholds[head]
		return out, nil
	}}, nil
}

// headFor says which head of a jailbreak model judges the text of a role: what a tool returns is somebody else's text, like a document's.
func headFor(role string) string {
	if role == "tool" || role == "document" {
		return catalog.RoleDocument
	}
	return catalog.RoleUser
}

// classified returns the probabilities in the order of the labels, and the fields that every classifier's answer has.
func classified(ctx context.Context, c classifiers.Classifier, text string) ([]float32, map[string]any, error) {
	scores, err := c.Classify(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	labels := c.Labels()
	probabilities := make(map[string]float32, len(labels))
	for i, l := range labels {
		probabilities[l] = scores.P[i]
	}
	top, p := scores.Top()
	return scores.P, map[string]any{"label": labels[top], "probability": p, "probabilities": probabilities}, nil
}

// piiSpan is a span as mom classify prints it.
type piiSpan struct {
	Start       int     `json:"start"` // in code points
	End         int     `json:"end"`
	Label       string  `json:"label"`
	Probability float32 `json:"probability"`
	Text        string  `json:"text"`
}

func piiJudge(t *onnx.Trunk, e *catalog.Entry) (judge, error) {
	tagger, err := t.Tagger(e)
	if err != nil {
		return judge{}, err
	}
	return judge{guard: true, answer: func(ctx context.Context, text, _ string) (map[string]any, error) {
		found, err := tagger.Tag(ctx, text)
		if err != nil {
			return nil, err
		}
		// Of ordinary prompts, most spans under the threshold are mistakes.
		found = slices.DeleteFunc(found, func(f classifiers.Span) bool { return float64(f.P) < e.Threshold })
		return map[string]any{"spans": inCodePoints(text, found)}, nil
	}}, nil
}

// inCodePoints counts the places of spans, which are in order, once through the text.
func inCodePoints(text string, found []classifiers.Span) []piiSpan {
	spans := make([]piiSpan, 0, len(found)) // none is [], not null
	bytes, points := 0, 0
	upTo := func(at int) int {
		points += utf8.RuneCountInString(text[bytes:at])
		bytes = at
		return points
	}
	for _, f := range found {
		start := upTo(f.Start)
		spans = append(spans, piiSpan{start, upTo(f.End), f.Label, f.P, text[f.Start:f.End]})
	}
	return spans
}

func embeddingJudge(t *onnx.Trunk, e *catalog.Entry) (judge, error) {
	embedder, err := t.Embedder(e)
	if err != nil {
		return judge{}, err
	}
	return judge{answer: func(ctx context.Context, text, _ string) (map[string]any, error) {
		v, err := embedder.Embed(ctx, text)
		if err != nil {
			return nil, err
		}
		return map[string]any{"embedding": v, "dim": embedder.Dim()}, nil
	}}, nil
}
