package text

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxGrowth bounds what one character folds to, in bytes each; U+FDFA would fold to eleven times its size.
const maxGrowth = 4

// fold replaces compatibility forms by the letters and digits they stand for.
func fold(in []rune) []rune {
	out := make([]rune, 0, len(in))
	afterCJK := false // the last letter was of Chinese, Japanese or Korean
	end, spells := 0, false
	for i, r := range in {
		if r < 0xa0 {
			if unicode.IsLetter(r) {
				afterCJK = false
			}
			out = append(out, r)
			continue
		}
		if i+1 < len(in) && in[i+1] == vs16 {
			if i >= end {
				end, spells = letterEmoji(in, i)
				spells = spells || spelling(lastBase(out))
			}
			if i >= end || !spells {
				out = append(out, r) // shown as an emoji, not as a letter
				continue
			}
		}
		if widePunct(r) && (afterCJK || beforeCJK(in[i+1:])) {
			out = append(out, r)
			continue
		}
		if unicode.IsLetter(r) {
			afterCJK = isCJK(r)
		}
		if c := inFrame(r); c != 0 {
			out = append(out, c)
			continue
		}
		ordinal := (r == 'º' || r == 'ª') && len(out) > 0 && unicode.IsDigit(out[len(out)-1])
		if folded, ok := compatible(r); ok && !ordinal {
			for len(folded) > 0 {
				f, n := utf8.DecodeRune(folded)
				out = append(out, f)
				folded = folded[n:]
			}
			continue
		}
		out = append(out, r)
	}
	return out
}

// letterEmoji returns the end of a run of emoji that are letters, and whether more letters follow, so that it is part of a word.
func letterEmoji(in []rune, i int) (end int, spells bool) {
	for end = i; end < len(in); end++ {
		switch in[end] {
		case 0x1f170, 0x1f171, 0x1f17e, 0x1f17f, 0x24c2, 0x2139, vs16:
			continue
		}
		if isMark(in[end]) { // it goes from a letter later, and must not part a chain until then
			continue
		}
		return end, end > i && spelling(in[end])
	}
	return end, false
}

// lastBase returns the last rune of out that is no mark, 0 where there is none.
func lastBase(out []rune) rune {
	for i := len(out) - 1; i >= 0; i-- {
		if !isMark(out[i]) {
			return out[i]
		}
	}
	return 0
}

// spelling reports whether r is a Latin letter or may come to be one. All are taken at once: one by one, a chain of them would take a round each.
func spelling(r rune) bool {
	return unicode.Is(unicode.Latin, r) || inFrame(r) != 0 || lookalike(r) != 0 || likeInWord(r) != 0
}

// compatible returns what r folds to in NFKC, unless that hides nothing or would spoil real text.
func compatible(r rune) ([]byte, bool) {
	switch {
	case r == 'µ', r == '²', r == '³', r == '¹', r >= '¼' && r <= '¾', r >= 0x2070 && r <= 0x2079 && r != 0x2071, r >= 0x2080 && r <= 0x2089,
		r >= 0x2150 && r <= 0x215f, r == '™': // numbers and signs in their own right
		return nil, false
	case r == 0xe33, r == 0xeb3, r == 0xedc, r == 0xedd: // Thai and Lao are written with them
		return nil, false
	case r >= 0x3131 && r <= 0x318e, r >= 0xffa1 && r <= 0xffdc, r >= 0x3200 && r <= 0x320d, r >= 0x3260 && r <= 0x326d:
		return nil, false // single Hangul letters would fold to halves of a syllable
	case r >= 0x0f00 && r <= 0x0fff:
		return nil, false
	}
	var buffer [utf8.UTFMax]byte
	one := buffer[:utf8.EncodeRune(buffer[:], r)]
	folded := norm.NFKC.Properties(one).Decomposition() // which NFC composes again
	if folded == nil || len(folded) > maxGrowth*len(one) || bytes.Equal(folded, norm.NFC.Properties(one).Decomposition()) {
		return nil, false
	}
	if r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xffee {
		return folded, true
	}
	for rest := folded; len(rest) > 0; {
		f, n := utf8.DecodeRune(rest)
		if unicode.IsLetter(f) || unicode.IsNumber(f) {
			return folded, true
		}
		rest = rest[n:]
	}
	return nil, false
}

// inFrame returns the letter or digit in a parenthesised, negative circled or negative squared form; 0 for any other character. NFKC keeps the
// brackets of the first and does not fold the others.
func inFrame(r rune) rune {
	switch {
	case r >= 0x249c && r <= 0x24b5:
		return 'a' + r - 0x249c
	case r >= 0x1f110 && r <= 0x1f129:
		return 'A' + r - 0x1f110
	case r >= 0x1f150 && r <= 0x1f169:
		return 'A' + r - 0x1f150
	case r >= 0x1f170 && r <= 0x1f189:
		return 'A' + r - 0x1f170
	case r >= 0x2776 && r <= 0x277e:
		return '1' + r - 0x2776
	case r >= 0x2780 && r <= 0x2788:
		return '1' + r - 0x2780
	case r >= 0x278a && r <= 0x2792:
		return '1' + r - 0x278a
	case r >= 0x24f5 && r <= 0x24fd:
		return '1' + r - 0x24f5
	case r == 0x24ff:
		return '0'
	}
	return 0
}

// widePunct reports whether r is full-width punctuation, as Chinese and Japanese use it.
func widePunct(r rune) bool {
	return r >= 0xff01 && r <= 0xff0f || r >= 0xff1a && r <= 0xff20 || r >= 0xff3b && r <= 0xff40 || r >= 0xff5b && r <= 0xff65 ||
		r >= 0xfe30 && r <= 0xfe4f
}

// beforeCJK reports whether the next letter, a few characters away at most, is Chinese, Japanese or Korean.
func beforeCJK(rest []rune) bool {
	for _, r := range rest[:min(8, len(rest))] {
		if unicode.IsLetter(r) {
			return isCJK(r)
		}
	}
	return false
}

func isCJK(r rune) bool {
	return r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo)
}
