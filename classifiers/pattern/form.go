package pattern

import "strings"

// forms finds the parts of a text that have one of the forms, as a whole, and whose letters and digits, in upper case, pass the check. In a form
// d is a digit, a a letter, x either, ? a space, dash, dot or slash that may be left out, ~ a space or dash; everything else stands for itself.
// Of several forms the first counts.
func forms(check func(code string) bool, forms ...string) finder {
	numbers, longest := true, 0
	for _, f := range forms {
		numbers = numbers && f[0] != 'a' && f[0] != 'x'
		longest = max(longest, len(f))
	}
	return func(v *view, hit func(start, end int)) {
		starts := v.words
		if numbers {
			starts = v.digits
		}
		done, next := 0, 0
		var buf [32]byte
		for _, s := range starts {
			if s.start < done {
				continue
			}
			for next < len(v.digits) && v.digits[next].end <= s.start {
				next++
			}
			if next == len(v.digits) || v.digits[next].start > s.start+longest { // every form has a digit, and most words have none near
				continue
			}
			for _, f := range forms {
				end, code := match(v.s, s.start, f, buf[:0])
				if end < 0 || !v.whole(s.start, end, len(code)) || !check(string(code)) {
					continue
				}
				hit(s.start, end)
				done = end
				break
			}
		}
	}
}

// match returns where the form that begins at start ends, and its letters and digits; -1 for no match.
func match(s string, start int, form string, code []byte) (int, []byte) {
	at := start
	for i := range len(form) {
		c := byte(0)
		if at < len(s) {
			c = s[at]
		}
		switch f := form[i]; f {
		case '?':
			if c == ' ' || c == '-' || c == '.' || c == '/' {
				at++
			}
			continue
		case '~':
			if c != ' ' && c != '-' {
				return -1, nil
			}
		case 'd':
			if !isDigit(c) {
				return -1, nil
			}
		case 'a':
			if !isLetter(c) {
				return -1, nil
			}
		case 'x':
			if !isAlnum(c) {
				return -1, nil
			}
		default:
			if c != f {
				return -1, nil
			}
		}
		if isLetter(c) {
			c &^= 0x20
		}
		if isAlnum(c) {
			code = append(code, c)
		}
		at++
	}
	return at, code
}

// long is how many characters a code has that stands for itself: what follows a card's number is its date.
const long = 13

// whole is apart, and that no longer row of groups of digits goes on over a space where a short code has spaces in it itself.
func (v *view) whole(start, end, length int) bool {
	if !v.apart(start, end) {
		return false
	}
	if length >= long || !strings.Contains(v.s[start:end], " ") {
		return true
	}
	goesOn := v.at(start-1) == ' ' && isDigit(v.at(start-2)) || v.at(end) == ' ' && isDigit(v.at(end+1))
	return !goesOn
}

func anyCode(string) bool { return true }
