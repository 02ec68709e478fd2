package chat

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// A backend's strings are read more leniently than a client's, since a fault in them is nobody's attack: what is no character becomes U+FFFD.

// character reads the one at the front of raw, which stands between the quotes of a JSON string and is not empty: the character and its raw length.
func character(raw []byte) (rune, int) {
	if raw[0] != '\\' || len(raw) < 2 {
		r, n := utf8.DecodeRune(raw)
		return r, n
	}
	switch raw[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := unit(raw)
		switch {
		case !ok:
			return utf8.RuneError, 2
		case !utf16.IsSurrogate(r):
			return r, 6
		}
		if low, ok := unit(raw[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	}
	return rune(raw[1]), 2
}

// appendText appends what stands between the quotes of a JSON string, unescaped.
func appendText(dst, raw []byte) []byte {
	for len(raw) > 0 {
		if n := plain(raw); n > 0 {
			dst, raw = append(dst, raw[:n]...), raw[n:]
			continue
		}
		r, n := character(raw)
		dst, raw = utf8.AppendRune(dst, r), raw[n:]
	}
	return dst
}

// rawOffset returns where in raw the text byte number n stands. Within a character that is where it ends.
func rawOffset(raw []byte, n int) int {
	at := 0
	for text := 0; text < n && at < len(raw); {
		if run := min(plain(raw[at:]), n-text); run > 0 {
			at, text = at+run, text+run
			continue
		}
		r, length := character(raw[at:])
		at, text = at+length, text+utf8.RuneLen(r)
	}
	return at
}

// appendQuoted appends s as it stands between the quotes of a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	quoted := quote(nil, s)
	return append(dst, quoted[1:len(quoted)-1]...)
}

// blank says whether b is JSON's white space alone.
func blank(b []byte) bool { return len(bytes.Trim(b, " \t\r\n")) == 0 }
