package pattern

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

func internet() []recogniser {
	mail := []string{"email*", "e-mail*", "mail*", "contact", "correo", "courriel", "邮箱", "メール", "почта"}
	site := []string{"site", "website", "domain*", "url", "visit", "browse", "web", "hostname", "homepage", "go to"}
	ip := []string{
		"ip", "ipv4", "ipv6", "address", "host*", "server*", "ping", "gateway", "dns", "subnet", "router", "ssh", "curl", "connect*", "client",
		"logged in", "adresse",
	}
	version := []string{
		"version*", "ver", "v", "release", "build", "firmware", "driver", "chapter", "section", "sec", "§", "kernel", "upgrade*", "rev", "rv",
		"oid", "clause",
	}
	return []recogniser{
		{label: "EMAIL_ADDRESS", find: emails(true), words: mail, alone: 0.95, near: 0.99},
		{label: "EMAIL_ADDRESS", find: emails(false), words: mail, alone: 0.85, near: 0.95},
		{label: "USERNAME", find: handles(annotations()), alone: 0.95, near: 0.95},
		{label: "USERNAME", find: keyed(userKeys(), userName), alone: 0.85, near: 0.85},
		{label: "USERNAME", find: keyed([]string{"user", "usuario", "utilisateur"}, assignedUser), alone: 0.85, near: 0.85},
		{label: "DOMAIN_NAME", find: urls, alone: 0.95, near: 0.95},
		{label: "DOMAIN_NAME", find: domains(true), alone: 0.85, near: 0.85},
		{label: "DOMAIN_NAME", find: domains(false), words: site, alone: 0.4, near: 0.85},
		{label: "IP_ADDRESS", find: ip4(true), words: ip, never: version, alone: 0.95, near: 0.99},
		{label: "IP_ADDRESS", find: ip4(false), words: ip, never: version, alone: 0.4, near: 0.85},
		{label: "IP_ADDRESS", find: ip6, words: ip, alone: 0.95, near: 0.99},
		{label: "MAC_ADDRESS", find: macs, alone: 0.95, near: 0.95},
	}
}

// The longest parts of an address, by RFC 5321 and 1035.
const (
	maxLocal  = 64
	maxDomain = 253
)

// emails finds addresses whose domain is under a public suffix of the internet, or those of any other.
func emails(public bool) finder {
	return func(v *view, hit func(start, end int)) {
		done := 0
		for at := 0; ; at++ {
			i := strings.IndexByte(v.s[at:], '@')
			if i < 0 {
				return
			}
			at += i
			start := at
			for start > max(done, at-maxLocal) && (isWord(v.s[start-1]) || strings.IndexByte(".%+-'", v.s[start-1]) >= 0) {
				start--
			}
			for start < at && !isWord(v.s[start]) {
				start++
			}
			end := domainEnd(v, at+1)
			host := v.s[at+1 : end]
			if start == at || strings.HasPrefix(v.s[end:], ":") && v.s[start:at] == "git" || !isHost(host) || ofSuffix(host) != public {
				continue
			}
			hit(start, end)
			done, at = end, end-1
		}
	}
}

// domainEnd returns where the run of letters, digits, dots and dashes that begins at start ends, without dots and dashes at its end.
func domainEnd(v *view, start int) int {
	end := start
	for end < min(len(v.s), start+maxDomain+1) && (isAlnum(v.s[end]) || v.s[end] == '.' || v.s[end] == '-') {
		end++
	}
	for end > start && !isAlnum(v.s[end-1]) {
		end--
	}
	return end
}

// isHost reports whether a name has two labels or more, none empty, and the last in letters.
func isHost(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 || len(name) > maxDomain || len(name)-dot < 3 || name[0] == '-' || strings.Contains(name, "..") {
		return false
	}
	top := name[dot+1:]
	return strings.HasPrefix(top, "xn--") || !strings.ContainsFunc(top, func(r rune) bool { return !isLetter(byte(r)) })
}

// ofSuffix reports whether a name lies under a public suffix of the internet.
func ofSuffix(name string) bool {
	name = strings.ToLower(name)
	suffix, icann := publicsuffix.PublicSuffix(name)
	return icann && len(suffix) < len(name)
}

// handles finds @names, but no addresses of mail and none of the annotations of programming languages.
func handles(annotations []string) finder {
	return func(v *view, hit func(start, end int)) {
		for at := 0; ; at++ {
			i := strings.IndexByte(v.s[at:], '@')
			if i < 0 {
				return
			}
			at += i
			end, letters := at+1, false
			for end < min(len(v.s), at+32) && isWord(v.s[end]) {
				letters = letters || isLetter(v.s[end])
				end++
			}
			before, after := v.at(at-1), v.at(end)
			if before != 0 && (isWord(before) || strings.IndexByte(".@/\\", before) >= 0) || end-at < 3 || end-at > 31 || !letters {
				continue
			}
			if after != 0 && strings.IndexByte("@/(=", after) >= 0 || (after == '.' || after == '-') && isWord(v.at(end+1)) {
				continue
			}
			if !slices.Contains(annotations, strings.ToLower(v.s[at+1:end])) {
				hit(at, end)
			}
		}
	}
}

// annotations are what stands after @ in programs and style sheets.
func annotations() []string {
	return []string{
		"override", "deprecated", "param", "params", "return", "returns", "throws", "see", "since", "author", "version", "media", "import",
		"keyframes", "include",
		"property", "staticmethod", "classmethod", "dataclass", "abstractmethod", "test", "autowired", "inject", "component", "service", "controller",
		"bean", "entity", "id", "column", "table", "suppresswarnings", "nullable", "notnull", "nonnull", "interface", "end", "implementation",
		"selector", "main",
		"objc", "escaping", "published", "state", "binding", "observedobject", "types", "type", "todo", "charset", "supports", "layer", "apply",
		"tailwind",
		"data", "getter", "setter", "builder", "value", "configuration", "transactional", "repository", "restcontroller", "before", "after",
		"click", "change",
		"functools", "pytest", "contextmanager", "cached_property", "lru_cache", "fixture", "everyone", "here", "channel", "font", "echo", "latest",
	}
}

func userKeys() []string {
	return []string{
		"username", "user name", "user id", "userid", "login", "login name", "screen name", "nickname", "benutzername", "nutzername",
		"nombre de usuario", "nome utente", "nom d'utilisateur", "gebruikersnaam", "用户名", "ユーザー名", "пользователя", "логин",
	}
}

// userName is a name of 3 to 40 letters, digits, dots and dashes after a colon or equals sign, or after is where it is no word.
func userName(v *view, at int, how byte) int {
	end := at
	for end < min(len(v.s), at+41) && (isWord(v.s[end]) || strings.IndexByte(".-", v.s[end]) >= 0 && isWord(v.at(end+1))) {
		end++
	}
	name := v.s[at:end]
	if n := end - at; n < 3 || n > 40 || strings.IndexByte("@({[<", v.at(end)) >= 0 && end < len(v.s) || isPlaceholder(name) {
		return at
	}
	switch how {
	case ' ':
		return at
	case 'i':
		if !strings.ContainsAny(name, "0123456789_") {
			return at
		}
	default:
		if !strings.ContainsAny(name, "0123456789_.-") && !endsClause(v, end) { // a sentence, or a person's name
			return at
		}
	}
	return end
}

// assignedUser is a userName after an equals sign or in quotes: after "User:" comes what somebody says.
func assignedUser(v *view, at int, how byte) int {
	if quote := v.at(at - 1); how != '=' && quote != '"' && quote != '\'' && quote != '`' {
		return at
	}
	return userName(v, at, how)
}

// urls finds what has a scheme, up to white space or what closes around it.
func urls(v *view, hit func(start, end int)) {
	done := 0
	for at := 0; ; {
		i := strings.Index(v.s[at:], "://")
		if i < 0 {
			return
		}
		at += i
		start := at
		for start > max(done, at-12) && (isAlnum(v.s[start-1]) || v.s[start-1] == '+') {
			start--
		}
		host := at + len("://")
		end := host
		at = host
		// Before the rest is read: or each of many marks in a row would read all of them.
		if start == host-3 || !isLetter(v.s[start]) || !isAlnum(v.at(host)) && v.at(host) != '[' {
			continue
		}
		for end < len(v.s) && v.s[end] > ' ' && strings.IndexByte("<>\"'`|\\{}", v.s[end]) < 0 && v.s[end] < 0x80 {
			end++
		}
		open := strings.Count(v.s[host:end], "(") - strings.Count(v.s[host:end], ")")
		for end > host && strings.IndexByte(".,;:!?*)]", v.s[end-1]) >= 0 && (v.s[end-1] != ')' || open < 0) {
			if v.s[end-1] == ')' {
				open++
			}
			end--
		}
		if end-host >= 3 {
			hit(start, end)
			done, at = end, end
		}
	}
}

// domains finds bare names of hosts under a public suffix: those that nobody takes for something else, or the others. The part after a name,
// such as a path, is part of it.
func domains(clear bool) finder {
	return func(v *view, hit func(start, end int)) {
		done := 0
		for at := 0; ; at++ {
			i := strings.IndexByte(v.s[at:], '.')
			if i < 0 {
				return
			}
			at += i
			if at < done || !isAlnum(v.at(at-1)) || !isLetter(v.at(at+1)) {
				continue
			}
			start := at
			for start > max(done, at-maxDomain) && (isAlnum(v.s[start-1]) || v.s[start-1] == '-' || v.s[start-1] == '.') {
				start--
			}
			end := domainEnd(v, start)
			done = max(end, at) // also where it is none: each run is read once
			for start < end && !isAlnum(v.s[start]) {
				start++
			}
			name := v.s[start:end]
			if !isHost(name) || isFile(name) || inCode(v, start, end) || !ofSuffix(name) || isClear(name) != clear {
				continue
			}
			for end < len(v.s) && v.s[start] != 0 && (v.s[end] == '/' || end > start+len(name)) && v.s[end] > ' ' && v.s[end] < 0x80 &&
				strings.IndexByte("<>\"'`|\\{},;()", v.s[end]) < 0 {
				end++
			}
			for end > start && strings.IndexByte(".:!?*", v.s[end-1]) >= 0 {
				end--
			}
			hit(start, end)
			done = end
		}
	}
}

// inCode reports whether a name stands where programs have theirs: called, indexed, assigned to, in a path, or part of an address of mail.
func inCode(v *view, start, end int) bool {
	before, after := v.at(start-1), v.at(end)
	if before != 0 && (isWord(before) || strings.IndexByte("@/.\\$-#&*%~=", before) >= 0) {
		return true
	}
	if after != 0 && (isWord(after) || strings.IndexByte("@([=\\-", after) >= 0) {
		return true
	}
	first, _, _ := strings.Cut(v.s[start:end], ".")
	owners := []string{"com", "org", "net", "io", "java", "javax", "self", "this", "np", "pd", "os", "sys", "math", "fmt", "asp", "vb", "ado"}
	return slices.Contains(owners, strings.ToLower(first)) ||
		v.justBefore(start, []string{"import", "package", "from", "require", "def", "func", "using", "namespace"}) && !isClear(v.s[start:end])
}

// isFile reports whether a name ends as files do that are also a country's or a company's.
func isFile(name string) bool {
	top := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	files := []string{"py", "rs", "sh", "md", "pl", "cc", "so", "ps", "zip", "mov", "app", "cab", "mm", "pm", "vi", "java", "bz", "bat"}
	return slices.Contains(files, top) && !strings.HasPrefix(name, "www.")
}

// isClear reports whether a name ends as hosts do and no file, method or sentence does.
func isClear(name string) bool {
	if strings.EqualFold(name[:min(4, len(name))], "www.") {
		return true
	}
	if top := name[strings.LastIndexByte(name, '.')+1:]; top != strings.ToLower(top) && (name != strings.ToUpper(name) || name[1] == '.') {
		return false // System.Net, Yes or N.In
	}
	suffix, _ := publicsuffix.PublicSuffix(strings.ToLower(name))
	return strings.Contains(suffix, ".") || slices.Contains([]string{
		"com", "org", "net", "edu", "gov", "mil", "biz", "int", "de", "fr", "ch", "nl", "ru", "jp", "cn", "br", "au", "ca", "eu", "uk", "kr", "se",
		"dk", "fi", "cz", "pt",
		"ie", "nz", "za", "ua", "gr", "hu", "ro", "mx", "ar",
	}, suffix)
}

// ip4 finds addresses with some number of two digits, or those without, which may as well be of a version or a section.
func ip4(clear bool) finder {
	return func(v *view, hit func(start, end int)) {
		for i := 0; i+3 < len(v.digits); i++ {
			four := v.digits[i : i+4]
			start, end := four[0].start, four[3].end
			if end-start > 15 || !dotted(v, four) || isWord(v.at(start-1)) || v.at(start-1) == '.' || isWord(v.at(end)) ||
				(v.at(start-1) == '-' || v.at(start-1) == '/') && isAlnum(v.at(start-2)) || (v.at(end) == '.' || v.at(end) == '-') && isAlnum(v.at(end+1)) {
				continue
			}
			if _, err := netip.ParseAddr(v.s[start:end]); err != nil || clear != (end-start > 7) {
				continue
			}
			hit(start, end)
			i += 3
		}
	}
}

func dotted(v *view, groups []run) bool {
	for i := 1; i < len(groups); i++ {
		if groups[i].start != groups[i-1].end+1 || v.s[groups[i-1].end] != '.' {
			return false
		}
	}
	return true
}

// ip6 finds addresses that have a digit and are long enough to be nothing of C++.
func ip6(v *view, hit func(start, end int)) {
	for at := 0; ; {
		i := strings.IndexByte(v.s[at:], ':')
		if i < 0 {
			return
		}
		at += i
		start := at
		for start > max(0, at-4) && isHex(v.s[start-1]) {
			start--
		}
		end, colons, digits := start, 0, 0
		for end < len(v.s) && (isHex(v.s[end]) || v.s[end] == ':' || v.s[end] == '.') {
			if v.s[end] == ':' {
				colons++
			} else if isDigit(v.s[end]) {
				digits++
			}
			end++
		}
		at = max(end, at+1)
		for end > start && (v.s[end-1] == '.' || v.s[end-1] == ':' && end-start > 2 && v.s[end-2] != ':') {
			end--
		}
		if colons < 2 || digits < 1 || end-start > 45 || isWord(v.at(start-1)) || isWord(v.at(end)) || v.at(start-1) == ':' || v.at(start-1) == '.' {
			continue
		}
		if colons < 3 && end-start < 6 && v.s[start:end] != "::1" {
			continue
		}
		if a, err := netip.ParseAddr(v.s[start:end]); err == nil && a.Is6() {
			hit(start, end)
		}
	}
}

// macs finds six pairs of hexadecimal digits with colons or dashes, and three groups of four with dots.
func macs(v *view, hit func(start, end int)) {
	done := 0
	for _, w := range v.words {
		if w.start < done || w.end-w.start != 2 && w.end-w.start != 4 {
			continue
		}
		size, count, marks := w.end-w.start, 6, ":-"
		if size == 4 {
			count, marks = 3, "."
		}
		mark, at, n := v.at(w.end), w.start, 0
		if mark == 0 || strings.IndexByte(marks, mark) < 0 {
			continue
		}
		for ; n < count; n++ {
			if n > 0 {
				if v.at(at) != mark {
					break
				}
				at++
			}
			k := 0
			for k < size && isHex(v.at(at+k)) {
				k++
			}
			if k < size {
				break
			}
			at += size
		}
		before, after := v.at(w.start-1), v.at(at)
		if n < count || isWord(after) || before == mark || before == '_' || after == mark && isHex(v.at(at+1)) {
			continue
		}
		if size == 4 && !strings.ContainsAny(v.s[w.start:at], "0123456789") {
			continue
		}
		hit(w.start, at)
		done = at
	}
}
