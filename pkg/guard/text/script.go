package text

import "unicode"

// joined reports whether a script of r is written with ZWJ or ZWNJ.
func joined(r rune) bool {
	if r < 0x600 || unicode.IsPunct(r) {
		return false
	}
	// U+064B and its neighbours are the vowel signs of Arabic, which Unicode counts to no script.
	return r >= 0x64b && r <= 0x655 || r == 0x670 || unicode.In(r,
		unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada,
		unicode.Malayalam, unicode.Sinhala, unicode.Tibetan, unicode.Myanmar, unicode.Khmer)
}

// isEmoji reports whether r may start an emoji or be joined to one: Extended_Pictographic, by its blocks, and the skin tones.
func isEmoji(r rune) bool {
	switch {
	case r < 0x2000:
		return r == 0xa9 || r == 0xae
	case r < 0x3000:
		return r == 0x203c || r == 0x2049 || r == 0x2122 || r == 0x2139 || r >= 0x2194 && r <= 0x21aa || r >= 0x231a && r <= 0x23ff ||
			r == 0x24c2 || r >= 0x25aa && r <= 0x25fe || r >= 0x2600 && r <= 0x2775 || r >= 0x2794 && r <= 0x27bf || r == 0x2934 || r == 0x2935 || r >= 0x2b05 && r <= 0x2b55
	case r < 0x4000:
		return r == 0x3030 || r == 0x303d || r == 0x3297 || r == 0x3299
	}
	if r >= 0x1f100 && r <= 0x1f1ff { // letters in frames: four are blood groups and a parking place
		return r == 0x1f170 || r == 0x1f171 || r == 0x1f17e || r == 0x1f17f || r == 0x1f18e || r >= 0x1f191 && r <= 0x1f19a
	}
	return r >= 0x1f000 && r <= 0x1faff
}

// invisible reports whether r shows nothing and has no place in running text. Joiners, tags and selectors are treated apart.
func invisible(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r < 0x2000:
		return r == 0xad || r == 0x34f || r == 0x61c || r == 0x115f || r == 0x1160 || r == 0x17b4 || r == 0x17b5 || r >= 0x180b && r <= 0x180f
	case r < 0x3000:
		return r == 0x200b || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f
	case r < 0x10000:
		return r == 0x3164 || r == 0xfeff || r == 0xffa0 || r >= 0xfff0 && r <= 0xfffc
	}
	return r >= 0x1bca0 && r <= 0x1bca3 || r >= 0x1d173 && r <= 0x1d17a || r >= 0xe0080 && r <= 0xe00ff || r >= 0xe01f0 && r <= 0xe0fff
}
