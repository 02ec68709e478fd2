package pattern

import (
	"slices"
	"strings"
)

// nationals are the numbers that states give to people. US_SSN stands for social and national insurance of any country, ID_NUMBER for the rest. A
// checksum of one digit lets one number of ten or eleven pass: digits alone count only where a word stands nearby.
func nationals() []recogniser {
	const insurance, id = "US_SSN", "ID_NUMBER"
	ssn := []string{"ssn*", "social", "social security", "social insurance", "sin", "itin", "taxpayer", "tax"}
	never := notPersonal()
	return []recogniser{
		{label: insurance, find: forms(isSSN, "ddd-dd-dddd"), words: ssn, never: never, alone: 0.85, near: 0.95},
		{label: insurance, find: forms(isSSN, "ddd dd dddd"), words: ssn, never: never, alone: 0.4, near: 0.85},
		{label: insurance, find: forms(isSSN, "ddddddddd"), words: []string{"ssn*", "social security", "social"}, near: 0.85},
		{label: id, find: forms(isITIN, "ddd-dd-dddd"), words: ssn, never: never, alone: 0.4, near: 0.85},
		{label: insurance, find: forms(isSIN, "ddd~ddd~ddd", "ddddddddd"), words: []string{"sin", "social insurance", "assurance sociale", "nas"}, near: 0.99},
		{label: insurance, find: forms(anyCode, "ddd-ddd-ddd"), words: []string{"sin", "social", "insurance", "nas"}, never: never, alone: 0.4, near: 0.85},
		{label: insurance, find: forms(isNINO, "aa dd dd dd a"), words: ninoWords(), alone: 0.85, near: 0.95},
		{label: insurance, find: forms(isNINO, "aa?dddddd?a"), words: ninoWords(), never: never, alone: 0.4, near: 0.85},
		{label: id, find: forms(isNHS, "ddd?ddd?dddd"), words: []string{"nhs"}, near: 0.99},
		{label: id, find: forms(isSteuerID, "dd?ddd?ddd?ddd"), words: []string{"steuer*", "identifikationsnummer", "idnr", "tin"}, near: 0.99},
		{label: insurance, find: forms(isNIR, "d?dd?dd?dx?ddd?ddd?dd"), words: []string{"nir", "sécurité sociale", "sécu", "insee", "vitale"}, alone: 0.95, near: 0.99},
		{label: id, find: forms(isDNI, "dddddddd?a", "a?ddddddd?a", "dd.ddd.ddd?a"), words: []string{"dni", "nie", "nif", "identidad"}, alone: 0.95, near: 0.99},
		{label: id, find: forms(isCodiceFiscale, "aaaaaaxxaxxaxxxa", "aaa aaa xxaxx axxxa"), words: []string{"codice fiscale", "c.f.", "cf"}, alone: 0.95, near: 0.99},
		{label: insurance, find: forms(isPESEL, "ddddddddddd"), words: []string{"pesel"}, alone: 0.4, near: 0.99},
		{label: insurance, find: forms(isBSN, "ddddddddd", "dddd.dd.ddd"), words: []string{"bsn", "burgerservicenummer", "sofinummer"}, near: 0.99},
		{label: insurance, find: forms(isPersonnummer, "dddddd-dddd", "dddddddd-dddd"), words: []string{"personn*", "samordn*"}, alone: 0.85, near: 0.99},
		{label: insurance, find: forms(isPersonnummer, "dddddddddd", "dddddddddddd"), words: []string{"personn*", "samordn*"}, near: 0.99},
		{label: insurance, find: forms(isHETU, "dddddd-dddx", "ddddddadddx", "dddddd+dddx"), words: []string{"hetu", "henkilötunnus"}, alone: 0.95, near: 0.99},
		{label: insurance, find: forms(isFodselsnummer, "dddddd?ddddd"), words: []string{"fødsel*", "personn*", "fnr"}, alone: 0.4, near: 0.99},
		{label: insurance, find: forms(isCPR, "dddddd-dddd"), words: []string{"cpr", "personnummer"}, near: 0.85},
		{label: insurance, find: forms(isRijksregister, "dd.dd.dd-ddd.dd", "ddddddddddd"), words: []string{"rijksregister*", "national", "insz", "niss"}, alone: 0.4, near: 0.99},
		{label: insurance, find: forms(isAHV, "ddd.dddd.dddd.dd", "ddddddddddddd", "ddd dddd dddd dd"), words: []string{"ahv", "avs", "navs*"}, alone: 0.95, near: 0.99},
		{label: id, find: forms(isCPF, "ddd.ddd.ddd-dd"), words: []string{"cpf"}, alone: 0.95, near: 0.99},
		{label: id, find: forms(isCPF, "ddddddddddd"), words: []string{"cpf"}, near: 0.99},
		{label: id, find: forms(isAadhaar, "dddd~dddd~dddd", "dddddddddddd"), words: []string{"aadhaar", "aadhar", "uidai", "uid", "आधार"}, alone: 0.4, near: 0.99},
		{label: id, find: forms(isPAN, "aaaaadddda"), words: []string{"pan", "permanent account", "income tax"}, alone: 0.4, near: 0.85},
		{label: id, find: forms(isResidentID, "dddddddddddddddddx"), words: []string{"身份证*", "居民", "resident", "id"}, alone: 0.95, near: 0.99},
		{label: insurance, find: forms(isRRN, "dddddd-ddddddd"), words: []string{"주민등록번호", "주민", "resident", "rrn"}, alone: 0.95, near: 0.99},
		{label: id, find: forms(isTFN, "ddd?ddd?ddd"), words: []string{"tfn", "tax file"}, near: 0.99},
		{label: id, find: forms(luhn, "ddddddddddddddd", "dd-dddddd-dddddd-d"), words: []string{"imei"}, near: 0.99},
	}
}

func ninoWords() []string {
	return []string{"nino", "ni", "national insurance", "insurance", "hmrc"}
}

// isSSN reports whether the Social Security Administration gives out such numbers: no 000, 666 or 900 and up, no group 00, no serial 0000.
func isSSN(s string) bool {
	return allDigits(s) && s[:3] != "000" && s[:3] != "666" && s[0] != '9' && s[3:5] != "00" && s[5:] != "0000"
}

// isITIN reports whether the Internal Revenue Service gives out such numbers.
func isITIN(s string) bool {
	group := number(s[3:5])
	return s[0] == '9' && (group >= 50 && group <= 65 || group >= 70 && group <= 88 || group >= 90 && group <= 99 && group != 93)
}

func isSIN(s string) bool { return s[0] != '8' && luhn(s) }

// isNINO holds the prefixes that HM Revenue and Customs does not give out.
func isNINO(s string) bool {
	last := s[8]
	return strings.IndexByte("DFIQUV", s[0]) < 0 && strings.IndexByte("DFIOQUV", s[1]) < 0 && last >= 'A' && last <= 'D' &&
		!slices.Contains([]string{"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"}, s[:2])
}

func isNHS(s string) bool {
	check := 11 - weighted(s, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11
	return allDigits(s) && check%11 == digit(s[9]) && check != 10
}

// isSteuerID is ISO 7064 MOD 11,10 over the first ten digits.
func isSteuerID(s string) bool {
	if s[0] == '0' || !allDigits(s) {
		return false
	}
	product := 10
	for i := range 10 {
		sum := (digit(s[i]) + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return (11-product)%10 == digit(s[10])
}

// isNIR counts the departments of Corsica, 2A and 2B, as 19 and 18.
func isNIR(s string) bool {
	if s[0] == '0' || s[0] == '9' {
		return false
	}
	switch s[5:7] {
	case "2A":
		s = s[:5] + "19" + s[7:]
	case "2B":
		s = s[:5] + "18" + s[7:]
	}
	month := number(s[3:5])
	return isDigit(s[6]) && (month <= 12 || month >= 20) && month > 0 && 97-mod(s[:13], 97) == number(s[13:])
}

// isDNI takes the numbers of citizens and, with a first letter, of foreigners.
func isDNI(s string) bool {
	first := strings.IndexByte("XYZ", s[0])
	switch {
	case isDigit(s[0]) && len(s) == 9:
	case first >= 0 && len(s) == 9:
		s = string('0'+byte(first)) + s[1:]
	default:
		return false
	}
	return "TRWAGMYFPDXBNJZSQVHLCKE"[number(s[:8])%23] == s[8]
}

// isCodiceFiscale has letters for digits where two people would share one.
func isCodiceFiscale(s string) bool {
	if strings.IndexByte("ABCDEHLMPRST", s[8]) < 0 {
		return false
	}
	odd := [...]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	for _, i := range [...]int{6, 7, 9, 10, 12, 13, 14} {
		if !isDigit(s[i]) && strings.IndexByte("LMNPQRSTUV", s[i]) < 0 {
			return false
		}
	}
	sum := 0
	for i := range 15 {
		x := int(s[i] - 'A')
		if isDigit(s[i]) {
			x = digit(s[i])
		}
		if i%2 == 0 {
			x = odd[x]
		}
		sum += x
	}
	return byte(sum%26) == s[15]-'A'
}

func isPESEL(s string) bool {
	sum := weighted(s, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
	return allDigits(s) && isDay(number(s[2:4])%20, number(s[4:6])) && (10-sum%10)%10 == digit(s[10])
}

func isBSN(s string) bool {
	return allDigits(s) && (weighted(s, 9, 8, 7, 6, 5, 4, 3, 2)-digit(s[8])+11)%11 == 0
}

func isPersonnummer(s string) bool {
	s = s[len(s)-10:]
	day := number(s[4:6])
	return luhn(s) && (isDay(number(s[2:4]), day) || isDay(number(s[2:4]), day-60))
}

func isHETU(s string) bool {
	if len(s) == 11 && strings.IndexByte("ABCDEFYXWVU", s[6]) < 0 {
		return false
	}
	serial := s[len(s)-4 : len(s)-1]
	return isDay(number(s[2:4]), number(s[:2])) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[number(s[:6]+serial)%31] == s[len(s)-1]
}

func isFodselsnummer(s string) bool {
	first := (11 - weighted(s, 3, 7, 6, 1, 8, 9, 4, 5, 2)%11) % 11
	second := (11 - weighted(s, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
	return isDay(number(s[2:4]), number(s[:2])) && first == digit(s[9]) && second == digit(s[10])
}

func isCPR(s string) bool { return isDay(number(s[2:4]), number(s[:2])) }

// isRijksregister has a 2 before the number of those born since 2000.
func isRijksregister(s string) bool {
	check := number(s[9:])
	return isDay(number(s[2:4]), number(s[4:6])) && (97-number(s[:9])%97 == check || 97-number("2"+s[:9])%97 == check)
}

func isAHV(s string) bool {
	return s[:3] == "756" && (10-weighted(s, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3)%10)%10 == digit(s[12])
}

func isCPF(s string) bool {
	first := weighted(s, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	second := weighted(s, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	return allDigits(s) && first == digit(s[9]) && second == digit(s[10])
}

func isAadhaar(s string) bool { return s[0] >= '2' && verhoeff(s) }

// isPAN holds the fourth letter, the kind of holder.
func isPAN(s string) bool { return strings.IndexByte("PCHABGJLFT", s[3]) >= 0 }

func isResidentID(s string) bool {
	sum := weighted(s, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	return s[0] != '0' && isDay(number(s[10:12]), number(s[12:14])) && "10X98765432"[sum%11] == s[17]
}

func isRRN(s string) bool {
	sum := weighted(s, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
	return isDay(number(s[2:4]), number(s[4:6])) && (11-sum%11)%10 == digit(s[12])
}

func isTFN(s string) bool {
	return allDigits(s) && weighted(s, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0
}
