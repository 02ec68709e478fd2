package pattern_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers/pattern"
)

// The part of the text that is found is the one that was written, not the one that was read.
func TestOtherDigitsAndWidths(t *testing.T) {
	for name, row := range map[string]string{
		"full-width digits and dashes":        "CREDIT_CARD 卡号 «４１１１－１１１１－１１１１－１１１１»。",
		"Arabic digits":                       "CREDIT_CARD «٤١١١ ١١١١ ١١١١ ١١١١» x",
		"Devanagari digits":                   "ID_NUMBER आधार «२३४१ २३४१ २३४६»",
		"digits of mathematics":               "CREDIT_CARD a «𝟺𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷𝟷» b",
		"spaces of no width in the number":    "US_SSN ssn «536\u200b-22\u2060-1234»\u200b.",
		"a soft hyphen in the number":         "CREDIT_CARD «4111\u00ad1111\u00ad1111\u00ad1111»",
		"spaces that do not break":            "IBAN_CODE «GB82\u00a0WEST\u00a01234\u00a05698\u00a07654\u00a032»",
		"a non-breaking hyphen":               "PHONE_NUMBER call «415\u2011555\u20110100» é",
		"a full-width at sign and full stops": "EMAIL_ADDRESS ü «jane＠example．com»",
		"a full-width plus":                   "PHONE_NUMBER “«＋１ ４１５ ５５５ ０１００»”",
		"letters of more bytes before":        "IP_ADDRESS 日本語のサーバ «192.168.0.12» です",
		"a password in other letters":         "PASSWORD пароль: «секретно9» да",
		"a mark at the very end":              "CREDIT_CARD é«4111111111111111»\u200b",
		"a mark at the very beginning":        "CREDIT_CARD \ufeff«4111111111111111»",
	} {
		for i := range row {
			if row[i] == ' ' {
				text, want := marked(row[:i], row[i+1:])
				if diff := cmp.Diff(want, found(t, text)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				break
			}
		}
	}
}

func TestProbabilities(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       float32
	}{
		{"a checksum and a word", "my credit card 4111 1111 1111 1111", 0.99},
		{"a word after it", "4111 1111 1111 1111 is my visa", 0.99},
		{"a checksum", "4111 1111 1111 1111", 0.95},
		{"a word on another line after it", "4111 1111 1111 1111\nvisa", 0.95},
		{"a word too far away", "visa 0123456789 is what we said at some other time, and a long time ago at that: 4111 1111 1111 1111", 0.95},
		{"a word within another", "the discarded 4111 1111 1111 1111", 0.95},
		{"a form and a word", "bank card 4111 1111 1111 1112", 0.85},
		{"a clear form", "(415) 555-0100", 0.85},
		{"a form that other things have", "ABCPD1234F", 0.4},
		{"four small numbers", "1.2.3.4", 0.4},
		{"four small numbers and a word", "ping 1.2.3.4", 0.85},
	} {
		got, err := pattern.New().Tag(context.Background(), c.text)
		if err != nil || len(got) == 0 || got[len(got)-1].P != c.want && got[0].P != c.want {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

// Of two that overlap, the one with the right checksum counts.
func TestOneOfThoseThatOverlap(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a card that could be called", "phone or card: 4111 1111 1111 1111", "CREDIT_CARD 4111 1111 1111 1111"},
		{"a host in an address of mail", "jane@www.example.com", "EMAIL_ADDRESS jane@www.example.com"},
		{"an address in an address of the web", "https://jane@example.com/x", "DOMAIN_NAME https://jane@example.com/x"},
		{"a day in a stamp", "2024-03-01T10:20:30Z", "DATE_TIME 2024-03-01T10:20:30Z"},
	} {
		if diff := cmp.Diff([]string{c.want}, found(t, c.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
