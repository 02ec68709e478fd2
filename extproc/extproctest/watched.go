package extproctest

import (
	"sync"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/metadata"
)

// idKey is the gRPC metadata that tells which play a stream belongs to.
const idKey = "x-extproctest-play"

// watched serves a processor and sees what no client can: when Process has read a message and when it returns after its stream is gone.
type watched struct {
	extprocv3.UnimplementedExternalProcessorServer
	server extprocv3.ExternalProcessorServer

	mu       sync.Mutex
	last     int
	handlers map[string]*handler
}

// handler is one call of Process.
type handler struct {
	read chan struct{} // one token a message that Process has read
	done chan struct{} // closed when Process has returned; the fields below are then set
	err  error
	when time.Time

	mu      sync.Mutex
	started bool
}

func (h *handler) begun() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.started
}

func (w *watched) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	var h *handler
	if ids := md.Get(idKey); len(ids) == 1 {
		w.mu.Lock()
		h = w.handlers[ids[0]]
		w.mu.Unlock()
	}
	if h == nil { // not one of ours
		return w.server.Process(stream)
	}
	h.mu.Lock()
	h.started = true
	h.mu.Unlock()
	// Deferred, so that a panic that an interceptor recovers counts as a return.
	defer func() {
		h.when = time.Now()
		close(h.done)
	}()
	h.err = w.server.Process(&reader{stream, h})
	return h.err
}

// reader counts what Process reads.
type reader struct {
	extprocv3.ExternalProcessor_ProcessServer
	handler *handler
}

func (r *reader) Recv() (*extprocv3.ProcessingRequest, error) {
	m, err := r.ExternalProcessor_ProcessServer.Recv()
	r.count(err)
	return m, err
}

func (r *reader) RecvMsg(m any) error {
	err := r.ExternalProcessor_ProcessServer.RecvMsg(m)
	r.count(err)
	return err
}

func (r *reader) count(err error) {
	if err != nil {
		return
	}
	select {
	case r.handler.read <- struct{}{}:
	default: // nobody waits for more than the buffer holds
	}
}

func (w *watched) running() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, h := range w.handlers {
		select {
		case <-h.done:
		default:
			if h.begun() {
				n++
			}
		}
	}
	return n
}
