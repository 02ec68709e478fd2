package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/mom-router/mom/cmd/mom/admin"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/recall"
	"github.com/spf13/cobra"
)

func newCache() *cobra.Command {
	c := &cobra.Command{
		Use:   "cache",
		Short: "Look at, clear or copy the memory of a mom that runs",
		Long: `Look at, clear or copy the memory of a mom that runs. It is asked over its admin socket: admin.socket of the configuration, or --socket. Only the
user that mom runs as may open it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newCacheStats(), newCacheInvalidate(), newCacheExport())
	for _, sub := range c.Commands() {
		sub.Args = usageArgs(sub.Args)
	}
	return c
}

// door is where a mom that runs is asked.
type door struct{ file, socket string }

func (d *door) flags(c *cobra.Command) {
	configFlag(c, &d.file)
	c.Flags().StringVar(&d.socket, "socket", "", "the admin socket; the configuration's own when it is not given")
}

func (d *door) client() (admin.Client, error) {
	if d.socket != "" {
		return admin.Client{Socket: d.socket}, nil
	}
	cfg, err := config.Load(d.file)
	if err != nil {
		return admin.Client{}, err
	}
	if cfg.Admin == "" {
		return admin.Client{}, fmt.Errorf("%s has no admin: {socket: PATH}, so a mom that serves it cannot be asked", d.file)
	}
	return admin.Client{Socket: cfg.Admin}, nil
}

// which are the flags that name entries.
type which struct {
	recall.Which
	before string
}

func (w *which) flags(c *cobra.Command) {
	c.Flags().StringVar(&w.Tenant, "tenant", "", "those of this tenant, by the name that Envoy tells")
	c.Flags().StringVar(&w.Model, "model", "", "those that this model answered")
	c.Flags().StringVar(&w.System, "system", "", "those whose system prompt's hash begins with these hexadecimal digits, as stats and export show them")
	c.Flags().StringVar(&w.before, "before", "", "those given before this time (2026-01-02T15:04:05Z), or so long ago (90m)")
}

func (w *which) read() error {
	if w.before == "" {
		return nil
	}
	if d, err := time.ParseDuration(w.before); err == nil && d >= 0 {
		w.Before = time.Now().Add(-d)
		return nil
	}
	t, err := time.Parse(time.RFC3339, w.before)
	if err != nil {
		return usageError{fmt.Errorf("--before %q is neither a time such as 2026-01-02T15:04:05Z nor a duration such as 90m", w.before)}
	}
	w.Before = t
	return nil
}

func newCacheStats() *cobra.Command {
	var at door
	var asJSON bool
	c := &cobra.Command{
		Use:   "stats",
		Short: "Show what the memory holds and what it came to",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := at.client()
			if err != nil {
				return err
			}
			s, err := client.Stats(c.Context())
			switch {
			case err != nil:
				return err
			case asJSON:
				return json.NewEncoder(c.OutOrStdout()).Encode(s)
			}
			return printStats(c.OutOrStdout(), s)
		},
	}
	at.flags(c)
	jsonFlag(c, &asJSON)
	return c
}

func printStats(out io.Writer, s admin.Stats) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "entries\t%d\nbytes\t%d\nsaved tokens\t%d\nsaved\t%.2f USD\n", s.Entries, s.Bytes, s.SavedTokens, s.SavedUSD)
	if s.Semantic != "" {
		fmt.Fprintf(w, "semantic\t%s\n", s.Semantic)
	}
	for _, l := range s.Lookups {
		name := l.Result
		if l.Why != "" {
			name += ": " + l.Why
		}
		fmt.Fprintf(w, "%s\t%d\n", name, l.N)
	}
	for _, p := range s.Systems {
		name := "no system prompt"
		if len(p.System) >= 12 {
			name = "system " + p.System[:12]
		}
		fmt.Fprintf(w, "%s\t%d entries\n", name, p.Entries)
	}
	return w.Flush()
}

func newCacheInvalidate() *cobra.Command {
	var at door
	var w which
	var all bool
	c := &cobra.Command{
		Use:     "invalidate",
		Short:   "Forget answers: of a tenant, a model, a system prompt, from before a time, or all",
		Long:    "Forget the answers for which all that is said holds, and keep none that was asked for before.",
		Example: "  mom cache invalidate --model large --before 1h\n  mom cache invalidate --all",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := w.read(); err != nil {
				return err
			}
			if (w.Which == recall.Which{}) != all {
				return usageError{errors.New("say which answers (--tenant, --model, --system, --before), or --all of them")}
			}
			client, err := at.client()
			if err != nil {
				return err
			}
			n, err := client.Invalidate(c.Context(), w.Which, all)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d forgotten\n", n)
			return err
		},
	}
	at.flags(c)
	w.flags(c)
	c.Flags().BoolVar(&all, "all", false, "all answers")
	return c
}

func newCacheExport() *cobra.Command {
	var at door
	var w which
	var texts bool
	c := &cobra.Command{
		Use:   "export",
		Short: "Copy what the memory holds, a line of JSON for each answer",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := w.read(); err != nil {
				return err
			}
			client, err := at.client()
			if err != nil {
				return err
			}
			return client.Export(c.Context(), w.Which, texts, c.OutOrStdout())
		},
	}
	at.flags(c)
	w.flags(c)
	c.Flags().BoolVar(&texts, "texts", false, "with the texts of answers and questions, which are what users and models said")
	return c
}
