package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/mom-router/mom/cmd/mom/pull"
	"github.com/spf13/cobra"
)

func newModelsPull() *cobra.Command {
	var where Places
	var s pull.Source
	var force bool
	c := &cobra.Command{
		Use:   "pull SOURCE",
		Short: "Bring a model into the models folder",
		Long: `Bring a model into the models folder. SOURCE is one of
  a folder              with manifest.yaml and the files it names
  an OCI image layout   a folder with index.json and blobs/; one layer a file, its name as org.opencontainers.image.title
  an http or https URL  of a .tar.gz of such a folder, with its --sha256

Every checksum, the manifest and each file it names must hold and the model must pass its self-test before it appears under its name; until then
it lies in a hidden folder there, and a pull that fails or is stopped leaves nothing. Taken are manifest.yaml, the graph and the tokenizer it
names, README.md, LICENSE and NOTICE; symbolic links and files in further folders are refused.

A model that is there already and is the same is left alone; a different one is replaced only with --force. A running mom serve keeps the models
it has opened.`,
		Example: `  mom models pull ./my-encoder
  mom models pull ./layout --models /var/lib/mom/models
  mom models pull https://example.com/my-encoder.tar.gz --sha256 4f5a...`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			s.From = args[0]
			if err := s.Check(); err != nil {
				return usageError{err}
			}
			s.Progress = everySoOften(c.ErrOrStderr())
			err := pullModel(c.Context(), where, s, force, c.OutOrStdout())
			if err != nil && c.Context().Err() != nil {
				return errors.New("stopped; nothing was installed")
			}
			return err
		},
	}
	c.Flags().StringVar(&s.SHA256, "sha256", "", "of the .tar.gz (required), of the image's manifest in the OCI layout, or of the folder's manifest.yaml")
	c.Flags().StringVar(&s.Name, "name", "", "refuse a model that is called otherwise")
	c.Flags().BoolVar(&force, "force", false, "replace another model of that name")
	where.flags(c)
	return c
}

func pullModel(ctx context.Context, where Places, s pull.Source, force bool, out io.Writer) (err error) {
	dir, err := where.modelsDir()
	if err != nil {
		return err
	}
	staged, err := pull.Fetch(ctx, dir, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staged.Discard()) }()
	e := staged.Entry
	shelf := NewShelf(Places{Models: filepath.Dir(e.Dir), Library: where.Library})
	_, err = shelf.Model(ctx, e.Name) // opens it and runs the self-test
	if err = errors.Join(err, shelf.Close()); err != nil {
		return err
	}
	changed, err := staged.Install(force)
	if err != nil {
		return err
	}
	what := "is there already"
	if changed {
		what = "installed"
	}
	_, err = fmt.Fprintf(out, "%s %s %s: %s\n", e.Name, e.Version, what, filepath.Join(dir, e.Name))
	return err
}

// everySoOften prints how many bytes were read, when a pull takes long.
func everySoOften(w io.Writer) func(int64) {
	last := time.Now()
	return func(n int64) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			fmt.Fprintf(w, "mom: %.1f MB read\n", float64(n)/1e6)
		}
	}
}
