package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func secrets() []recogniser {
	return []recogniser{
		{label: "API_KEY", find: prefixed(knownKeys()), alone: 0.95, near: 0.95},
		{label: "API_KEY", find: tokens, alone: 0.95, near: 0.95},
		{label: "API_KEY", find: pems, alone: 0.95, near: 0.95},
		{label: "API_KEY", find: keyed(secretKeys(), secret), alone: 0.85, near: 0.85},
		{label: "PASSWORD", find: keyed(passwordKeys(), password), alone: 0.85, near: 0.85},
		{label: "PASSWORD", find: keyed(pinKeys(), pin), alone: 0.85, near: 0.85},
	}
}

// A key is how the keys of a service look: what they begin with and how many letters, digits, dashes and underscores follow at least.
type key struct {
	prefix string
	least  int
}

func knownKeys() []key {
	return []key{
		{"sk-ant-", 20}, {"sk-proj-", 20}, {"sk-svcacct-", 20}, {"sk-admin-", 20}, {"sk-or-", 20}, {"sk-", 32}, // Anthropic, OpenAI, OpenRouter
		{"AKIA", 16}, {"ASIA", 16}, {"ABIA", 16}, // AWS
		{"ghp_", 36}, {"gho_", 36}, {"ghu_", 36}, {"ghs_", 36}, {"ghr_", 36}, {"github_pat_", 40},
		{"glpat-", 20}, {"gldt-", 20}, {"glrt-", 20},
		{"xoxb-", 20}, {"xoxa-", 20}, {"xoxp-", 20}, {"xoxr-", 20}, {"xoxs-", 20}, {"xoxe-", 20}, {"xapp-", 20}, // Slack
		{"sk_live_", 16}, {"sk_test_", 16}, {"rk_live_", 16}, {"rk_test_", 16}, {"pk_live_", 16}, {"whsec_", 24}, // Stripe
		{"AIza", 35}, {"GOCSPX-", 20}, // Google
		{"hf_", 30}, {"npm_", 36}, {"pypi-", 50}, {"dop_v1_", 60}, {"shpat_", 32}, {"gsk_", 40}, {"nvapi-", 40}, {"r8_", 37}, {"xai-", 40},
	}
}

func prefixed(known []key) finder {
	var by [256][]key // by their first byte
	for _, k := range known {
		by[k.prefix[0]] = append(by[k.prefix[0]], k)
	}
	return func(v *view, hit func(start, end int)) {
		done := 0
		for _, w := range v.words {
			if w.start < done {
				continue
			}
			for _, k := range by[v.s[w.start]] {
				if !strings.HasPrefix(v.s[w.start:], k.prefix) {
					continue
				}
				from := w.start + len(k.prefix)
				end := codeEnd(v, from, from+maxSecret, "-_")
				if end-from < k.least || !strings.ContainsAny(v.s[from:end], "0123456789") {
					continue
				}
				end = codeEnd(v, end, len(v.s), "-_")
				hit(w.start, end)
				done = end
				break
			}
		}
	}
}

// maxSecret is how much of a code is looked at before it counts as one.
const maxSecret = 400

// codeEnd returns where the run of letters, digits and the given marks that begins at start ends, or limit if that comes first.
func codeEnd(v *view, start, limit int, marks string) int {
	for start < min(limit, len(v.s)) && (isAlnum(v.s[start]) || strings.IndexByte(marks, v.s[start]) >= 0) {
		start++
	}
	return start
}

// leastPart is how long the shortest object is that a token may begin with: {"alg":"none"}.
const leastPart = 17

// tokens finds JSON web tokens: three parts, the first two objects in base64.
func tokens(v *view, hit func(start, end int)) {
	done := 0
	for _, w := range v.words {
		if w.start < done || !strings.HasPrefix(v.s[w.start:], "eyJ") {
			continue
		}
		end := codeEnd(v, w.start, len(v.s), "-_")
		done = end
		if end-w.start < leastPart || !strings.HasPrefix(v.s[end:], ".eyJ") {
			continue
		}
		end = codeEnd(v, end+1, len(v.s), "-_")
		if v.at(end) == '.' {
			end = codeEnd(v, end+1, len(v.s), "-_")
		}
		done = end
		hit(w.start, end)
	}
}

// pems finds private keys in PEM, up to their end, or to the end of the text where they are cut.
func pems(v *view, hit func(start, end int)) {
	const begin, last = "-----BEGIN ", "-----END "
	for at := 0; ; {
		i := strings.Index(v.s[at:], begin)
		if i < 0 {
			return
		}
		start := at + i
		at = start + len(begin)
		head := v.s[at:min(len(v.s), at+40)]
		if j := strings.Index(head, "-----"); j < 0 || !strings.Contains(head[:j], "PRIVATE KEY") {
			continue
		}
		end := len(v.s)
		if i := strings.Index(v.s[at:], last); i >= 0 {
			end = at + i + len(last)
			if j := strings.Index(v.s[end:min(len(v.s), end+40)], "-----"); j >= 0 {
				end += j + len("-----")
			}
		}
		hit(start, end)
		at = end
	}
}

func secretKeys() []string {
	return []string{
		"api key", "apikey", "x api key", "secret key", "secret access key", "aws secret access key", "access token", "auth token", "bearer token",
		"client secret", "bearer", "accountkey", "sharedaccesskey", "sharedaccesssignature", "private key", "refresh token", "secret", "token",
		"authorization: bearer",
	}
}

// secret is a code of 16 characters or more with digits among them. Nothing between key and code is enough for none but bearer's.
func secret(v *view, at int, how byte) int {
	end := codeEnd(v, at, at+maxSecret, "-_+/=.~%")
	for end > at && v.s[end-1] == '.' {
		end--
	}
	code := v.s[at:end]
	if end-at < 16 || !strings.ContainsAny(code, "0123456789") || !strings.ContainsFunc(code, unicode.IsLetter) || v.at(end) == '(' {
		return at
	}
	if how == ' ' && (!mixed(code) || strings.Contains(code, "/")) {
		return at
	}
	return end
}

func passwordKeys() []string {
	return []string{
		"password", "passwd", "passwort", "kennwort", "pwd", "pass", "passphrase", "passcode", "contrasena", "clave", "senha", "palavra passe",
		"mot de passe", "mdp",
		"wachtwoord", "haslo", "losenord", "parola", "sifre", "kata sandi", "db password", "contraseña", "hasło", "lösenord", "heslo", "salasana",
		"şifre", "пароль",
		"密码", "口令", "パスワード", "비밀번호", "पासवर्ड", "كلمة المرور", "סיסמה", "mật khẩu",
	}
}

// maxPassword is how many bytes of a word without spaces count as a password.
const maxPassword = 128

// password is a word of 4 characters or more that is no placeholder and no part of a sentence or a program.
func password(v *view, at int, how byte) int {
	end := at
	for end < min(len(v.s), at+maxPassword) && !isSpace(v.s[end]) && strings.IndexByte("\"`<>", v.s[end]) < 0 {
		end++
	}
	for end > at && end < len(v.s) && !utf8.RuneStart(v.s[end]) {
		end--
	}
	quote := v.at(at - 1)
	if quote == '\'' { // it was opened, so it closes
		if i := strings.IndexByte(v.s[at:end], '\''); i >= 0 {
			end = at + i
		}
	}
	for end > at && strings.IndexByte(".,;:?)]}'", v.s[end-1]) >= 0 {
		end--
	}
	word := v.s[at:end]
	if end-at < 4 || isPlaceholder(word) || strings.ContainsAny(word, "({[") && isIdentifier(word[:strings.IndexAny(word, "({[")]) {
		return at
	}
	odd := strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' && r != '\'' && r != '/' }) ||
		strings.ToLower(word) != word && strings.ToUpper(word) != word && strings.ToLower(word[1:]) != word[1:]
	switch how {
	case ' ':
		if !hasBoth(word) || quote != '"' && quote != '\'' && quote != '`' && !odd {
			return at
		}
	case 'i':
		if !odd {
			return at
		}
	default:
		if !odd && !endsClause(v, end) {
			return at
		}
	}
	return end
}

// hasBoth reports whether a word has both letters and digits.
func hasBoth(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ContainsFunc(s, unicode.IsLetter)
}

// endsClause reports whether what ends at a place is followed by no further word.
func endsClause(v *view, end int) bool {
	for end < len(v.s) && v.s[end] == ' ' {
		end++
	}
	return end == len(v.s) || strings.IndexByte("\n\r\"'`,;.)&|}", v.s[end]) >= 0
}

func isIdentifier(s string) bool {
	return s == "" || s == "$" || isLetter(s[0]) && codeLen(s) == len(s)
}

func codeLen(s string) int {
	n := 0
	for n < len(s) && (isWord(s[n]) || s[n] == '.') {
		n++
	}
	return n
}

// isPlaceholder reports whether a value stands for one that is not there.
func isPlaceholder(s string) bool {
	low := strings.ToLower(s)
	if strings.Trim(low, "*x.•_-#?") == "" || strings.HasPrefix(low, "your") || strings.HasPrefix(low, "${") || strings.HasPrefix(low, "{{") ||
		strings.HasPrefix(low, "os.") || strings.HasPrefix(low, "process.env") || strings.HasPrefix(low, "self.") || strings.HasPrefix(low, "req.") ||
		strings.HasPrefix(low, "request.") || strings.HasPrefix(low, "%(") || strings.HasPrefix(low, "$") && isIdentifier(low[1:]) {
		return true
	}
	switch low {
	case "null", "none", "nil", "true", "false", "undefined", "string", "str", "text", "varchar", "char", "required", "optional", "password", "username", "user",
		"redacted", "hidden", "secret", "input", "hash", "hashed", "encrypted", "reset", "forgot", "incorrect", "wrong", "invalid", "changed",
		"name", "this", "that",
		"value", "data", "type", "email", "login", "number", "the", "not", "and", "for":
		return true
	}
	return false
}

func pinKeys() []string {
	return []string{"pin", "pin code", "pin number", "security code", "cvv", "cvc", "otp", "verification code", "one time code", "access code", "验证码"}
}

// pin is 3 to 8 digits, and 4 or 6 where nothing says that they are one.
func pin(v *view, at int, how byte) int {
	end := at
	for isDigit(v.at(end)) {
		end++
	}
	if n := end - at; n < 3 || n > 8 || how == ' ' && n != 4 && n != 6 || isAlnum(v.at(end)) || v.at(end) == '.' && isDigit(v.at(end+1)) {
		return at
	}
	return end
}
