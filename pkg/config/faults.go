package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing wrong with a file.
type Fault struct {
	File    string // as it was given; may be empty
	Path    string // the key, such as route.decisions[1].models[0]; empty for the file as a whole
	Line    int    // from 1; 0 when not known
	Message string // says what is wrong and, where possible, what to write instead
}

// String returns the fault as file:line: path: message, leaving out what is not known.
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			b.WriteString(":" + strconv.Itoa(f.Line))
		}
		b.WriteString(": ")
	} else if f.Line > 0 {
		b.WriteString("line " + strconv.Itoa(f.Line) + ": ")
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Faults is every fault of a file, an error when there is at least one. Get it back from an error with errors.As.
type Faults []Fault

// Error returns one fault a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Join returns the faults of both, by file and line.
func (fs Faults) Join(more ...Fault) Faults {
	all := append(slices.Clone(fs), more...)
	slices.SortStableFunc(all, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return all
}

// Err returns the faults as an error, nil when there is none (an empty Faults in an error would not be nil).
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// lineOf finds the line of path or of the nearest parent that was read.
func lineOf(lines map[string]int, path string) int {
	for {
		if n, ok := lines[path]; ok || path == "" {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// DidYouMean returns `; did you mean "x"?` for the known word closest to got, or "" when none is close enough to be a slip of the hand.
func DidYouMean(got string, known []string) string {
	best, at := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(got), strings.ToLower(k)); d < at && d < max(len(k), 2) {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// distance is the number of single-byte edits between a and b, two swapped neighbours counting as one (optimal string alignment). Words
// too long to be a key or a name are far from everything: the table grows with the product of the lengths.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
