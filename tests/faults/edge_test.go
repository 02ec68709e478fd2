// Package faults_test is what becomes of a request when something about its guard fails: each fault is injected behind the real Envoy, and the
// backends and Envoy's own counters are asked what reached a model. It never asks a configuration whether the guard is closed.
package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/mom-router/mom/extproc"
	"github.com/mom-router/mom/tests/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

const patience = 20 * time.Second // for one request of a test; far above any limit in the files under test

// edge is the real Envoy before the real gRPC server in this process, so that a test can break what stands behind it.
type edge struct {
	*stack.Stack
	server *extproc.Server
	logs   *observer.ObservedLogs
}

// newEdge starts an edge that is not ready yet: its server has no gateway.
func newEdge(t *testing.T, envoy func(string) string) *edge {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	e := &edge{stack.Start(t, stack.Options{NoMoM: true, Envoy: envoy}), extproc.NewServer(zap.New(core)), logs}
	listener, err := extproc.Listen(t.Context(), "unix", filepath.Join(e.Dir, stack.Socket))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- e.server.Serve(ctx, listener, func() extproc.Shutdown { return extproc.Shutdown{Grace: time.Second} })
	}()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return e
}

// use makes g the edge's gateway and returns once Envoy knows that somebody is there.
func (e *edge) use(t *testing.T, g *extproc.Gateway) {
	t.Helper()
	e.server.Use(g)
	e.WaitHealthy(t)
}

// sees is what is to be seen of one request: by the client, at the backends, in Envoy's counters of what it sent to them, and in those of the guard.
type sees struct {
	client   string // the status and the code of the error, or the status and x-mom-guard
	guard    string // the guard's state as Envoy counted it, or unanswered where nobody spoke of one
	backends int    // requests that the scripted backends received
	envoy    int64  // requests that Envoy says it sent to their clusters
}

// passed and stopped are what a request must look like from all sides.
func passed(state string) sees          { return sees{"200 " + state, state, 1, 1} }
func stopped(client, guard string) sees { return sees{client, guard, 0, 0} }
func (s sees) String() string {
	return fmt.Sprintf("%s, counted as %s, %d at backends, %d sent", s.client, s.guard, s.backends, s.envoy)
}
func newRequest(body string) *http.Request { return newRequestOf(strings.NewReader(body)) }
func newRequestOf(body io.Reader) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "", body)
	if err != nil {
		panic(err) // the address is a constant
	}
	r.Header.Set("content-type", "application/json")
	return r
}

// look sends a request and says what became of it, from all sides.
func look(t *testing.T, s *stack.Stack, body string) sees {
	t.Helper()
	w := watch(t, s)
	client := send(t.Context(), s, newRequest(body))
	return w.saw(t, client)
}

// send asks and returns what the client sees.
func send(ctx context.Context, s *stack.Stack, r *http.Request) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	target, err := r.URL.Parse(s.URL + "/v1/chat/completions")
	if err != nil {
		return "no address"
	}
	r.URL = target
	// A spoof must open nothing, least of all when something is broken.
	for name, value := range map[string]string{"x-mom-decision": "route", "x-mom-stream": "false", "x-mom-guard": "ok"} {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if ctx.Err() != nil {
			return "gave up"
		}
		return "no answer"
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Sprint(resp.StatusCode, " and half an answer")
	}
	if resp.StatusCode == http.StatusOK {
		return fmt.Sprint("200 ", resp.Header.Get("x-mom-guard"))
	}
	var e struct {
		Error struct {
			Message, Type string
			Code          *string
		}
	}
	if err := json.Unmarshal(text, &e); err != nil || e.Error.Message == "" || e.Error.Type == "" || e.Error.Code == nil ||
		!strings.HasPrefix(resp.Header.Get("content-type"), "application/json") {
		return fmt.Sprint(resp.StatusCode, " without an error in JSON")
	}
	if strings.Contains(string(text), secret) {
		return fmt.Sprint(resp.StatusCode, " with the prompt in it")
	}
	return fmt.Sprint(resp.StatusCode, " ", *e.Error.Code)
}

const (
	sentStats  = "^cluster.(small|large).upstream_rq_total$"
	guardStats = "^mom_router.(guard|unanswered)"
)

// watched is a stack as it stood before a request.
type watched struct {
	s           *stack.Stack
	sent, guard map[string]int64
}

func watch(t *testing.T, s *stack.Stack) watched {
	t.Helper()
	s.Small.Play(stack.Answer("small"))
	s.Large.Play(stack.Answer("large"))
	return watched{s, s.Stats(t, sentStats), s.Stats(t, guardStats)}
}

// saw says what has come of one request that ended for the client so. Envoy counts it once the stream has ended.
func (w watched) saw(t *testing.T, client string) sees {
	t.Helper()
	out := sees{client: client}
	stack.Until(t, patience, "Envoy counts the request", func() error {
		now := w.s.Stats(t, guardStats)
		states, n := grown(w.guard, now)
		if n != 1 {
			return fmt.Errorf("%d more: %v", n, states)
		}
		name := states[0]
		out.guard = name[strings.LastIndex(name, ".")+1:]
		if strings.HasPrefix(name, "mom_router.unanswered") {
			out.guard = "unanswered"
		}
		return nil
	})
	out.backends = len(w.s.Small.Received()) + len(w.s.Large.Received())
	_, out.envoy = grown(w.sent, w.s.Stats(t, sentStats))
	return out
}

// grown is which counters went up, and by how much together.
func grown(before, now map[string]int64) (names []string, n int64) {
	for name := range maps.Keys(now) {
		if more := now[name] - before[name]; more > 0 {
			names, n = append(names, name), n+more
		}
	}
	return names, n
}

// table is what a test has seen, as people read it.
type table struct{ lines []string }

func (p *table) add(guard, fault, mode string, s sees) {
	p.lines = append(p.lines, fmt.Sprintf("| %-9s | %-75s | %-9s | %-32s | %-17s | %8d | %4d |",
		guard, fault, mode, s.client, s.guard, s.backends, s.envoy))
}

func (p *table) print(t *testing.T) {
	t.Helper()
	line := func(n int) string { return strings.Repeat("-", n+2) }
	head := fmt.Sprintf("\n| %-9s | %-75s | %-9s | %-32s | %-17s | backends | sent |\n|%s|%s|%s|%s|%s|---------:|-----:|\n",
		"guard", "fault", "fail_mode", "client sees", "counted as", line(9), line(75), line(9), line(32), line(17))
	t.Log(head + strings.Join(p.lines, "\n") + fmt.Sprintf("\n%d rows", len(p.lines)))
}
