package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

const (
	maxSmall = 1 << 20 // bytes of a manifest or an index
	maxFiles = 64      // of a model
)

// fileName is what a file of a model may be called: nothing that leaves the folder, hides in it, or needs quotes in a shell.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// A stage is the folder a model is fetched into.
type stage struct {
	ctx      context.Context
	dir      string
	left     int64 // bytes that may still be read
	read     int64
	files    int
	progress func(int64)
}

// add writes a file of the model and returns its size and sha256. A name that is not plain, or there already, is an error.
func (s *stage) add(name string, r io.Reader) (size int64, digest string, err error) {
	if !fileName.MatchString(name) {
		return 0, "", fmt.Errorf("%q is not the plain name of a file", name)
	}
	if s.files++; s.files > maxFiles {
		return 0, "", fmt.Errorf("holds more than %d files", maxFiles)
	}
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return 0, "", fmt.Errorf("holds %s twice", name)
	}
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if size, err = io.Copy(io.MultiWriter(f, h), r); err != nil {
		return 0, "", fmt.Errorf("%s: %w", name, err)
	}
	return size, hex.EncodeToString(h.Sum(nil)), nil
}

// metered returns r as one that ends with an error when ctx does or when more than the stage may hold has been read.
func (s *stage) metered(r io.Reader) io.Reader { return meter{s, r} }

type meter struct {
	s *stage
	r io.Reader
}

func (m meter) Read(p []byte) (int, error) {
	if err := m.s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.s.left -= int64(n)
	m.s.read += int64(n)
	if m.s.left < 0 {
		return 0, errors.New("is larger than a model may be")
	}
	if m.s.progress != nil {
		m.s.progress(m.s.read)
	}
	return n, err
}

// addFile adds a regular file.
func (s *stage) addFile(name, path string) (size int64, digest string, err error) {
	f, err := openRegular(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return s.add(name, s.metered(f))
}

// openRegular opens a regular file. O_NOFOLLOW refuses a link in its place; O_NONBLOCK keeps a named pipe from holding us for ever.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link", path)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// readSmall reads a regular file of at most maxSmall bytes.
func readSmall(path string) (_ []byte, err error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxSmall {
		return nil, fmt.Errorf("%s: more than %d bytes", path, maxSmall)
	}
	return raw, nil
}
