package app

import (
	"context"
	"strings"

	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/mom-router/mom/pkg/guard/text"
)

// The ways to read a text: as it is written; as the normaliser leaves it, with leetspeak undone and codes decoded too; and both, as the guard does.
const (
	readRaw = iota
	readNormal
	readBoth
	readWays
)

var readNames = [readWays]string{"raw", "normalised", "both, as served"}

// attacks returns the probabilities of an attack by way to read, each the greatest of its views. The attack is where the label stands.
func attacks(ctx context.Context, c *onnx.Classifier, attack int, s string) (p [readWays]float64, err error) {
	most := func(way int, view string) error {
		if strings.TrimSpace(view) == "" { // which the guard reads as little
			return nil
		}
		scores, err := c.Classify(ctx, view)
		if err == nil {
			p[way] = max(p[way], float64(scores.P[attack]))
		}
		return err
	}
	views := text.Views(s) // the text itself comes first
	if err := most(readRaw, s); err != nil {
		return p, err
	}
	views[0] = text.Normal(s)
	for _, v := range views {
		if err := most(readNormal, v); err != nil {
			return p, err
		}
	}
	p[readBoth] = max(p[readRaw], p[readNormal])
	return p, nil
}

// viewFigures say what one way to read finds at the thresholds.
type viewFigures struct {
	Name        string         `json:"name"`
	Recall      evaluate.Share `json:"recall"`
	FalseAlarms evaluate.Share `json:"false_alarms"`
	Trigger     evaluate.Share `json:"trigger_words_flagged"`
	Harmful     evaluate.Share `json:"harmful_flagged"`
}

// countViews counts what each way to read finds.
func countViews(rows []guardRow, thresholds map[string]float64) []viewFigures {
	views := make([]viewFigures, readWays)
	for way := range views {
		v := &views[way]
		v.Name = readNames[way]
		for _, row := range rows {
			flagged := row.by[way] >= thresholds[row.head]
			switch row.label {
			case attackLabel:
				v.Recall.Add(flagged)
			case benignLabel:
				v.FalseAlarms.Add(flagged)
				if row.triggers() {
					v.Trigger.Add(flagged)
				}
			default:
				v.Harmful.Add(flagged)
			}
		}
	}
	return views
}

func printViews(p *printer, views []viewFigures) {
	p.line("\n%-22s  %-27s  %-27s  %-27s  %s", "views, at the thresholds", "attacks found", "benign flagged", "those with trigger words", "harmful flagged")
	for _, v := range views {
		p.line("%-24s  %-27s  %-27s  %-27s  %s", v.Name, short(v.Recall), short(v.FalseAlarms), short(v.Trigger), short(v.Harmful))
	}
}
