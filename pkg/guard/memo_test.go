package guard_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/guard"
	"github.com/mom-router/mom/pkg/pipeline"
)

// What is remembered holds no text, and no hash of one that others could make too: whoever saw it could try which texts were said.
func TestMemoHoldsNoText(t *testing.T) {
	req := chat(user("hello "+secret), says("assistant", "write to "+secret+"@example.org"), user("over", secret), says("tool", secret))
	req.Leaves = []pipeline.Leaf{{Path: "tools[0].function.name", Message: -1, Text: secret}, {Path: "metadata.*", Message: -1, Text: strings.Repeat(secret+" ", 20)}}
	j, p := jailbreak(t, guard.JailbreakConfig{}), pii(t, guard.PIIConfig{}, "standard", nil)
	for _, s := range []pipeline.Stage{j, p} {
		if _, _, err := run(t, s, req); err != nil {
			t.Fatal(err)
		}
	}
	kept := append(j.Remembered(), p.Remembered()...)
	if len(j.Remembered()) < 10 || len(p.Remembered()) < 5 {
		t.Fatalf("%d and %d entries: else this test proves nothing", len(j.Remembered()), len(p.Remembered()))
	}
	others := map[string]guard.Text{}
	for _, x := range append(guard.Texts(req), p.Texts(req)...) {
		for _, preimage := range []string{x.Body, string(rune(x.Kind)) + x.Body} {
			sum := sha256.Sum256([]byte(preimage))
			others[string(sum[:])] = x
		}
	}
	for _, line := range kept {
		if strings.Contains(line, secret) || strings.Contains(line, hex.EncodeToString([]byte(secret))) {
			t.Errorf("the text stands in %q", line)
		}
		if x, ok := others[line[:sha256.Size]]; ok {
			t.Errorf("the key of %s is its SHA-256", x.Where)
		}
	}
}

// A text that is nothing but finds must not make the memory of one text that of many.
func TestMemoIsBoundedByWhatItHolds(t *testing.T) {
	for finds, want := range map[int]int{0: 10, 1 << 16: 6} { // of 100,000 entries
		if got, err := guard.Kept(10, finds); err != nil || got != want {
			t.Errorf("of ten texts with %d finds each %d are kept, want %d; %v", finds, got, want, err)
		}
	}
}
