package pattern

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

func phones() []recogniser {
	words := []string{
		"phone*", "tel", "telephone", "call", "calls", "called", "mobile*", "cell", "cellphone", "fax", "whatsapp", "sms", "text me", "dial",
		"reach", "contact",
		"hotline", "telefon*", "handy*", "mobil", "rufnummer", "téléphone", "portable", "teléfono", "móvil", "celular", "telefone", "telefono",
		"cellulare",
		"telefoon*", "numer", "puhelin", "电话", "手机", "電話", "携帯", "전화", "телефон", "тел", "फोन", "मोबाइल", "هاتف", "جوال",
	}
	never := notPersonal()
	return []recogniser{
		{label: "PHONE_NUMBER", find: international("+", true), words: words, alone: 0.95, near: 0.99},
		{label: "PHONE_NUMBER", find: international("00", true), words: words, never: never, alone: 0.4, near: 0.99},
		// A number made up for an example belongs to no one's plan, yet no reader would take it for something else.
		{label: "PHONE_NUMBER", find: international("+", false), words: words, alone: 0.4, near: 0.85},
		{label: "PHONE_NUMBER", find: calls(northAmerican, clearForms()...), words: words, never: never, alone: 0.85, near: 0.85},
		{label: "PHONE_NUMBER", find: calls(anyCode, "ddd-ddd-dddd", "ddd.ddd.dddd", "d-ddd-ddd-dddd"), words: words, never: never, alone: 0.4, near: 0.85},
		{label: "PHONE_NUMBER", find: national, words: words, never: never, near: 0.85},
	}
}

// notPersonal are the words before a number that is a thing's and nobody's.
func notPersonal() []string {
	return []string{
		"order", "invoice", "ticket", "tracking", "isbn*", "issn", "doi", "version", "ver", "v", "build", "release", "serial", "sku", "part",
		"model", "case",
		"ref", "reference", "po", "commit", "issue", "bug", "pr", "item", "product", "article", "batch", "lot", "page", "port", "timestamp",
		"epoch", "error",
		"ean", "upc", "gtin", "asin", "bestell*", "rechnung*", "auftrag*", "commande", "facture", "pedido", "factura", "ordine", "fattura", "订单",
	}
}

func clearForms() []string {
	return []string{
		"(ddd) ddd-dddd", "(ddd)ddd-dddd", "(ddd) ddd dddd", "(ddd) ddd.dddd", "(ddd)-ddd-dddd", "(ddd)ddddddd", "d (ddd) ddd-dddd", "d(ddd)ddd-dddd",
		"d-ddd-ddd-dddd", "d.ddd.ddd.dddd", "d ddd ddd dddd", "ddd-ddd-dddd", "ddd.ddd.dddd", "d-(ddd)-ddd-dddd",
	}
}

// northAmerican reports whether a number begins as those of North America do: no area and no exchange begins with 0 or 1.
func northAmerican(s string) bool {
	if len(s) == 11 && s[0] == '1' {
		s = s[1:]
	}
	return len(s) == 10 && s[0] >= '2' && s[3] >= '2'
}

// calls finds numbers of the forms, with an extension where there is one.
func calls(check func(string) bool, forms ...string) finder {
	return func(v *view, hit func(start, end int)) {
		done := 0
		var buf [16]byte
		for _, d := range v.digits {
			start := d.start
			if v.at(start-1) == '(' {
				start--
			}
			if start < done {
				continue
			}
			for _, f := range forms {
				end, code := match(v.s, start, f, buf[:0])
				if end < 0 || !check(string(code)) && f[0] != '(' {
					continue
				}
				end = extended(v, end)
				from := start
				if v.at(from-1) == '+' {
					from--
				}
				if !v.whole(from, end, len(code)) || priced(v, from) {
					continue
				}
				hit(from, end)
				done = end
				break
			}
		}
	}
}

// extended goes over an extension such as x12 or ext. 12.
func extended(v *view, end int) int {
	at := end
	if v.at(at) == ' ' {
		at++
	}
	switch {
	case v.at(at)|0x20 == 'x':
		at++
	case keyEnd(v, at, "ext") > 0:
		if at += len("ext"); v.at(at) == '.' || v.at(at) == ':' {
			at++
		}
		if v.at(at) == ' ' {
			at++
		}
	default:
		return end
	}
	n := 0
	for n < 7 && isDigit(v.at(at+n)) {
		n++
	}
	if n == 0 || n == 7 {
		return end
	}
	return at + n
}

// priced reports whether a sign of money stands before start.
func priced(v *view, start int) bool {
	before := strings.TrimRight(v.s[max(0, start-8):start], " ")
	for _, sign := range []string{"$", "€", "£", "¥", "₹", "#"} {
		if strings.HasSuffix(before, sign) {
			return true
		}
	}
	return false
}

// A row is a run of groups of digits with marks between them, as people write the numbers of telephones.
type row struct {
	end    int
	code   []byte // the digits, at most maxCode
	groups []run  // ends in the view and in code
}

const maxCode = 15 // digits of a telephone number, by E.164

// readRow reads the row that begins at a digit or a bracket. It stops where more than maxCode digits come.
func readRow(v *view, at int, r *row) {
	r.code, r.groups = r.code[:0], r.groups[:0]
	for {
		marks := 0
		for marks < 3 && at < len(v.s) && strings.IndexByte(" -./()", v.s[at]) >= 0 {
			at++
			marks++
		}
		if !isDigit(v.at(at)) {
			return
		}
		for isDigit(v.at(at)) {
			if len(r.code) == maxCode {
				return
			}
			r.code = append(r.code, v.s[at])
			at++
		}
		r.end = at
		r.groups = append(r.groups, run{at, len(r.code)})
	}
}

// lookups is how many numbers of one text are looked up in the plans of the world. Beyond it, what has the form counts as one: it costs some
// microseconds each, and a text may be nothing else.
const lookups = 2000

// international finds numbers with a country's code after the prefix: those that some country's plan has, or those in groups or with as many digits
// as a number may have.
func international(prefix string, valid bool) finder {
	return func(v *view, hit func(start, end int)) {
		asked := 0
		r := &row{code: make([]byte, 0, maxCode), groups: make([]run, 0, maxCode)}
		for at := 0; ; {
			i := strings.Index(v.s[at:], prefix)
			if i < 0 {
				return
			}
			start := at + i
			at = start + len(prefix)
			if c := v.at(at); !isDigit(c) && c != '(' || c == '0' || isWord(v.at(start-1)) || v.at(start-1) == '.' || v.at(start-1) == '+' {
				continue
			}
			readRow(v, at, r)
			for g := len(r.groups) - 1; g >= 0 && r.groups[g].end >= 8; g-- {
				end := r.groups[g].start
				if isAlnum(v.at(end)) && extended(v, end) == end {
					continue
				}
				code := string(r.code[:r.groups[g].end])
				if valid && asked < lookups {
					asked++
					if !inSomePlan("+" + code) {
						continue
					}
				}
				end = extended(v, end)
				hit(start, end)
				at = end
				break
			}
		}
	}
}

func inSomePlan(code string) bool {
	n, err := phonenumbers.Parse(code, "")
	return err == nil && phonenumbers.IsValidNumber(n)
}

// national finds rows of 7 to 15 digits that could be a telephone's where a word says so: no date, no decimal number, no price.
func national(v *view, hit func(start, end int)) {
	done := 0
	r := &row{code: make([]byte, 0, maxCode), groups: make([]run, 0, maxCode)}
	for _, d := range v.digits {
		start := d.start
		if v.at(start-1) == '(' {
			start--
		}
		if start < done {
			continue
		}
		readRow(v, start, r)
		// A row is one number, and it ends where its line of digits does.
		done = max(d.end, r.end)
		if n := len(r.code); n < 7 || r.end < d.end || isDigit(v.at(r.end)) || priced(v, start) {
			continue
		}
		if len(r.groups) == 2 && (v.at(r.groups[0].start) == '.' || len(r.code) > 12) || dateEnd(v, start) > 0 {
			continue
		}
		if len(r.code) == 8 && len(r.groups) == 2 && isYear(number(string(r.code[:4]))) && isYear(number(string(r.code[4:]))) {
			continue // from one year to another
		}
		if start < d.start && strings.IndexByte(v.s[start:r.end], ')') < 0 {
			start = d.start
		}
		end := extended(v, r.end)
		if v.apart(start, end) {
			hit(start, end)
		}
	}
}
