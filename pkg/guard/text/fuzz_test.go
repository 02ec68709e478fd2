package text_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/guard/text"
)

// seeds are all that the tables have.
func seeds(f *testing.F) {
	for _, h := range slices.Concat(hidings, codes) {
		f.Add(h.hide(attacks[0]))
	}
	for _, texts := range genuine {
		for _, s := range texts {
			f.Add(s)
		}
	}
	for _, s := range []string{"", "\xff", "\ufdfa\ufdfb\u3316", "a" + strings.Repeat("\u0300", 100), "\U0001d15e\u0344\u0958", "1.g.n.0.r.3 4ll", "\u1100\u1161\u11a8", "=\u0338\u200d\ufe0f"} {
		f.Add(s)
	}
}

func FuzzNormal(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		settled(t, s)
	})
}

// kept are words that only stay what they are with what else is taken out: joiners, selectors and tags.
var kept = []string{
	"👨\u200d👩\u200d👧\u200d👦", "👩🏾\u200d💻", "👁️\u200d🗨️", "🏳️\u200d🌈", "❤️", "1️⃣", "🇩🇪", "🇫🇷🇯🇵", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
	"می\u200cخواهم", "کتاب\u200cهای", "السَلامُ", "क्\u200dष", "র\u200d্যাব", "ශ්\u200dරී", "བོད་སྐད", "မင်္ဂလာပါ",
}

// Whatever stands before and behind such a word, it is found again as it was.
func FuzzNormalKeeps(f *testing.F) {
	for i, word := range kept {
		f.Add(word, byte(i), attacks[i%len(attacks)])
	}
	for _, h := range hidings {
		f.Add(h.hide(attacks[0]), byte(len(h.name)), h.hide("Hi!"))
	}
	f.Fuzz(func(t *testing.T, before string, choice byte, behind string) {
		word := kept[int(choice)%len(kept)]
		in := before + " " + word + " " + behind
		if got := text.Normal(in); !strings.Contains(got, word) {
			t.Errorf("%+q became %+q, without %+q", in, got, word)
		}
	})
}

func FuzzLeet(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := text.Leet(s)
		if ok == (got == s) {
			t.Errorf("Leet(%q) = %q, %v", s, got, ok)
		}
		if len(got) > len(s) || utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("Leet(%q) = %q", s, got)
		}
	})
}

func FuzzDecoded(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		pieces := text.Decoded(s)
		total := 0
		for _, p := range pieces {
			total += len(p)
			if !utf8.ValidString(p) || utf8.RuneCountInString(p) < 8 || p == s {
				t.Errorf("a piece %q", p)
			}
		}
		if len(pieces) > 32 || total > 64<<10 {
			t.Errorf("%d pieces of %d bytes", len(pieces), total)
		}
		if again := text.Decoded(s); !slices.Equal(pieces, again) {
			t.Errorf("%q, then %q", pieces, again)
		}
	})
}

func FuzzViews(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		views := text.Views(s)
		if views[0] != s || len(views) > 67 {
			t.Errorf("%d views, the first %q", len(views), views[0])
		}
		for i, v := range views[1:] {
			if utf8.ValidString(s) && !utf8.ValidString(v) || slices.Contains(views[:i+1], v) {
				t.Errorf("a view %q", v)
			}
		}
	})
}

func FuzzDataURL(f *testing.F) {
	f.Add("data:text/plain;base64,aGk=")
	f.Add("data:,a%20b")
	f.Fuzz(func(t *testing.T, s string) {
		for _, in := range []string{s, "data:," + s, "data:text/plain;base64," + s} {
			got, kind := text.DataURL(in)
			if !utf8.ValidString(got) || kind != text.Text && got != "" || len(got) > 3*64<<10 {
				t.Errorf("DataURL(%q) = %q, %v", in, got, kind)
			}
		}
	})
}
