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
// down slows both down. It makes the trunk forget what it remembers before every call, so that each pays for its passes. The process should do
// nothing else meanwhile: its CPU time is counted as a whole.
func (c *Classifier) Measure(ctx context.Context, text string, rounds, calls int) (Tax, error) {
	if rounds < 1 || calls < 1 {
		return Tax{}, fmt.Errorf("measure: %d rounds of %d calls", rounds, calls)
	}
	memo := c.trunk.memo.done
	memo.InvalidateAll()
	before := c.trunk.Stats()
	if _, err := c.Classify(ctx, text); err != nil {
		return Tax{}, err
	}
	after := c.trunk.Stats()
	tax := Tax{Tokens: int(after.Tokens - before.Tokens), Windows: int(after.Passes - before.Passes)}

	var classify, raw []time.Duration
	var ratios []float64
	for range rounds {
		var a, b time.Duration
		for range calls {
			memo.InvalidateAll()
			start := cpuTime()
			if _, err := c.Classify(ctx, text); err != nil {
				return Tax{}, err
			}
			a += cpuTime() - start
			bare, err := c.trunk.bare(ctx, text)
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
func (t *Trunk) bare(ctx context.Context, text string) (total time.Duration, err error) {
	if err := t.enter(); err != nil {
		return 0, err
	}
	defer t.underWay.Done()
	if text, err = clean(text, t.opt.MaxBytes); err != nil {
		return 0, err
	}
	w, err := t.pool.get(ctx)
	if err != nil {
		return 0, err
	}
	defer t.pool.put(w)
	enc, err := t.tok.encode(text, false)
	if err != nil {
		return 0, err
	}
	for i := range windowCount(len(enc.ids), t.inner, t.manifest.Overlap) {
		from, to := bounds(i, len(enc.ids), t.inner, t.manifest.Overlap)
		n := w.put(t.tok.prefix, enc.ids[from:to], t.tok.suffix)
		err := w.withTensors(n, newValues(t.outputs, n), func(inputs, outputs []ort.Value) error {
			start := cpuTime()
			err := t.session.Run(inputs, outputs)
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
