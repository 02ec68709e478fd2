package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const maxManifestBytes = 1 << 20

// An Entry is a model's folder with a manifest that was found in order. Its files have not been looked at yet.
type Entry struct {
	Manifest
	Dir string
}

// Read reads the manifest in dir. The error names every fault by key path, such as `labels[3]: "law" is there twice`.
func Read(dir string) (*Entry, error) {
	path := filepath.Join(dir, ManifestFile)
	src, err := readRegular(path, maxManifestBytes)
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of %s: %w", path, err)
	}
	e := &Entry{Dir: abs}
	faults := decode(src, &e.Manifest)
	if len(faults) == 0 { // the values of a half-filled manifest would only repeat what was said
		faults = e.faults(filepath.Base(abs))
	}
	if err := join(path, faults); err != nil {
		return nil, err
	}
	return e, nil
}

// List reads the manifest of each folder of dir that has one, in the order of their names. Where some are faulty it returns the others and
// an error that names all faults.
func List(dir string) ([]*Entry, error) {
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("models directory: %w", err)
	}
	var entries []*Entry
	var faults []error
	for _, f := range folders {
		e, err := Read(filepath.Join(dir, f.Name()))
		switch {
		case err == nil:
			entries = append(entries, e)
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		default:
			faults = append(faults, err)
		}
	}
	return entries, errors.Join(faults...)
}

// GraphBytes returns the ONNX graph after checking it. Load from these bytes and not from the file: the file may be changed meanwhile.
func (e *Entry) GraphBytes() ([]byte, error) { return e.read(e.Graph) }

// TokenizerBytes returns the tokenizer after checking it, to be loaded as they are.
func (e *Entry) TokenizerBytes() ([]byte, error) { return e.read(e.Tokenizer) }

// Verify checks all files of the model and returns all faults.
func (e *Entry) Verify() error {
	_, graph := e.GraphBytes()
	_, tokenizer := e.TokenizerBytes()
	return errors.Join(graph, tokenizer)
}

func (e *Entry) read(f File) ([]byte, error) {
	dir := e.Dir
	if f.Model != "" {
		dir = filepath.Join(filepath.Dir(e.Dir), f.Model)
		info, err := os.Lstat(dir)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() { // a link would lead out of the models
			return nil, fmt.Errorf("%s: is not a folder", dir)
		}
	}
	path := filepath.Join(dir, f.File)
	data, err := readRegular(path, f.Size)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != f.Size {
		return nil, fmt.Errorf("%s: %d bytes, the manifest says %d", path, len(data), f.Size)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.SHA256 {
		return nil, fmt.Errorf("%s: sha256 is %x, the manifest says %s", path, sum, f.SHA256)
	}
	return data, nil
}

// readRegular reads a regular file of at most limit bytes, opened once. O_NOFOLLOW refuses a link in the place of the file; O_NONBLOCK keeps
// a named pipe from holding the start of the program for ever.
func readRegular(path string, limit int64) (_ []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s: is a symbolic link", path)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", path)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d expected", path, info.Size(), limit)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}
