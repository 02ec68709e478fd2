package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/mom-router/mom/pkg/evaluate"
	"github.com/spf13/cobra"
)

type jailbreakFlags struct {
	evalFlags
	role   string
	hidden bool
}

func newEvalJailbreak() *cobra.Command {
	var f jailbreakFlags
	c := &cobra.Command{
		Use:   "jailbreak --data FILE",
		Short: "Measure how well a model tells attacks on a prompt from ordinary texts",
		Long: `Measure how well a model tells attacks on a prompt from ordinary texts.

Each line of the file is a JSON object with the fields
  text            what is judged
  label           benign, jailbreak or harmful (asks for harm without an attack)
  role            whose text it is: user, system, assistant, tool or document (may be left out)
  source, family  where it comes from; without a role, pages of BIPIA and of PINT's documents are documents, all else is a user's
and any others. A row with a label the model does not have, or a text that it refuses as too long, is not judged, but counted and reported.

A text is judged as a whole, by the window of it that is most like an attack, and as it is written. Printed are, of attacks against benign texts,
accuracy and macro-F1 (an attack from a probability of 0.5 up), AUC, and the attacks found where 1 % and 0.5 % of the benign texts are flagged (a limit
chosen on these rows, which is printed too); macro-F1 of all labels and the expected calibration error; at the manifest's thresholds, the attacks found
and the false alarms, benign and harmful texts each; what always saying the commonest label, either label at random, and a list of keywords would have
reached; what the raw text alone, its normalised views alone and both, as the guard reads, find at the thresholds; and the same figures by length in
tokens, by source, and by source and family. All shares have n and their 95 % Wilson interval.

With --hidden each text is also written in thirty ways by which attacks are hidden from a filter (characters that show nothing or look like others,
codes, two of them at once). Printed for each way are how many texts the normaliser gives back to the letter, how many are judged as the plain text
is, and what the raw text, the normalised views and both find.`,
		Example: `  mom eval jailbreak --data jailbreak/val.jsonl.gz
  mom eval jailbreak --data pages.jsonl --role document
  mom eval jailbreak --data models/recipes/samples/hidden.jsonl --hidden`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if f.role != "" && !slices.Contains(roles, f.role) {
				return usageError{fmt.Errorf("--role must be one of %s", strings.Join(roles, ", "))}
			}
			d, err := readGuardRows(f.data, f.role)
			if err != nil {
				return err
			}
			return f.run(c, func(ctx context.Context, s *Shelf, progress io.Writer) (evalReport, error) {
				return evalJailbreak(ctx, s, &f, d, progress)
			})
		},
	}
	f.common(c)
	c.Flags().BoolVar(&f.hidden, "hidden", false, "also judge every text hidden from a filter in thirty ways, which takes a hundred times as long")
	c.Flags().StringVar(&f.role, "role", "", "judge every row as text of this role, whatever the rows say")
	return c
}

// A guardRow is a text and whose it is.
type guardRow struct {
	evalRow
	source, family string
	head           string // of the model: catalog.RoleUser or RoleDocument
	tokens         int
	attack         float64 // the probability of one, of the text as it is written
	by             [readWays]float64
	pasted         float64 // of a page as it is written, by the user's head
	tooLong        bool    // for the model, which refuses to judge it
}

type guardRows struct {
	rows   []guardRow
	sha256 string
}

// readGuardRows reads the file; a role that is not empty is every row's.
func readGuardRows(file, role string) (guardRows, error) {
	var d guardRows
	var err error
	d.sha256, err = readLines(file, func(n int, line []byte) error {
		var raw struct {
			Text   *string `json:"text"`
			Label  *string `json:"label"`
			Role   *string `json:"role"`
			Source string  `json:"source"`
			Family string  `json:"family"`
		}
		if err := json.Unmarshal(line, &raw); err != nil { // its own words could hold some of the line
			return errors.New("not a JSON object with strings for text, label, role, source and family")
		}
		switch {
		case raw.Text == nil || raw.Label == nil:
			return errors.New("fields text and label must be strings")
		case raw.Role != nil && !slices.Contains(roles, *raw.Role):
			return fmt.Errorf("field role must be one of %s", strings.Join(roles, ", "))
		}
		r := guardRow{evalRow: evalRow{line: n, text: *raw.Text, label: *raw.Label}, source: raw.Source, family: raw.Family}
		switch {
		case role != "":
			r.head = headFor(role)
		case raw.Role != nil:
			r.head = headFor(*raw.Role)
		case r.isPage():
			r.head = catalog.RoleDocument
		default:
			r.head = catalog.RoleUser
		}
		d.rows = append(d.rows, r)
		return nil
	})
	return d, err
}

// isPage says whether a row of the recipe's data is a page that a tool or a document brings.
func (r guardRow) isPage() bool {
	return r.source == "bipia" || strings.Contains(r.family, "BIPIA") || strings.HasSuffix(r.family, "PINT_documents")
}

// group is the name a row counts under: its source, and its family without the last level.
func (r guardRow) group() string {
	family, _, _ := strings.Cut(r.family, ":")
	switch {
	case r.source == "" && r.family == "":
		return r.head
	case r.source == "injecguard_valid":
		return r.family
	}
	return strings.Trim(r.source+", "+family, ", ")
}

func evalJailbreak(ctx context.Context, s *Shelf, f *jailbreakFlags, d guardRows, progress io.Writer) (jailbreakReport, error) {
	name, err := nameFor(s, "jailbreak", f.model)
	if err != nil {
		return jailbreakReport{}, err
	}
	trunk, e, err := s.Tried(ctx, name)
	if err != nil {
		return jailbreakReport{}, err
	}
	heads, err := guardHeads(trunk, e)
	if err != nil {
		return jailbreakReport{}, err
	}
	if !slices.Contains(e.Labels, benignLabel) {
		return jailbreakReport{}, fmt.Errorf("%s: has no label %q", e.Name, benignLabel)
	}
	r := jailbreakReport{UnknownLabels: map[string]int{}, TooLong: map[string]int{}, Thresholds: e.Thresholds, Baselines: map[string]flagShares{}}
	var rows []guardRow
	for _, row := range d.rows {
		if slices.Contains(e.Labels, row.label) {
			rows = append(rows, row)
		} else {
			r.UnknownLabels[row.label]++
		}
	}
	rows = spread(rows, f.limit)
	if len(rows) == 0 {
		return jailbreakReport{}, fmt.Errorf("%s: no row has a label of %s: %v", f.data, e.Name, e.Labels)
	}
	answers := make([]evaluate.Answer, len(rows))
	err = inParallel(ctx, len(rows), progress, func(ctx context.Context, i int) error {
		err := rows[i].judge(ctx, trunk, heads, e.Labels, &answers[i])
		if err != nil {
			return fmt.Errorf("%s: %w", rows[i].at(f.data), err)
		}
		return nil
	})
	if err != nil {
		return jailbreakReport{}, err
	}
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].tooLong {
			r.TooLong[rows[i].label]++
			rows, answers = slices.Delete(rows, i, i+1), slices.Delete(answers, i, i+1)
		}
	}
	r.evalHead = newHead(e, f.data, d.sha256, len(d.rows), len(rows))
	r.AllLabels = evaluate.Judge(e.Labels, answers, 0)
	r.judgeAttacks(rows)
	r.count(rows)
	r.Views = countViews(rows, r.Thresholds)
	r.slice(rows)
	if f.hidden {
		err = r.judgeHidden(ctx, heads, slices.Index(e.Labels, attackLabel), rows, progress)
	}
	return r, err
}

// judge asks the head for the row's role, in all views, and of a document also the user's, which costs no pass.
func (r *guardRow) judge(ctx context.Context, t *onnx.Trunk, heads map[string]*onnx.Classifier, labels []string, answer *evaluate.Answer) error {
	attack := slices.Index(labels, attackLabel)
	scores, err := heads[r.head].Classify(ctx, r.text)
	pasted := scores
	if err == nil && r.head == catalog.RoleDocument {
		pasted, err = heads[catalog.RoleUser].Classify(ctx, r.text)
	}
	if err == nil {
		r.by, err = attacks(ctx, heads[r.head], attack, r.text)
	}
	if err == nil {
		r.tokens, err = t.Tokens(r.text)
	}
	if errors.Is(err, classifiers.ErrTooLong) {
		r.tooLong = true
		return nil
	}
	if err != nil {
		return err
	}
	r.attack, r.pasted = float64(scores.P[attack]), float64(pasted.P[attack])
	said, p := scores.Top()
	*answer = evaluate.Answer{Gold: slices.Index(labels, r.label), Said: said, P: float64(p)}
	return nil
}

// guardHeads are the views of a jailbreak model by who speaks.
func guardHeads(t *onnx.Trunk, e *catalog.Entry) (map[string]*onnx.Classifier, error) {
	if !slices.Contains(e.Labels, attackLabel) {
		return nil, fmt.Errorf("%s: has no label %q to judge by", e.Name, attackLabel)
	}
	heads := map[string]*onnx.Classifier{}
	for _, role := range []string{catalog.RoleUser, catalog.RoleDocument} {
		c, err := t.Classifier(e, role)
		if err != nil {
			return nil, err
		}
		heads[role] = c
	}
	return heads, nil
}
