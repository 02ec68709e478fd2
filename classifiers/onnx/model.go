package onnx

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
)

// ErrClosed is returned by a model that was closed.
var ErrClosed = errors.New("model is closed")

// Options bound what a model may cost. A zero field means its default.
type Options struct {
	Workers    int           // calls at once, each on one core; default GOMAXPROCS
	Queue      int           // calls that may wait for a worker before the next gets ErrBusy; default 4 a worker
	MaxBytes   int           // of a text, beyond it ErrTooLong; default 256 KiB. Encoding takes about a second a megabyte and cannot be cancelled
	MaxWindows int           // of a text, beyond it ErrTooLong; default 64
	Deadline   time.Duration // of a call, the wait in the queue included; default 2 s
}

func (o Options) withDefaults() (Options, error) {
	if o.Workers < 0 || o.Queue < 0 || o.MaxBytes < 0 || o.MaxWindows < 0 || o.Deadline < 0 {
		return o, fmt.Errorf("options %+v: none may be negative", o)
	}
	fill := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	fill(&o.Workers, runtime.GOMAXPROCS(0))
	fill(&o.Queue, 4*o.Workers)
	fill(&o.MaxBytes, 256<<10)
	fill(&o.MaxWindows, 64)
	if o.Deadline == 0 {
		o.Deadline = 2 * time.Second
	}
	return o, nil
}

// Stats counts what a model did since it was opened.
type Stats struct {
	Calls    uint64 // of Classify, failed ones too
	Passes   uint64 // forward passes that were started
	Tokens   uint64 // in those passes, special tokens counted
	Rejected uint64 // calls that got ErrBusy
	Waiting  int    // calls that wait for a worker now
}

// A Model is a classifier whose graph is loaded once and shared by all workers. A call holds one worker from its first token to its last window,
// so that one long text never takes them all. Safe for concurrent use.
type Model struct {
	manifest *catalog.Manifest
	opt      Options
	session  *ort.DynamicAdvancedSession
	tok      *tokenizer
	pool     pool
	inner    int // tokens of a window without the special ones

	calls, passes, tokens, rejected atomic.Uint64

	mu       sync.Mutex // guards closed, and Add on underWay against Wait
	closed   bool
	underWay sync.WaitGroup
	freed    sync.Once
	freeErr  error
}

var _ classifiers.Classifier = (*Model)(nil)

// Open loads the model of a catalog entry: checks its files, compares the graph with the manifest and runs one forward pass. Load must have
// succeeded before. The caller runs catalog.SelfTest and, at the end, Close.
func Open(e *catalog.Entry, opt Options) (*Model, error) {
	m, err := open(e, opt)
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", e.Name, err)
	}
	return m, nil
}

func open(e *catalog.Entry, opt Options) (_ *Model, err error) {
	if !loaded() {
		return nil, errors.New("ONNX Runtime is not loaded")
	}
	opt, err = opt.withDefaults()
	if err != nil {
		return nil, err
	}
	graph, err := e.GraphBytes()
	if err != nil {
		return nil, err
	}
	file, err := e.TokenizerBytes()
	if err != nil {
		return nil, err
	}
	if err := checkGraph(graph, &e.Manifest); err != nil {
		return nil, err
	}
	m := &Model{manifest: &e.Manifest, opt: opt, pool: pool{free: make(chan *worker, opt.Workers), queue: int64(opt.Queue)}}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	if m.tok, err = newTokenizer(file); err != nil {
		return nil, err
	}
	m.inner = e.MaxTokens - len(m.tok.prefix) - len(m.tok.suffix)
	if m.inner <= e.Overlap {
		return nil, fmt.Errorf("windows of %d tokens, special ones not counted, cannot overlap by %d", m.inner, e.Overlap)
	}
	if m.session, err = openSession(graph, &e.Manifest); err != nil {
		return nil, err
	}
	for range opt.Workers {
		w, err := newWorker(e.Inputs, e.MaxTokens, len(e.Labels))
		if err != nil {
			return nil, err
		}
		m.pool.put(w)
	}
	return m, m.probe()
}

// probe runs the tokenizer's last token through the graph, so that a vocabulary that does not fit it is found now and not by a user's text.
func (m *Model) probe() error {
	w := <-m.pool.free
	defer m.pool.put(w)
	n := w.put(m.tok.prefix, []uint32{m.tok.native.VocabSize() - 1}, m.tok.suffix)
	if err := w.pass(m.session, n, nil); err != nil {
		return err
	}
	return softmax(w.p, w.logits, m.manifest.Temperature)
}

// Labels returns the manifest's labels.
func (m *Model) Labels() []string { return m.manifest.Labels }

// Stats returns the counts so far.
func (m *Model) Stats() Stats {
	return Stats{
		Calls: m.calls.Load(), Passes: m.passes.Load(), Tokens: m.tokens.Load(), Rejected: m.rejected.Load(),
		Waiting: int(m.pool.waiting.Load()),
	}
}

// Close waits for the calls under way, frees the model and makes every later call fail with ErrClosed. Safe to call more than once.
func (m *Model) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.underWay.Wait()
	m.freed.Do(func() {
		if m.session != nil {
			m.freeErr = m.session.Destroy()
		}
		if m.tok != nil {
			m.tok.Close()
		}
	})
	return m.freeErr
}

// enter counts a call as under way, unless the model is closed.
func (m *Model) enter() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.underWay.Add(1)
	return nil
}

func errTooManyBytes(limit int) error {
	return fmt.Errorf("%w: more than %d bytes", classifiers.ErrTooLong, limit)
}
