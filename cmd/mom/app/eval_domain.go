package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/spf13/cobra"
)

func newEvalDomain() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "domain --data FILE",
		Short: "Measure how well a model knows what a prompt is about",
		Long: `Measure how well a model knows what a prompt is about.

Each line of the file is a JSON object with the fields
  text     the prompt
  label    what it is about, in the model's own words (mom models list --json prints them)
  options  the answers to choose from, only read with --options (a list of strings; may be left out)
  source   where the row comes from, for the figures by source (may be left out)
and any others. The first line that cannot be read ends the run, with its number. A row with a label the model does not have is not judged, but
counted and reported.

Printed are accuracy with its 95 % Wilson interval, macro-F1 (the mean over the labels that occur), precision, recall and F1 by label, accuracy by
source, how often the model was sure (reached the threshold of its manifest) and right when it was, the expected calibration error, the five
commonest mistakes, and what always saying the file's commonest label, or any label at random, would have reached.`,
		Example: `  mom eval domain --data models/recipes/samples/everyday.jsonl
  mom eval domain --data exam.jsonl.gz --options --json > exam.json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			d, err := readRows(f.data, f.by) // before a model is loaded: a fault there shows at once
			if err != nil {
				return err
			}
			s := NewShelf(f.where)
			r, err := evalDomain(c.Context(), s, &f, d, c.ErrOrStderr())
			if err = errors.Join(err, s.Close()); err != nil {
				return err
			}
			if f.asJSON {
				enc := json.NewEncoder(c.OutOrStdout())
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(r)
			}
			return r.print(c.OutOrStdout())
		},
	}
	f.flags(c)
	c.Flags().BoolVar(&f.asOptions, "options", false, "ask with the options of the rows that have some, as lines A., B., ...")
	return c
}

// domainReport is what mom eval domain prints.
type domainReport struct {
	Task  string    `json:"task"`
	Model evalModel `json:"model"`
	Data  evalData  `json:"data"`
	evaluate.Result
}

type evalModel struct {
	Name        string  `json:"name"`
	Version     string  `json:"version"`
	GraphSHA256 string  `json:"graph_sha256"`
	Temperature float64 `json:"temperature,omitempty"`
}

type evalData struct {
	File          string         `json:"file"`
	SHA256        string         `json:"sha256"` // of the file as it lies there
	Rows          int            `json:"rows"`   // in the file
	Judged        int            `json:"judged"`
	UnknownLabels map[string]int `json:"unknown_labels"` // rows by a label that the model does not have
	Options       bool           `json:"options"`        // asked with the options
	By            string         `json:"by"`             // the field groups are by
}

func evalDomain(ctx context.Context, s *Shelf, f *evalFlags, d dataset, progress io.Writer) (domainReport, error) {
	m, err := forTask(ctx, s, "domain", f.model)
	if err != nil {
		return domainReport{}, err
	}
	index := map[string]int{}
	for i, l := range m.Labels() {
		index[l] = i
	}
	unknown := map[string]int{}
	known := make([]evalRow, 0, len(d.rows))
	for _, r := range d.rows {
		if _, ok := index[r.label]; ok {
			known = append(known, r)
		} else {
			unknown[r.label]++
		}
	}
	known = spread(known, f.limit)
	if len(known) == 0 {
		return domainReport{}, fmt.Errorf("%s: no row has a label of %s: %v", f.data, m.entry.Name, m.Labels())
	}
	answers := make([]evaluate.Answer, len(known))
	err = inParallel(ctx, len(known), progress, func(ctx context.Context, i int) error {
		text := known[i].text
		if f.asOptions {
			text = known[i].withOptions()
		}
		scores, err := m.Classify(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", known[i].at(f.data), err)
		}
		said, p := scores.Top()
		answers[i] = evaluate.Answer{Gold: index[known[i].label], Said: said, P: float64(p), Group: known[i].group}
		return nil
	})
	if err != nil {
		return domainReport{}, err
	}
	e := m.entry
	return domainReport{
		Task:   "domain",
		Model:  evalModel{e.Name, e.Version, e.Graph.SHA256, e.Temperature},
		Data:   evalData{filepath.Base(f.data), d.sha256, len(d.rows), len(known), unknown, f.asOptions, f.by},
		Result: evaluate.Judge(m.Labels(), answers, e.Threshold),
	}, nil
}

func (r domainReport) print(w io.Writer) error {
	p := &printer{w: w}
	with := ""
	if r.Data.Options {
		with = ", with options"
	}
	p.line("%s %s on %s: %d of %d rows judged%s", r.Model.Name, r.Model.Version, r.Data.File, r.Data.Judged, r.Data.Rows, with)
	for _, l := range slices.Sorted(maps.Keys(r.Data.UnknownLabels)) {
		p.line("not judged: %d with the label %q, which the model does not have", r.Data.UnknownLabels[l], l)
	}
	p.line("")
	p.line("accuracy    %s", percent(r.Accuracy))
	p.line("macro-F1    %s", r.MacroF1)
	b := r.Baselines
	p.line("majority    accuracy %s, macro-F1 %s  (always %q, the commonest label of this file)", b.Majority.Accuracy, b.Majority.MacroF1, b.Majority.Label)
	p.line("random      accuracy %s, macro-F1 %s  (any label, each as likely)", b.Random.Accuracy, b.Random.MacroF1)
	p.line("")
	p.line("sure        %s  (probability at least %v)", percent(r.Sure.Share), r.Sure.Threshold)
	p.line("  right     %s", percent(r.Sure.Accuracy))
	p.line("unsure")
	p.line("  right     %s", percent(r.Sure.Unsure))
	p.line("calibration error  %s", r.CalibrationError)

	wide := len("label")
	for _, l := range r.Labels {
		wide = max(wide, len(l.Name))
	}
	for _, g := range r.Groups {
		wide = max(wide, len(g.Name))
	}
	p.line("\n%-*s  %7s  %9s  %6s  %6s", wide, "label", "n", "precision", "recall", "F1")
	for _, l := range r.Labels {
		p.line("%-*s  %7d  %9s  %6s  %6s", wide, l.Name, l.N, l.Precision, l.Recall, l.F1)
	}
	if len(r.Groups) > 0 {
		p.line("\n%-*s  accuracy", wide, r.Data.By)
		for _, g := range r.Groups {
			name := g.Name
			if name == "" {
				name = "(none)"
			}
			p.line("%-*s  %s", wide, name, percent(g.Accuracy))
		}
	}
	if len(r.Mistakes) > 0 {
		p.line("\ncommonest mistakes")
		for _, m := range r.Mistakes {
			p.line("%7d  %s, said %s", m.N, m.Label, m.Said)
		}
	}
	return p.err
}

// percent is a share with its interval and its n.
func percent(s evaluate.Share) string {
	low, high := s.Wilson()
	return fmt.Sprintf("%s  [%s, %s]  %d of %d", s.Value(), low, high, s.Hits, s.N)
}
