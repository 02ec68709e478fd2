package app

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/spf13/cobra"
)

func newEvalDifficulty() *cobra.Command {
	var f evalFlags
	var train string
	c := &cobra.Command{
		Use:   "difficulty --data FILE",
		Short: "Measure how well a model foresees that other models fail",
		Long: `Measure how well a model foresees that other models fail.

Each line of the file is a JSON object with the fields
  text     the question
  options  the answers to choose from (a list of strings; may be left out)
  label    what it is about (only read with --train; may be left out)
  models   who answered it: {"NAME": {"correct": 0 or 1, "output_len": characters}}, at least one
and any others. A question's true difficulty is the share of these models that failed.

Printed are, for the question alone and with its options, the rank correlation (Spearman) with the share that failed, the mean absolute error, and
what was said and what came of it in ten bins; and what a constant, the length of the text and, with --train, the mean of the question's domain would
have reached.`,
		Example: "  mom eval difficulty --data difficulty/val.jsonl.gz --train difficulty/train.jsonl.gz",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			x, err := readExams(f.data, train)
			if err != nil {
				return err
			}
			return f.run(c, func(ctx context.Context, s *Shelf, progress io.Writer) (evalReport, error) {
				return evalDifficulty(ctx, s, &f, x, progress)
			})
		},
	}
	f.common(c)
	trainFlag(c, &train)
	return c
}

// difficultyReport is what mom eval difficulty prints.
type difficultyReport struct {
	evalHead
	Train     *evalSource          `json:"train"` // null without --train
	Forms     []difficultyForm     `json:"forms"`
	Baselines []difficultyBaseline `json:"baselines"`
}

// A difficultyForm holds the figures of one way to ask.
type difficultyForm struct {
	Name     string          `json:"name"`
	Spearman evaluate.Figure `json:"spearman"`
	Error    evaluate.Figure `json:"absolute_error"`
	Said     evaluate.Figure `json:"mean_said"`
	Gold     evaluate.Figure `json:"mean_true"`
	Deciles  []evaluate.Bin  `json:"deciles"`
}

type difficultyBaseline struct {
	Name     string          `json:"name"`
	Spearman evaluate.Figure `json:"spearman"`
	Error    evaluate.Figure `json:"absolute_error"` // undefined for what is no share
}

func evalDifficulty(ctx context.Context, s *Shelf, f *evalFlags, x exams, progress io.Writer) (difficultyReport, error) {
	m, err := forTask(ctx, s, "difficulty", f.model)
	if err != nil {
		return difficultyReport{}, err
	}
	rows := spread(x.rows, f.limit)
	gold := make([]float64, len(rows))
	for i, r := range rows {
		gold[i] = r.failed
	}
	r := difficultyReport{evalHead: newHead(m.entry, f.data, x.sha256, len(x.rows), len(rows)), Train: x.train}
	for _, form := range []struct {
		name    string
		options bool
	}{{"question alone", false}, {"with options", true}} {
		said, err := difficulties(ctx, m, f.data, rows, form.options, progress)
		if err != nil {
			return difficultyReport{}, err
		}
		r.Forms = append(r.Forms, difficultyForm{
			form.name, evaluate.Spearman(said, gold), evaluate.MeanError(said, gold), evaluate.Mean(said), evaluate.Mean(gold), evaluate.Deciles(said, gold),
		})
	}
	constant, length, table := make([]float64, len(rows)), make([]float64, len(rows)), make([]float64, len(rows))
	for i, row := range rows {
		length[i], table[i] = textLength(row.text), x.said(row.label)
		constant[i] = float64(r.Forms[0].Gold)
		if x.train != nil {
			constant[i] = x.mean
		}
	}
	undefined := evaluate.Figure(math.NaN())
	r.Baselines = []difficultyBaseline{
		{"constant, the mean", evaluate.Spearman(constant, gold), evaluate.MeanError(constant, gold)},
		{"length of the question", evaluate.Spearman(length, gold), undefined},
	}
	if x.train != nil {
		r.Baselines = append(r.Baselines, difficultyBaseline{"its domain's mean", evaluate.Spearman(table, gold), evaluate.MeanError(table, gold)})
	}
	return r, nil
}

// difficulties asks the model for each question.
func difficulties(ctx context.Context, m *onnxModel, file string, rows []exam, options bool, progress io.Writer) ([]float64, error) {
	said := make([]float64, len(rows))
	err := inParallel(ctx, len(rows), progress, func(ctx context.Context, i int) error {
		text := rows[i].text
		if options {
			text = rows[i].withOptions()
		}
		scores, err := m.Classify(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", rows[i].at(file), err)
		}
		said[i] = float64(scores.P[1]) // the second label is what the one logit stands for
		return nil
	})
	return said, err
}

func (r difficultyReport) print(w io.Writer) error {
	p := &printer{w: w}
	r.line(p)
	p.line("\n%-24s  Spearman  absolute error  mean said  mean true", "")
	for _, form := range r.Forms {
		p.line("%-24s  %8s  %14s  %9s  %9s", form.Name, form.Spearman, form.Error, form.Said, form.Gold)
	}
	for _, b := range r.Baselines {
		p.line("%-24s  %8s  %14s  (baseline)", b.Name, b.Spearman, b.Error)
	}
	p.line("\nby what was said of the %s, from the least to the greatest tenth", r.Forms[0].Name)
	p.line("%7s  said   true", "n")
	for _, b := range r.Forms[0].Deciles {
		p.line("%7d  %s  %s", b.N, b.Said, b.Gold)
	}
	return p.err
}
