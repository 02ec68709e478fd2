package e2e_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mom-router/mom/tests/stack"
)

// redacting is a stack whose small model may see addresses of mail and card numbers, and whose large one may not. Its route is the given order.
func redacting(t *testing.T, order string) *stack.Stack {
	t.Helper()
	config := strings.NewReplacer(
		"cluster: small,", "cluster: small, pii: [EMAIL_ADDRESS, CREDIT_CARD],",
		"guard: {enabled: false}\n", "guard: {pii: {types: {EMAIL_ADDRESS: redact, PERSON: redact}, roles: {system: {EMAIL_ADDRESS: allow}}}}\ntimeouts: {guard: 3s}\n",
		"models: [small-model, larger-model]}", "models: "+order+"}",
	).Replace(stack.Config) + "unknown_models: {passthrough: large}\n"
	return stack.Start(t, stack.Options{Config: config, Envoy: impatient})
}

const (
	address = "ann.lee@example.com"
	// The application's own address stays; spaces, escapes and odd numbers must arrive as they were sent.
	sentTo = "{ \"x\" : 12345678901234567890.10 ,\n\"messages\":[{\"role\":\"system\",\"content\":\"Help: desk@example.com\"}, " +
		"{\"content\":\"\\u00fcber \\/ 😀 write to WHO and W\\u0048O\",\"role\":\"user\"},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"{\\\"to\\\":\\\"WHO\\\"}\"}],  \"model\" :\t\"MODEL\"}"
)

func addressed(model, who string) string {
	return strings.NewReplacer("MODEL", model, "WHO", who, "W\\u0048O", who).Replace(sentTo)
}

func TestABackendGetsWhatItMaySee(t *testing.T) {
	s := redacting(t, "[larger-model, small-model]")
	const name = "[EMAIL_ADDRESS_1]"
	got := func(b *stack.Backend, want ...string) {
		t.Helper()
		received := b.Received()
		if len(received) != len(want) {
			t.Fatalf("%s got %d requests, want %d", b.Name, len(received), len(want))
		}
		for i, r := range received {
			if string(r.Body) != want[i] {
				t.Errorf("%s got\n%s\nwant\n%s", b.Name, r.Body, want[i])
			}
			if r.Length != int64(len(want[i])) {
				t.Errorf("%s got content-length %d for %d bytes", b.Name, r.Length, len(want[i]))
			}
		}
	}
	play := func(small, large stack.Step) {
		s.Small.Play(small)
		s.Large.Play(large)
	}
	fine := stack.Answer("fine")

	for _, model := range []string{"larger-model", "nobody-knows-it"} {
		play(fine, fine)
		if a := chat(t, s, addressed(model, address)); a.status != 200 || a.header.Get("x-mom-guard") != "flagged" {
			t.Errorf("%s: %d %v", model, a.status, a.header)
		}
		got(s.Large, addressed(model, name))
		got(s.Small)
	}

	play(fine, fine)
	if a := chat(t, s, addressed("small-model", address)); a.status != 200 || a.header.Get("x-mom-guard") != "flagged" {
		t.Errorf("a named model that may see it: %d %v", a.status, a.header)
	}
	got(s.Small, addressed("small-model", address))

	play(fine, stack.Status(503))
	if a := chat(t, s, addressed("MoM", address)); a.status != 200 || a.header.Get("x-mom-model") != "small-model" {
		t.Errorf("a fallback: %d %v", a.status, a.header)
	}
	got(s.Large, addressed("larger-model", name))
	got(s.Small, addressed("small-model", name))

	play(fine, fine)
	if a := chat(t, s, body("MoM", card)); a.status != 200 || a.header.Get("x-mom-model") != "small-model" || a.header.Get("x-mom-guard") != "flagged" {
		t.Errorf("what only one may see: %d %v", a.status, a.header)
	}
	got(s.Small, body("small-model", card))
	got(s.Large)

	play(stack.Status(503), fine)
	if a := chat(t, s, body("MoM", card)); a.status != 503 {
		t.Errorf("what only one may see, and that one fails: %d %s", a.status, a.body)
	}
	got(s.Large)

	play(fine, fine)
	for _, model := range []string{"larger-model", "nobody-knows-it"} {
		a := chat(t, s, body(model, card))
		a.wantFault(t, 403, "pii_detected")
		if a.header.Get("x-mom-guard") != "blocked" || a.header.Get("x-vsr-pii-violation") != "true" || strings.Contains(a.body, "1111") {
			t.Errorf("%s: %v %s", model, a.header, a.body)
		}
	}
	got(s.Small)
	got(s.Large)

	for _, heard := range []string{address, "ann.lee", "1111"} {
		if bytes.Contains([]byte(s.MoM.Log(t)), []byte(heard)) {
			t.Errorf("the log of mom has %s", heard)
		}
	}
	stack.Until(t, 5*time.Second, "counters", func() error {
		counted := s.Stats(t, "mom_router.guard")
		if counted["mom_router.guard.state.flagged"] != 6 || counted["mom_router.guard.state.blocked_pii"] != 2 {
			return errors.New("other than expected")
		}
		return nil
	})
}
