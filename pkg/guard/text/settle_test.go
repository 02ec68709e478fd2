package text_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mom-router/mom/pkg/guard/text"
)

// pieces are what Normal treats apart; chance puts them together in ways nobody thinks of.
var pieces = []string{
	"a", "B", "ignore", "7", "#", "=", " ", "  ", "\n", "\t", ".", "é", "ß", "ı", "e\u0301", "\u0300", "\u0301\u0302\u0303\u0304", "\u0338", "\u0336", "\u20dd", "\u20e3", "\u0489",
	"\u064b", "\u05b0", "\u094d", "\u0e33", "\u0fb2", "\u102d", "\u1ab0", "\u3099", "\uff9e", "а", "о", "аре", "сор", "к", "ж", "Я", "α", "ω", "Ο", "օ", "Ꭰ", "ꓲ", "ᴀ", "ɪ", "ɡ", "〇", "ا", "ه", "س", "क",
	"ശ", "ക", "ก", "ལ", "한", "ㅋ", "\u1100", "\u1161", "\u11a8", "漢", "カ", "ｶ", "ー", "Ａ", "！", "（", "\u3000", "\u00a0", "\u2028", "\u0085", "\u2800", "😀", "👍🏽", "❤", "🏴", "🇩", "🇪", "🇩🇪", "©", "™",
	"\u200b", "\u200c", "\u200d", "\u200d", "\ufe0f", "\ufe0e", "\ufe00", "\ufe01", "\U000e0100", "\U000e0158", "\U000e0151", "\U000e0020", "\U000e0061", "\U000e007f", "\U000e0001", "\u00ad", "\u202e", "\u2066",
	"\u2069", "\u034f", "\u180e", "\u115f", "\u3164", "\ufeff", "\ufff9", "\ufffc", "\b", "\x00", "\x1b", "\x7f", "\xff", "\xe2\x80", "𝒜", "Ⓐ", "🅰", "🅰\ufe0f", "🅱\ufe0f", "Ⓜ\ufe0f", "ℹ\ufe0f", "🅸", "🅐", "⒜", "①", "➊", "²", "½", "ª", "ﬁ", "\ufdfa", "㌖", "㎏",
	"℃", "ᵃ", "ǆ", "\u0344", "\u0958", "\ufb2c", "\U0001d15e", "\u212b", "\u1e9b\u0323", strings.Repeat(" ", 130), strings.Repeat("\n", 130), selectors("hi all"), hidings[0].hide("hi all"), hidings[0].hide("gbeng"),
	halves("hi"), "x\u0323\u0307", "\u0ec6", "\u0eb3", "\u0f77", "\u0f0c", "𐒴", "\u2126", "\u037e", "\u0387", "\u1fef", "\u00b5", "\u0149",
}

// settled checks what holds for every normal form.
func settled(t *testing.T, s string) {
	t.Helper()
	normal := text.Normal(s)
	if !utf8.ValidString(normal) {
		t.Errorf("%+q became invalid UTF-8: %q", s, normal)
	}
	if len(normal) > 4*len(s)+16 {
		t.Errorf("%+q: %d bytes became %d", s, len(s), len(normal))
	}
	if again := text.Normal(normal); again != normal {
		t.Errorf("%+q became %+q, then %+q", s, normal, again)
	}
}

func TestNormalSettlesForPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var s strings.Builder
		for range 1 + random.IntN(8) {
			s.WriteString(pieces[random.IntN(len(pieces))])
		}
		if settled(t, s.String()); t.Failed() {
			return
		}
	}
}

func TestNormalSettlesForEveryCharacter(t *testing.T) {
	const last = 0xe1000 // private use beyond
	// Thousands alike: ideographs, syllables, private use, and what is not assigned.
	skip := map[rune]rune{0x3410: 0x4db0, 0x4e10: 0x9ff0, 0xac10: 0xd790, 0xd800: 0xdfff, 0xe010: 0xf8f0, 0x17010: 0x18cf0, 0x20010: 0x2f7f0, 0x2fa20: 0xdfff0}
	for r := rune(0); r < last; r++ {
		if end, ok := skip[r]; ok {
			r = end
		}
		settled(t, string(r))
		settled(t, "a"+string(r)+"b")
		settled(t, "क"+string(r)+"\u0301न")
		if t.Failed() {
			return
		}
	}
}

func FuzzNormalOfPieces(f *testing.F) {
	for i := range len(pieces) {
		f.Add([]byte{byte(i), byte(i + 1), byte(i + 2), byte(3 * i)})
	}
	f.Fuzz(func(t *testing.T, choice []byte) {
		var s strings.Builder
		for _, c := range choice[:min(len(choice), 64)] {
			s.WriteString(pieces[int(c)%len(pieces)])
		}
		settled(t, s.String())
	})
}
