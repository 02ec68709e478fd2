package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/pkg/guard"
)

// windowLine is what the jailbreak model says of one window of a text that has several; neighbours overlap.
type windowLine struct {
	Start     int     `json:"start"` // in bytes of the view
	End       int     `json:"end"`
	Jailbreak float64 `json:"jailbreak"`
	Harmful   float64 `json:"harmful"`
	Attack    bool    `json:"attack"`
	Text      string  `json:"text,omitempty"`
}

// windowLines judges the windows of a text one by one, none where it is one alone.
func (g *guards) windowLines(ctx context.Context, t guard.Text, from float64, showText bool) ([]windowLine, error) {
	head := g.heads[catalog.RoleUser]
	if t.Kind == guard.Document {
		head = g.heads[catalog.RoleDocument]
	}
	passages, err := head.Passages(ctx, t.Body)
	if err != nil || len(passages) < 2 {
		return nil, err
	}
	attack, harmful := slices.Index(head.Labels(), attackLabel), slices.Index(head.Labels(), harmfulLabel)
	lines := make([]windowLine, len(passages))
	for i, p := range passages {
		l := windowLine{Start: p.Start, End: p.End, Jailbreak: float64(p.P[attack])}
		l.Attack = l.Jailbreak >= from
		if harmful >= 0 {
			l.Harmful = float64(p.P[harmful])
		}
		if showText {
			l.Text = t.Body[p.Start:p.End]
		}
		lines[i] = l
	}
	return lines, nil
}

// shownWindows is how many windows of a text a reader is shown, those most like an attack; --json has all.
const shownWindows = 3

func printWindows(p *printer, lines []windowLine) {
	if len(lines) == 0 {
		return
	}
	worst := slices.SortedStableFunc(slices.Values(lines), func(a, b windowLine) int { return cmp.Compare(b.Jailbreak, a.Jailbreak) })
	shown := worst[:min(shownWindows, len(worst))]
	for _, l := range shown {
		p.line("    window %d..%d: jailbreak %.3f %s, harmful %.3f", l.Start, l.End, l.Jailbreak, reaches(l.Attack), l.Harmful)
		if l.Text != "" {
			p.line("      %q", l.Text)
		}
	}
	if rest := worst[len(shown):]; len(rest) > 0 {
		p.line("    %d other windows, jailbreak %.3f at most", len(rest), rest[0].Jailbreak)
	}
}

func reaches(attack bool) string {
	if attack {
		return "reaches"
	}
	return "below"
}
