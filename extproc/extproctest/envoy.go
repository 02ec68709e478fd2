package extproctest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// messageLimit is above any body that a test sends; grpc's own 4 MiB would hide the limits under test.
const messageLimit = 128 << 20

// Envoy plays the proxy for one server. Do is safe for concurrent use.
type Envoy struct {
	t        testing.TB
	set      Settings
	watched  *watched
	upstream extprocv3.ExternalProcessorClient
}

// Start serves the processor in memory until the test ends. It then fails the test for streams and goroutines that are left; goroutines of tests
// that run in parallel would be among them, so those that use Start should not.
func Start(t testing.TB, s extprocv3.ExternalProcessorServer, edits ...func(*Settings)) *Envoy {
	t.Helper()
	set := defaults()
	for _, edit := range edits {
		edit(&set)
	}
	before := goleak.IgnoreCurrent()
	listener := bufconn.Listen(1 << 20)
	w := &watched{server: s, handlers: map[string]*handler{}}
	server := grpc.NewServer(append(slices.Clone(set.ServerOptions), grpc.MaxRecvMsgSize(messageLimit), grpc.MaxSendMsgSize(messageLimit))...)
	extprocv3.RegisterExternalProcessorServer(server, w)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///envoy",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)))
	if err != nil {
		t.Fatalf("in-memory connection: %v", err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if set.Collect {
			return // a server that is broken on purpose may leave what it likes
		}
		if n := w.running(); n > 0 {
			t.Errorf("%d streams are still in Process", n)
		}
		if err := goleak.Find(before); err != nil {
			t.Errorf("goroutines: %v", err)
		}
	})
	return &Envoy{t: t, set: set, watched: w, upstream: extprocv3.NewExternalProcessorClient(conn)}
}

// Do plays one request. upstream answers each attempt; nil is a backend that answers 200 with {}. It is called on Do's goroutine. Violations
// fail the test unless Settings.Collect is set. When ctx ends, the client is gone.
func (e *Envoy) Do(ctx context.Context, req Request, upstream func(Upstream) Response) Result {
	e.t.Helper()
	res := e.play(ctx, req, upstream)
	e.report(res.Violations)
	return res
}

// Together plays n requests at once and holds their streams open until every one of them has reached its backend, or has ended otherwise
// (R24). Its results are in the order of i. What several streams complain of alike is reported once. Give it a MessageTimeout that a busy machine
// does not break.
func (e *Envoy) Together(ctx context.Context, n int, req func(i int) Request, upstream func(i int, u Upstream) Response) []Result {
	e.t.Helper()
	var (
		there   = make(chan struct{}, n) // one token a stream that has come through, or has ended
		all     = make(chan struct{})
		results = make([]Result, n)
		group   sync.WaitGroup
	)
	for i := range n {
		group.Go(func() {
			arrive := sync.OnceFunc(func() { there <- struct{}{} })
			results[i] = e.play(ctx, req(i), func(u Upstream) Response {
				arrive()
				select {
				case <-all:
				case <-ctx.Done():
				}
				if upstream == nil {
					return Response{Body: []byte("{}")}
				}
				return upstream(i, u)
			})
			arrive()
		})
	}
	for range n {
		select {
		case <-there:
		case <-ctx.Done():
		}
	}
	close(all)
	group.Wait()

	late, said := 0, map[string]bool{}
	for i := range results {
		for _, v := range results[i].Violations {
			if strings.HasPrefix(v, "R11") {
				late++
				continue
			}
			said[v] = true
		}
	}
	violations := make([]string, 0, len(said)+1)
	for v := range said {
		violations = append(violations, v)
	}
	slices.Sort(violations)
	if late > 0 {
		violations = append(violations, fmt.Sprintf("R24: %d of %d concurrent streams got no reply within %v", late, n, e.set.MessageTimeout))
	}
	for i := range results {
		results[i].Violations = violations
	}
	e.report(violations)
	return results
}

func (e *Envoy) report(violations []string) {
	e.t.Helper()
	if e.set.Collect {
		return
	}
	for _, v := range violations {
		e.t.Error(v)
	}
}

func (e *Envoy) play(ctx context.Context, req Request, upstream func(Upstream) Response) Result {
	p := &play{set: &e.set, client: ctx, req: req, ask: upstream, mode: e.set.Mode}
	if p.ask == nil {
		p.ask = func(Upstream) Response { return Response{Body: []byte("{}")} }
	}
	switch req.LocalReply.At {
	case Never, Opened, HeadersAnswered, BodySent:
	default:
		p.violate("R0", "a local reply at point %d is not modelled", req.LocalReply.At)
		return p.res
	}
	if err := p.open(e); err != nil {
		p.violate("R0", "the stream could not be opened: %v", err)
		p.fail(503, "ext_proc_error_gRPC_error")
		return p.res
	}
	p.run()
	p.leave()
	return p.res
}

// within waits for done, at most for d.
func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
