package strategy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Settings are the keys of a strategy as a file has them: a string, a float64, a bool, a []any or a map[string]any of these.
type Settings map[string]any

// Fault is one thing wrong with a strategy. Key is its setting, "" for the strategy as a whole.
type Fault struct{ Key, Message string }

// Faults is every fault of a strategy, an error when there is at least one.
type Faults []Fault

// Error returns one fault a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = strings.TrimPrefix(f.Key+": "+f.Message, ": ")
	}
	return strings.Join(lines, "\n")
}

// reader takes settings out and writes down every fault.
type reader struct {
	in     Settings
	known  []string
	faults Faults
}

func (r *reader) fault(key, format string, args ...any) {
	r.faults = append(r.faults, Fault{key, fmt.Sprintf(format, args...)})
}

// close returns the faults, keys among them that nobody asked for.
func (r *reader) close() error {
	for _, key := range slices.Sorted(maps.Keys(r.in)) {
		switch {
		case slices.Contains(r.known, key):
		case len(r.known) == 0:
			r.fault(key, "this strategy has no settings")
		default:
			r.fault(key, "unknown key; there are %s", strings.Join(r.known, ", "))
		}
	}
	if len(r.faults) == 0 {
		return nil
	}
	return r.faults
}

func (r *reader) take(key string) (v any, ok bool) {
	r.known = append(r.known, key)
	v, ok = r.in[key]
	return v, ok
}

// number reads a number in [low, high].
func (r *reader) number(key string, into *float64, low, high float64) {
	if v, ok := r.take(key); ok {
		*into = r.within(key, v, low, high)
	}
}

func (r *reader) within(key string, v any, low, high float64) float64 {
	n, ok := v.(float64)
	if !ok || !(n >= low && n <= high) {
		r.fault(key, "must be a number within %v..%v", low, high)
		return low
	}
	return n
}

// count reads a whole number in [low, high].
func (r *reader) count(key string, into *int, low, high int) {
	n := float64(*into)
	if r.number(key, &n, float64(low), float64(high)); n != float64(int(n)) {
		r.fault(key, "must be a whole number")
	}
	*into = int(n)
}

// duration reads a time with its unit in [low, high].
func (r *reader) duration(key string, into *time.Duration, low, high time.Duration) {
	v, ok := r.take(key)
	if !ok {
		return
	}
	s, _ := v.(string)
	d, err := time.ParseDuration(s)
	if err != nil || d < low || d > high {
		r.fault(key, "must be a time within %s..%s, such as 800ms", low, high)
		return
	}
	*into = d
}

// word reads one of a closed set of words.
func (r *reader) word(key string, into *string, words ...string) {
	v, ok := r.take(key)
	if !ok {
		return
	}
	s, _ := v.(string)
	if !slices.Contains(words, s) {
		r.fault(key, "must be one of %s", strings.Join(words, ", "))
		return
	}
	*into = s
}

// mapping reads a mapping whose keys are among names, and hands out its entries by name.
func (r *reader) mapping(key, of string, names []string, entry func(name string, v any)) {
	v, ok := r.take(key)
	if !ok {
		r.fault(key, "is needed: a mapping of %s", of)
		return
	}
	m, ok := v.(map[string]any)
	if !ok {
		r.fault(key, "must be a mapping of %s", of)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, name) {
			r.fault(key+"."+name, "%q is none of %s", name, strings.Join(names, ", "))
			continue
		}
		entry(name, m[name])
	}
}

func (d *Decision) names() []string {
	names := make([]string, len(d.Models))
	for i, m := range d.Models {
		names[i] = m.Name
	}
	return names
}
