package hiding_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/guard/text"
	"github.com/mom-router/mom/pkg/guard/text/hiding"
)

// sentences are the attacks and the harmless texts that the models are held to, hidden and plain.
func sentences(t testing.TB) []string {
	t.Helper()
	f, err := os.Open("../../../../models/recipes/samples/hidden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var row struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		out = append(out, row.Text)
	}
	if len(out) < 100 {
		t.Fatalf("%d sentences", len(out))
	}
	return out
}

// Where the normaliser is exact, the guard reads the very sentence; where it is not, most words of nearly all.
func TestWaysAreUndone(t *testing.T) {
	all := sentences(t)
	for _, way := range hiding.Ways() {
		t.Run(way.Name, func(t *testing.T) {
			same, most := 0, 0
			for _, s := range all {
				hidden := way.Hide(s)
				if strings.Contains(hidden, s) {
					t.Fatalf("%q is not hidden", s)
				}
				views := text.Views(hidden)[1:]
				if slices.Contains(views, s) {
					same++
				} else if way.Exact {
					t.Errorf("no view of %+q is the sentence, but %q", hidden, views)
				}
				if slices.ContainsFunc(views, func(v string) bool { return words(v, s) }) {
					most++
				}
			}
			t.Logf("of %d sentences a view is %d, and has two of three words of %d", len(all), same, most)
			if 100*most < 95*len(all) {
				t.Errorf("two of three words of %d sentences of %d, want 95 of 100", most, len(all))
			}
		})
	}
}

// words reports whether a view has two of three words of a sentence.
func words(view, sentence string) bool {
	n := 0
	all := strings.Fields(sentence)
	for _, w := range all {
		if strings.Contains(strings.ToLower(view), strings.ToLower(w)) {
			n++
		}
	}
	return 3*n >= 2*len(all)
}

func TestNamesAreDistinct(t *testing.T) {
	names := map[string]bool{}
	for _, way := range hiding.Ways() {
		if names[way.Name] || way.Name == "" {
			t.Errorf("%q stands there twice", way.Name)
		}
		names[way.Name] = true
	}
}
