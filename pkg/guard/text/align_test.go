package text_test

import (
	"strings"
	"testing"

	"github.com/mom-router/mom/pkg/guard/text"
	"pgregory.net/rapid"
)

func TestAlign(t *testing.T) {
	wide := strings.Repeat(" ", 200)
	for name, tt := range map[string]struct{ s, find, want string }{
		"plain text is aligned by byte":                      {"mail ann@example.com now", "ann@example.com", "ann@example.com"},
		"zero-width characters go with what they stand in":   {"mail (ann\u200b@example.com) now", "ann@example.com", "ann\u200b@example.com"},
		"full-width digits of a sentence without blanks":     {"电话１３８００１３８０００谢谢", "13800138000", "１３８００１３８０００"},
		"a mark that joins its letter":                       {"Jose\u0301 rings", "Jos\u00e9", "Jose\u0301"},
		"a word with look-alikes is taken whole":             {"call (\u0430nn\u0430), please", "anna", "(\u0430nn\u0430),"},
		"what stands behind one is not":                      {"c\u0430ll 5551234567 now", "5551234567", "5551234567"},
		"what stands behind a no-break space":                {"call\u00a05551234567 now", "5551234567", "5551234567"},
		"what stands behind many blanks":                     {"call" + wide + "5551234567 now", "5551234567", "5551234567"},
		"a word that is read by its neighbours":              {"This is \u0441\u0430\u0441\u0435 of ann", "ann", "ann"},
		"what stands behind that and blanks of two kinds":    {"This is \u0441\u0430\u0441\u0435\u00a0\n17 ann", "17", "17"},
		"letters in tags are hidden in the one before":       {"x\U000E0061\U000E006E\U000E006E y", "ann", "x\U000E0061\U000E006E\U000E006E"},
		"a number over two blanks that are none, and one is": {"4111\u00a01111 1111\u20031111!", "4111 1111 1111 1111", "4111\u00a01111 1111\u20031111"},
	} {
		t.Run(name, func(t *testing.T) {
			normal := text.Normal(tt.s)
			a, ok := text.Align(tt.s, normal)
			start := strings.Index(normal, tt.find)
			if !ok || start < 0 {
				t.Fatalf("aligned: %t, %q in %q at %d", ok, tt.find, normal, start)
			}
			from, to := a.Back(start, start+len(tt.find))
			if got := tt.s[from:to]; got != tt.want {
				t.Errorf("%q comes from %q, want %q", tt.find, got, tt.want)
			}
		})
	}
	mixed := strings.Repeat(" ", 100) + strings.Repeat("\u00a0", 100) + "x"
	if _, ok := text.Align(mixed, text.Normal(mixed)); ok {
		t.Error("blanks that become fewer only together were aligned")
	}
}

// Of anything, what a part of the normal form comes from is a part of the text that has all of it, and what stands on either side has none.
func TestAlignAnything(t *testing.T) {
	odd := rapid.SampledFrom([]string{" ", "  ", "\n", "a", "Ann", "7", "@", "\u200b", "\u00a0", "\u0301", "\u0430", "\u0441\u0430\u0441\u0435", "４", "е", "\ufe0f", "\u2003", "\U000E0061", "日本", "Größe", "\u00ad"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(odd, 1, 40).Draw(t, "s"), "")
		normal := text.Normal(s)
		a, ok := text.Align(s, normal)
		if !ok || normal == "" {
			t.Skip("nothing to look for")
		}
		start := rapid.IntRange(0, len(normal)-1).Draw(t, "start")
		end := rapid.IntRange(start+1, len(normal)).Draw(t, "end")
		from, to := a.Back(start, end)
		if from < 0 || from >= to || to > len(s) {
			t.Fatalf("%d..%d of %q comes from %d..%d of %q", start, end, normal, from, to, s)
		}
		if before, _ := a.Back(0, start+1); before != 0 && s[:before] != "" && text.Normal(s[:before]) != "" {
			t.Fatalf("the beginning of %q comes from %d of %q", normal, before, s)
		}
		if normal == s && (from != start || to != end) {
			t.Fatalf("%d..%d of %q comes from %d..%d of the same", start, end, s, from, to)
		}
	})
}

func FuzzAlign(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		normal := text.Normal(s)
		a, ok := text.Align(s, normal)
		if !ok || normal == "" {
			return
		}
		if from, to := a.Back(0, len(normal)); text.Normal(s[:from]) != "" || text.Normal(s[to:]) != "" && strings.TrimSpace(s[to:]) != "" {
			t.Errorf("all of %q comes from %d..%d of %q", normal, from, to, s)
		}
	})
}
