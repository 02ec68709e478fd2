package onnx

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// A Tax is what Classify costs beside the bare forward passes it is made of. Times are CPU times of the process a text, medians of the rounds.
type Tax struct {
	Tokens   int // of the text, special tokens counted in each window
	Windows  int
	Classify time.Duration
	Raw      time.Duration // Run on the same ids with tensors made beforehand
	Ratio    float64       // median over the rounds of Classify / Raw
	Min, Max float64       // of the rounds' ratios
}

// Measure classifies text and runs the bare graph on the same ids by turns, calls times each in every round, so that what slows the machine
// down slows both down. The process should do nothing else meanwhile: its CPU time is counted as a whole.
func (m *Model) Measure(ctx context.Context, text string, rounds, calls int) (Tax, error) {
	if rounds < 1 || calls < 1 {
		return Tax{}, fmt.Errorf("measure: %d rounds of %d calls", rounds, calls)
	}
	before := m.Stats()
	if _, err := m.Classify(ctx, text); err != nil {
		return Tax{}, err
	}
	after := m.Stats()
	tax := Tax{Tokens: int(after.Tokens - before.Tokens), Windows: int(after.Passes - before.Passes)}

	var classify, raw []time.Duration
	var ratios []float64
	for range rounds {
		var a, b time.Duration
		for range calls {
			start := cpuTime()
			if _, err := m.Classify(ctx, text); err != nil {
				return Tax{}, err
			}
			a += cpuTime() - start
			bare, err := m.bare(ctx, text)
			if err != nil {
				return Tax{}, err
			}
			b += bare
		}
		n := time.Duration(calls)
		classify, raw, ratios = append(classify, a/n), append(raw, b/n), append(ratios, float64(a)/float64(b))
	}
	tax.Classify, tax.Raw, tax.Ratio = median(classify), median(raw), median(ratios)
	tax.Min, tax.Max = slices.Min(ratios), slices.Max(ratios)
	return tax, nil
}

// bare is the CPU time of the forward passes of text and of nothing else: ids and tensors are made before the clock starts.
func (m *Model) bare(ctx context.Context, text string) (total time.Duration, err error) {
	if err := m.enter(); err != nil {
		return 0, err
	}
	defer m.underWay.Done()
	if text, err = clean(text, m.opt.MaxBytes); err != nil {
		return 0, err
	}
	w, err := m.pool.get(ctx)
	if err != nil {
		return 0, err
	}
	defer m.pool.put(w)
	ids, err := m.tok.encode(text)
	if err != nil {
		return 0, err
	}
	for i := range windowCount(len(ids), m.inner, m.manifest.Overlap) {
		from, to := window(i, len(ids), m.inner, m.manifest.Overlap)
		err := w.withTensors(w.put(m.tok.prefix, ids[from:to], m.tok.suffix), func(inputs, outputs []ort.Value) error {
			start := cpuTime()
			err := m.session.Run(inputs, outputs)
			total += cpuTime() - start
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}

// cpuTime is the CPU time of the process so far, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails only on a bad argument
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
