package text

import "strings"

// groups decodes numbers of two hexadecimal or eight binary digits: together, or parted by blanks, signs and prefixes.
func (d *decoder) groups(s string, base int) {
	digits := 2
	if base == 2 {
		digits = 8
	}
	for i := 0; i < len(s) && !d.full(); {
		if digit(s[i]) >= base && !prefixed(s[i:], base) {
			i++
			continue
		}
		var found []byte
		at := i
		for at < len(s) && len(found) < d.left {
			if prefixed(s[at:], base) {
				at += 2
			}
			value, n := 0, 0
			for n < digits && at+n < len(s) && digit(s[at+n]) < base {
				value = value*base + digit(s[at+n])
				n++
			}
			at += n
			if n < digits {
				break
			}
			found = append(found, byte(value))
			for skipped := 0; skipped < 2 && at < len(s) && strings.IndexByte(" ,:;-\n\r\t", s[at]) >= 0; skipped++ {
				at++
			}
		}
		// A short word in front, such as "be", may have been taken for a number.
		for n := 0; n < 3 && len(found) >= minPiece && !d.bytes(found); n++ {
			found = found[1:]
		}
		for at = max(at, i+1); at < len(s) && wordByte(s[at-1]) && wordByte(s[at]); {
			at++ // groups start where words do
		}
		i = at
	}
}

// prefixed reports whether 0x, \x or 0b is at the front, with a digit behind.
func prefixed(s string, base int) bool {
	if len(s) < 3 || digit(s[2]) >= base {
		return false
	}
	if base == 2 {
		return s[0] == '0' && (s[1] == 'b' || s[1] == 'B')
	}
	return (s[0] == '0' || s[0] == '\\') && (s[1] == 'x' || s[1] == 'X')
}

// digit returns the value of a hexadecimal digit, 16 for any other byte.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 16
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
