package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"unicode/utf8"

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

func trainFlag(c *cobra.Command, v *string) {
	c.Flags().StringVar(v, "train", "", "other rows of the same kind, for the baseline that knows each domain's mean (default: leave it out)")
}

// An exam is a question with the answers of many models.
type exam struct {
	evalRow
	models map[string]examAnswer
	failed float64 // share of the models
}

type examAnswer struct {
	Correct   int     `json:"correct"`
	OutputLen float64 `json:"output_len"` // characters
}

// exams are the questions of a file, and what another file says of their domains.
type exams struct {
	rows    []exam
	sha256  string
	byLabel map[string]float64 // mean share that failed, of the other file
	mean    float64            // the same of all its rows
	train   *evalSource        // that file; nil when none was named
}

func readExams(file, train string) (exams, error) {
	var x exams
	var err error
	if x.rows, x.sha256, err = readExamRows(file); err != nil || train == "" {
		return x, err
	}
	rows, digest, err := readExamRows(train)
	if err != nil {
		return x, err
	}
	sum, n := map[string]float64{}, map[string]float64{}
	for _, r := range rows {
		sum[r.label] += r.failed
		n[r.label]++
		x.mean += r.failed / float64(len(rows))
	}
	x.byLabel = map[string]float64{}
	for l := range sum {
		x.byLabel[l] = sum[l] / n[l]
	}
	x.train = &evalSource{filepath.Base(train), digest, len(rows), len(rows)}
	return x, nil
}

func readExamRows(file string) (rows []exam, digest string, err error) {
	digest, err = readLines(file, func(n int, line []byte) error {
		e, err := readExam(line)
		e.line = n
		rows = append(rows, e)
		return err
	})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("%s: no rows", file)
	}
	return rows, digest, err
}

func readExam(line []byte) (exam, error) {
	var raw struct {
		Text    *string               `json:"text"`
		Options []string              `json:"options"`
		Label   string                `json:"label"`
		Models  map[string]examAnswer `json:"models"`
	}
	if err := json.Unmarshal(line, &raw); err != nil { // its own words could hold some of the line
		return exam{}, errors.New("not a JSON object with the fields text, options, label and models as they must be")
	}
	switch {
	case raw.Text == nil:
		return exam{}, errors.New("field text must be a string")
	case len(raw.Options) > len(letters):
		return exam{}, fmt.Errorf("field options must be a list of at most %d strings", len(letters))
	case len(raw.Models) == 0:
		return exam{}, errors.New("field models must name at least one model")
	}
	e := exam{evalRow: evalRow{text: *raw.Text, options: raw.Options, label: raw.Label}, models: raw.Models}
	for _, a := range raw.Models {
		if a.Correct != 0 && a.Correct != 1 || a.OutputLen < 0 {
			return exam{}, errors.New("field models: correct must be 0 or 1, output_len not negative")
		}
		e.failed += float64(1-a.Correct) / float64(len(raw.Models))
	}
	return e, nil
}

// said is the table's difficulty of a question; that of all questions for a domain that the other file does not have.
func (x exams) said(label string) float64 {
	if v, ok := x.byLabel[label]; ok {
		return v
	}
	return x.mean
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

func textLength(text string) float64 { return float64(utf8.RuneCountInString(text)) }

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
