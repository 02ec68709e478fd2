package onnx_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers/onnx"
)

// Of three windows the third alone has the court. A NUL shows nothing, and is counted in the offsets.
func TestPassagesSayWhichPartIsMeant(t *testing.T) {
	f := openFamily(t, onnx.Options{Deadline: time.Minute})
	text := "\x00 " + strings.Repeat("integral ", 120) + strings.Repeat(" court", 8)[1:]
	got, err := f.user.Passages(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := f.user.Classify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Passes != 0 {
		t.Errorf("to classify what the passages were read of costs %d passes", whole.Passes)
	}
	worst := 0
	for i, p := range got {
		if p.P[1] > got[worst].P[1] {
			worst = i
		}
		if i > 0 && (p.Start <= got[i-1].Start || p.Start >= got[i-1].End || p.End <= got[i-1].End) {
			t.Errorf("passage %d is %d..%d behind %d..%d: want an overlap", i, p.Start, p.End, got[i-1].Start, got[i-1].End)
		}
	}
	last := len(got) - 1
	if last < 1 || worst != last || got[0].Start != 2 || got[last].End != len(text) || !strings.HasPrefix(text[got[last].Start:], "integral ") {
		t.Errorf("%d passages of %d bytes, the worst is %d: %+v", len(got), len(text), worst, got)
	}
	if diff := cmp.Diff(whole.P, got[worst].P); diff != "" {
		t.Errorf("the text has the probabilities of its worst passage (-text +passage):\n%s", diff)
	}
	for text, end := range map[string]int{"": 0, "court": 5} {
		one, err := f.user.Passages(t.Context(), text)
		if err != nil || len(one) != 1 || one[0].Start != 0 || one[0].End != end {
			t.Errorf("%q: %+v, %v", text, one, err)
		}
	}
	if _, err := f.user.Passages(t.Context(), "\xff"); err == nil {
		t.Error("invalid UTF-8 has passages")
	}
}
