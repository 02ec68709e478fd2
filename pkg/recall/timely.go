package recall

import (
	"maps"
	"strings"
	"unicode"
)

// isTimely finds words by which an answer depends on when it is given. One too many costs a miss. It reads a text once, in some microseconds a kilobyte: a
// regular expression of the same words took hundreds.
func isTimely(s string) bool {
	before := ""
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		word = strings.ToLower(word)
		if timelyWords[word] || before != "" && timelyBehind[word][before] {
			return true
		}
		before = word
	}
	for _, w := range unspaced {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// timelyWords are the words that are enough alone, those of other languages behind the English ones.
var timelyWords = set(`now nowadays today today's tonight tomorrow yesterday current currently latest newest recent recently live breaking news weather forecast
	stock stocks score scores standings still upcoming
	heute heutige heutigen jetzt gerade aktuell aktuelle aktuellen aktueller momentan morgen gestern neueste neuesten wetter nachrichten kurs
	aujourd'hui maintenant actuel actuelle actuellement demain hier météo actualités
	hoy ahora actualmente mañana ayer noticias oggi adesso attuale attualmente domani ieri notizie hoje agora atual atualmente amanhã ontem notícias
	vandaag nu actueel actuele gisteren nieuws dziś dzisiaj teraz aktualny aktualna aktualnie jutro wczoraj pogoda
	сегодня сейчас завтра вчера погода новости`)

// timelyBehind are the words that are enough behind certain others.
var timelyBehind = func() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	add := func(words, before string) {
		for w := range set(words) {
			if out[w] == nil {
				out[w] = map[string]bool{}
			}
			maps.Copy(out[w], set(before))
		}
	}
	add("week weekend month quarter year season", "this last next")
	add("morning afternoon evening", "this")
	add("night", "last")
	add("time date day year month", "what which")
	add("price", "share stock the")
	add("rate", "exchange")
	add("date", "to")
	add("moment", "the")
	add("days", "these many")
	add("far", "so")
	add("of", "as price")
	add("ago", "long")
	return out
}()

// unspaced are words of scripts that put no spaces between them, or whose words change too much.
var unspaced = []string{"今天", "现在", "目前", "最新", "明天", "昨天", "今日", "現在", "اليوم", "الآن", "आज", "अभी", "오늘", "지금"}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}
