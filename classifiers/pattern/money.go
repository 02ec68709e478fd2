package pattern

func money() []recogniser {
	card := []string{
		"card*", "credit", "debit", "visa", "mastercard", "amex", "american express", "discover", "pan", "cc", "cvv", "cvc", "expir*", "carte",
		"tarjeta",
		"karte*", "kreditkarte*", "carta", "cartão", "karta", "kaart", "карт*", "カード", "卡",
	}
	iban := []string{"iban", "bank*", "account", "konto*", "compte", "cuenta", "conto", "rekening", "bic", "swift", "sepa"}
	routing := []string{"routing", "aba", "rtn", "transit", "wire", "ach"}
	return []recogniser{
		{label: "CREDIT_CARD", find: forms(isCard, cardForms()...), words: card, alone: 0.95, near: 0.99},
		// A number with one wrong digit is still someone's, and examples are seldom with a right one.
		{label: "CREDIT_CARD", find: forms(issued, cardForms()...), words: card, never: notPersonal(), near: 0.85},
		{label: "IBAN_CODE", find: ibans, words: iban, alone: 0.95, near: 0.99},
		{label: "IBAN_CODE", find: wordsOf(15, 34, ibanShaped), words: []string{"iban"}, near: 0.85},
		{label: "US_BANK_NUMBER", find: forms(isRouting, "ddddddddd"), words: routing, near: 0.99},
		{label: "US_BANK_NUMBER", find: keyed(accountKeys(), accountNumber), alone: 0.85, near: 0.85},
	}
}

func cardForms() []string {
	return []string{
		"dddd?dddd?dddd?dddd?ddd", "dddd?dddd?dddd?dddd", "dddd?dddddd?ddddd", "dddd?dddddd?dddd",
		"dddddddddddddddddd", "ddddddddddddddddd", "ddddddddddddd",
	}
}

func isCard(s string) bool { return issued(s) && luhn(s) }

// issued reports whether some issuer of cards has numbers of this beginning and length.
func issued(s string) bool {
	if !allDigits(s) {
		return false
	}
	two, three, four, n := number(s[:2]), number(s[:3]), number(s[:4]), len(s)
	switch {
	case s[0] == '4': // Visa
		return n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720, four >= 2200 && four <= 2204: // Mastercard, Mir
		return n == 16
	case two == 34, two == 37: // American Express
		return n == 15
	case four == 6011, three >= 644 && three <= 649, two == 65, two == 62, four >= 3528 && four <= 3589: // Discover, UnionPay, JCB
		return n >= 16
	case three >= 300 && three <= 305, four == 3095, two == 36, two == 38, two == 39: // Diners Club
		return n >= 14
	case two == 50, two >= 56 && two <= 58, two == 63, two == 67, two == 60, two == 81, two == 82: // Maestro, RuPay
		return n == 16 || n >= 18
	}
	return false
}

// ibans finds what begins with a country that has them, is as long as they are there and has a right checksum.
func ibans(v *view, hit func(start, end int)) {
	done := 0
	var buf [34]byte
	for _, w := range v.words {
		if w.start < done || w.end-w.start < 4 || !isLetter(v.s[w.start]) || !isDigit(v.s[w.start+2]) || !isDigit(v.s[w.start+3]) {
			continue
		}
		n := ibanLength(v.s[w.start], v.s[w.start+1])
		if n == 0 {
			continue
		}
		at, code := w.start, buf[:0]
		for ; at < len(v.s) && len(code) < n; at++ {
			c := v.s[at]
			if isAlnum(c) {
				if isLetter(c) {
					c &^= 0x20
				}
				code = append(code, c)
			} else if c != ' ' && c != '-' || !isAlnum(v.at(at+1)) {
				break
			}
		}
		if len(code) < n || !v.apart(w.start, at) || mod(string(code[4:])+string(code[:4]), 97) != 1 {
			continue
		}
		hit(w.start, at)
		done = at
	}
}

// ibanShaped reports whether a word is like one, whatever its length and its checksum.
func ibanShaped(s string) bool {
	digits := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			digits++
		}
	}
	return ibanLength(s[0], s[1]) > 0 && isDigit(s[2]) && isDigit(s[3]) && digits >= len(s)/2
}

// ibanLength is how many characters the numbers of a country have, by SWIFT's registry, 0 for none.
func ibanLength(a, b byte) int {
	const lengths = `AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ` +
		`ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 ` +
		`LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ` +
		`SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 `
	if !isLetter(a) || !isLetter(b) {
		return 0
	}
	for i := 0; i < len(lengths); i += len("AD24 ") {
		if lengths[i] == a&^0x20 && lengths[i+1] == b&^0x20 {
			return number(lengths[i+2 : i+4])
		}
	}
	return 0
}

// isRouting is the check of the American Bankers Association.
func isRouting(s string) bool {
	if !allDigits(s) {
		return false
	}
	bank := number(s[:2])
	inUse := bank <= 12 || bank >= 21 && bank <= 32 || bank >= 61 && bank <= 72 || bank == 80
	return inUse && weighted(s, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
}

func accountKeys() []string {
	return []string{
		"account number", "account no", "account num", "acct number", "acct no", "acct", "bank account", "checking account", "savings account",
		"kontonummer", "routing number", "account",
	}
}

// accountNumber is 6 to 24 letters and digits, six digits or more, maybe with dashes.
func accountNumber(v *view, at int, _ byte) int {
	n, digits, end := 0, 0, at
	for end < len(v.s) && n <= 24 && (isAlnum(v.s[end]) || v.s[end] == '-' && n > 0 && isDigit(v.at(end+1))) {
		if isDigit(v.s[end]) {
			digits++
		}
		n++
		end++
	}
	if digits < 6 || n > 24 || !v.apart(at, end) {
		return at
	}
	return end
}
