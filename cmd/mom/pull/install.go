package pull

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mom-router/mom/classifiers/catalog"
)

// Install gives the model its place among the others and reports whether anything changed: the same files there are left alone. Another model of
// that name is replaced only by force; a folder that holds no model, never.
func (s *Staged) Install(force bool) (changed bool, err error) {
	target := filepath.Join(s.models, s.Entry.Name)
	_, err = os.Lstat(target)
	if errors.Is(err, os.ErrNotExist) {
		return true, os.Rename(s.Entry.Dir, target)
	}
	if err != nil {
		return false, err
	}
	same, err := sameFiles(s.Entry.Dir, target)
	switch {
	case err != nil:
		return false, err
	case same:
		return false, nil
	case !force:
		return false, fmt.Errorf("%s is there already and is different; --force replaces it", target)
	}
	if _, err := os.Lstat(filepath.Join(target, catalog.ManifestFile)); err != nil {
		return false, fmt.Errorf("%s is there and is no model", target)
	}
	old := filepath.Join(s.temp, "old")
	if err := os.Rename(target, old); err != nil {
		return false, err
	}
	if err := os.Rename(s.Entry.Dir, target); err != nil {
		return false, errors.Join(err, os.Rename(old, target))
	}
	return true, nil
}

// Discard removes what was not installed, and what was replaced. Safe to call more than once.
func (s *Staged) Discard() error { return os.RemoveAll(s.temp) }

// sameFiles reports whether every file of a lies in b too, byte for byte.
func sameFiles(a, b string) (bool, error) {
	files, err := os.ReadDir(a)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		one, err := digestOf(filepath.Join(a, f.Name()))
		if err != nil {
			return false, err
		}
		other, err := digestOf(filepath.Join(b, f.Name()))
		if err != nil || one != other { // one that cannot be read is not the same
			return false, nil // --force mends it
		}
	}
	return true, nil
}

func digestOf(path string) (sum [sha256.Size]byte, err error) {
	f, err := openRegular(path)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
