package gate

import "slices"

// Numbers are the numbers and dates of a text, each once, in order; none where the text cannot be read.
func (f *Features) Numbers() []string {
	var out []string
	for _, t := range f.bag {
		if t.kind == number || t.kind == date {
			out = append(out, t.concept)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
