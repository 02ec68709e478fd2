package onnx_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/catalog"
	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/classifiers/onnx"
)

// brain opens the model that ships.
func brain(t testing.TB, opt onnx.Options) (*catalog.Entry, *model) {
	t.Helper()
	dir := filepath.Join(moduleRoot(t), "models", "mom-brain-flash")
	if _, err := os.Stat(dir); err != nil {
		absent(t, dir)
	}
	e, err := catalog.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return e, open(t, e, opt)
}

func TestBrainPassesItsSelfTest(t *testing.T) {
	e, m := brain(t, onnx.Options{})
	if err := catalog.SelfTest(context.Background(), &e.Manifest, m); err != nil {
		t.Error(err)
	}
	if got, want := m.Stats().Passes, uint64(len(e.SelfTest)); got != want {
		t.Errorf("%d samples cost %d passes", want, got)
	}
}

func TestBrainConformance(t *testing.T) {
	_, m := brain(t, onnx.Options{})
	classifiertest.Classifier(t, m)
}

// Only text after a NUL or beyond one window speaks of a subject; if it went unseen, the model could not name it.
func TestBrainSeesTheWholeText(t *testing.T) {
	_, m := brain(t, onnx.Options{})
	question := "What is the derivative of sin(x)?"
	alone := classify(t, m, question)
	for name, text := range map[string]string{"after a NUL": "\x00" + question, "after a NUL in a word": "So,\x00 " + question} {
		if s := classify(t, m, text); top(m, s) != top(m, alone) {
			t.Errorf("%s: %s, alone %s", name, top(m, s), top(m, alone))
		}
	}
	filler := strings.Repeat("and so on ", 80)
	without, with := classify(t, m, filler), classify(t, m, filler+question)
	if without.Passes < 2 || cmp.Equal(without.P, with.P) {
		t.Errorf("a question after %d windows changes nothing", without.Passes)
	}
}

func top(m *model, s classifiers.Scores) string {
	i, _ := s.Top()
	return m.Labels()[i]
}

// textOf returns prose of at least that many tokens, special ones counted.
func textOf(t testing.TB, m *model, tokens int) string {
	t.Helper()
	var lines strings.Builder // each with another year, so that no two windows are alike
	for i := range 1 + tokens/20 {
		fmt.Fprintf(&lines, "The committee reviewed photosynthesis data, questioned its methodology, and recommended that "+
			"laboratories recalibrate their spectrometers before the %d measurements. ", 2024+i)
	}
	prose := strings.Fields(lines.String())
	for n := 1; n <= len(prose); n++ {
		text := strings.Join(prose[:n], " ")
		if ids, err := m.TokenIDs(text); err != nil || len(ids) >= tokens {
			return text
		}
	}
	t.Fatalf("prose is too short for %d tokens", tokens)
	return ""
}

// BenchmarkClassify reports beside the time the CPU time of Classify over that of the bare forward passes on the same ids (cpu/raw), measured by
// turns in this process. The target is at most 1.10 at 128 tokens.
func BenchmarkClassify(b *testing.B) {
	for _, tokens := range []int{8, 32, 128, 512} {
		b.Run(fmt.Sprintf("tokens=%d", tokens), func(b *testing.B) {
			_, m := brain(b, onnx.Options{Workers: 1})
			text := textOf(b, m, tokens)
			tax, err := m.Measure(context.Background(), text, 9, max(1, 2000/tokens), m.judge)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				m.Forget()
				if _, err := m.Classify(context.Background(), text); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(tax.Ratio, "cpu/raw")
			b.ReportMetric(tax.Min, "cpu/raw-min")
			b.ReportMetric(tax.Max, "cpu/raw-max")
			b.ReportMetric(float64(tax.Passes), "windows")
			b.ReportMetric(float64(tax.Raw.Microseconds()), "raw-us")
		})
	}
}

// BenchmarkRemembered times Classify of a text whose windows another call has paid for: what a second view of the same text costs.
func BenchmarkRemembered(b *testing.B) {
	for _, tokens := range []int{32, 128, 512} {
		b.Run(fmt.Sprintf("tokens=%d", tokens), func(b *testing.B) {
			_, m := brain(b, onnx.Options{Workers: 1})
			text := textOf(b, m, tokens)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Classify(context.Background(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// judge asks for an answer and drops it.
func (m *model) judge(ctx context.Context, text string) error {
	_, err := m.Classify(ctx, text)
	return err
}

func TestMeasure(t *testing.T) {
	_, m := brain(t, onnx.Options{})
	text := textOf(t, m, 32)
	tax, err := m.Measure(context.Background(), text, 3, 5, m.judge)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := m.Tokens(text); err != nil || n != tax.Tokens {
		t.Errorf("%d tokens of one window, %v, want %d", n, err, tax.Tokens)
	}
	if tax.Tokens < 32 || tax.Tokens > 40 || tax.Passes != 1 || tax.Raw <= 0 || tax.Wall <= 0 || tax.CPU <= 0 || tax.Min > tax.Ratio || tax.Max < tax.Ratio || tax.Allocs < 10 {
		t.Errorf("32 tokens: %+v", tax)
	}
	if _, err := m.Measure(context.Background(), "", 0, 1, m.judge); err == nil {
		t.Error("no rounds: no error")
	}
	calls := 0
	broken := errors.New("broken")
	_, err = m.Measure(context.Background(), text, 2, 2, func(context.Context, string) error {
		if calls++; calls == 3 { // the one whose allocations are counted
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("a call that fails: %v", err)
	}
}

// Two views of one text cost the passes of one.
func TestMeasureOfTwoViews(t *testing.T) {
	e := tiny(t, "good.onnx", nil)
	m := open(t, e, onnx.Options{})
	tax, err := m.Measure(context.Background(), words(44), 2, 1, func(ctx context.Context, text string) error {
		return errors.Join(m.judge(ctx, text), m.judge(ctx, text))
	})
	if err != nil || tax.Passes != 4 || tax.Tokens != 44+2*4+4*3 {
		t.Errorf("four windows: %+v, %v", tax, err)
	}
}

// BenchmarkWorkers times a text of eight windows by one worker and by two, in turns.
func BenchmarkWorkers(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			_, m := brain(b, onnx.Options{Workers: workers})
			text := textOf(b, m, 512)
			for b.Loop() {
				m.Forget()
				if s, err := m.Classify(context.Background(), text); err != nil || s.Passes != 8 {
					b.Fatal(s.Passes, err)
				}
			}
		})
	}
}
