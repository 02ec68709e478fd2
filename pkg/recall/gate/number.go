package gate

import (
	"strconv"
	"strings"
)

// numeric reads a chunk with a digit in it: a number with its unit or currency, a date, a time, a range, a fraction, a sum, or an identifier.
func (s *scanner) numeric(c string, t token) {
	low := t.text
	if d, ok := calendar(low); ok {
		s.add(token{text: d, sort: moment})
		return
	}
	if d, ok := clock(low, ""); ok {
		s.add(token{text: d, sort: moment})
		return
	}
	if strings.ContainsAny(low, "+*^=<>()!") && s.formula(low) {
		return
	}
	if a, b, ok := strings.Cut(low, "-"); ok && a != "" && b != "" {
		if s.between(a, b) {
			return
		}
	}
	if s.amount(c, low) {
		return
	}
	t.sort = ident
	if a, b, ok := strings.Cut(low, "/"); ok && plainNumber(a) && plainNumber(b) {
		t.text = fraction(a, b)
		t.sort = digits
	}
	s.add(t)
}

// between reads a range, 10-20, and a number before a word, 5-year-old.
func (s *scanner) between(a, b string) bool {
	x, y := strings.ReplaceAll(a, ",", ""), strings.ReplaceAll(b, ",", "")
	n := len(y)
	for n > 0 && !isDigit(y[n-1]) {
		n--
	}
	low, errLow := strconv.ParseFloat(x, 64)
	high, errHigh := strconv.ParseFloat(y[:n], 64)
	switch {
	case plainNumber(x) && plainNumber(y[:n]) && errLow == nil && errHigh == nil && low < high:
		at := len(s.tokens)
		s.add(token{text: x, sort: digits})
		s.add(token{text: "to", glued: true})
		if s.amount(b, b) {
			return true
		}
		s.tokens = s.tokens[:at]
	case plainNumber(x) && lettersAndDashes(b):
		s.add(token{text: x, sort: digits})
		for w := range strings.SplitSeq(b, "-") {
			if w != "" {
				s.add(token{text: w, glued: true})
			}
		}
		return true
	}
	return false
}

func lettersAndDashes(c string) bool {
	for i := 0; i < len(c); i++ {
		if c[i] != '-' && (c[i] < 'a' || c[i] > 'z') {
			return false
		}
	}
	return len(c) > 1
}

var currencies = []string{"us$", "a$", "c$", "$", "€", "£", "¥", "₹"}

// amount reads sign, currency, number and what is written behind it without a space.
func (s *scanner) amount(c, low string) bool {
	negative := ""
	currency := ""
	for range 2 {
		if rest, ok := strings.CutPrefix(low, "-"); ok && negative == "" {
			negative, low = "-", rest
		} else if rest, ok := strings.CutPrefix(low, "+"); ok {
			low = rest
		}
		for _, sign := range currencies {
			if rest, ok := strings.CutPrefix(low, sign); ok && currency == "" {
				currency, low = sign, rest
			}
		}
	}
	if strings.HasPrefix(low, "v") && len(low) > 1 && isDigit(low[1]) && currency == "" && negative == "" {
		low = low[1:]
		if !versionLike(low) {
			return false
		}
		s.add(token{text: low, sort: ident})
		return true
	}
	low = strings.TrimPrefix(low, "~")
	n := 0
	for n < len(low) && (isDigit(low[n]) || strings.IndexByte(".,'", low[n]) >= 0) {
		n++
	}
	body, suffix := low[:n], low[n:]
	if body == "" || strings.Count(body, ".") > 1 || !isDigit(body[len(body)-1]) {
		return false
	}
	body, ok := ungroup(body)
	if !ok {
		return false
	}
	number := func(body string) {
		if currency != "" || suffix != "" {
			body = trimZeros(body)
		}
		s.add(token{text: negative + body, sort: digits})
	}
	unitBehind := func(u string) { s.add(token{text: u, glued: true}) }
	switch {
	case suffix == "":
		number(body)
	case suffix == "s" && len(body) >= 2 && body[len(body)-1] == '0' && (len(body) == 2 || len(body) == 4) && negative == "" && currency == "":
		s.add(token{text: body + "s", sort: digits}) // a decade
	case suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th":
		o := token{text: ordinalDigits(body), sort: digits}
		if body == "1" || body == "2" {
			o.sort = word // first and second are in the lexicon
		}
		s.add(o)
	case suffix == "am" || suffix == "pm":
		d, ok := clock(body, suffix)
		if !ok {
			return false
		}
		s.add(token{text: d, sort: moment})
	default:
		zeros := 0
		last := c[len(c)-1]
		switch {
		case suffix == "k":
			zeros = 3
		case suffix == "m" && (currency != "" || last == 'M'), suffix == "mn", suffix == "mio":
			zeros = 6
		case suffix == "bn", suffix == "b" && (currency != "" || last == 'B'):
			zeros = 9
		case suffix == "t" && currency != "", suffix == "tn":
			zeros = 12
		}
		if zeros > 0 {
			number(shift(body, zeros))
			break
		}
		u, ok := shortUnits[suffix]
		if !ok {
			if e, known := lexicon.find(suffix); !known || e.kind != unit {
				return false
			}
			u = suffix
		}
		number(body)
		unitBehind(u)
	}
	if currency != "" {
		unitBehind(currency)
	}
	return true
}

// shortUnits are read as units right behind a number alone.
var shortUnits = map[string]string{
	"m": "metre", "g": "gram", "l": "litre", "h": "hour", "s": "second", "c": "celsius", "f": "fahrenheit", "w": "watt", "v": "volt", "a": "ampere",
	"d": "day", "t": "tonne", "j": "joule", "x": "times", "in": "inch", "\"": "inch", "b": "byte", "kj": "kilojoule",
}

func versionLike(c string) bool {
	for i := 0; i < len(c); i++ {
		if !isDigit(c[i]) && c[i] != '.' {
			return false
		}
	}
	return true
}

func plainNumber(c string) bool {
	if c == "" || !isDigit(c[0]) || !isDigit(c[len(c)-1]) {
		return false
	}
	return versionLike(c) && strings.Count(c, ".") <= 1
}

// ungroup takes the separators of thousands out. A comma that parts no thousands stays what it is, and makes no number.
func ungroup(c string) (string, bool) {
	if !strings.ContainsAny(c, ",'") {
		if c[0] == '.' {
			c = "0" + c
		}
		return c, true
	}
	whole, rest, _ := strings.Cut(c, ".")
	groups := strings.FieldsFunc(whole, func(r rune) bool { return r == ',' || r == '\'' })
	if strings.Count(whole, ",")+strings.Count(whole, "'") != len(groups)-1 {
		return "", false
	}
	for i, g := range groups {
		if i == 0 && (len(g) == 0 || len(g) > 3 || g[0] == '0') || i > 0 && len(g) != 3 {
			return "", false
		}
	}
	whole = strings.Join(groups, "")
	if strings.Contains(c, ".") {
		whole += "." + rest
	}
	return whole, true
}

// trimZeros takes zeros from the end of the decimals: 3.0 is 3. It would make version 3.10 into 3.1, so build calls it only where none can be meant.
func trimZeros(c string) string {
	if strings.Contains(c, ".") {
		c = strings.TrimSuffix(strings.TrimRight(c, "0"), ".")
	}
	return c
}

// shift multiplies by a power of ten, to the digit.
func shift(c string, zeros int) string {
	whole, decimals, _ := strings.Cut(c, ".")
	for range zeros {
		if decimals == "" {
			whole += "0"
			continue
		}
		whole, decimals = whole+decimals[:1], decimals[1:]
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if decimals != "" {
		whole += "." + decimals
	}
	return trimZeros(whole)
}

// fraction writes those with few digits as decimals, the others as they are.
func fraction(a, b string) string {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX == nil && errY == nil && x < y && (y == 2 || y == 4 || y == 5 || y == 8 || y == 10) {
		return strconv.FormatFloat(float64(x)/float64(y), 'f', -1, 64)
	}
	return a + "/" + b
}

func ordinalDigits(c string) string {
	switch c {
	case "1":
		return "first"
	case "2":
		return "second"
	}
	return c + "th"
}

// calendar reads a date in digits. Which of 03/04/2024 is the month nobody knows: it stays as written.
func calendar(c string) (string, bool) {
	parts := strings.FieldsFunc(c, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(parts) != 3 || len(c) != len(parts[0])+len(parts[1])+len(parts[2])+2 {
		return "", false
	}
	separators := c[len(parts[0]):len(parts[0])+1] + c[len(parts[0])+len(parts[1])+1:len(parts[0])+len(parts[1])+2]
	if separators[0] != separators[1] {
		return "", false
	}
	for _, p := range parts {
		if !plainNumber(p) {
			return "", false
		}
	}
	switch {
	case len(parts[0]) == 4 && len(parts[1]) <= 2 && len(parts[2]) <= 2 && separators != "..":
		return parts[0] + "-" + two(parts[1]) + "-" + two(parts[2]), true
	case len(parts[2]) == 4 && len(parts[0]) <= 2 && len(parts[1]) <= 2:
		return c, true
	}
	return "", false
}

func two(c string) string {
	if len(c) == 1 {
		return "0" + c
	}
	return c
}

// clock reads a time of day, 10:30 or with half am or pm, as hours and minutes of 24.
func clock(c, half string) (string, bool) {
	for _, h := range []string{"am", "pm"} {
		if rest, ok := strings.CutSuffix(c, h); ok && half == "" {
			c, half = rest, h
		}
	}
	hours, minutes, ok := strings.Cut(c, ":")
	if !ok && half == "" {
		return "", false
	}
	if !ok {
		if hours, minutes, ok = strings.Cut(c, "."); !ok {
			minutes = "00"
		}
	}
	h, err := strconv.Atoi(hours)
	if err != nil || len(minutes) != 2 || !isDigit(minutes[0]) || !isDigit(minutes[1]) || minutes[0] > '5' || len(hours) > 2 || h > 24 || half != "" && (h > 12 || h == 0) {
		return "", false
	}
	switch {
	case half == "pm" && h < 12:
		h += 12
	case half == "am" && h == 12:
		h = 0
	}
	return two(strconv.Itoa(h)) + ":" + minutes, true
}
