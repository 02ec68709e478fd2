package pattern_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mom-router/mom/classifiers"
	"github.com/mom-router/mom/classifiers/pattern"
)

// hostile are texts made to be read again and again.
func hostile() map[string]string {
	return map[string]string{
		"digits": "1", "digits and dashes": "1-", "dashes": "-", "at signs": "@", "letters and at signs": "a@", "dots": ".",
		"letters and dots": "a.", "colons": ":",
		"schemes": "a://", "plus signs": "+", "numbers of telephones": "+14155550100 ", "numbers that are none": "+1 23 456 78 9 ",
		"phones": "tel 0171-123 4567 ",
		"keys":   "token=", "keys and dashes": "token-", "sk": "sk-", "passwords": "password:", "begins": "-----BEGIN PRIVATE KEY-----",
		"other begins": "-----BEGIN ",
		"brackets":     "(1", "closing brackets": "http://a)))))))", "tokens": "eyJ.", "pairs": "aa:", "hosts": "a.com ",
		"cards": "4111 1111 1111 1111 ", "groups": "1 ",
		"dates": "1/1/2024 ", "months": "may 1 ", "ibans": "GB82 ", "coins": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa ", "digits of full width": "１",
		"nothing wide": "1\u200b",
		"clocks":       "12:34:56.", "ssn": "536-22-1234 ", "words": "card bank phone ", "handles": "@abc ", "keys of others": "密码",
	}
}

// What a long text costs in memory grows with it alone, and a recogniser that read the rest of the text from each of its places would not end
// within a test's time.
func TestAMegabyteOfAnything(t *testing.T) {
	tagger := pattern.New()
	for name, part := range hostile() {
		size := 64 << 10
		if strings.Trim(part, "1-@") == "" {
			size = 1 << 20
		}
		text := strings.Repeat(part, size/len(part))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		spans, err := tagger.Tag(context.Background(), text)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 512<<20 {
			t.Errorf("%s: %d spans and %d MiB allocated, want at most 512", name, len(spans), allocated>>20)
		}
	}
}

// Numbers beyond those that are looked up count by their form: a text cannot buy blindness with many that are none.
func TestMoreNumbersThanAreLookedUp(t *testing.T) {
	spans, err := pattern.New().Tag(context.Background(), strings.Repeat("+12345678 ", 2100))
	if err != nil || len(spans) != 2100 || spans[0].P >= 0.95 || spans[2099].P < 0.95 {
		t.Errorf("%d spans, %v", len(spans), err)
	}
}

func FuzzTag(f *testing.F) {
	for _, part := range hostile() {
		f.Add(strings.Repeat(part, 5))
	}
	f.Add("my card is ４１１１ 1111 1111 1111, mail x@example.com or +1 415 555 0100; password: hunter2!")
	alone := pattern.New()
	both := pattern.Beside(alone)
	f.Fuzz(func(t *testing.T, text string) {
		spans, err := alone.Tag(context.Background(), text)
		if !utf8.ValidString(text) {
			if err == nil {
				t.Error("invalid UTF-8: no error")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		more, err := both.Tag(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range [][]classifiers.Span{spans, more} {
			end := 0
			for _, s := range found {
				if s.Start < end || s.End <= s.Start || s.End > len(text) || !utf8.ValidString(text[s.Start:s.End]) || s.P <= 0 || s.P > 1 {
					t.Errorf("span %+v after byte %d of %q", s, end, text)
				}
				end = s.End
			}
		}
		// Beside itself, a tagger finds the same.
		if len(more) != len(spans) {
			t.Errorf("%v alone, %v beside itself, in %q", spans, more, text)
		}
	})
}

// prose is what people write, with a find every few hundred bytes.
const prose = `Could you help me to write a polite reply? My landlord, who lives two streets away, says that the deposit will not be paid back before the
end of the year, although we agreed in writing on thirty days. I moved out on 3 May 2024 and handed over the keys in the afternoon. He can be reached
at landlord@example.com or (415) 555-0100, and my account is DE89370400440532013000. I would like the letter to be firm and yet friendly, no longer than
a page, and to mention that I have photographs of every room. If that does not work, what are my options, and how much would it cost?
`

var sizes = []struct {
	name string
	size int
}{{"600B", 600}, {"16KiB", 16 << 10}}

func BenchmarkTag(b *testing.B) {
	tagger := pattern.New()
	for _, s := range sizes {
		text := strings.Repeat(prose, s.size/len(prose)+1)[:s.size]
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tagger.Tag(context.Background(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
		// What it costs to look at each byte once.
		b.Run("plain/"+s.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			digits := 0
			for b.Loop() {
				for i := range len(text) {
					if text[i]-'0' < 10 {
						digits++
					}
				}
			}
			if digits == 0 {
				b.Fatal("no digits")
			}
		})
	}
}
