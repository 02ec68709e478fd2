package gate

import (
	"strconv"
	"strings"
)

var small = func() map[string]uint64 {
	m := map[string]uint64{}
	for i, w := range strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen") {
		m[w] = uint64(i)
	}
	for i, w := range strings.Fields("twenty thirty forty fifty sixty seventy eighty ninety") {
		m[w] = uint64(20 + 10*i)
	}
	return m
}()

var scales = map[string]int{"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}

var ordinals = func() map[string]string {
	m := map[string]string{}
	for i, w := range strings.Fields("third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth") {
		m[w] = strconv.Itoa(i+3) + "th"
	}
	return m
}()

var parts = map[string]string{"thirds": "3", "quarters": "4", "fourths": "4", "fifths": "5", "sixths": "6", "eighths": "8", "tenths": "10"}

// amounts turns numbers in words into digits: two hundred and fifty, 2.5 million, nineteen eighty-four, half an, minus five, twice.
func amounts(tokens []token) []token {
	out := make([]token, 0, len(tokens))
	for i := 0; i < len(tokens); {
		t := tokens[i]
		text, n := amountAt(tokens, i)
		if n == 0 {
			out = append(out, t)
			i++
			continue
		}
		if i+n < len(tokens) {
			if d, ok := parts[tokens[i+n].text]; ok {
				text, n = fraction(text, d), n+1
			}
		}
		if last := len(out) - 1; last >= 0 && (out[last].text == "minus" || out[last].text == "negative") && (last == 0 || out[last-1].sort != digits) && text[0] != '-' {
			out = out[:last]
			text = "-" + text
		}
		out = append(out, token{text: text, sort: digits})
		i += n
	}
	return out
}

// amountAt reads the number at i. It returns its digits and how many tokens it takes, 0 if there is none.
func amountAt(tokens []token, i int) (string, int) {
	t := tokens[i]
	at := func(j int) string {
		if j < len(tokens) {
			return tokens[j].text
		}
		return ""
	}
	switch {
	case t.sort == digits:
		if zeros, ok := scales[strings.TrimSuffix(at(i+1), "s")]; ok && plainNumber(strings.TrimPrefix(t.text, "-")) {
			sign := ""
			if t.text[0] == '-' {
				sign = "-"
			}
			return sign + shift(strings.TrimPrefix(t.text, "-"), zeros), 2
		}
		return t.text, 1
	case t.sort != word:
		return "", 0
	case t.text == "half":
		n := 1
		if at(i+n) == "a" || at(i+n) == "an" {
			n++
		}
		return "0.5", n
	case t.text == "once", t.text == "twice", t.text == "thrice":
		return map[string]string{"once": "1", "twice": "2", "thrice": "3"}[t.text], 1
	case t.text == "a" || t.text == "an":
		if _, ok := scales[at(i+1)]; ok {
			text, n := wordsAt(tokens, i+1)
			return text, n + 1
		}
		if at(i+1) == "dozen" {
			return "12", 2
		}
		if at(i+1) == "half" {
			text, n := amountAt(tokens, i+1)
			return text, n + 1
		}
		return "", 0
	case t.text == "dozen":
		return "12", 1
	case t.text == "one" && !counts(tokens, i):
		return "", 0
	}
	if o, ok := ordinals[t.text]; ok {
		return o, 1
	}
	return wordsAt(tokens, i)
}

// counts reports whether the word one is a number and no pronoun: before what can be counted, and not behind a word such as which or the.
func counts(tokens []token, i int) bool {
	if i+1 == len(tokens) {
		return i > 0 && tokens[i-1].proper
	}
	next := tokens[i+1].text
	if _, ok := scales[next]; ok || next == "half" || next == "dozen" {
		return true
	}
	if e, ok := lexicon.find(next); ok && e.kind < unit {
		return false
	}
	if i == 0 {
		return true
	}
	switch tokens[i-1].text {
	case "the", "this", "that", "which", "new", "another", "no", "any", "each", "every", "some", "other", "good", "right", "old", "first", "last", "wrong":
		return false
	}
	return true
}

// wordsAt reads a number in words.
func wordsAt(tokens []token, i int) (string, int) {
	total, current := uint64(0), uint64(0)
	n, started, limit := 0, false, 100 // limit: each scale must be less than the one before
	for i+n < len(tokens) {
		w := tokens[i+n].text
		if v, ok := small[w]; ok {
			switch {
			case !started || current == 0 || current%100 == 0:
				current += v
			case current%10 == 0 && current%100 >= 20 && v < 10:
				current += v
			case current >= 10 && current < 100 && v >= 10: // nineteen eighty
				current = current*100 + v
			default:
				return finish(total+current, tokens, i, n, started)
			}
			if v == 0 && started {
				return finish(total+current, tokens, i, n, started)
			}
			started = true
			n++
			continue
		}
		if zeros, ok := scales[w]; ok && (zeros == 2 && current < 100 || zeros > 2 && zeros < limit) {
			factor := uint64(1)
			for range zeros {
				factor *= 10
			}
			current = max(current, 1) * factor
			if zeros > 2 {
				total, current, limit = total+current, 0, zeros
			}
			started = true
			n++
			continue
		}
		if w == "dozen" && started {
			return finish((total+current)*12, tokens, i, n+1, started)
		}
		if w == "and" && started && current%100 == 0 && i+n+1 < len(tokens) && (total > 0 || current > 0) {
			if v, ok := small[tokens[i+n+1].text]; ok && v > 0 {
				n++
				continue
			}
		}
		break
	}
	return finish(total+current, tokens, i, n, started)
}

func finish(v uint64, tokens []token, i, n int, started bool) (string, int) {
	if !started {
		return "", 0
	}
	text := strconv.FormatUint(v, 10)
	if i+n+2 < len(tokens) && tokens[i+n].text == "and" && tokens[i+n+1].text == "a" && tokens[i+n+2].text == "half" {
		return text + ".5", n + 3
	}
	return text, n
}

// roman reads a numeral of a name, II to XXXIX, else it returns "".
func roman(c string) string {
	if len(c) < 2 || strings.Trim(c, "IVX") != "" {
		return ""
	}
	value := map[byte]int{'I': 1, 'V': 5, 'X': 10}
	n := 0
	for i := range len(c) {
		if i+1 < len(c) && value[c[i]] < value[c[i+1]] {
			n -= value[c[i]]
		} else {
			n += value[c[i]]
		}
	}
	return strconv.Itoa(n)
}

var months = func() map[string]int {
	m := map[string]int{"sept": 9}
	for i, w := range strings.Fields("january february march april may june july august september october november december") {
		m[w], m[w[:3]] = i+1, i+1
	}
	return m
}()

var weekdays = func() map[string]string {
	m := map[string]string{"tues": "tuesday", "thur": "thursday", "thurs": "thursday", "tue": "tuesday", "thu": "thursday", "fri": "friday"}
	for _, w := range strings.Fields("monday tuesday wednesday thursday friday saturday sunday") {
		m[w], m[w+"s"] = w, w
	}
	return m
}()

// dates joins days, months and years that stand together: March 3, 2024 becomes 2024-03-03.
func dates(tokens []token) []token {
	out := make([]token, 0, len(tokens))
	for i := 0; i < len(tokens); {
		if text, n := dateAt(tokens, i); n > 0 {
			out = append(out, token{text: text, sort: moment})
			i += n
			continue
		}
		out = append(out, tokens[i])
		i++
	}
	return out
}

// dateAt reads the date at i. It returns its form and how many tokens it takes, 0 if there is none.
func dateAt(tokens []token, i int) (string, int) {
	at := func(j int) token {
		if j >= 0 && j < len(tokens) {
			return tokens[j]
		}
		return token{}
	}
	if w, ok := weekdays[at(i).text]; ok && at(i).sort == word {
		return w, 1
	}
	if at(i).sort == digits {
		if d, ok := clock(at(i).text, at(i+1).text); ok && (at(i+1).text == "am" || at(i+1).text == "pm") {
			return d, 2
		}
		if d, ok := clock(at(i).text+":00", ""); ok && at(i+1).text == "o'clock" {
			return d, 2
		}
		if day := dayOf(at(i).text); day != "" {
			j := i + 1
			if at(j).text == "of" {
				j++
			}
			if m := monthOf(tokens, j, true); m != "" {
				if y := at(j + 1); isYear(y) {
					return y.text + "-" + m + "-" + day, j + 2 - i
				}
				return m + "-" + day, j + 1 - i
			}
		}
		return "", 0
	}
	if at(i).sort == moment && at(i+1).sort == word && (at(i+1).text == "am" || at(i+1).text == "pm") {
		if d, ok := clock(strings.TrimPrefix(at(i).text, "0"), at(i+1).text); ok {
			return d, 2
		}
	}
	m := monthOf(tokens, i, at(i+1).sort == digits)
	if m == "" {
		return "", 0
	}
	j := i + 1
	if at(j).text == "the" {
		j++
	}
	if day := dayOf(at(j).text); day != "" && (at(j).sort == digits) {
		if isYear(at(j + 1)) {
			return at(j+1).text + "-" + m + "-" + day, j + 2 - i
		}
		return m + "-" + day, j + 1 - i
	}
	if isYear(at(i + 1)) {
		return at(i+1).text + "-" + m, 2
	}
	return m, 1
}

func isYear(t token) bool {
	return t.sort == digits && len(t.text) == 4 && t.text >= "1000" && t.text <= "2999" && versionLike(t.text) && !strings.Contains(t.text, ".")
}

func dayOf(c string) string {
	switch c {
	case "first":
		return "01"
	case "second":
		return "02"
	}
	c = strings.TrimSuffix(c, "th")
	if d, err := strconv.Atoi(c); err == nil && d >= 1 && d <= 31 && len(c) <= 2 {
		return two(strconv.Itoa(d))
	}
	return ""
}

// monthOf is the number of the month named at i. Words that are something else too must stand beside a number, or look like a name behind a
// preposition.
func monthOf(tokens []token, i int, beside bool) string {
	if i >= len(tokens) || tokens[i].sort != word {
		return ""
	}
	t := tokens[i]
	m, ok := months[t.text]
	if !ok {
		return ""
	}
	if len(t.text) <= 3 && t.text != "jan" && t.text != "feb" && t.text != "oct" && t.text != "nov" || t.text == "march" {
		before := ""
		if i > 0 {
			before = tokens[i-1].text
		}
		switch before {
		case "in", "of", "last", "next", "by", "since", "until", "till", "during", "early", "late", "mid", "to", "from", "and", "before", "after":
			beside = beside || t.capped || t.text == "march"
		}
		if !beside {
			return ""
		}
	}
	return two(strconv.Itoa(m))
}
