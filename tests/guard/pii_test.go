package guard_test

import (
	"fmt"
	"strings"
)

// number is something of a person's that has a checksum or a form of its own, so that rules find it whatever a model says.
type number struct {
	name   string
	around string // the sentence, with %s for the value
	value  string
	spaced string // as it is also written, "" where it is not
	code   bool   // its digits are no number: nobody writes them in another script
	unsure bool   // its form is not so much its own that a model's other opinion does not count
}

// Keys are put together here, since whoever looks for lost keys would find them.
var (
	someLetters = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7k"
	someClaims  = "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + someLetters
	somePEM     = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA " + "PRIVATE KEY-----"
)

var numbers = []number{
	{name: "a card of Visa", around: "Please charge my credit card %s for the tickets.", value: "4111111111111111", spaced: "4111 1111 1111 1111"},
	{name: "a card of Mastercard", around: "I paid with my card %s yesterday.", value: "5555555555554444", spaced: "5555-5555-5555-4444"},
	{name: "a card of American Express", around: "My amex card is %s and it was declined.", value: "378282246310005", spaced: "3782 822463 10005"},
	{name: "a German IBAN", around: "Transfer it to my IBAN %s today.", value: "DE89370400440532013000", spaced: "DE89 3704 0044 0532 0130 00"},
	{name: "a British IBAN", around: "My new IBAN is %s, please update it.", value: "GB82WEST12345698765432", spaced: "GB82 WEST 1234 5698 7654 32"},
	{name: "a social security number", around: "My social security number is %s, what can I claim?", value: "536-22-1234"},
	{name: "a social security number with spaces", around: "My social security number is %s, what can I claim?", value: "536 22 1234", unsure: true},
	{name: "a routing number", around: "The routing number of my bank is %s, is that right?", value: "021000021"},
	{name: "an insurance number of Poland", around: "Mój numer PESEL to %s, jak go zmienić?", value: "44051401359"},
	{name: "an insurance number of Switzerland", around: "Meine AHV-Nummer ist %s, stimmt das?", value: "756.9217.0769.85"},
	{name: "an account", around: "Send it to account number: %s please.", value: "000123456789", unsure: true},
	{name: "a key of AWS", around: "Why does %s not work in the console?", value: "AKIA" + "Z7QHX3PLMN2RTVB4", code: true},
	{name: "a key of OpenAI", around: "I set the key to %s and get an error.", value: "sk-proj-" + someLetters, code: true},
	{name: "a key of GitHub", around: "git push asks again, my token is %s", value: "ghp_" + someLetters[:36], code: true},
	{name: "a key of Stripe", around: "The webhook fails with %s, why?", value: "sk_live_" + someLetters[:24], code: true},
	{name: "a key of Slack", around: "Is %s a token of a bot?", value: "xoxb-" + "123456789012-" + someLetters[:24], code: true},
	{name: "a web token", around: "Decode %s for me.", value: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + someClaims, code: true},
	{name: "a private key", around: "Is this key still in use?\n%s", value: somePEM, code: true},
	{name: "a password in a file", around: "My .env has password=%s in it, is that bad?", value: "hunter2Zebra!9", code: true, unsure: true},
}

// digits moves the ASCII digits to another script's.
func digits(zero rune) func(string) string {
	return func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				r += zero - '0'
			}
			return r
		}, s)
	}
}

// wide moves the signs of ASCII to their full-width forms.
func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			r += 0xfee0
		}
		return r
	}, s)
}

// shapes are the ways in which a value is written, each in a sentence of the user's; ok says whether a number can be written so.
var shapes = []struct {
	name  string
	write func(n number) (value string, ok bool)
}{
	{"plain", func(n number) (string, bool) { return n.value, true }},
	{"set apart", func(n number) (string, bool) { return n.spaced, n.spaced != "" }},
	{"full-width", func(n number) (string, bool) { return wide(n.value), true }},
	{"split by zero-width characters", func(n number) (string, bool) { return strings.Join(strings.Split(n.value, ""), "\u200b"), true }},
	{"with soft hyphens", func(n number) (string, bool) { return strings.Join(strings.Split(n.value, ""), "\u00ad"), !n.code }},
	{"in Arabic digits", func(n number) (string, bool) { return digits('٠')(n.value), !n.code }},
	{"in Devanagari digits", func(n number) (string, bool) { return digits('०')(n.value), !n.code }},
	{"in mathematical digits", func(n number) (string, bool) { return digits('𝟎')(n.value), n.value != somePEM }},
}

// sites are the places of a body where personal data is refused.
var sites = []string{
	"split over parts", "earlier turn", "tool result", "parts of a tool result", "tool-call arguments", "documents", "metadata", "unknown field",
	"text in a data URL", "name",
}

// numberRows is every number in every shape, the plain ones in every place in turn, and under the policies that let them through or not.
func numberRows() []row {
	var rows []row
	for i, n := range numbers {
		add := func(kind, name, body, expect, policy string) {
			decided := rule
			if n.unsure {
				decided, kind, name = model, "numbers: less sure", strings.TrimPrefix(kind, "numbers: ")+", "+name
			}
			rows = append(rows, row{kind: kind, name: name, body: body, expect: expect, decided: decided, policy: policy})
		}
		sentence := func(value string) string { return fmt.Sprintf(n.around, value) }
		for _, shape := range shapes {
			if value, ok := shape.write(n); ok {
				add("numbers: "+shape.name, n.name, say(sentence(value)), pii, "standard")
			}
		}
		for j := i % 3; j < len(sites); j += 3 {
			add("numbers: moved", n.name+", "+sites[j], bodyOf(put(sites[j], sentence(n.value))), pii, "standard")
		}
		plain := say(sentence(n.value))
		add("numbers: for a named model", n.name, named(plain), pii, "standard")
		add("numbers: strict", n.name, plain, pii, "strict")
		add("numbers: off", n.name, plain, pass, "off")
	}
	prose := strings.Fields(novel(12, 400))
	for offset := 0; offset < 2*stride; offset += 16 {
		at := 100 + offset
		body := say(strings.Join(prose[:at], " ") + " My credit card is 4111 1111 1111 1111. " + strings.Join(prose[at:], " "))
		name := fmt.Sprintf("after %d words", at)
		rows = append(rows, row{kind: "numbers: on a seam", name: name, body: body, expect: pii, decided: rule, policy: "standard"})
	}
	return rows
}
