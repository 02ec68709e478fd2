package onnx

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
)

// ErrClosed is returned by the views of a trunk that was closed.
var ErrClosed = errors.New("model is closed")

// Options bound what a trunk may cost, all its views together. A zero field means its default.
type Options struct {
	Workers    int           // forward passes at once, each on one core; default GOMAXPROCS
	Queue      int           // calls that may wait for a worker before the next gets ErrBusy; default 4 a worker
	MaxBytes   int           // of a text, beyond it ErrTooLong; default 256 KiB. Encoding takes about a second a megabyte and cannot be cancelled
	MaxWindows int           // of a text, beyond it ErrTooLong; default 64
	Deadline   time.Duration // of a call, the wait in the queue included; default 2 s
	MemoBytes  int           // of remembered outputs; default 16 MiB, which is some 4,000 windows of 128 tokens of a trunk with five heads
}

func (o Options) withDefaults() (Options, error) {
	if o.Workers < 0 || o.Queue < 0 || o.MaxBytes < 0 || o.MaxWindows < 0 || o.Deadline < 0 || o.MemoBytes < 0 {
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
	fill(&o.MemoBytes, 16<<20)
	if o.Deadline == 0 {
		o.Deadline = 2 * time.Second
	}
	return o, nil
}

// Stats counts what a trunk did since it was opened.
type Stats struct {
	Calls    uint64 // of all views, failed ones too
	Passes   uint64 // forward passes that were started
	Shared   uint64 // windows that cost no pass, since another call paid for it
	Tokens   uint64 // in the passes, special tokens counted
	Rejected uint64 // calls that got ErrBusy
	Waiting  int    // calls that wait for a worker now
	Memo     int    // windows that are remembered now, about
}

// A Trunk is a graph and its tokenizer, loaded once and shared by all workers and views. All views read a text by the same windows, and each
// distinct window costs one forward pass, whoever asks first: it fills every output of the graph, which the others find in the memo or wait for.
// A call holds one worker. The windows of a long text also go to workers that are idle, each for one window at a time, so that a long text is read
// on all cores and yet keeps nobody waiting for longer than a pass. Safe for concurrent use.
type Trunk struct {
	manifest *catalog.Manifest // the first: what it says of files, inputs and windows is so for all views
	opt      Options
	session  *ort.DynamicAdvancedSession
	outputs  []output
	tok      *tokenizer
	pool     pool
	memo     *memo
	encoded  *encodings
	inner    int // tokens of a window without the special ones

	calls, passes, shared, tokens, rejected atomic.Uint64

	mu       sync.Mutex // guards closed, and Add on underWay against Wait
	closed   bool
	underWay sync.WaitGroup
	freed    sync.Once
	freeErr  error
}

// Open loads the graph and the tokenizer of a catalog entry: checks the files, compares the graph's inputs with the manifest and runs one
// forward pass. Load must have succeeded before. The caller tries this entry and others with the same graph by SelfTest, makes their
// views and, at the end, calls Close.
func Open(e *catalog.Entry, opt Options) (*Trunk, error) {
	t, err := open(e, opt)
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", e.Name, err)
	}
	return t, nil
}

func open(e *catalog.Entry, opt Options) (_ *Trunk, err error) {
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
	t := &Trunk{manifest: &e.Manifest, opt: opt, pool: pool{free: make(chan *worker, opt.Workers), queue: int64(opt.Queue)}}
	if t.outputs, err = readGraph(graph, &e.Manifest); err != nil {
		return nil, err
	}
	if t.memo, err = newMemo(opt.MemoBytes); err != nil {
		return nil, err
	}
	if t.encoded, err = newEncodings(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if t.tok, err = newTokenizer(file); err != nil {
		return nil, err
	}
	t.tok.cased = slices.Contains(e.Inputs, inputCase)
	t.inner = e.MaxTokens - len(t.tok.prefix) - len(t.tok.suffix)
	if t.inner <= e.Overlap {
		return nil, fmt.Errorf("windows of %d tokens, special ones not counted, cannot overlap by %d", t.inner, e.Overlap)
	}
	if t.session, err = openSession(graph, e.Inputs, t.outputs); err != nil {
		return nil, err
	}
	for range opt.Workers {
		w, err := newWorker(e.Inputs, e.MaxTokens)
		if err != nil {
			return nil, err
		}
		t.pool.put(w)
	}
	return t, t.probe()
}

// probe runs the tokenizer's last token through the graph, so that a vocabulary that does not fit it is found now and not by a user's text.
func (t *Trunk) probe() error {
	w := <-t.pool.free
	defer t.pool.put(w)
	n := w.put(t.tok.prefix, []uint32{t.tok.native.VocabSize() - 1}, t.tok.suffix)
	_, err := w.pass(t.session, t.outputs, n, nil)
	return err
}

// Key tells trunks apart: entries whose graph has this SHA-256 can share this trunk.
func (t *Trunk) Key() string { return t.manifest.Graph.SHA256 }

// fits refuses the manifest of a view that would need another pass over a text than the trunk's.
func (t *Trunk) fits(m *catalog.Manifest, tasks ...string) error {
	switch first := t.manifest; {
	case !slices.Contains(tasks, m.Task):
		return fmt.Errorf("task is %s, want one of %v", m.Task, tasks)
	case m.Graph.SHA256 != first.Graph.SHA256:
		return fmt.Errorf("its graph is not that of %s", first.Name)
	case m.Tokenizer.SHA256 != first.Tokenizer.SHA256:
		return fmt.Errorf("its tokenizer is not that of %s, which has the same graph", first.Name)
	case !slices.Equal(m.Inputs, first.Inputs):
		return fmt.Errorf("its inputs are %q, those of %s, which has the same graph, are %q", m.Inputs, first.Name, first.Inputs)
	case m.MaxTokens != first.MaxTokens || m.Overlap != first.Overlap:
		return fmt.Errorf("its windows of %d tokens, %d shared, are not those of %s, which has the same graph: %d, %d",
			m.MaxTokens, m.Overlap, first.Name, first.MaxTokens, first.Overlap)
	}
	return nil
}

// Stats returns the counts so far.
func (t *Trunk) Stats() Stats {
	return Stats{
		Calls: t.calls.Load(), Passes: t.passes.Load(), Shared: t.shared.Load(), Tokens: t.tokens.Load(), Rejected: t.rejected.Load(),
		Waiting: int(t.pool.waiting.Load()), Memo: t.memo.done.EstimatedSize(),
	}
}

// Close waits for the calls under way, frees the trunk and makes every later call of a view fail with ErrClosed. Safe to call more
// than once.
func (t *Trunk) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.underWay.Wait()
	t.freed.Do(func() {
		if t.session != nil {
			t.freeErr = t.session.Destroy()
		}
		if t.tok != nil {
			t.tok.Close()
		}
		t.forget()
		t.encoded.StopAllGoroutines()
	})
	return t.freeErr
}

// enter counts a call as under way, unless the trunk is closed.
func (t *Trunk) enter() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	t.underWay.Add(1)
	return nil
}

// called counts a call of a view and names the model in its error.
func (t *Trunk) called(ctx context.Context, m *catalog.Manifest, text string, how reading, fold func(encoding, window) error) (passes int, err error) {
	t.calls.Add(1)
	passes, err = t.read(ctx, text, how, fold)
	if err != nil {
		if errors.Is(err, classifiers.ErrBusy) {
			t.rejected.Add(1)
		}
		return passes, fmt.Errorf("%s: %w", m.Name, err)
	}
	return passes, nil
}

func errTooManyBytes(limit int) error {
	return fmt.Errorf("%w: more than %d bytes", classifiers.ErrTooLong, limit)
}
