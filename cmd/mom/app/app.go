// Package app wires the rooms into the one program, mom. It is the only place that names concrete kinds: which stages run in which order, which
// classifier reads, where models and the native library are found. It decides nothing about a request.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/mom-router/mom/pkg/config"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was asked rightly and could not be done
	exitUsage  = 2 // the command line or the configuration is wrong
)

// version is set by the linker from the Makefile.
var version = ""

// usageError is a wrong command line.
type usageError struct{ error }

// Main runs mom with the arguments after the program's name and returns the exit code.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	// Ctrl-C ends whatever is running; serve watches its signals itself, since it shuts down in two steps.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	var faults config.Faults
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &faults):
		fmt.Fprintln(errs, faults.Error())
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintf(errs, "mom: %v\nTry: mom --help\n", err)
		return exitUsage
	}
	fmt.Fprintln(errs, "mom:", err)
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "mom",
		Short: "MoM sends each prompt to the model that suits it",
		Long: `MoM (Mixture of Models) is an Envoy external processor. A client sends an OpenAI chat request with "model": "MoM"; MoM reads the prompt with a
small model of its own, chooses the backend that suits it, and Envoy proxies the request there.

Try it without Envoy:
  echo '{"model":"MoM","messages":[{"role":"user","content":"What is 12 * 13?"}]}' | mom route

Serve behind Envoy:
  mom check deploy/mom.yaml --envoy deploy/envoy/envoy.yaml
  mom serve --config deploy/mom.yaml

Exit codes: 0 done, 1 it could not be done, 2 the command line or the configuration is wrong.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newServe(), newCheck(), newRoute(), newGuard(), newClassify(), newCache(), newEval(), newBench(), newModels(), newVersion())
	for _, c := range root.Commands() {
		c.Args = usageArgs(c.Args)
	}
	root.Args = usageArgs(root.Args)
	return root
}

// usageArgs marks what a positional-argument check says as a wrong command line.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check == nil {
			return nil
		}
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

func newVersion() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		_, err := fmt.Fprintln(c.OutOrStdout(), "mom", buildVersion())
		return err
	}}
}

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); version == "" && ok {
		return info.Main.Version
	}
	return version
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", "deploy/mom.yaml", "the configuration")
}

func jsonFlag(c *cobra.Command, v *bool) {
	c.Flags().BoolVar(v, "json", false, "print JSON")
}
