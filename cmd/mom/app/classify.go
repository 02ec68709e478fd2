package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/spf13/cobra"
)

func newClassify() *cobra.Command {
	var where Places
	var task, model string
	c := &cobra.Command{
		Use:   "classify --task domain < texts.jsonl",
		Short: "Classify texts, one JSON object a line",
		Long: `Read one JSON object a line from standard input, each with the field text, and print one a line with label, probability and
probabilities added; every other field is handed through. The first line that cannot be read or judged ends the run, with its number.`,
		Example: `  echo '{"text":"Why did the Roman Republic fall?"}' | mom classify --task domain`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s := NewShelf(where)
			m, err := forTask(c.Context(), s, task, model)
			if err == nil {
				err = classifyLines(c.Context(), m, c.InOrStdin(), c.OutOrStdout())
			}
			return errors.Join(err, s.Close())
		},
	}
	c.Flags().StringVar(&task, "task", "domain", "what to judge: domain")
	c.Flags().StringVar(&model, "model", "", "name of the model (default the first in the models folder for the task)")
	where.flags(c)
	return c
}

// forTask opens the named model, which must be one for the task, or the first one in the folder that is.
func forTask(ctx context.Context, s *Shelf, task, name string) (*onnxModel, error) {
	if name == "" {
		dir, err := s.where.modelsDir()
		if err != nil {
			return nil, err
		}
		entries, err := catalog.List(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Task == task {
				name = e.Name
				break
			}
		}
		if name == "" {
			return nil, usageError{fmt.Errorf("no model in %s is for task %q", dir, task)}
		}
	}
	m, err := s.Model(ctx, name)
	if err != nil {
		return nil, err
	}
	if m.entry.Task != task {
		return nil, usageError{fmt.Errorf("model %s is for task %q, not %q", name, m.entry.Task, task)}
	}
	return m, nil
}

// maxLine bounds one input line; a text of the classifier's own limit fits, escapes and all.
const maxLine = 4 << 20

func classifyLines(ctx context.Context, m *onnxModel, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	labels := m.Labels()
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		// RawMessage hands every other field through as it was written, large integers too.
		fields := map[string]json.RawMessage{}
		if err := json.Unmarshal(lines.Bytes(), &fields); err != nil {
			return errors.Join(fmt.Errorf("line %d: not a JSON object", n), w.Flush())
		}
		var text *string
		if err := json.Unmarshal(fields["text"], &text); err != nil || text == nil {
			return errors.Join(fmt.Errorf("line %d: field text must be a string", n), w.Flush())
		}
		scores, err := m.Classify(ctx, *text)
		if err != nil {
			return errors.Join(fmt.Errorf("line %d: %w", n, err), w.Flush())
		}
		top, p := scores.Top()
		probabilities := make(map[string]float32, len(labels))
		for i, l := range labels {
			probabilities[l] = scores.P[i]
		}
		for name, v := range map[string]any{"label": labels[top], "probability": p, "probabilities": probabilities} {
			raw, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			fields[name] = raw
		}
		if err := enc.Encode(fields); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return errors.Join(fmt.Errorf("read: %w", err), w.Flush())
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
