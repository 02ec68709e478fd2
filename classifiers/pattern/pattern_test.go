package pattern_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mom-router/mom/classifiers/classifiertest"
	"github.com/mom-router/mom/classifiers/pattern"
)

func TestConforms(t *testing.T) {
	classifiertest.Tagger(t, pattern.New())
	classifiertest.Tagger(t, pattern.Beside(pattern.New()))
}

// found are the spans of a text that reach half, as "LABEL text".
func found(t *testing.T, text string) []string {
	t.Helper()
	spans, err := pattern.New().Tag(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range spans {
		if s.P >= 0.5 {
			out = append(out, s.Label+" "+text[s.Start:s.End])
		}
	}
	return out
}

// marked takes the marks out of a text and returns what they are around, with the label.
func marked(label, text string) (plain string, want []string) {
	for part := range strings.SplitSeq(text, "«") {
		if in, _, ok := strings.Cut(part, "»"); ok {
			want = append(want, label+" "+in)
		}
	}
	return strings.NewReplacer("«", "", "»", "").Replace(text), want
}

// What is between « and » is found, and nothing else.
func TestFinds(t *testing.T) {
	pem := "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
	letters := "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7k"
	for label, rows := range map[string][]string{
		"EMAIL_ADDRESS": {
			"mail me at «jane.doe+news@mail.example.co.uk», please.", "<«o'brien@example.ie»>", "email=«a_b@example.org»&x=1",
			"邮箱«wang@example.com»谢谢",
			"intern: «bob@mail.corp»", "(«x@example.com»)", "«first@example.com»,«second@example.com»", "to “«jane@example.com»”",
			"mailto:«jane@example.com»?subject=hi",
		},
		"USERNAME": {
			"thanks «@jane_doe»!", "cc «@Bob99» and «@alice»", "user=«jdoe42»", "user: '«root»'", "by «@wendys», ok", "Username: «jane.doe»", "my username is «jdoe_42»",
			`{"login": "«rootadmin»"}`,
			"用户名：«wangwei88»",
		},
		"DOMAIN_NAME": {
			"see «https://example.com/a?b=c#d».", "(«http://user:pw@10.0.0.1:8080/x»)", "go to «www.example.io» now",
			"our site «example.com/pricing» is up",
			"«EXAMPLE.ORG»", "[docs](«https://en.wikipedia.org/wiki/Go_(game)»)", "visit the website «example.ai»", "at «shop.example.co.uk».",
			"«postgres://u:p@db.internal/x»",
		},
		"IP_ADDRESS": {
			"ping «192.168.0.1»", "from «10.0.0.7»:8080 on", "block «203.0.113.0»/24", "host is «1.1.1.1»", "«2001:db8::8a2e:370:7334»", "[«::1»]:80",
			"addr «fe80::1ff:fe23:4567:890a»%eth0", "ends with «8.8.8.24».",
		},
		"MAC_ADDRESS": {"«00:1A:2b:3c:4D:5e»", "card «00-1a-2b-3c-4d-5e» up", "arp «001a.2b3c.4d5e»"},
		"CREDIT_CARD": {
			"«4111 1111 1111 1111»", "«5555-5555-5555-4444» exp 12/27", "amex «378282246310005»", "«6011111111111117»", "«3056 930902 5904»",
			"paid with «4242424242424242».",
			"my credit card is «4111 1111 1111 1112»", "Mastercard «2223003122003222»",
			"visa «4111 1111 1111 1111» 123", "«4111 1111 1111 1111» «5555 5555 5555 4444»",
		},
		"IBAN_CODE": {
			"«GB82 WEST 1234 5698 7654 32»", "IBAN: «DE89370400440532013000»", "«FR14 2004 1010 0505 0001 3M02 606» danke", "«nl91abna0417164300»",
			"iban «GB508890181062210121» it is",
		},
		"US_BANK_NUMBER": {
			"routing number «021000021»", "ABA «011000015»", "account number: «000123456789»", "Acct# «12-3456789»",
			"account number is '«SBIN567890123456»'",
		},
		"US_SSN": {
			"«536-22-1234»", "my SSN is «536221234»", "social security number «536 22 1234»", "SIN «046 454 286»", "NINO: «AB123456C»",
			"«AB 12 34 56 C»",
			"«2 55 08 14 168 025 38»", "PESEL «44051401359»", "BSN «111222333»", "«811228-9874»", "«19811228-9874»", "«131052-308T»",
			"fødselsnummer «01010750160»",
			"rijksregisternummer «85.07.30-033.28»", "«756.9217.0769.85»", "주민등록번호 «900101-1234568»", "CPR «010190-1234»",
		},
		"ID_NUMBER": {
			"NHS «943 476 5919»", "Steuer-ID «86095742719»", "«12345678Z»", "NIE «X1234567L»", "«RSSMRA85T10A562S»", "«111.444.777-35»",
			"cpf «11144477735»",
			"Aadhaar «2341 2341 2346»", "PAN «ABCPD1234F»", "身份证号«11010519491231002X»", "TFN «123 456 782»", "IMEI «490154203237518»",
			"ITIN «912-78-1234»",
		},
		"PHONE_NUMBER": {
			"«+1 415 555 0100»", "«+44 20 7946 0958» at noon", "«+49 30 901820»", "«+14155550100»", "«(415) 555-0100»",
			"call «415-555-0100» x", "«415.555.0100 ext. 12»",
			"«1-800-555-0199»", "«+1 (976) 315-4474»", "«(579)566-1058x29»", "tel: «020 7946 0958»", "my phone is «5551234567»",
			"Telefon «030/1234567»", "手机«13800138000»",
			"mobile «0049 171 1234567»", "«+81 3-1234-5678», «+33 6 12 34 56 78»", "fax «030 1234567»",
		},
		"CRYPTO": {
			"«1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa»", "to «3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy».", "«bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq»",
			"«bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr»", "«0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed»",
			"«0xde709f2102306220921060314715629080e2fb77»",
			"my bitcoin wallet «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb»",
		},
		"PASSWORD": {
			"password: «hunter2!»", "pwd=«S3cret», ok", `"password": "«correcthorse»"`, "my password is «Tr0ub4dor&3».",
			"Passwort lautet «Geheim1»", "contraseña: «caballo99»", "密码是 x 密码：«mima123»",
			"пароль: «секрет99»", "PIN: «4821»", "your PIN is «0417»", "mot de passe : «Soleil75»", "password '«Root2024$Secure»'",
			"Password: «swordfish»", "DB_PASSWORD=«x7Gq!p»",
		},
		"DATE_TIME": {
			"«2024-03-01»", "at «2024-03-01T12:30:45.123Z»", "«2024-03-01 12:30:45+02:00»", "due «03/15/2024»", "am «15.03.2024»", "call me on «15.03.2024»",
			"on «March 3, 2024»", "«3rd of May 2021»", "born «7 juillet 1981»",
			"by «Dec 24»", "«12 de octubre de 1992»", "«19-03-2024, 22:35»", "since «March 3, 2024 at 08:10:30», they say", "am «15.03.2024 um 14:00»",
		},
		"API_KEY": {
			"«sk-proj-" + letters + "»", "key «sk-ant-api03-" + letters + "»", "«AKIAIOSFODNN7EXAMPLE»", "«ghp_" + letters[:36] + "»",
			"«glpat-" + letters[:20] + "»", "«xoxb-123456789012-" + letters[:12] + "»",
			"«sk_live_" + letters[:24] + "»", "«AIza" + letters[:35] + "»",
			"Bearer «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P»", "«" + pem + "» ok",
			"AccountKey=«" + letters + "==»;EndpointSuffix", "api_key = \"«" + letters + "»\"",
			"aws_secret_access_key=«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
		},
	} {
		for _, row := range rows {
			text, want := marked(label, row)
			if diff := cmp.Diff(want, found(t, text)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row, diff)
			}
		}
	}
}

func TestLeavesAlone(t *testing.T) {
	for name, rows := range map[string][]string{
		"times of day": {"at 5:30 pm", "08:26:34", "10am", "up 14:02:11.310"},
		"numbers of things": {
			"order number 123-45-6789", "Order 4155550100 shipped", "invoice 2024-0012-3345", "tracking 1Z999AA10123456784",
			"tracking number 9400 1000 0000 0000 0000 00", "ISBN 978-3-16-148410-0",
			"ISBN 0-306-40615-2", "ticket 415-555-0100", "EAN 4006381333931", "SKU 12345-678-90", "the number 123456789", "111222333 people",
			"case 86095742719", "part no 021000021",
		},
		"versions": {
			"version 1.2.3.4", "v10.20.30.40", "upgrade to release 12.10.2.14", "section 1.2.3.4", "Chrome/120.0.6099.71", "1.2.3.4.5", "go1.26.0",
			"python 3.12.1", "rv:1.9.3.20", "lib-1.2.3.44-beta",
		},
		"hashes and ids": {
			"d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			"550e8400-e29b-41d4-a716-446655440000", "commit 70943d2f",
			"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c1", "0x1f", "0xDEADBEEF", "aa:bb:cc:dd:ee:ff:00:11:22:33", "12:34",
			"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
		},
		"stamps of time": {"1700000000", "1700000000000", "took 12.345678901 s", "at 1700000000123456789"},
		"prices and measures": {
			"it costs $1,234,567.89", "call now: $ 4155550100", "€ 415.555.0100", "3.14159265358979", "1,000,000", "100-200", "5-10 people",
			"0.5.1", "1234567890 rows", "call it 42", "50%",
			"2 x 3 = 6", "1 2 3 4 5 6 7", "10 20 30 40", "1st 2nd", "may be 3", "we may 100",
		},
		"cards that are none": {"4111 1111 1111 1112", "1234 5678 9012 3456", "0000 0000 0000 0000", "9999999999999995", "4111111111111111111111"},
		"programs": {
			"import strings; strings.Builder", "open file.py and main.rs", "see README.md", "self.name = node.id", "@Override public void run()",
			"@app.route('/')", "a::b", "std::vector<int>",
			"np.int and math.pi", "user.email = x", "obj.to.me()", "foo.bar()", "System.Net", "java.io", "socket.io is a library", "ASP.NET Core",
			"git@github.com:org/repo.git", "x@1.2.3", "x = a[1:2]",
			"password = os.environ['PW']", "password: string", "def login(user, password):", "password=None", "pwd: ********",
			"password = get_password()", "user = User()", "const password = $PASSWORD",
			"token = next(tokens)", "the token is a word", "import os.path", "e.g. this, i.e. that", "done.In the end", "end.So it goes",
			"sk-learn is fine", "npm_install", "pin: optional", "@media print",
		},
		"sentences": {
			"the password is required", "my password is wrong", "Password: must be long", "I forgot my password and my username",
			"reset password please", "the user is happy", "login: see below",
			"use a pin or a password", "call me maybe", "User: Hey, what is up", "the Winter War (1939-1940) was called so", "to pass $200", "CVC 22530: No person", "~pwd/Users/x1/y",
			"Yes or N.CA is the answer", "PRSNLTY4SKILLWEB", "the phone is old", "my account is closed", "the secret is out", "Bearer of bad news",
			"I bank on it", "In 1984 he wrote it", "24/7", "and/or",
			"the routing of 12 packets", "what is PII @ home?",
		},
	} {
		for _, text := range rows {
			if got := found(t, text); len(got) > 0 {
				t.Errorf("%s: %q: found %q", name, text, got)
			}
		}
	}
}
