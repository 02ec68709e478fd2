package app

import (
	"errors"
	"fmt"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/config/bootstrap"
	"github.com/spf13/cobra"

	"path/filepath"
)

func newCheck() *cobra.Command {
	var where places
	var envoy string
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Report every fault of a configuration at once",
		Long: `Report every fault of a configuration at once, by key and line, conditions included. With --envoy it is also compared with the Envoy
file: the clusters it names, the retries a plan needs, and whether anything there would let a request reach a backend without a verdict. No model
is loaded and nothing is served.`,
		Example: "  mom check deploy/mom.yaml --envoy deploy/envoy/envoy.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := check(args[0], envoy, where); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), args[0], "ok")
			return err
		},
	}
	c.Flags().StringVar(&envoy, "envoy", "", "Envoy's bootstrap YAML to compare with")
	where.modelsFlag(c)
	return c
}

func check(file, envoy string, where places) error {
	cfg, err := config.Load(file)
	var faults config.Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	if len(faults) == 0 {
		faults = faults.Join(checkRoute(cfg, where)...)
	}
	if envoy != "" {
		b, err := bootstrap.Load(envoy)
		var more config.Faults
		switch {
		case errors.As(err, &more):
			faults = faults.Join(more...)
		case err != nil:
			return err
		case len(faults) == 0:
			faults = faults.Join(b.Compare(cfg)...)
		}
	}
	return faults.Err()
}

// checkRoute is what build would find: the brain's manifest and the conditions.
func checkRoute(cfg *config.Config, where places) config.Faults {
	var faults config.Faults
	var labels []string
	if cfg.Brain.Model != "" {
		dir, err := where.modelsDir()
		if err != nil {
			return append(faults, cfg.Fault("brain", "%v", err))
		}
		entry, err := catalog.Read(filepath.Join(dir, cfg.Brain.Model))
		if err != nil {
			return append(faults, cfg.Fault("brain", "%v", err))
		}
		labels = entry.Labels
	}
	_, err := newRouter(cfg, labels)
	var more config.Faults
	switch {
	case errors.As(err, &more):
		faults = append(faults, more...)
	case err != nil:
		faults = append(faults, cfg.Fault("route", "%v", err))
	}
	return faults
}
