package pattern_test

import (
	"context"
	"testing"

	"github.com/mom-router/mom/classifiers/pattern"
)

// best is the probability of the most probable span of a text.
func best(t *testing.T, text string) float32 {
	t.Helper()
	spans, err := pattern.New().Tag(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	p := float32(0)
	for _, s := range spans {
		p = max(p, s.P)
	}
	return p
}

// A number with one other character at its end is none, by its checksum.
func TestChecksums(t *testing.T) {
	for name, text := range map[string]string{
		"a card":                         "4111 1111 1111 1111",
		"an IBAN":                        "GB82 WEST 1234 5698 7654 32",
		"a routing number":               "routing number 021000021",
		"a Canadian insurance number":    "SIN 046 454 286",
		"an NHS number":                  "NHS 943 476 5919",
		"a German tax number":            "Steuer-ID 86095742719",
		"a French insurance number":      "2 55 08 14 168 025 38",
		"one from Corsica":               "NIR 1 86 07 2A 123 456 16",
		"a Spanish identity":             "DNI 12345678Z",
		"a foreigner's in Spain":         "NIE X1234567L",
		"an Italian tax code":            "codice fiscale RSSMRA85T10A562S",
		"a Polish number":                "PESEL 44051401359",
		"a Dutch number":                 "BSN 111222333",
		"a Swedish number":               "personnummer 811228-9874",
		"a Finnish number":               "131052-308T",
		"a Finnish number since 2000":    "hetu 010203A1230",
		"a Norwegian number":             "fødselsnummer 01010750160",
		"a Belgian number":               "rijksregisternummer 85.07.30-033.28",
		"a Belgian number since 2000":    "rijksregisternummer 01.02.03-123.45",
		"a Swiss number":                 "756.9217.0769.85",
		"a Brazilian number":             "111.444.777-35",
		"an Indian number":               "Aadhaar 2341 2341 2346",
		"a Chinese number":               "11010519491231002X",
		"a Korean number":                "900101-1234568",
		"an Australian tax number":       "TFN 123 456 782",
		"a telephone":                    "IMEI 490154203237518",
		"an address of Bitcoin":          "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
		"one in bech32":                  "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
		"one in bech32m":                 "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
		"one in bech32 and upper case":   "BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ",
		"an address of Ethereum":         "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"a card with other digits there": "４１１１ １１１１ １１１１ 1111",
	} {
		if p := best(t, text); p < 0.95 {
			t.Errorf("%s: %v for %q, want 0.95 or more", name, p, text)
		}
		wrong := []byte(text)
		last := &wrong[len(wrong)-1]
		switch c := *last; c {
		case '9':
			*last = '0'
		case 'Z':
			*last = 'A'
		case 'd': // still a hexadecimal digit
			*last = 'D'
		default:
			*last = c + 1
		}
		if p := best(t, string(wrong)); p >= 0.95 {
			t.Errorf("%s: %v for %q, want less than 0.95", name, p, wrong)
		}
	}
}

// What no authority gives out is none, whatever its form.
func TestRanges(t *testing.T) {
	for name, text := range map[string]string{
		"an area of zeros":                 "000-12-3456",
		"area 666":                         "666-12-3456",
		"an area from 900 up":              "950-12-3456",
		"a group of zeros":                 "536-00-1234",
		"a serial of zeros":                "536-22-0000",
		"a prefix with a D":                "DA 12 34 56 C",
		"a prefix for tests":               "GB 12 34 56 C",
		"a suffix beyond D":                "AB 12 34 56 E",
		"a month of 13 in a Polish one":    "PESEL 44131401359",
		"a day of 32 in a Swedish one":     "811232-9878",
		"a card of no issuer":              "9111 1111 1111 1110",
		"a bank beyond the ranges":         "routing 991000028",
		"a number that is always the same": "SIN 111 111 111",
		"a date that is none":              "2024-13-01",
		"a day that is none":               "32.12.2024",
		"an octet of 256":                  "10.20.30.256",
		"a country without IBANs":          "ZZ82 WEST 1234 5698 7654 32",
		"an ITIN of a group not in use":    "ITIN 912-10-1234",
		"a holder of no kind":              "PAN ABCDD1234F",
		"a Danish day that is none":        "CPR 320190-1234",
		"a site under no suffix":           "visit the website foo.notatld",
		"a site that is a file":            "our site is made by build.py",
		"a key that is too short":          "sk-proj-abc123 ghp_x1",
		"a number in no country's plan":    "+123456789012",
		"a domain of no registry":          "example.notatld",
	} {
		if got := found(t, text); len(got) > 0 {
			t.Errorf("%s: found %q in %q", name, got, text)
		}
	}
}
