package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/spf13/cobra"
)

func newModels() *cobra.Command {
	c := &cobra.Command{
		Use:   "models",
		Short: "List, verify or pull the models MoM itself reads prompts with",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newModelsList(), newModelsVerify(), newModelsPull())
	return c
}

// modelLine is one model of mom models list --json.
type modelLine struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Task    string   `json:"task"`
	Labels  []string `json:"labels"`
	Bytes   int64    `json:"bytes"`
	License string   `json:"license"`
}

func newModelsList() *cobra.Command {
	var where Places
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the models in the models folder",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := where.modelsDir()
			if err != nil {
				return err
			}
			entries, listErr := catalog.List(dir)
			lines := make([]modelLine, 0, len(entries))
			for _, e := range entries {
				lines = append(lines, modelLine{e.Name, e.Version, e.Task, e.Labels, e.Graph.Size + e.Tokenizer.Size, e.License})
			}
			return errors.Join(printModels(c.OutOrStdout(), lines, asJSON), listErr)
		},
	}
	where.modelsFlag(c)
	jsonFlag(c, &asJSON)
	return c
}

func printModels(w io.Writer, lines []modelLine, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(lines)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tVERSION\tTASK\tLABELS\tSIZE\tLICENSE")
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%.1f MB\t%s\n", l.Name, l.Version, l.Task, len(l.Labels), float64(l.Bytes)/1e6, l.License)
	}
	return t.Flush()
}

func newModelsVerify() *cobra.Command {
	var where Places
	c := &cobra.Command{
		Use:   "verify [NAME ...]",
		Short: "Check the files of models against their manifests and run their self-tests",
		Args:  usageArgs(cobra.ArbitraryArgs),
		RunE: func(c *cobra.Command, names []string) error {
			dir, err := where.modelsDir()
			if err != nil {
				return err
			}
			if len(names) == 0 {
				entries, err := catalog.List(dir)
				if err != nil {
					return err
				}
				for _, e := range entries {
					names = append(names, e.Name)
				}
			}
			s := NewShelf(where)
			var errs []error
			for _, name := range names {
				if _, _, err := s.Tried(c.Context(), name); err != nil {
					errs = append(errs, err)
					continue
				}
				if _, err := fmt.Fprintln(c.OutOrStdout(), name, "ok"); err != nil {
					errs = append(errs, err)
				}
			}
			return errors.Join(append(errs, s.Close())...)
		},
	}
	where.flags(c)
	return c
}
