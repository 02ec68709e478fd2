package recall_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mom-router/mom/pkg/chat"
	"github.com/mom-router/mom/pkg/pipeline"
	"github.com/mom-router/mom/pkg/recall"
)

// outcome is what a request that runs beside others came to.
type outcome struct {
	d     pipeline.Decision
	found pipeline.Recalled
	err   error
	took  time.Duration
}

// beside runs a request on a goroutine of its own. In a bubble of synctest its time is the bubble's.
func (w *world) beside(ctx context.Context, req *pipeline.Request) <-chan outcome {
	w.t.Helper()
	p, err := pipeline.New(pipeline.Step{Stage: w.guard}, pipeline.Step{Stage: w.r, FailOpen: true})
	if err != nil {
		w.t.Fatal(err)
	}
	out := make(chan outcome, 1)
	go func() {
		start := time.Now()
		var o outcome
		o.d, o.err = p.Run(ctx, req)
		o.found, _ = pipeline.Find[pipeline.Recalled](o.d.Trail)
		o.took = time.Since(start)
		out <- o
	}()
	synctest.Wait()
	return out
}

// over says whether a request has ended.
func over(c <-chan outcome) bool { return len(c) == 1 }

// TestIdenticalRequests begins with a request that is on its way to a backend.
func TestIdenticalRequests(t *testing.T) {
	for name, try := range map[string]func(t *testing.T, w *world, first pipeline.Recalled, req *pipeline.Request){
		"the second gets the answer to the first": func(t *testing.T, w *world, first pipeline.Recalled, req *pipeline.Request) {
			second, third := w.beside(t.Context(), req), w.beside(t.Context(), request(t, pipeline.Caller{}, strings.Replace(sky, `"model"`, `"stream":true,"model"`, 1)))
			if over(second) || over(third) {
				t.Fatal("nobody waits")
			}
			w.remember(req, first, "It scatters.")
			for _, o := range []outcome{<-second, <-third} {
				if o.found.State != pipeline.RecallHit || !strings.Contains(string(o.d.Reply.Body), "It scatters.") || o.took != 0 {
					t.Errorf("%+v after %v", o.found, o.took)
				}
			}
		},
		"a first that dies frees the second, which asks in its place": func(t *testing.T, w *world, first pipeline.Recalled, req *pipeline.Request) {
			second := w.beside(t.Context(), req)
			w.r.Release(first)
			o := <-second
			if o.found.State != pipeline.RecallMiss || o.found.Lease == 0 || o.took != 0 {
				t.Fatalf("%+v after %v", o.found, o.took)
			}
			w.r.Release(first) // again, late: the lease is another's now
			if third := w.beside(t.Context(), req); over(third) {
				t.Error("the third does not wait for the second")
			} else {
				w.remember(req, o.found, "It scatters.")
				if o := <-third; o.found.State != pipeline.RecallHit {
					t.Errorf("the third: %+v", o.found)
				}
			}
		},
		"the second waits for a moment and not longer": func(t *testing.T, w *world, first pipeline.Recalled, req *pipeline.Request) {
			second := w.beside(t.Context(), req)
			o := <-second
			if o.found.State != pipeline.RecallMiss || o.found.Lease != 0 || o.took != recall.Wait {
				t.Fatalf("%+v after %v", o.found, o.took)
			}
			w.r.Release(o.found) // its own end frees nobody
			if third := w.beside(t.Context(), req); over(third) {
				t.Error("the third does not wait")
			} else {
				w.remember(req, o.found, "It scatters.") // the second was faster than the first
				if o := <-third; o.found.State != pipeline.RecallHit || o.took != 0 {
					t.Errorf("the third: %+v after %v", o.found, o.took)
				}
			}
		},
		"a second that goes away does not wait": func(t *testing.T, w *world, first pipeline.Recalled, req *pipeline.Request) {
			ctx, cancel := context.WithCancel(t.Context())
			second := w.beside(ctx, req)
			cancel()
			if o := <-second; !errors.Is(o.err, context.Canceled) || o.took != 0 {
				t.Errorf("%v after %v", o.err, o.took)
			}
		},
		"an answer that the store cannot keep frees the second": func(t *testing.T, w *world, first pipeline.Recalled, req *pipeline.Request) {
			second := w.beside(t.Context(), req)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := w.r.Remember(ctx, req, first, plan, chat.Completion{Content: "x"}); err == nil {
				t.Fatal("the store kept it")
			}
			if o := <-second; o.found.State != pipeline.RecallMiss || o.took != 0 {
				t.Errorf("%+v after %v", o.found, o.took)
			}
		},
		"a first that is never heard of again is waited for no longer than its lease": func(t *testing.T, w *world, _ pipeline.Recalled, req *pipeline.Request) {
			w.now = w.now.Add(30 * time.Second)
			if second := w.beside(t.Context(), req); !over(second) {
				t.Error("it is waited for")
			}
		},
		"another question waits for nobody": func(t *testing.T, w *world, _ pipeline.Recalled, _ *pipeline.Request) {
			if second := w.beside(t.Context(), request(t, pipeline.Caller{}, strings.Replace(sky, "blue", "red", 1))); !over(second) {
				t.Error("it waits")
			}
		},
		"a request that goes past the memory waits for nobody": func(t *testing.T, w *world, _ pipeline.Recalled, _ *pipeline.Request) {
			if second := w.beside(t.Context(), request(t, pipeline.Caller{NoStore: true}, sky)); !over(second) {
				t.Error("it waits")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(c *recall.Config) { c.Store = honest{c.Store} })
				req := request(t, pipeline.Caller{}, sky)
				_, first := w.ask(req)
				if first.State != pipeline.RecallMiss || first.Lease == 0 {
					t.Fatalf("the first: %+v", first)
				}
				try(t, w, first, req)
			})
		})
	}
}

// honest is a store that looks at ctx, as one behind a wire does.
type honest struct{ recall.Store }

func (h honest) Put(ctx context.Context, k recall.Key, e recall.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return h.Store.Put(ctx, k, e)
}

// A tenant never waits for another: it would learn what that one asks.
func TestTenantsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *recall.Config) { c.Shared = false })
		_, first := w.ask(request(t, pipeline.Caller{Tenant: "a"}, sky))
		other := w.beside(t.Context(), request(t, pipeline.Caller{Tenant: "b"}, sky))
		if !over(other) {
			t.Error("b waits for a")
		}
		same := w.beside(t.Context(), request(t, pipeline.Caller{Tenant: "a"}, sky))
		if over(same) {
			t.Error("a does not wait for a")
		}
		w.r.Release(first)
		<-same
	})
}

func TestADecisionMayKeepItsAnswersShorterOrNotAtAll(t *testing.T) {
	w := newWorld(t, func(c *recall.Config) {
		c.Decisions = map[recall.Decision]time.Duration{{Name: "press"}: 5 * time.Minute, {Name: "draws"}: 0, {Policy: "other", Name: "default"}: 0}
	})
	if w.r.Keeps("other", "default") {
		t.Error("a policy's own decision keeps answers")
	}
	by := func(decision string) *pipeline.Plan {
		return &pipeline.Plan{Decision: decision, Tiers: []pipeline.Tier{{Model: "small"}}}
	}
	for _, c := range []struct {
		decision string
		keeps    bool
		after    time.Duration
		want     string
	}{
		{"press", true, 5*time.Minute - 1, pipeline.RecallHit},
		{"press", true, 5 * time.Minute, pipeline.RecallMiss},
		{"default", true, time.Hour - 1, pipeline.RecallHit},
		{"draws", false, 0, pipeline.RecallMiss},
	} {
		req := request(t, pipeline.Caller{}, strings.Replace(sky, "blue", c.decision+c.after.String(), 1))
		_, found := w.ask(req)
		if got := w.r.Keeps("", c.decision); got != c.keeps {
			t.Errorf("%s keeps answers: %t", c.decision, got)
		}
		if err := w.r.Remember(context.Background(), req, found, by(c.decision), chat.Completion{Content: "x"}); (err == nil) != c.keeps {
			t.Errorf("%s: %v", c.decision, err)
		}
		w.r.Release(found)
		w.now = w.now.Add(c.after)
		if _, found := w.ask(req); found.State != c.want {
			t.Errorf("%s after %v: %+v, want a %s", c.decision, c.after, found, c.want)
		}
	}
}
