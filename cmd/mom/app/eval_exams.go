package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

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
	others  []exam             // its rows
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
	x.others = rows
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

// judged is the other file with how many of its rows a model read.
func (x exams) judged(limit int) *evalSource {
	if x.train == nil {
		return nil
	}
	t := *x.train
	t.Judged = len(spread(x.others, limit))
	return &t
}

func textLength(text string) float64 { return float64(utf8.RuneCountInString(text)) }
