package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/mom-router/mom/pkg/guard/text"
	"github.com/mom-router/mom/pkg/guard/text/hiding"
)

// hiddenFigures say what becomes of the texts that are written in one way, attacks and benign ones.
type hiddenFigures struct {
	Name    string         `json:"name"`
	TooLong int            `json:"too_long"`         // texts that are so in this writing and were not judged
	Undone  evaluate.Share `json:"undone"`           // of the texts, those that a view gives back to the letter
	Attacks evaluate.Share `json:"attacks_as_plain"` // those judged as their plain text is
	Benign  evaluate.Share `json:"benign_as_plain"`
	Views   []viewFigures  `json:"views"` // raw, normalised, both; of the hidden texts
}

// hiddenRow is what was made of one row, hidden in one way.
type hiddenRow struct {
	undone, tooLong bool
	by              [readWays]float64
}

// judgeHidden judges each attack and benign text in every way to hide it.
func (r *jailbreakReport) judgeHidden(ctx context.Context, heads map[string]*onnx.Classifier, attack int, all []guardRow, progress io.Writer) error {
	rows := slices.DeleteFunc(slices.Clone(all), func(row guardRow) bool { return row.label != attackLabel && row.label != benignLabel })
	ways := hiding.Ways()
	hidden := make([][]hiddenRow, len(rows))
	err := inParallel(ctx, len(rows), progress, func(ctx context.Context, i int) error {
		row := rows[i]
		hidden[i] = make([]hiddenRow, len(ways))
		for w, way := range ways {
			h := &hidden[i][w]
			s := way.Hide(row.text)
			h.undone = slices.Contains(text.Views(s)[1:], row.text)
			var err error
			h.by, err = attacks(ctx, heads[row.head], attack, s)
			if h.tooLong = errors.Is(err, classifiers.ErrTooLong); err != nil && !h.tooLong {
				return fmt.Errorf("line %d, hidden by %s: %w", row.line, way.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for w, way := range ways {
		f := hiddenFigures{Name: way.Name}
		var written []guardRow
		for i, row := range rows {
			h := hidden[i][w]
			if h.tooLong {
				f.TooLong++
				continue
			}
			f.Undone.Add(h.undone)
			from := r.Thresholds[row.head]
			as := &f.Benign
			if row.label == attackLabel {
				as = &f.Attacks
			}
			as.Add((h.by[readBoth] >= from) == (row.by[readBoth] >= from))
			row.by = h.by
			written = append(written, row)
		}
		f.Views = countViews(written, r.Thresholds)
		r.Hidden = append(r.Hidden, f)
	}
	return nil
}

func (r jailbreakReport) printHidden(p *printer) {
	if len(r.Hidden) == 0 {
		return
	}
	p.line("\n%-26s  %-6s  %-27s  %-19s  %-27s  %s", "hidden by", "undone", "attacks judged as plain", "found raw, n., both", "benign judged as plain", "flagged raw, n., both")
	for _, h := range r.Hidden {
		three := func(of func(viewFigures) evaluate.Share) string {
			return fmt.Sprintf("%s %s %s", of(h.Views[readRaw]).Value(), of(h.Views[readNormal]).Value(), of(h.Views[readBoth]).Value())
		}
		left := ""
		if h.TooLong > 0 {
			left = fmt.Sprintf("  %d too long", h.TooLong)
		}
		p.line("%-26s  %-6s  %-27s  %-19s  %-27s  %s%s", h.Name, h.Undone.Value(), short(h.Attacks),
			three(func(v viewFigures) evaluate.Share { return v.Recall }), short(h.Benign), three(func(v viewFigures) evaluate.Share { return v.FalseAlarms }), left)
	}
}
