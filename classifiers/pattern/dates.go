package pattern

import (
	"slices"
	"strings"
)

// dates are those of a calendar, with the time of day beside them. A time of day alone says nothing of a person.
func dates() []recogniser {
	return []recogniser{
		{label: "DATE_TIME", find: stamps, alone: 0.95, near: 0.95},
		{label: "DATE_TIME", find: slashed, alone: 0.85, near: 0.85},
		{label: "DATE_TIME", find: named(monthNames()), alone: 0.85, near: 0.85},
	}
}

// stamps finds dates of ISO 8601, year first, with the time of day where there is one.
func stamps(v *view, hit func(start, end int)) {
	for _, d := range v.digits {
		if d.end-d.start != 4 {
			continue
		}
		end := isoEnd(v, d.start)
		if end == 0 {
			continue
		}
		if end = timed(v, end); v.apart(d.start, end) {
			hit(d.start, end)
		}
	}
}

// isoEnd returns where the date of the form 2024-03-01 or 2024/03/01 that begins at start ends, 0 for none.
func isoEnd(v *view, start int) int {
	for _, f := range []string{"dddd-dd-dd", "dddd/dd/dd"} {
		var buf [8]byte
		end, code := match(v.s, start, f, buf[:0])
		if end > 0 && isYear(number(string(code[:4]))) && isDay(number(string(code[4:6])), number(string(code[6:]))) && !isDigit(v.at(end)) {
			return end
		}
	}
	return 0
}

// dateEnd returns where the date that begins at start ends, 0 for none.
func dateEnd(v *view, start int) int {
	if end := isoEnd(v, start); end > 0 {
		return end
	}
	return slashedEnd(v, start)
}

func isYear(y int) bool { return y >= 1800 && y < 2200 }

// timed returns where the time of day behind a date ends, or the end of the date when none follows.
func timed(v *view, end int) int {
	for _, gap := range []string{"T", "t", " ", ", ", " at ", " um "} {
		if at := end + len(gap); at <= len(v.s) && strings.EqualFold(v.s[end:at], gap) {
			if to := clockEnd(v, at); to > 0 {
				return to
			}
		}
	}
	return end
}

// clockEnd returns where the time of day that begins at start ends, with its part of a second and its zone, 0 for none.
func clockEnd(v *view, start int) int {
	if !isDigit(v.at(start)) || !isDigit(v.at(start+1)) || v.at(start+2) != ':' || !isDigit(v.at(start+3)) || !isDigit(v.at(start+4)) {
		return 0
	}
	if number(v.s[start:start+2]) > 24 || number(v.s[start+3:start+5]) > 59 {
		return 0
	}
	end := start + 5
	if v.at(end) == ':' && isDigit(v.at(end+1)) && isDigit(v.at(end+2)) {
		if number(v.s[end+1:end+3]) > 60 {
			return 0
		}
		end += 3
		if c := v.at(end); (c == '.' || c == ',') && isDigit(v.at(end+1)) {
			for end++; isDigit(v.at(end)); end++ {
			}
		}
	}
	switch c := v.at(end); {
	case c == 'Z' || c == 'z':
		end++
	case (c == '+' || c == '-') && isDigit(v.at(end+1)) && isDigit(v.at(end+2)):
		to := end + 3
		if v.at(to) == ':' {
			to++
		}
		if isDigit(v.at(to)) && isDigit(v.at(to+1)) {
			end = to + 2
		}
	}
	return end
}

// slashed finds dates with the year last and marks that are the same, in either order of day and month.
func slashed(v *view, hit func(start, end int)) {
	for _, d := range v.digits {
		if end := slashedEnd(v, d.start); end > 0 {
			if end = timed(v, end); v.apart(d.start, end) {
				hit(d.start, end)
			}
		}
	}
}

func slashedEnd(v *view, start int) int {
	part := func(at int) (value, end int) {
		for end = at; end < at+2 && isDigit(v.at(end)); end++ {
		}
		return number(v.s[min(at, len(v.s)):min(end, len(v.s))]), end
	}
	a, end := part(start)
	mark := v.at(end)
	if end == start || mark != '/' && mark != '.' && mark != '-' {
		return 0
	}
	second := end + 1
	b, end := part(second)
	if end == second || v.at(end) != mark {
		return 0
	}
	for i := 1; i <= 4; i++ {
		if !isDigit(v.at(end + i)) {
			return 0
		}
	}
	year := number(v.s[end+1 : end+5])
	end += 5
	if isDigit(v.at(end)) || !isYear(year) || !isDay(a, b) && !isDay(b, a) {
		return 0
	}
	return end
}

// monthNames are those of a few languages, in letters of ASCII.
func monthNames() map[string]bool {
	names := map[string]bool{}
	for _, m := range strings.Fields(`january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept
		oct nov dec januar februar juni juli oktober dezember enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
		janvier avril mai juin juillet septembre octobre novembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
		janeiro fevereiro maio junho julho setembro outubro novembro dezembro`) {
		names[m] = true
	}
	return names
}

// named finds dates with the month in words: a day or a year with it, or both.
func named(months map[string]bool) finder {
	return func(v *view, hit func(start, end int)) {
		done := 0
		var low [12]byte
		for i, w := range v.words {
			n := w.end - w.start
			if n < 3 || n > 10 || w.start < done || !isLetter(v.s[w.start]) {
				continue
			}
			for k := range n {
				low[k] = v.s[w.start+k] | 0x20
			}
			if !months[string(low[:n])] {
				continue
			}
			start, first := w.start, i
			day := false
			if i > 0 && v.word(i-1, "of", "de", "di") && v.blank(i-1) {
				first--
			}
			if first > 0 && v.isDayWord(first-1) && v.blank(first-1) {
				start, day = v.words[first-1].start, true
			}
			last := i
			if !day && last+1 < len(v.words) && v.isDayWord(last+1) && v.blank(last) {
				last++
				day = true
			}
			end, year := v.words[last].end, false
			if last+1 < len(v.words) && v.word(last+1, "de", "del") && v.blank(last) {
				last++
			}
			if last+1 < len(v.words) && v.isYearWord(last+1) && (v.blank(last) || v.at(v.words[last].end) == ',') {
				end, year = v.words[last+1].end, true
			}
			if day || year {
				end = timed(v, end)
				hit(start, end)
				done = end
			}
		}
	}
}

func (v *view) word(i int, any ...string) bool {
	w := v.words[i]
	for _, a := range any {
		if strings.EqualFold(v.s[w.start:w.end], a) {
			return true
		}
	}
	return false
}

// isDayWord reports whether a word is the day of a month, such as 3, 03 or 3rd.
func (v *view) isDayWord(i int) bool {
	w := v.words[i]
	s := v.s[w.start:w.end]
	if n := len(s); n > 2 && slices.Contains([]string{"st", "nd", "rd", "th", "er"}, strings.ToLower(s[n-2:])) {
		s = s[:n-2]
	}
	if len(s) > 2 || !isDigit(s[0]) || !isDigit(s[len(s)-1]) || v.at(w.start-1) == '.' || v.at(w.start-1) == '-' {
		return false
	}
	return number(s) >= 1 && number(s) <= 31
}

func (v *view) isYearWord(i int) bool {
	w := v.words[i]
	if w.end-w.start != 4 || v.at(w.end) == '.' && isDigit(v.at(w.end+1)) {
		return false
	}
	for k := w.start; k < w.end; k++ {
		if !isDigit(v.s[k]) {
			return false
		}
	}
	return isYear(number(v.s[w.start:w.end]))
}

// blank reports whether nothing but a space, dot or dash lies between a word and the next.
func (v *view) blank(i int) bool {
	between := v.s[v.words[i].end:v.words[i+1].start]
	return len(between) <= 2 && strings.Trim(between, " .-") == ""
}
