package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

// TestStats: Envoy's own admin page says how requests were decided.
func TestStats(t *testing.T) {
	s := stack.Start(t, stack.Options{Envoy: impatient})
	for range 2 {
		chat(t, s, good)
	}
	chat(t, s, body("larger-model", "hi"))
	chat(t, s, body("gpt-9", "hi"))
	chat(t, s, "{")
	chat(t, s, body("MoM", strings.Repeat("x", 5<<20)))
	s.Small.Play(stack.Status(503))
	chat(t, s, good)
	s.MoM.Kill(t)
	chat(t, s, good)
	want := map[string]int64{
		"decision.route.domain.none.model.small-model.requested.mom.tier.1":          2,
		"decision.explicit.domain.none.model.larger-model.requested.explicit.tier.1": 1,
		"decision.bad_request.domain.none.model.none.requested.none.tier.0":          2, // gpt-9 and broken JSON: no client's word becomes a label
		"decision.none.domain.none.model.none.requested.none.tier.0":                 1, // refused by Envoy between MoM's two replies
	}
	stack.Until(t, 5*time.Second, "counters", func() error {
		got := s.Stats(t, "mom_router.requests")
		for name, n := range want {
			if got["mom_router.requests."+name] != n {
				return fmt.Errorf("%s is %d, want %d; all: %v", name, got["mom_router.requests."+name], n, got)
			}
		}
		// Those that came to the guard, which is off here, and those that ended before.
		if got := s.Stats(t, "mom_router.guard"); len(got) != 2 || got["mom_router.guard.state.off"] != 5 || got["mom_router.guard.state.unknown"] != 2 {
			return fmt.Errorf("guard %v, want 5 off and 2 unknown", got)
		}
		second := int64(0)
		for name, n := range got {
			if strings.Contains(name, "decision.route.") && strings.HasSuffix(name, ".tier.2") {
				second += n
			}
		}
		if second != 1 {
			return fmt.Errorf("second tier %d times, want once; all: %v", second, got)
		}
		if got := s.Stats(t, "mom_router.unanswered"); len(got) != 1 || got["mom_router.unanswered.code.503"] != 1 {
			return fmt.Errorf("unanswered %v, want one 503", got)
		}
		return nil
	})
	if got := s.Stats(t, "cluster.(small|large).upstream_rq_total"); got["cluster.small.upstream_rq_total"] != 3 || got["cluster.large.upstream_rq_total"] != 2 {
		t.Errorf("requests by cluster %v, want small 3, large 2", got)
	}
}

// TestNothingIsOverheard: what users, clients and models say stands in no log and no statistic.
func TestNothingIsOverheard(t *testing.T) {
	const canary = "canary-7f3a9c"
	s := stack.Start(t, stack.Options{Config: stack.Config + "log: {level: debug}\n", Envoy: impatient})
	s.Small.Play(stack.Answer(canary), stack.Status(503), stack.Hang, stack.Reset, stack.Answer(canary))
	s.Large.Play(stack.Answer(canary))
	edits := []func(*http.Request){with("authorization", "Bearer "+canary), with("x-user", canary), with("user-agent", canary), with("x-request-id", canary)}
	for _, text := range []string{
		body("MoM", canary), body("MoM", canary), body("MoM", canary), body("MoM", canary),
		body(canary, "hi"),
		`{"model":"MoM","` + canary + `":1,"messages":[{"role":"` + canary + `","content":"x"}]}`,
		`{"model":"MoM","messages":[{"role":"user","content":"` + canary + `"`,
		`{"model":"MoM","` + canary + `":1,"` + canary + `":2,"messages":[]}`,
		`{"model":"MoM","messages":"` + canary + `"}`,
		body("MoM", canary+strings.Repeat("x", 2<<20)),
		body("MoM", canary+strings.Repeat("x", 5<<20)),
	} {
		chat(t, s, text, edits...)
	}
	send(t, s, http.MethodGet, "/v1/"+canary+"?q="+canary, nil, edits...)
	send(t, s, http.MethodGet, "/v1/models/"+canary, nil, edits...)
	s.MoM.Kill(t)
	chat(t, s, body("MoM", canary), edits...)

	places := map[string]string{}
	for _, path := range []string{"/stats", "/stats/prometheus", "/clusters"} {
		resp, err := http.Get(s.Admin + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		places[path] = string(text)
	}
	s.Envoy.Signal(t, syscall.SIGTERM) // it keeps its access log in memory for seconds, but not past its end
	if !s.Envoy.Ends(patience) {
		t.Fatal("Envoy did not end")
	}
	places["mom.log"], places["envoy.log"] = s.MoM.Log(t), s.Envoy.Log(t)
	for place, text := range places {
		for line := range strings.Lines(text) {
			if strings.Contains(strings.ToLower(line), canary) {
				t.Errorf("%s overheard it: %s", place, line)
			}
		}
	}
	if n := strings.Count(places["envoy.log"], `"details"`) - strings.Count(places["envoy.log"], `"route":"healthz"`); n != 14 || !strings.Contains(places["mom.log"], `"level":"debug"`) {
		t.Errorf("Envoy logged %d requests, want 14, and mom must have logged at debug level: else this test proves nothing", n)
	}
}
