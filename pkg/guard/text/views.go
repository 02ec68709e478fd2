package text

import "slices"

// Views returns the distinct texts that a guard must judge for s: s first, then its normal form, the leetspeak of that undone, and what is written
// in either as code, each piece in its normal form. There are at most 67, the decoded ones of at most 128 kB before they are normalised.
func Views(s string) []string {
	normal := Normal(s)
	views := []string{s}
	add := func(view string) {
		if view != "" && !slices.Contains(views, view) {
			views = append(views, view)
		}
	}
	add(normal)
	if spelled, ok := Leet(normal); ok {
		add(spelled)
	}
	for _, piece := range Decoded(s) {
		add(Normal(piece))
	}
	if normal != s {
		for _, piece := range Decoded(normal) {
			add(Normal(piece))
		}
	}
	return views
}
