package app

import (
	"errors"
	"fmt"

	"github.com/mom-router/mom/pkg/config"
	"github.com/mom-router/mom/pkg/config/bootstrap"
	"github.com/mom-router/mom/pkg/route"
	"github.com/spf13/cobra"
)

func newCheck() *cobra.Command {
	var where Places
	var envoy string
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Report every fault of a configuration at once",
		Long: `Report every fault of a configuration at once, by key and line, conditions included, and
warn of decisions that can never win. With --envoy it is also compared with the Envoy
file: the clusters it names, the retries a plan needs, and whether anything there would let a request reach a backend without a verdict. No model
is loaded and nothing is served.`,
		Example: "  mom check deploy/mom.yaml --envoy deploy/envoy/envoy.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			warnings, err := check(args[0], envoy, where)
			for _, w := range warnings {
				_, _ = fmt.Fprintln(c.ErrOrStderr(), "warning:", w)
			}
			if err == nil {
				_, err = fmt.Fprintln(c.OutOrStdout(), args[0], "ok")
			}
			return err
		},
	}
	c.Flags().StringVar(&envoy, "envoy", "", "Envoy's bootstrap YAML to compare with")
	where.modelsFlag(c)
	return c
}

// check gathers what every room has to say, so that one run shows all there is to mend, and what is odd but no fault.
func check(file, envoy string, where Places) (warnings config.Faults, _ error) {
	cfg, err := config.Load(file)
	var faults config.Faults
	if err != nil && !errors.As(err, &faults) {
		return nil, err
	}
	names, err := signalNames(cfg, where)
	if err != nil {
		faults = faults.Join(cfg.Fault("brain", "%v", err))
	}
	if cfg.Guard.On() {
		faults = faults.Join(guardFaults(cfg, where)...)
	}
	faults = faults.Join(meaningFaults(cfg, where)...)
	faults = faults.Join(signalFaults(cfg, where)...)
	compiled, more := decisions(cfg, names)
	faults = faults.Join(more...)
	_, more = newChoosing(cfg, names, compiled)
	faults = faults.Join(more...)
	if faults.Err() == nil { // else the numbers of the decisions are not those of the file
		for path := range cfg.Everywhere() {
			for _, w := range route.Warnings(compiled[path]) {
				warnings = warnings.Join(cfg.Fault(fmt.Sprintf("%s.decisions[%d].when", path, w.Decision), "%s", w.Text))
			}
		}
	}
	if envoy != "" {
		b, err := bootstrap.Load(envoy)
		var more config.Faults
		switch {
		case errors.As(err, &more):
			faults = faults.Join(more...)
		case err != nil:
			return nil, err
		default:
			faults = faults.Join(b.Compare(cfg)...)
		}
	}
	return warnings, faults.Err()
}
