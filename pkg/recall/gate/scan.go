package gate

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A token is a word, a number, a sign or an identifier, as written but in lower case.
type token struct {
	text   string
	sort   sort
	proper bool // begins with a capital and not the sentence, or has one inside
	capped bool // begins with a capital
	glued  bool // stands behind the one before without a space
}

type sort uint8

const (
	word   sort = iota // letters
	digits             // a decimal number, perhaps with a sign
	moment             // a date or a time of day, whole
	sign               // an operator
	ident              // anything else
)

// scan parts a text into tokens. Quotes, brackets and the marks that end a sentence are left out, brackets of a sum are kept.
func scan(text string) []token {
	text = normal(text)
	s := scanner{
		sums:  strings.ContainsAny(text, "()") && strings.ContainsAny(text, "+*/^=<>") && strings.ContainsAny(text, "0123456789"),
		start: true,
		upper: shouted(text),
	}
	s.tokens = make([]token, 0, len(text)/4+4)
	for chunk := range strings.FieldsSeq(text) {
		s.chunk(chunk)
	}
	return s.tokens
}

type scanner struct {
	tokens []token
	sums   bool // brackets matter
	start  bool // of a sentence
	upper  bool // all the text is in capitals, which then say nothing
}

// normal undoes what only looks different: typographic quotes and dashes, full-width letters, digits of other scripts, invisible characters.
// Superscripts and fractions are taken apart first, since NFKC would make 10² the number 102.
func normal(text string) string {
	ascii := true
	for i := 0; i < len(text) && ascii; i++ {
		ascii = text[i] < utf8.RuneSelf
	}
	if ascii {
		return text
	}
	var b strings.Builder
	raised := false
	for _, r := range text {
		d, up := superscript(r)
		if up && !raised {
			b.WriteByte('^')
		}
		raised = up
		switch {
		case up:
			b.WriteRune(d)
		case r >= '¼' && r <= '¾' || r >= '⅐' && r <= '⅞':
			b.WriteByte(' ')
			b.WriteString(strings.ReplaceAll(norm.NFKC.String(string(r)), "⁄", "/"))
		default:
			b.WriteRune(r)
		}
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return r
		case strings.ContainsRune("‘’ʼ′‛", r):
			return '\''
		case strings.ContainsRune("“”„‟«»″", r):
			return '"'
		case r >= '‐' && r <= '―' || r == '−':
			return '-'
		case r == '×' || r == '·' || r == '∙':
			return '*'
		case r == '÷':
			return '/'
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r):
			return -1
		case unicode.Is(unicode.Nd, r):
			return '0' + digitOf(r)
		}
		return r
	}, norm.NFKC.String(b.String()))
}

func superscript(r rune) (rune, bool) {
	switch r {
	case '²', '³':
		return r - '²' + '2', true
	case '¹':
		return '1', true
	case '⁰', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹':
		return r - '⁰' + '0', true
	case '⁺':
		return '+', true
	case '⁻':
		return '-', true
	}
	return 0, false
}

// digitOf is the value of a decimal digit: Unicode has them in runs of ten.
func digitOf(r rune) rune {
	for _, x := range unicode.Nd.R16 {
		if r >= rune(x.Lo) && r <= rune(x.Hi) {
			return (r - rune(x.Lo)) % 10
		}
	}
	for _, x := range unicode.Nd.R32 {
		if r >= rune(x.Lo) && r <= rune(x.Hi) {
			return (r - rune(x.Lo)) % 10
		}
	}
	return 0
}

// shouted reports whether most words begin with a capital, as in titles.
func shouted(text string) bool {
	words, capped := 0, 0
	for w := range strings.FieldsSeq(text) {
		words++
		if w[0] >= 'A' && w[0] <= 'Z' {
			capped++
		}
	}
	if words > 3 && capped*4 > words*3 {
		return true
	}
	up, low := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z':
			low++
		case c >= 'A' && c <= 'Z':
			up++
		}
	}
	return up > low
}

const (
	openers = "\"'([{<`¿¡*_~#"
	closers = "\"')]}>`?!,;:.*_~"
)

// chunk reads what stands between two spaces.
func (s *scanner) chunk(c string) {
	if onlySigns(c) {
		s.signs(c)
		return
	}
	for len(c) > 0 {
		r, n := utf8.DecodeRuneInString(c)
		if !strings.ContainsRune(openers, r) || (r == '#' || r == '*' || r == '<' || r == '~') && len(c) > n && isDigit(c[n]) {
			break
		}
		if s.sums && r == '(' {
			s.add(token{text: "(", sort: sign})
		}
		c = c[n:]
	}
	end, closed := false, 0
	for len(c) > 0 {
		r, n := utf8.DecodeLastRuneInString(c)
		if !strings.ContainsRune(closers, r) || r == '!' && len(c) > 1 && isDigit(c[len(c)-2]) || r == '.' && dotted(c) || r == ')' && strings.Contains(c, "(") {
			break
		}
		end = end || r == '?' || r == '!' || r == '.' || r == ':'
		if s.sums && r == ')' {
			closed++
		}
		c = c[:len(c)-n]
	}
	if c != "" {
		s.core(c)
	}
	for range closed {
		s.add(token{text: ")", sort: sign})
	}
	s.start = s.start && c == "" || end
}

func (s *scanner) add(t token) { s.tokens = append(s.tokens, t) }

// dotted reports whether the last point belongs to an abbreviation: u.s. or p.m.
func dotted(c string) bool { return len(c) >= 4 && c[len(c)-3] == '.' && !isDigit(c[len(c)-2]) }

func onlySigns(c string) bool {
	for _, r := range c {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return false
		}
	}
	return true
}

// signs keeps operators, currencies and pictures, and leaves punctuation out. A dash is an operator between two that can be reckoned with, which
// the next token decides; see build.
func (s *scanner) signs(c string) {
	if len(s.tokens) == 0 && strings.Trim(c, "-*•>#|=~_ ") == "" {
		return // the mark of a list or of a quotation
	}
	if len(c) > 1 && strings.Trim(c, "&|=!<>+*/") == "" && strings.Trim(c, "!") != "" {
		s.add(token{text: c, sort: sign}) // && or ==
		return
	}
	for _, r := range c {
		switch {
		case strings.ContainsRune("\"'`.,;:?!…•[]{}|_#&", r):
		case (r == '(' || r == ')') && !s.sums:
		case r == '-' && len(c) > 1:
		default:
			s.add(token{text: string(r), sort: sign})
		}
	}
}

// core reads a chunk without its quotes and brackets.
func (s *scanner) core(c string) {
	low := strings.ToLower(c)
	first, _ := utf8.DecodeRuneInString(c)
	capped := unicode.IsUpper(first)
	t := token{text: low, capped: capped, proper: !s.upper && (capped && !s.start || len(c) > 1 && strings.ContainsFunc(c[1:], unicode.IsUpper))}
	switch {
	case wordly(low):
		s.words(c, t)
	case strings.ContainsAny(low, "0123456789"):
		s.numeric(c, t)
	default:
		s.mixed(c, t)
	}
}

// wordly reports whether a chunk is made of letters, marks and apostrophes.
func wordly(c string) bool {
	for i := 0; i < len(c); i++ {
		if b := c[i]; b >= utf8.RuneSelf {
			for _, r := range c[i:] {
				if r != '\'' && !unicode.IsLetter(r) && !unicode.IsMark(r) {
					return false
				}
			}
			return true
		} else if b != '\'' && (b < 'a' || b > 'z') {
			return false
		}
	}
	return true
}

// words adds one word, taken apart where it is a contraction.
func (s *scanner) words(c string, t token) {
	if t.text == "us" && c == "US" && !s.upper {
		t.text = "u.s." // the pronoun is another word
	} else if n := len(c); n > 1 && n < 6 && !s.upper && c == strings.ToUpper(c) {
		if e, ok := lexicon.find(t.text); ok && e.kind <= asked {
			t.text, t.sort = c, ident // IT is not it
		}
	}
	if n := len(s.tokens); n > 0 && s.tokens[n-1].capped && !s.start {
		if r := roman(c); r != "" {
			s.add(token{text: r, sort: digits}) // World War II
			return
		}
	}
	head, tail, ok := strings.Cut(t.text, "'")
	if !ok {
		s.add(t)
		return
	}
	switch {
	case tail == "t" && strings.HasSuffix(head, "n"):
		switch head {
		case "can":
		case "won":
			head = "will"
		default:
			head = head[:len(head)-1]
		}
		s.add(token{text: head})
		s.add(token{text: "not"})
	case tail == "s" || tail == "": // possessive, or is
		t.text = head
		s.add(t)
		if tail == "s" && (head == "what" || head == "who" || head == "where" || head == "when" || head == "how" || head == "why" || head == "it" || head == "that") {
			s.add(token{text: "is"})
		}
	case tail == "re" || tail == "ve" || tail == "m" || tail == "d" || tail == "ll":
		t.text = head
		s.add(t)
		s.add(token{text: map[string]string{"re": "are", "ve": "have", "m": "am", "d": "would", "ll": "will"}[tail]})
	case t.text == "o'clock":
		s.add(t)
	default:
		t.text = strings.ReplaceAll(t.text, "'", "")
		s.add(t)
	}
}

// mixed reads letters with other signs among them.
func (s *scanner) mixed(c string, t token) {
	if _, ok := lexicon.find(t.text); ok {
		s.add(t)
		return
	}
	switch t.text {
	case "a.m.", "p.m.":
		s.add(token{text: t.text[:1] + "m"})
		return
	}
	parts := strings.FieldsFunc(c, func(r rune) bool { return strings.ContainsRune("-/,;:?!()\"&", r) })
	plain := len(parts) > 0 && !strings.Contains(c, "--") && !strings.Contains(c, "://") && !strings.HasPrefix(c, "-") && !strings.HasSuffix(c, "-")
	for _, p := range parts {
		plain = plain && wordly(strings.ToLower(p))
	}
	if len(parts) == 2 && len(parts[0]) == 1 && len(parts[1]) == 1 || !plain {
		t.sort = ident
		if strings.ContainsAny(c, "+*^=<>") && !strings.Contains(c, "://") && len(c) < 32 && s.formula(t.text) {
			return
		}
		s.add(t)
		return
	}
	for i, p := range parts {
		q := t
		q.text = strings.ToLower(p)
		q.glued = i > 0
		s.words(p, q)
	}
}

// formula takes apart a sum written without spaces: letters one by one, numbers and operators. It adds nothing and returns false if c is none.
func (s *scanner) formula(c string) bool {
	letters, operators := 0, 0
	for i := 0; i < len(c); i++ {
		switch b := c[i]; {
		case b >= 'a' && b <= 'z':
			letters++
		case strings.IndexByte("+*^=<>", b) >= 0:
			if i == len(c)-1 {
				return false // c++, b+
			}
			operators++
		case isDigit(b), strings.IndexByte("()-/.!", b) >= 0:
		default:
			return false
		}
	}
	if operators == 0 || letters > 4 {
		return false
	}
	for i := 0; i < len(c); {
		j := i
		for j < len(c) && (isDigit(c[j]) || c[j] == '.') {
			j++
		}
		if j > i {
			s.add(token{text: c[i:j], sort: digits, glued: i > 0})
			i = j
			continue
		}
		sort := sign
		if c[i] >= 'a' && c[i] <= 'z' {
			sort = ident
		}
		s.add(token{text: c[i : i+1], sort: sort, glued: i > 0})
		i++
	}
	return true
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
