package pattern

// The checksums that several numbers share. Each takes a code of digits, and letters where it says so, in upper case.

func digit(c byte) int { return int(c - '0') }

// allDigits reports whether a code has digits alone, not all the same.
func allDigits(s string) bool {
	same := true
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
		same = same && s[i] == s[0]
	}
	return s != "" && !same
}

// luhn is the check of cards and many national numbers.
func luhn(s string) bool {
	if !allDigits(s) {
		return false
	}
	sum := 0
	for i := range len(s) {
		d := digit(s[len(s)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// weighted is the sum of the digits, each times its weight. There are at least as many digits as weights.
func weighted(s string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += w * digit(s[i])
	}
	return sum
}

// mod is the number of a code in decimals modulo m, letters counting 10 to 35 as in ISO 7064.
func mod(s string, m int) int {
	r := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			r = (r*10 + digit(s[i])) % m
		} else {
			r = (r*100 + int(s[i]-'A') + 10) % m
		}
	}
	return r
}

// number is the value of a few digits.
func number(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + digit(s[i])
	}
	return n
}

// isDay reports whether there is such a day in some year; a year that has no 29 February is not told apart.
func isDay(month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= [...]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// verhoeff is the check of Aadhaar: the product of the digits in the group of the pentagon, each turned by its place.
func verhoeff(s string) bool {
	if !allDigits(s) {
		return false
	}
	turn := [...]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	product := 0
	for i := range len(s) {
		d := digit(s[len(s)-1-i])
		for range i % 8 {
			d = turn[d]
		}
		a, b := product, d
		switch {
		case a < 5 && b < 5:
			product = (a + b) % 5
		case a < 5:
			product = 5 + (a+b)%5
		case b < 5:
			product = 5 + (a-b)%5
		default:
			product = (a - b + 5) % 5
		}
	}
	return product == 0
}
