"""Values of personal data as a text would hold them, from the lists of one file. Seeded: the same generator gives the same values."""

import re
import unicodedata

SLOT = re.compile(r"\{(=?)(\w+)\}")
COINED = {"first": 0.08, "last": 0.15, "place": 0.04, "org_head": 0.2}  # the share of values that are made of syllables


def _title(s):
    return s[:1].upper() + s[1:]


def _plain_letters(name):
    """The name in small ASCII letters, as in an e-mail address; kim where none is left."""
    bare = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss").replace("ø", "o").replace("ł", "l"))
    return re.sub(r"[^a-z]", "", bare) or "kim"


class Mark(str):
    """A value with its PII type."""

    def __new__(cls, text, label):
        out = super().__new__(cls, text)
        out.label = label
        return out


class Values:
    """Makes values from one file's locales. Those of one document are from one of them."""

    def __init__(self, rng, raw):
        self.rng, self.raw = rng, raw
        self.locales = self.raw["locales"]
        self.locale, self.who = self.locales[0], None  # of the document: where it is from, the person named last
        self.wrong = 0.0

    def digits(self, pattern):
        """The pattern with # a digit, ? a capital letter and x a hexadecimal digit."""
        choice = {"#": "0123456789", "?": "ABCDEFGHJKLMNPRSTUVWXYZ", "x": "0123456789abcdef"}
        return "".join(self.rng.choice(choice[c]) if c in choice else c for c in pattern)

    def one(self, name):
        """A member of the list in the document's locale; one in ten is another locale's, and some names are coined."""
        if self.rng.random() < COINED.get(name, 0) and "syllables" in self.raw:
            return _title("".join(self.rng.choice(self.raw["syllables"]) for _ in range(self.rng.choice([2, 2, 3]))))
        locale = self.locale if self.rng.random() < 0.9 else self.rng.choice(self.locales)
        if not locale.get(name):
            locale = self.rng.choice([other for other in self.locales if other.get(name)])
        return str(self.rng.choice(locale[name]))

    def word(self):
        return str(self.rng.choice(self.raw["words"]))

    def plain(self, name):
        """Text that looks like personal data and is none."""
        r, d = self.rng, self.digits
        return {
            "order": lambda: d(
                r.choice(["#######", "A-######", "########", "20##-#####", "#####", "#-####", "SO######", "#########", "INV-####"])
            ),
            "stamp": lambda: (
                f"{r.randrange(24):02}:{r.randrange(60):02}"
                + r.choice(["", f":{r.randrange(60):02}", f":{r.randrange(60):02}.{r.randrange(999):03}"])
            ),
            "part": lambda: d(
                r.choice(
                    ["??-####-?", "1Z###?##########", "PN ####-##", "XR#### rev ?", "?##", "???-##", "##-###-##", "############"]
                )
            ),
            "money": lambda: (
                r.choice(["$", "EUR ", "£", "€", "US$", "CHF "]) + d(r.choice(["##.##", "###.##", "#,###", "##", "##,###.##"]))
            ),
            "version": lambda: (
                r.choice(["", "v"]) + f"{r.randrange(20)}.{r.randrange(20)}" + r.choice(["", f".{r.randrange(99)}", ".0-rc1"])
            ),
            "number": lambda: str(r.choice([r.randrange(2, 100), r.randrange(2, 5000), r.randrange(10000, 999999)])),
            "hash": lambda: d(r.choice(["x" * 7, "x" * 12, "x" * 32, "x" * 40, "xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx"])),
        }[name]()

    def person(self):
        r = self.rng
        first, last = self.one("first"), self.one("last")
        self.who = first, last
        shape = r.random()
        full = f"{first} {last}"
        name = (
            first
            if shape < 0.2
            else last
            if shape < 0.28
            else f"{first} {r.choice('ABCDEFGHJKLMRST')}. {last}"
            if shape < 0.33
            else f"{last}, {first}"
            if shape < 0.37
            else f"{first[0]}. {last}"
            if shape < 0.42
            else f"{first} {self.one('first')} {last}"
            if shape < 0.45
            else f"{full}{r.choice('- ')}{self.one('last')}"
            if shape < 0.49
            else f"{first} {last[0]}."
            if shape < 0.51
            else f"{first[0]}.{r.choice('ABCDEJLMR')}. {last}"
            if shape < 0.52
            else f"{last} {first}"
            if shape < 0.54
            else full
        )
        case = r.random()
        return name.lower() if case < 0.06 else name.upper() if case < 0.1 else name

    def luhn(self, prefix, length):
        """A card number with a right check digit but for a share of wrong ones."""
        number = prefix + "".join(self.rng.choice("0123456789") for _ in range(length - len(prefix) - 1))
        total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(number)))
        check = -total % 10
        return number + str((check + (self.rng.random() < self.wrong)) % 10)

    def card(self):
        r = self.rng
        if r.random() < 0.15:
            number = self.luhn(r.choice(["34", "37"]), 15)
            return number if r.random() < 0.4 else f"{number[:4]} {number[4:10]} {number[10:]}"
        number = self.luhn(r.choice(["4", "51", "55", "4", "6011", "53", "2221", "4", "3530"]), 16)
        mark = r.choice([" ", " ", "-", ""])
        return mark.join(number[i : i + 4] for i in range(0, 16, 4))

    def iban(self):
        country, form = self.one("iban").split(":")
        account = self.digits(form.replace("x", "#"))
        number = "".join(str(int(c, 36)) for c in account + country + "00" if c.isalnum())
        whole = f"{country}{98 - int(number) % 97:02}{account}".replace(" ", "")
        return whole if self.rng.random() < 0.5 else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))

    def date(self):
        r = self.rng
        y, m, d = r.choice([r.randrange(1935, 2027), r.randrange(2015, 2027)]), r.randrange(12), r.randrange(1, 29)
        locale = self.locale if r.random() < 0.9 else r.choice(self.locales)
        month = str(locale["month"][m])
        slots = {
            "d": d,
            "dd": f"{d:02}",
            "m": m + 1,
            "mm": f"{m + 1:02}",
            "y": y,
            "yy": f"{y % 100:02}",
            "month": month,
            "mon": month[:3],
        }
        shape = r.random()
        clock = f"{r.randrange(24):02}:{r.randrange(60):02}"
        if shape < 0.06:
            return f"{y}-{m + 1:02}-{d:02}T{clock}:{r.randrange(60):02}" + r.choice(
                ["Z", "", f".{r.randrange(1000):03}Z", "+02:00"]
            )
        if shape < 0.13:
            return f"{y}-{m + 1:02}-{d:02} {clock}" + r.choice(["", f":{r.randrange(60):02}"])
        form = SLOT.sub(lambda s: str(slots[s[2]]), str(r.choice(locale["date"])))
        return form + (r.choice([" ", ", ", " at "]) + clock if shape < 0.18 else "")

    def organization(self):
        slots = {"head": lambda: self.one("org_head"), "last": lambda: self.one("last"), "place": lambda: self.one("place")}
        return SLOT.sub(lambda s: slots[s[2]](), self.one("org_form"))

    def slug(self, kind):
        return _plain_letters(self.one(kind))

    def names(self):
        """First and last name in ASCII letters, half of the time those of the last person named."""
        if self.who and self.rng.random() < 0.5:
            return [_plain_letters(n) for n in self.who]
        return [self.slug("first"), self.slug("last")]

    def user(self):
        r, (first, last) = self.rng, self.names()
        return r.choice(
            [
                self.word() + self.word(),
                f"{self.word()}_{self.digits('##')}",
                first + self.digits("##"),
                first[0] + last,
                f"{first}.{last}",
                f"{first}_{last}",
                last + first[:2],
                f"{self.word()}-{first}",
                first + self.word(),
                f"{_title(self.word())}{_title(self.word())}",
                f"x_{self.word()}_x",
                self.word() + self.digits("####"),
                first,
                f"{first[0]}{last}{self.digits('#')}",
                f"the{self.word()}{first}",
                "null" + self.digits("#"),
                f"{last}.{first[0]}",
                self.digits("?").lower() + self.digits("######"),
            ]
        )

    def site(self):
        r = self.rng
        name = r.choice(
            [
                self.word(),
                self.word() + self.word(),
                f"{self.word()}-{self.word()}",
                self.slug("last"),
                self.slug("org_head"),
                self.word() + self.digits("#"),
            ]
        )
        return r.choice(["", "", "", "", "mail.", "shop.", "my."]) + name + "." + str(r.choice(self.raw["tlds"]))

    def email(self):
        r, (first, last) = self.rng, self.names()
        name = r.choice(
            [
                f"{first}.{last}",
                first[0] + last,
                self.user(),
                f"{last}{self.digits('##')}",
                "info",
                f"{first}+{self.word()}",
                f"{first}-{last}",
                f"{first[0]}.{last}",
                first,
                r.choice(["billing", "support", "office", "noreply", "hr"]),
            ]
        )
        return f"{name}@{self.site()}"

    def domain(self):
        r, w = self.rng, self.word
        start = r.choice(["", "", "www.", "https://", "https://www.", "http://"])
        end = r.choice(
            [
                "",
                "",
                "/" + w(),
                f"/{w()}/{w()}",
                f"/{w()}.html",
                f"/{w()}?id={self.digits('###')}",
                "/",
                f"/{w()}-{w()}/{self.digits('####')}",
            ]
        )
        return start + self.site() + (end if start.startswith("h") or r.random() < 0.3 else "")

    def ip(self):
        r = self.rng
        if r.random() < 0.72:
            start = r.choice(["10.", "192.168.", "172.16.", "", "", ""])
            return start + ".".join(str(r.randrange(1, 255)) for _ in range(4 - start.count(".")))
        form = [
            "2001:db8:xxxx:xxxx::xx",
            "fe80::xxxx:xxxx:xxxx:xxxx",
            "2a02:xxx:xxxx::x",
            "2600:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx",
            "fdxx::xxxx",
        ]
        return self.digits(r.choice(form))

    def password(self):
        r, w, d = self.rng, self.word, self.digits
        shape = r.randrange(11)
        if shape < 2:
            letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#$%&*+-_?@^"
            return "".join(r.choice(letters) for _ in range(r.randrange(8, 17)))
        return [
            lambda: _title(w()) + d("##!"),
            lambda: d(r.choice(["####", "######"])),
            lambda: w() + d("####"),
            lambda: f"{_title(w())}{r.choice('!@#$-_')}{d('####')}",
            lambda: f"{w()}-{w()}-{w()}",
            lambda: d("??xx##") + r.choice("$%&*#"),
            lambda: w().replace("o", "0").replace("e", "3").replace("a", "@") + d("##"),
            lambda: f"{_title(w())}{_title(w())}{d('#')}",
            lambda: r.choice(["qwerty", "letmein", "iloveyou", "admin", "welcome"]) + d("##"),
        ][shape - 2]()

    def crypto(self):
        r = self.rng
        base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        bech = "023456789acdefghjklmnpqrstuvwxyz"
        start, letters, count = r.choice(
            [
                ("0x", "0123456789abcdefABCDEF"[: r.choice([16, 22])], 40),
                ("bc1q", bech, 38),
                ("1", base58, 33),
                ("3", base58, 33),
                ("ltc1q", bech, 38),
                ("T", base58, 33),
                ("bc1p", bech, 58),
            ]
        )
        return start + "".join(r.choice(letters) for _ in range(count))

    def mac(self):
        form = self.digits(self.rng.choice(["xx:xx:xx:xx:xx:xx", "xx:xx:xx:xx:xx:xx", "xx-xx-xx-xx-xx-xx", "xxxx.xxxx.xxxx"]))
        return form.upper() if self.rng.random() < 0.5 else form

    def value(self, label):
        """A value of a PII type as a text would hold it."""
        r = self.rng
        made = {
            "PERSON": self.person,
            "EMAIL_ADDRESS": self.email,
            "CREDIT_CARD": self.card,
            "IBAN_CODE": self.iban,
            "IP_ADDRESS": self.ip,
            "DATE_TIME": self.date,
            "ORGANIZATION": self.organization,
            "DOMAIN_NAME": self.domain,
            "USERNAME": self.user,
            "PASSWORD": self.password,
            "CRYPTO": self.crypto,
            "MAC_ADDRESS": self.mac,
        }
        if label in made:
            text = made[label]()
        elif label == "AGE":
            text = str(r.choice([r.randrange(1, 100), r.randrange(18, 75)]))
        elif label == "STREET_ADDRESS":
            text = SLOT.sub(lambda _: str(r.choice([r.randrange(1, 150), r.randrange(1, 4000)])), self.one("street"))
        elif label in ("LOCATION", "TITLE", "NRP"):
            text = self.one({"LOCATION": "place", "TITLE": "title", "NRP": "nrp"}[label])
        else:
            text = self.digits(self.one({"PHONE_NUMBER": "phone", "ZIP_CODE": "zip"}.get(label, label))).strip()
        return Mark(text, label)
