package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

// TestBrain: the shipped model reads the domain, and the domain chooses the backend.
func TestBrain(t *testing.T) {
	stack.Need(t, "MOM_ONNX_LIB", ".build/lib/libonnxruntime.so", "MOM_REQUIRE_ONNX")
	s := stack.Start(t, stack.Options{Config: `listen: unix://` + stack.Socket + `
models:
- {name: small-model, cluster: small}
- {name: larger-model, cluster: large}
brain: mom-brain-flash
route:
  decisions:
  - {name: sums, when: domain == "math", models: [larger-model, small-model]}
  default: {models: [small-model, larger-model]}
`})
	const sum = "What is the derivative of x squared times the sine of x, and where does it equal zero?"
	const law = "Does a landlord owe the tenant notice before terminating a lease for breach of contract?"

	a := chat(t, s, body("MoM", sum))
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	wantTrail(t, a.header, "larger-model", "1")
	for name, want := range map[string]string{"x-mom-decision": "sums", "x-mom-domain": "math", "x-vsr-selected-category": "math"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	if cot := a.header.Get("x-vllm-semantic-router-cot"); !strings.Contains(cot, "📂 *math*") {
		t.Errorf("cot %q does not name the domain", cot)
	}

	b := chat(t, s, body("MoM", law))
	wantTrail(t, b.header, "small-model", "1")
	if got := b.header.Get("x-mom-domain"); got != "law" {
		t.Errorf("x-mom-domain %q, want law", got)
	}

	s.Large.Play(stack.Status(503))
	c := chat(t, s, body("MoM", sum))
	wantTrail(t, c.header, "small-model", "2")
	if got := c.header.Get("x-mom-domain"); got != "math" {
		t.Errorf("x-mom-domain %q after failover, want math", got)
	}

	stack.Until(t, 5*time.Second, "counters by domain", func() error {
		got := s.Stats(t, "mom_router.requests")
		for _, name := range []string{"domain.math.model.larger-model.requested.mom.tier.1", "domain.law.model.small-model.requested.mom.tier.1"} {
			if got["mom_router.requests.decision.route."+name] != 1 {
				return fmt.Errorf("%s is not 1: %v", name, got)
			}
		}
		return nil
	})
	wantNothingOdd(t, s)
}
