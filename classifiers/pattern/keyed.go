package pattern

import "strings"

// keyed finds the values that stand after one of the keys, as in "key: value", key=value or "the key is value". A space in a key stands for a space,
// dash, underscore or nothing. value returns where the value that begins at a place ends, which is the place for none; how says what led to it:
// ':' or '=' for such a sign, 'i' for a comma or a word like is, ' ' for nothing.
func keyed(keys []string, value func(v *view, at int, how byte) int) finder {
	var ascii [256][]string // by their first letter
	var other []string
	for _, k := range keys {
		if isLetter(k[0]) && !strings.ContainsFunc(k, func(r rune) bool { return r >= 0x80 }) {
			ascii[k[0]] = append(ascii[k[0]], k)
		} else {
			other = append(other, k)
		}
	}
	return func(v *view, hit func(start, end int)) {
		done := 0
		try := func(end int) {
			if end < done {
				return
			}
			if at, how := valueStart(v, end); how != 0 {
				if to := value(v, at, how); to > at {
					hit(at, to)
					done = to
				}
			}
		}
		for _, w := range v.words {
			if w.start < done {
				continue
			}
			for _, k := range ascii[v.s[w.start]|0x20] {
				if end := keyEnd(v, w.start, k); end > 0 {
					try(end)
					break
				}
			}
		}
		if len(v.s) == 0 || len(v.words) == 0 && len(v.seams) == 0 {
			return
		}
		for _, k := range other {
			done = 0
			for at := 0; ; {
				i := strings.Index(v.s[at:], k)
				if i < 0 {
					break
				}
				at += i + len(k)
				try(at)
			}
		}
	}
}

// keyEnd returns where the key that begins at start ends, 0 where it is not there.
func keyEnd(v *view, start int, key string) int {
	at := start
	for i := range len(key) {
		c := v.at(at)
		if key[i] == ' ' {
			if c == ' ' || c == '_' || c == '-' {
				at++
			}
			continue
		}
		if c|0x20 != key[i] {
			return 0
		}
		at++
	}
	if isAlnum(v.at(at)) {
		return 0
	}
	return at
}

// valueStart goes from the end of a key over what leads to its value.
func valueStart(v *view, at int) (start int, how byte) {
	blank := func() {
		for n := 0; n < 4 && at < len(v.s) && (v.s[at] == ' ' || v.s[at] == '\t'); n++ {
			at++
		}
	}
	for n := 0; n < 3 && at < len(v.s) && strings.IndexByte("\"'*)]`", v.s[at]) >= 0; n++ {
		at++
	}
	blank()
	how = ' '
	touches := isAlnum(v.at(at - 1))
	switch c := v.at(at); {
	case c == ':' || c == '=':
		how = c
		for n := 0; n < 2 && at < len(v.s) && strings.IndexByte(":=>", v.s[at]) >= 0; n++ {
			at++
		}
	case c == '#' && (v.at(at+1) == ' ' || isDigit(v.at(at+1))):
		how = ':'
		at++
	case c == ',':
		how = 'i'
		at++
	case isLetter(c):
		for _, is := range []string{"is", "was", "are", "ist", "lautet", "est", "es", "e", "to", "of", "number"} {
			if end := keyEnd(v, at, is); end > 0 && v.at(end) == ' ' {
				at, how = end, 'i'
				break
			}
		}
		if v.at(at) == ':' {
			at++
			how = ':'
		}
	}
	blank()
	if strings.HasPrefix(v.s[min(at, len(v.s)):], "**") {
		at += 2
		blank()
	}
	if c := v.at(at); c == '"' || c == '\'' || c == '`' {
		at++
	}
	if at >= len(v.s) || isSpace(v.s[at]) || how == ' ' && touches {
		return 0, 0
	}
	return at, how
}
