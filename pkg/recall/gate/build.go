package gate

import (
	"strings"
	"unicode"
)

// build turns tokens into features.
func build(tokens []token) Features {
	f := Features{whole: whole(tokens), unread: !english(tokens)}
	if f.unread {
		return f
	}
	b := builder{tokens: dates(amounts(tokens)), f: &f}
	f.terms = make([]term, 0, len(b.tokens))
	for b.at < len(b.tokens) {
		b.next()
	}
	f.kind = b.kind()
	f.modal = b.modal()
	f.bag = sortBag(f.terms)
	f.sum = b.sum()
	return f
}

// whole is every token, parted by spaces. Capitals count where they make a pronoun a name.
func whole(tokens []token) string {
	n := 0
	for _, t := range tokens {
		n += len(t.text) + 1
	}
	var b strings.Builder
	b.Grow(n)
	for _, t := range tokens {
		b.WriteString(t.text)
		b.WriteByte(' ')
	}
	return b.String()
}

// foreign are frequent words of other languages in Latin script that are not English ones.
var foreign = set("ist der das und nicht wie ich ein eine einen von auf mit für sind wird kann wo warum welche zu im dem den le la les des est une que qui pas du " +
	"dans pour avec sur comment quel quelle quoi el los las es por para como una del qué cuál cómo dónde il che di è per non sono della cosa come " +
	"um uma não os do da em qual het een niet van hoe wat zijn och att det som är jag hur och på af til hvad jest nie się jak co czy na w ve bir " +
	"bu ne nasıl için mi")

// english reports whether the gate can read the text: Latin letters, and English by its small words. Three words or fewer need none.
func english(tokens []token) bool {
	words, known, other, latin, rest := 0, 0, 0, 0, 0
	for _, t := range tokens {
		if t.sort != word {
			continue
		}
		words++
		if e, ok := lexicon.words[t.text]; ok && e.kind <= asked {
			known++
		}
		if foreign[t.text] {
			other++
		}
		for _, r := range t.text {
			if r < 0x250 || unicode.Is(unicode.Latin, r) {
				latin++
			} else if unicode.IsLetter(r) {
				rest++
			}
		}
	}
	switch {
	case rest > 0 && rest*3 >= latin, other > 1 && other*3 > known:
		return false
	case words > 3:
		return known > 0
	}
	return other == 0 || known > other
}

type builder struct {
	tokens []token
	at     int
	f      *Features
	roles  []string // waiting for their term
	verb   string   // what stood before by
	wh     bool     // a question word was seen
	way    bool     // the way to do something is asked for
}

// next reads the phrase or token at b.at.
func (b *builder) next() {
	t := b.tokens[b.at]
	if t.sort == word || t.sort == digits {
		for _, p := range lexicon.phrases[t.text] {
			if b.follows(p.words) {
				b.known(t, p.entry)
				b.at += len(p.words)
				return
			}
		}
	}
	b.at++
	if b.article(t) {
		return
	}
	switch t.sort {
	case moment:
		b.add(term{t.text, t.text, date, false})
	case digits:
		b.add(term{b.number(t.text), t.text, number, false})
	case ident:
		if e, ok := lexicon.words[t.text]; ok && e.kind > asked {
			b.known(t, e)
			return
		}
		b.add(term{t.text, t.text, name, false})
	case sign:
		b.sign(t)
	default:
		b.word(t)
	}
}

// article reads "a day": per day behind what is counted, else one day.
func (b *builder) article(t token) bool {
	if t.text != "a" && t.text != "an" || b.at == len(b.tokens) {
		return false
	}
	next := b.tokens[b.at]
	e, ok := lexicon.find(next.text)
	if !ok || e.kind != unit || next.sort != word {
		return false
	}
	per, timed := rates[e.concept]
	if timed && b.at > 1 {
		if before, ok := lexicon.find(b.tokens[b.at-2].text); !ok || before.kind > loose {
			b.at++
			b.add(term{per, per, unit, false})
			return true
		}
	}
	b.add(term{"1", "1", number, false})
	return true
}

var rates = map[string]string{"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}

func (b *builder) follows(words []string) bool {
	if b.at+len(words) > len(b.tokens) {
		return false
	}
	for i, w := range words {
		if b.tokens[b.at+i].text != w {
			return false
		}
	}
	return true
}

func (b *builder) word(t token) {
	if len(t.text) == 1 && b.at > 1 && b.tokens[b.at-2].sort == digits && t.text != "a" && shortUnits[t.text] != "" {
		b.add(term{shortUnits[t.text], t.text, unit, false})
		return
	}
	e, ok := lexicon.find(t.text)
	switch {
	case !ok:
		if t.glued {
			if u, short := shortUnits[t.text]; short {
				b.known(t, entry{u, unit})
				return
			}
		}
		b.add(term{stem(t.text), t.text, name, t.capped})
	case e.kind <= loose && t.proper && t.text != "i":
		b.add(term{t.text, t.text, name, true}) // Will Smith
	default:
		b.known(t, e)
	}
}

// known reads a word or phrase of the lexicon.
func (b *builder) known(t token, e entry) {
	switch t.text {
	case "what", "which":
		b.wh = true
	case "name", "called", "way", "step", "method", "procedure", "process", "approach", "manner", "ways", "steps", "methods":
		b.way = true
	case "was", "were", "did", "is", "are", "am", "do", "does", "has", "have", "will", "gonna":
		if b.f.tense == 0 && e.kind == silent && e.concept == t.text {
			b.f.tense = tenses[t.text]
		}
	}
	if strings.Contains(e.concept, " way") || strings.Contains(e.concept, " method") || strings.Contains(e.concept, " approach") || strings.Contains(e.concept, "name of") {
		b.way = true
	}
	switch e.kind {
	case asked:
		if !b.wh && len(b.f.terms) == 0 {
			b.f.asked = e.concept
		}
		b.wh = true
		return
	case silent:
		if roles[e.concept] {
			b.role(e.concept)
		}
		return
	case negation:
		b.add(term{"not", t.text, negation, false})
		b.role("not")
		return
	}
	if e.concept == "why" {
		b.wh = true
	}
	b.add(term{e.concept, t.text, e.kind, false})
	if roles[e.concept] {
		b.role(e.concept)
	}
}

var tenses = map[string]byte{"was": 'p', "were": 'p', "did": 'p', "is": 'n', "are": 'n', "am": 'n', "do": 'n', "does": 'n', "has": 'n', "have": 'n', "will": 'f', "gonna": 'f'}

// roles are words that say what the next one is to the others.
var roles = set("to from than by of for with in on at into onto over under against before after minus plus only instead per as within through toward above about and or")

func (b *builder) role(r string) {
	if n := len(b.f.terms); r == "by" && n > 0 && b.verb == "" {
		b.verb = b.f.terms[n-1].concept
	}
	if len(b.roles) < 4 {
		b.roles = append(b.roles, r)
	}
}

// add takes a term, and ties it to the prepositions before it. General words are passed by: they may be missing in the other text.
func (b *builder) add(t term) {
	b.f.terms = append(b.f.terms, t)
	if t.kind == loose || t.kind == quantifier || t.kind == negation {
		return
	}
	for _, r := range b.roles {
		if r == "by" && b.f.agent == "" && b.verb != "" {
			b.f.agent, b.f.verb = t.concept, b.verb
		}
		b.f.anchors = append(b.f.anchors, anchor{r, t.concept})
	}
	if t.kind != number { // of 5 km both follow
		b.roles = b.roles[:0]
	}
}

// sign reads an operator, a currency or a picture.
func (b *builder) sign(t token) {
	if e, ok := lexicon.words[t.text]; ok {
		b.known(t, e)
		return
	}
	switch t.text {
	case "-", "/":
		if b.at < 2 || b.at == len(b.tokens) || !reckons(b.tokens[b.at-2]) || !reckons(b.tokens[b.at]) {
			return // punctuation
		}
	case "@", "~", "\\":
		return
	}
	b.add(term{t.text, t.text, symbol, false})
}

func reckons(t token) bool { return t.sort == digits || len(t.text) == 1 }

// number drops zeros behind the point where the number is an amount. Behind a name it may be a version, and 3.10 is not 3.1.
func (b *builder) number(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	if b.at < len(b.tokens) {
		if e, ok := lexicon.find(b.tokens[b.at].text); ok && e.kind == unit {
			return trimZeros(text)
		}
	}
	if strings.Trim(text[strings.IndexByte(text, '.'):], ".0") != "" {
		return text
	}
	if n := len(b.f.terms); n > 0 && b.f.terms[n-1].kind >= language {
		return text
	}
	return trimZeros(text)
}

// sum is what is reckoned, in its order: numbers, operators and what stands beside them. Without an operator it is empty.
func (b *builder) sum() string {
	reckoned := false
	for _, t := range b.f.terms {
		reckoned = reckoned || t.kind == symbol
	}
	if !reckoned {
		return ""
	}
	var s strings.Builder
	for _, t := range b.f.terms {
		if t.kind == symbol || t.kind == number || len(t.concept) == 1 {
			s.WriteString(t.concept)
			s.WriteByte(' ')
		}
	}
	return s.String()
}

// kind tells "what is X" from "how do I X", where nothing but X is said.
func (b *builder) kind() question {
	text := func(i int) string {
		if i < len(b.tokens) {
			return b.tokens[i].text
		}
		return ""
	}
	if text(0) == "what" && (text(1) == "is" || text(1) == "are") && !b.way {
		for _, t := range b.f.terms {
			if t.kind == loose {
				return otherQuestion
			}
		}
		return definition
	}
	if text(0) == "how" {
		switch text(1) {
		case "to":
			return procedure
		case "do", "can", "could", "should", "would":
			switch text(2) {
			case "i", "you", "we", "one":
				return procedure
			}
		}
	}
	return otherQuestion
}

// modal is the first word of a question of yes or no.
func (b *builder) modal() string {
	if len(b.tokens) < 2 || b.tokens[1].text == "you" {
		return ""
	}
	switch b.tokens[0].text {
	case "can", "could", "may":
		return "can"
	case "should", "ought":
		return "should"
	case "must":
		return "must"
	case "will":
		return "will"
	case "do":
		if b.tokens[1].text == "i" && len(b.tokens) > 2 && (b.tokens[2].text == "have" || b.tokens[2].text == "need") {
			return "must"
		}
	}
	return ""
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}
