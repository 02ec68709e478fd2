package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/onnx"
	"github.com/spf13/cobra"
)

// Places say where models and the native library are found: the flag, else the environment, else beside the working directory or the program.
type Places struct{ Models, Library string }

func (p *Places) flags(c *cobra.Command) {
	p.modelsFlag(c)
	c.Flags().StringVar(&p.Library, "onnx-lib", "", "ONNX Runtime's shared library (default $MOM_ONNX_LIB, else .build/lib/libonnxruntime.so, else lib/ beside the program)")
}

func (p *Places) modelsFlag(c *cobra.Command) {
	c.Flags().StringVar(&p.Models, "models", "", "folder of models (default $MOM_MODELS, else models here, else models beside the program)")
}

func (p *Places) modelsDir() (string, error) {
	return locate("models", p.Models, "--models", "MOM_MODELS", "models", "models")
}

func (p *Places) onnxLib() (string, error) {
	return locate("ONNX Runtime", p.Library, "--onnx-lib", "MOM_ONNX_LIB", filepath.Join(".build", "lib", "libonnxruntime.so"), filepath.Join("lib", "libonnxruntime.so"))
}

// locate finds a path: said wins, then the environment, then here (from the working directory), then beside (from the program's folder or its
// parent).
func locate(what, said, flag, env, here, beside string) (string, error) {
	if said != "" {
		return said, nil
	}
	if v := os.Getenv(env); v != "" {
		return v, nil
	}
	tries := []string{here}
	if exe, err := os.Executable(); err == nil {
		dir := filepath.Dir(exe)
		tries = append(tries, filepath.Join(dir, beside), filepath.Join(dir, "..", beside), filepath.Join(dir, "..", here))
	}
	for _, t := range tries {
		if _, err := os.Stat(t); err == nil {
			return t, nil
		}
	}
	return "", fmt.Errorf("%s not found in %v; name it with %s or $%s", what, tries, flag, env)
}

// Shelf holds the models this process has opened. A model is opened once, verified and self-tested before anyone gets it, and closed at the end,
// so that a reload of the configuration costs no loading.
type Shelf struct {
	where Places

	mu     sync.Mutex
	open   map[string]*onnxModel
	trunks map[string]*onnx.Trunk // by their graphs' SHA-256: models that share one share its forward passes
	tested map[string]testedModel
	passes map[*onnx.Trunk]time.Duration // of a full window
}

// testedModel is a model whose files and self-test were found in order.
type testedModel struct {
	trunk *onnx.Trunk
	entry *catalog.Entry
}

// onnxModel is an open model and what its manifest says.
type onnxModel struct {
	*onnx.Classifier
	entry *catalog.Entry
}

// NewShelf returns an empty shelf.
func NewShelf(where Places) *Shelf {
	s := &Shelf{where: where}
	s.clear()
	return s
}

func (s *Shelf) clear() {
	s.open, s.trunks = map[string]*onnxModel{}, map[string]*onnx.Trunk{}
	s.tested, s.passes = map[string]testedModel{}, map[*onnx.Trunk]time.Duration{}
}

// queue is how many requests may wait for each core. A short prompt takes a few milliseconds, so that this many are through within the guard's time
// limit: a request is turned away for the time it would take and not before. With 32, half of 128 clients at once were refused that all could be served.
const queue = 256

// Model returns the model of that name, opening it the first time.
func (s *Shelf) Model(ctx context.Context, name string) (*onnxModel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.open[name]; ok {
		return m, nil
	}
	trunk, entry, err := s.tried(ctx, name)
	if err != nil {
		return nil, err
	}
	m, err := trunk.Classifier(entry, "")
	if err != nil {
		return nil, err
	}
	s.open[name] = &onnxModel{Classifier: m, entry: entry}
	return s.open[name], nil
}

// Tried returns the trunk that the model of that name is a view of, whatever its task, once its files are verified and its self-test has passed.
func (s *Shelf) Tried(ctx context.Context, name string) (*onnx.Trunk, *catalog.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tried(ctx, name)
}

func (s *Shelf) tried(ctx context.Context, name string) (*onnx.Trunk, *catalog.Entry, error) {
	if m, ok := s.tested[name]; ok {
		return m.trunk, m.entry, nil
	}
	dir, err := s.where.modelsDir()
	if err != nil {
		return nil, nil, err
	}
	entry, err := catalog.Read(filepath.Join(dir, name))
	if err != nil {
		return nil, nil, err
	}
	trunk, err := s.trunk(entry)
	if err != nil {
		return nil, nil, err
	}
	if err := trunk.SelfTest(ctx, entry); err != nil {
		return nil, nil, fmt.Errorf("self-test of %s: %w", name, err)
	}
	s.tested[name] = testedModel{trunk, entry}
	return trunk, entry, nil
}

// trunk returns the trunk of an entry, opening it the first time. One whose model fails its self-test stays open until the end: another model may
// have it already.
func (s *Shelf) trunk(entry *catalog.Entry) (*onnx.Trunk, error) {
	if t, ok := s.trunks[entry.Graph.SHA256]; ok {
		return t, nil
	}
	library, err := s.where.onnxLib()
	if err != nil {
		return nil, err
	}
	if err := onnx.Load(library); err != nil {
		return nil, err
	}
	// How long a text may be and how long reading it may take is for each stage to say; these only keep one text from holding a core for ever.
	t, err := onnx.Open(entry, onnx.Options{Queue: queue * runtime.GOMAXPROCS(0), MaxWindows: 4096, Deadline: time.Minute})
	if err != nil {
		return nil, err
	}
	s.trunks[t.Key()] = t
	return t, nil
}

// windows returns how many forward passes fit into a time limit on this machine, as measured the first time it is asked about a trunk: three quarters
// of what all workers can do, since the texts have to be encoded and other requests want the cores too. At least 8, so that a machine that was busy
// when it was measured still reads a page.
func (s *Shelf) windows(ctx context.Context, t *onnx.Trunk, limit time.Duration) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	took, ok := s.passes[t]
	if !ok {
		var err error
		if took, err = t.PassTime(ctx, 20); err != nil {
			return 0, err
		}
		s.passes[t] = took
	}
	return max(8, t.Workers()*int(limit)*3/4/int(max(took, time.Microsecond))), nil
}

// Close closes every model.
func (s *Shelf) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.trunks {
		errs = append(errs, t.Close())
	}
	s.clear()
	return errors.Join(errs...)
}
