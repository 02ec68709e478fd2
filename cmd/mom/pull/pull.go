// Package pull brings a model into the models folder: from a folder, an OCI image layout or a .tar.gz on the web. What it fetches lies in a
// temporary folder beside the models until every checksum, the manifest and the manifest's files have held; then it takes its name in one step.
//
// It follows no symbolic link, takes nothing but plain files of a flat folder, and leaves nothing behind when it fails. It runs no model: the
// self-test is the caller's, between Fetch and Install.
package pull

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/mom-router/mom/classifiers/catalog"
)

// A Source says where a model is and what must be true of it.
type Source struct {
	From   string // a folder, an OCI image layout, or an http or https URL of a .tar.gz
	SHA256 string // of the archive (required), of the image's manifest or of manifest.yaml; 64 lower-case hexadecimal digits, or ""
	Name   string // of the model, "" for any
	Limit  int64  // bytes that are read, unpacked ones too; 0 for 3 GiB
	// Stall is how long the web may be silent before it counts as gone; 0 for a minute.
	Stall time.Duration
	// Progress is called with the bytes read so far, often; may be nil.
	Progress func(bytes int64)
}

var (
	hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)
	plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	// beside are the files that are taken without the manifest naming them.
	beside = []string{catalog.ManifestFile, "README.md", "LICENSE", "NOTICE"}
)

// Check reports what is wrong with the source before anything is fetched.
func (s Source) Check() error {
	switch scheme := s.scheme(); {
	case s.From == "":
		return errors.New("the source is empty")
	case s.SHA256 != "" && !hexDigest.MatchString(s.SHA256):
		return errors.New("the checksum must be a sha256: 64 lower-case hexadecimal digits")
	case s.Name != "" && !plainName.MatchString(s.Name):
		return fmt.Errorf("%q cannot be the name of a model: lower-case letters, digits, . _ and -", s.Name)
	case scheme == "http" || scheme == "https":
		if s.SHA256 == "" {
			return errors.New("what comes over the web needs its sha256")
		}
	case scheme != "":
		return fmt.Errorf("cannot pull from %s://: want a folder, an OCI image layout, or an http or https URL", scheme)
	}
	return nil
}

// scheme is that of a URL, "" for a path.
func (s Source) scheme() string {
	if u, err := url.Parse(s.From); err == nil && u.Host != "" {
		return u.Scheme
	}
	return ""
}

// Staged is a model whose files have held. It lies beside the models until Install; Discard must be called in the end.
type Staged struct {
	Entry *catalog.Entry

	models, temp string
}

// Fetch reads the source into a temporary folder below models and checks all of it. An error leaves nothing behind.
func Fetch(ctx context.Context, models string, s Source) (_ *Staged, err error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	// Below models, since a folder can take its name in one step only within a file system; catalog.List looks for no manifest that deep.
	temp, err := os.MkdirTemp(models, ".pull-*")
	if err != nil {
		return nil, fmt.Errorf("models folder: %w", err)
	}
	staged := &Staged{models: models, temp: temp}
	defer func() {
		if err != nil {
			err = errors.Join(err, staged.Discard())
		}
	}()
	to := &stage{ctx: ctx, dir: filepath.Join(temp, "new", ".fetched"), left: s.Limit, progress: s.Progress}
	if to.left == 0 {
		to.left = 3 << 30
	}
	if err := os.MkdirAll(to.dir, 0o755); err != nil {
		return nil, err
	}
	if err := s.fetch(ctx, to, temp); err != nil {
		return nil, fmt.Errorf("pull from %s: %w", s.shown(), err)
	}
	if staged.Entry, err = s.settle(models, to.dir); err != nil {
		return nil, fmt.Errorf("pull from %s: %w", s.shown(), err)
	}
	return staged, nil
}

// shown is the source as errors name it, without a password.
func (s Source) shown() string {
	if u, err := url.Parse(s.From); err == nil && s.scheme() != "" {
		return u.Redacted()
	}
	return s.From
}

func (s Source) fetch(ctx context.Context, to *stage, temp string) error {
	if s.scheme() != "" {
		archive := filepath.Join(temp, "archive")
		if err := s.download(ctx, archive, to); err != nil {
			return err
		}
		return unpack(archive, to)
	}
	for _, kind := range []struct {
		file string
		from func(*stage) error
	}{{catalog.ManifestFile, s.fromFolder}, {indexFile, s.fromLayout}} {
		_, err := os.Lstat(filepath.Join(s.From, kind.file))
		if err == nil {
			return kind.from(to)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("holds neither %s nor an OCI image layout's %s", catalog.ManifestFile, indexFile)
}

// settle gives the fetched folder the model's name, checks it, and removes what the manifest does not name.
func (s Source) settle(models, dir string) (*catalog.Entry, error) {
	manifest, err := readSmall(filepath.Join(dir, catalog.ManifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("holds no %s", catalog.ManifestFile)
	}
	if err != nil {
		return nil, err
	}
	h, err := peek(manifest)
	if err != nil {
		return nil, err
	}
	if s.Name != "" && h.Name != s.Name {
		return nil, fmt.Errorf("the model is called %s, not %s", h.Name, s.Name)
	}
	if err := h.lend(models, filepath.Dir(dir)); err != nil {
		return nil, err
	}
	named := filepath.Join(filepath.Dir(dir), h.Name)
	if err := os.Rename(dir, named); err != nil {
		return nil, err
	}
	e, err := catalog.Read(named)
	if err != nil {
		return nil, err
	}
	if err := e.Verify(); err != nil {
		return nil, err
	}
	return e, prune(named, append(h.own(), beside...))
}

func prune(dir string, keep []string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !slices.Contains(keep, f.Name()) {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// head is what must be known of a manifest before its folder has its name; catalog.Read checks the whole.
type head struct {
	Name             string
	Graph, Tokenizer fileAt
}

// fileAt is a file in the folder of Model, or in the model's own.
type fileAt struct{ Model, File string }

func peek(manifest []byte) (head, error) {
	var h head
	if err := yaml.NewDecoder(bytes.NewReader(manifest)).Decode(&h); err != nil {
		return h, fmt.Errorf("%s: not readable as YAML", catalog.ManifestFile)
	}
	if !plainName.MatchString(h.Name) {
		return h, fmt.Errorf("%s: name: want lower-case letters, digits, . _ and -, got %q", catalog.ManifestFile, h.Name)
	}
	for _, f := range []fileAt{h.Graph, h.Tokenizer} { // before they become parts of a path
		if !fileName.MatchString(f.File) || f.Model != "" && !plainName.MatchString(f.Model) {
			return h, fmt.Errorf("%s: %q is not the plain name of a file", catalog.ManifestFile, f.Model+"/"+f.File)
		}
	}
	return h, nil
}

// own are the files the manifest names in its own folder.
func (h head) own() []string {
	var names []string
	for _, f := range []fileAt{h.Graph, h.Tokenizer} {
		if f.Model == "" {
			names = append(names, f.File)
		}
	}
	return names
}

// lend puts the files that the model shares with installed ones beside it, where it will find them once it is installed.
func (h head) lend(models, stage string) error {
	for _, f := range []fileAt{h.Graph, h.Tokenizer} {
		if f.Model == "" || f.Model == h.Name {
			continue
		}
		from, to := filepath.Join(models, f.Model, f.File), filepath.Join(stage, f.Model)
		if _, err := os.Lstat(from); err != nil {
			return fmt.Errorf("shares %s with %s, which must be installed first: %w", f.File, f.Model, err)
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		if err := os.Link(from, filepath.Join(to, f.File)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
