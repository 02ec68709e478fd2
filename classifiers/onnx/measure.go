package onnx

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// A Tax is what a call costs beside the bare forward passes it is made of. Times are of one call; CPU times are those of the whole process.
type Tax struct {
	Tokens   int           // in the passes, special tokens counted in each
	Passes   int           // forward passes of a call
	Wall     time.Duration // the least of the rounds
	CPU      time.Duration // the least of the rounds
	Raw      time.Duration // CPU time of Run on the same ids with tensors made beforehand; the least of the rounds
	Ratio    float64       // median over the rounds of CPU / Raw
	Min, Max float64       // of the rounds' ratios
	Allocs   int           // the least of the rounds
}

// Measure calls judge, which asks views of the trunk about text, and runs the bare graph on the same ids by turns, calls times each in every round, so
// that what slows the machine down slows both down. It makes the trunk forget what it remembers before every call, so that each pays for its passes. The
// process should do nothing else meanwhile: its CPU time and its allocations are counted as a whole. Errors are judge's.
func (t *Trunk) Measure(ctx context.Context, text string, rounds, calls int, judge func(ctx context.Context, text string) error) (Tax, error) {
	if rounds < 1 || calls < 1 {
		return Tax{}, fmt.Errorf("measure: %d rounds of %d calls", rounds, calls)
	}
	var tax Tax
	var ratios []float64
	for range rounds {
		var wall, cpu, raw time.Duration
		for range calls {
			t.forget()
			start, startCPU := time.Now(), cpuTime()
			if err := judge(ctx, text); err != nil {
				return Tax{}, err
			}
			cpu += cpuTime() - startCPU
			wall += time.Since(start)
			bare, err := t.bare(ctx, text)
			if err != nil {
				return Tax{}, err
			}
			raw += bare
		}
		before := t.Stats()
		allocs, err := t.allocs(ctx, text, judge)
		if err != nil {
			return Tax{}, err
		}
		after := t.Stats()
		n := time.Duration(calls)
		round := Tax{Wall: wall / n, CPU: cpu / n, Raw: raw / n, Allocs: allocs}
		if len(ratios) == 0 {
			tax = round
			tax.Tokens, tax.Passes = int(after.Tokens-before.Tokens), int(after.Passes-before.Passes)
		}
		tax.Wall, tax.CPU, tax.Raw, tax.Allocs = min(tax.Wall, round.Wall), min(tax.CPU, round.CPU), min(tax.Raw, round.Raw), min(tax.Allocs, round.Allocs)
		ratios = append(ratios, float64(cpu)/float64(raw))
	}
	tax.Ratio, tax.Min, tax.Max = median(ratios), slices.Min(ratios), slices.Max(ratios)
	return tax, nil
}

// allocs counts the allocations of one call, outside the timed ones: reading the counter stops the world.
func (t *Trunk) allocs(ctx context.Context, text string, judge func(ctx context.Context, text string) error) (int, error) {
	t.forget()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := judge(ctx, text)
	runtime.ReadMemStats(&after)
	return int(after.Mallocs - before.Mallocs), err
}

// Tokens returns how many tokens a text has, the special ones around it counted once.
func (t *Trunk) Tokens(text string) (int, error) {
	if err := t.enter(); err != nil {
		return 0, err
	}
	defer t.underWay.Done()
	text, err := clean(text, t.opt.MaxBytes)
	if err != nil {
		return 0, err
	}
	enc, err := t.tok.encode(text)
	return len(t.tok.prefix) + len(enc.ids) + len(t.tok.suffix), err
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
	enc, err := t.tok.encode(text)
	if err != nil {
		return 0, err
	}
	for i := range windowCount(len(enc.ids), t.inner, t.manifest.Overlap) {
		from, to := bounds(i, len(enc.ids), t.inner, t.manifest.Overlap)
		n := w.put(t.tok.prefix, enc.ids[from:to], t.tok.suffix)
		err := w.withTensors(n, t.outputs, newValues(t.outputs, n), func(inputs, outputs []ort.Value) error {
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

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
