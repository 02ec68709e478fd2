package e2e_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/mom-router/mom/tests/stack"
)

// The shipped model, the gate and the memory behind the real Envoy: other words for the same question find its answer, other questions do not.
func TestAQuestionInOtherWords(t *testing.T) {
	config := strings.Replace(stack.Config, "guard: {enabled: false}\n", "recall: {scope: tenant, tenant: {header: x-tenant}, shadow: 0%}\ntimeouts: {guard: 3s}\n", 1)
	s := stack.Start(t, stack.Options{Config: config, Envoy: impatient})
	s.Small.Play(raw("application/json", completion(prose)))
	const question = "How do I boil an egg for 5 minutes?"
	if a := chat(t, s, body("MoM", question), with("x-tenant", "a")); a.header.Get("x-mom-cache") != "miss" || a.header.Get("x-mom-cache-similarity") != "" {
		t.Fatalf("the first time: %v", a.header)
	}
	a := chat(t, s, body("MoM", "How can I boil an egg for five minutes?"), with("x-tenant", "a"))
	likeness := a.header.Get("x-mom-cache-similarity")
	if a.header.Get("x-mom-cache") != "hit" || !regexp.MustCompile(`^0\.\d{3}$`).MatchString(likeness) || !strings.Contains(a.body, prose) {
		t.Errorf("in other words: %v", a.header)
	}
	if line := a.header.Get("x-vllm-semantic-router-cot"); !strings.Contains(line, "*HIT* → 🎯 *Similarity: "+likeness+"* → ") {
		t.Errorf("the trail is %s", line)
	}
	if a = chat(t, s, body("MoM", question), with("x-tenant", "a")); a.header.Get("x-mom-cache") != "hit" || a.header.Get("x-mom-cache-similarity") != "" {
		t.Errorf("in the same words: %v", a.header)
	}
	if n := len(s.Small.Received()); n != 1 {
		t.Errorf("the backend was asked %d times", n)
	}
	s.Small.Play(raw("application/json", completion("another answer")))
	for name, c := range map[string]struct{ tenant, question string }{
		"another number": {"a", "How can I boil an egg for six minutes?"},
		"another name":   {"a", "How can I boil an egg of an ostrich for five minutes?"},
		"a negation":     {"a", "How can I not boil an egg for five minutes?"},
		"another tenant": {"b", "How can I boil an egg for five minutes?"},
	} {
		if a := chat(t, s, body("MoM", c.question), with("x-tenant", c.tenant)); a.header.Get("x-mom-cache") != "miss" || !strings.Contains(a.body, "another answer") {
			t.Errorf("%s: %s of %s", name, a.header.Get("x-mom-cache"), a.body)
		}
	}
	counts := s.Stats(t, "mom_router.cache")
	for state, want := range map[string]int64{"hit": 1, "similar": 1, "miss": 5} {
		if got := counts["mom_router.cache.state."+state]; got != want {
			t.Errorf("%s: %d, want %d (%v)", state, got, want, counts)
		}
	}
	wantNothingOdd(t, s)
}
