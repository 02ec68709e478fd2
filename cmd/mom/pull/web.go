package pull

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

// errStalled is why a download ends that no more bytes come from.
var errStalled = errors.New("the server has fallen silent")

// download writes what the URL holds to the file and checks its sha256. Nothing of it is looked into before.
func (s Source) download(ctx context.Context, file string, to *stage) (err error) {
	stall := s.Stall
	if stall == 0 {
		stall = time.Minute
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer silence.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.From, http.NoBody)
	if err != nil {
		return err
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	transport = transport.Clone()
	transport.DisableCompression = true // a server that calls .tar.gz an encoding would hand us another file than the checksum is of
	defer transport.CloseIdleConnections()
	why := func(err error) error {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return why(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server says %s", resp.Status)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	body := alive{to.metered(resp.Body), func() { silence.Reset(stall) }}
	if _, err := io.Copy(io.MultiWriter(f, h), body); err != nil {
		return why(err)
	}
	if sum := fmt.Sprintf("%x", h.Sum(nil)); sum != s.SHA256 {
		return fmt.Errorf("sha256 of what came is %s, want %s", sum, s.SHA256)
	}
	return nil
}

// alive calls read whenever something was read.
type alive struct {
	r    io.Reader
	read func()
}

func (a alive) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	a.read()
	return n, err
}

// unpack adds the files of a .tar.gz: those at its top, or of the one folder there. Anything but plain files and folders, and any path that is
// not below the top, refuses the archive as a whole.
func unpack(archive string, to *stage) (err error) {
	f, err := openRegular(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("not a .tar.gz: %w", err)
	}
	// Metered here and not a file at a time: the reader also unpacks what is passed over.
	entries := tar.NewReader(to.metered(z))
	folder, first := "", true
	for {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("not a .tar.gz: %w", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader { // a comment; git archive writes one
			continue
		}
		name := strings.TrimPrefix(strings.TrimSuffix(h.Name, "/"), "./")
		switch {
		case !fs.ValidPath(name):
			return fmt.Errorf("%q lies outside the archive's folder", h.Name)
		case h.Typeflag == tar.TypeDir:
			continue
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("%q is not a plain file", h.Name)
		}
		dir, base := path.Split(name)
		if strings.HasPrefix(base, ".") { // what a desktop leaves beside the files
			continue
		}
		if first {
			folder, first = dir, false
		}
		if dir != folder || strings.Count(dir, "/") > 1 {
			return fmt.Errorf("%q: a model is one flat folder", h.Name)
		}
		if _, _, err := to.add(base, entries); err != nil {
			return err
		}
	}
}
