"""Training's own documents: many more names, places and forms of values than the hand-written lists hold, and punctuation at their ends."""

from functools import cache

from .pii_disjoint import check, drop, judged, load
from .pii_locales import locales
from .pii_maker import Maker
from .pii_values import SLOT, Mark, _plain_letters, _title

# By list of the locales: the list of pii_forms.yaml that stands in for it, and how often.
FORMS = {"nrp": ("nationalities", 0.5), "title": ("titles", 0.4), "phone": ("phones", 0.35)}
FORMS |= {label: (label, 0.45) for label in ("ID_NUMBER", "US_DRIVER_LICENSE", "US_PASSPORT", "US_BANK_NUMBER", "US_SSN")}
# Numbers of any make: how many signs, and the chance that a group of them is letters.
MADE = {"ID_NUMBER": (6, 14, 0.3), "US_DRIVER_LICENSE": (7, 16, 0.25), "US_PASSPORT": (7, 9, 0.25), "US_BANK_NUMBER": (7, 20, 0)}
MADE |= {"US_SSN": (9, 13, 0.05), "PHONE_NUMBER": (7, 11, 0)}
PLAIN_DATE = {("", name) for name in ("d", "dd", "m", "mm", "y", "yy", "month", "mon")}
OWNED = {"PERSON", "ORGANIZATION", "LOCATION"}  # types that take an 's
LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789!#$%&*+-_?@^=.~"


@cache
def material():
    """All lists of training, without what the judge holds too."""
    judge = judged()
    raw, text = load("pii_train.yaml"), load("pii_text.yaml")
    for name in ("sentences", "plain"):
        raw[name] = raw[name] + drop(text[name], judge)
    raw["documents"] = drop(text["documents"], judge)
    raw["forms"] = load("pii_forms.yaml")
    common, rare, raw["world"] = locales(judge, raw["forms"])
    raw["english"] = common[0]
    for locale in common + rare:
        locale["date"] = [form for form in raw["forms"]["dates"] if set(SLOT.findall(form)) <= PLAIN_DATE]
    raw["hand"], raw["rare"] = raw["locales"], rare
    english = [locale for locale in raw["hand"] + common if locale["name"] in ("us", "en_US", "en_NZ")]
    raw["locales"] = raw["locales"] * 3 + common + english * 5  # a fifth of the documents: most text is English
    check(raw | {"locales": raw["locales"] + rare})
    return raw


class Wide(Maker):
    """A maker whose values come from the library's locales and from forms, too."""

    def __init__(self, rng, raw):
        super().__init__(rng, raw)
        self.forms = raw["forms"]
        self.kinds += [(self.document, 14)]

    def row(self):
        """One document; one in twenty is from a country of another script."""
        if self.rng.random() > 0.05:
            return super().row()
        kept, self.locales = self.locales, self.raw["rare"]
        try:
            return super().row()
        finally:
            self.locales = kept

    def document(self):
        """A whole document as it is written, without marks added to its values."""
        return super().fill(self.rng.choice(self.raw["documents"]))

    # Values.

    def pick(self, name):
        return str(self.rng.choice(self.forms[name]))

    def slots(self, form, made):
        """The form with its slots filled by what made holds of each name."""
        return SLOT.sub(lambda s: str(made[s[2]]()), form)

    def one(self, name):
        """A locale's value, or one of the forms for all locales; a fifth of the places are cities of the world."""
        r = self.rng
        if self.locales is self.raw["rare"] and not self.locale.get(name):
            return str(r.choice(r.choice([locale for locale in self.raw["hand"] if locale.get(name)])[name]))
        if name in FORMS and self.locales is not self.raw["rare"]:
            other, share = FORMS[name]
            if r.random() < share:
                return self.pick(other)
        if name == "place" and r.random() < 0.2:
            return r.choice(self.raw["world"])
        return super().one(name)

    def plain(self, name):
        return self.job() if name == "job" else super().plain(name)

    def job(self):
        """An occupation, in English mostly."""
        locale = self.locale if self.rng.random() < 0.3 else self.raw["english"]
        name = self.rng.choice(locale.get("job") or self.raw["english"]["job"]).split(",")[0]
        return name.lower() if self.rng.random() < 0.7 else name

    def coin(self):
        r = self.rng
        shape = r.random()
        if shape < 0.4:
            return self.coined()
        return _title(r.choice([self.word(), self.pick("nouns").lower()])) + self.pick("stems")

    def coined(self):
        return _title("".join(self.rng.choice(self.raw["syllables"]) for _ in range(self.rng.choice([2, 2, 3]))))

    def person(self):
        r = self.rng
        plain = super().person()  # sets who is named
        if r.random() < 0.45:
            return plain
        first, last = self.who
        text = self.slots(
            self.pick("persons"),
            {
                "first": lambda: first,
                "last": lambda: last,
                "FIRST": first.upper,
                "LAST": last.upper,
                "second": lambda: self.one("first"),
                "last2": lambda: self.one("last"),
                "f": lambda: first[0],
                "l": lambda: last[0],
                "g": lambda: r.choice("ABCDEFGHIJKLMNPRSTVW"),
                "nick": lambda: self.pick("nicks"),
                "prefix": lambda: self.pick("prefixes"),
            },
        )
        return text.lower() if r.random() < 0.08 else text

    def organization(self):
        r, shape = self.rng, self.rng.random()
        if shape < 0.25:
            return super().organization()
        if shape < 0.42 and self.locale.get("org"):
            return self.one("org")
        names = {k: self.one(k) for k in ("first", "last", "place")}
        text = self.slots(
            self.pick("orgs"),
            {
                **{k: (lambda v=v: v) for k, v in names.items()},
                "first2": lambda: self.one("first"),
                "last2": lambda: self.one("last"),
                "a": lambda: self.pick("adjectives"),
                "w": lambda: self.pick("nouns"),
                "w2": lambda: self.pick("nouns"),
                "kind": lambda: self.pick("kinds"),
                "form": lambda: self.pick("forms"),
                "coin": self.coin,
                "abbr": lambda: "".join(r.choice("ABCDEFGHIJKLMNOPRSTUVW") for _ in range(r.choice([2, 3, 3, 3, 4, 4, 5]))),
                "n": lambda: r.randrange(2, 500),
            },
        )
        return text.lower() if r.random() < 0.06 else text.upper() if r.random() < 0.04 else text

    def street(self):
        """A whole address line: the street, its number and now and then the flat."""
        r = self.rng
        form = self.one("street") if r.random() < 0.6 else self.pick("streets")
        if r.random() < 0.18 and form.count("{n}") < 2 and "Box" not in form:
            form += self.pick("suited")
        numbers = [r.choice([r.randrange(1, 150), r.randrange(1, 150), r.randrange(1, 4000), r.randrange(1000, 99999)])]

        def house():
            text = str(numbers.pop() if numbers else r.randrange(1, 60))
            return text + r.choice("abcABD") if r.random() < 0.04 else text

        return self.slots(
            form,
            {
                "n": house,
                "w": lambda: self.pick("nouns"),
                "a": lambda: self.pick("adjectives"),
                "first": lambda: self.one("first"),
                "last": lambda: self.one("last"),
            },
        )

    def date(self):
        r = self.rng
        if r.random() < 0.5:
            return super().date()
        y, m, d = r.choice([r.randrange(1935, 2027), r.randrange(2010, 2030)]), r.randrange(12), r.randrange(1, 29)
        h, minute = r.randrange(24), r.randrange(60)
        local = r.random() < 0.4
        month = str(self.locale["month"][m] if local else self.forms["months"][m])
        day = r.choice(self.locale["weekday"]) if local and self.locale.get("weekday") else self.pick("days")
        ending = {1: "st", 2: "nd", 3: "rd"}.get(d % 10 if d // 10 != 1 else 0, "th")
        values = {
            "d": d,
            "dd": f"{d:02}",
            "o": f"{d}{ending}",
            "e": r.randrange(d + 1, 32),
            "m": m + 1,
            "mm": f"{m + 1:02}",
            "y": y,
            "yy": f"{y % 100:02}",
            "month": month,
            "mon": month[:3],
            "day": day,
            "hm": f"{h:02}:{minute:02}",
            "hms": f"{h:02}:{minute:02}:{r.randrange(60):02}",
            "ap": f"{h % 12 + 1}{r.choice([':30', ':15', '', '', ':00'])}{r.choice([' pm', ' am', 'pm', ' p.m.', ' PM'])}",
        }
        return SLOT.sub(lambda s: str(values[s[2]]), self.pick("dates"))

    def words(self):
        """What the forms of user names and passwords are made of."""
        r, (first, last) = self.rng, self.names()
        out = {
            "first": lambda: first,
            "First": lambda: _title(first),
            "last": lambda: last,
            "f": lambda: first[0],
            "l": lambda: last[0],
            "y": lambda: r.randrange(1950, 2027),
            "d": lambda: r.randrange(10),
            "dd": lambda: f"{r.randrange(100):02}",
            "s": lambda: r.choice("!@#$%&*?.-_+"),
            "r": lambda: "".join(r.choice(LETTERS) for _ in range(r.randrange(7, 21))),
            "hex": lambda: self.digits("x" * r.choice([8, 12, 16, 24])),
        }
        out |= {name: self.any_word for name in ("p", "p2", "p3", "p4")}
        return out | {name: lambda: _title(self.any_word()) for name in ("P", "P2")}

    def any_word(self):
        r = self.rng
        return r.choice([self.word, self.word, lambda: _plain_letters(self.pick("nouns")), lambda: self.coined().lower()])()

    def user(self):
        return super().user() if self.rng.random() < 0.5 else self.slots(self.pick("users"), self.words())

    def password(self):
        if self.rng.random() < 0.5:
            return super().password()
        return self.slots(self.pick("passwords"), self.words()).strip(".-")

    def number(self, low, high, letters):
        """A number of so many signs in groups; a share of the groups is letters."""
        r, left = self.rng, self.rng.randrange(low, high + 1)
        mark, groups = r.choice(["", "", " ", "-", ".", "/"] if high > 11 else ["", "", " ", "-"]), []
        while left:
            size = min(left, r.choice([2, 3, 3, 4, 4]) if mark else r.choice([1, 2, 4, 6, 9]))
            groups.append(("?" if r.random() < letters else "#") * size)
            left -= size
        if all("?" in group for group in groups):
            groups.append("####")
        return self.digits(mark.join(groups))

    def value(self, label):
        r = self.rng
        if label == "STREET_ADDRESS":
            return Mark(self.street(), label)
        if label in MADE and r.random() < 0.15:
            lead = f"+{r.randrange(20, 999)}{r.choice(' -')}" if label == "PHONE_NUMBER" and r.random() < 0.6 else ""
            return Mark(lead + self.number(*MADE[label]), label)
        return super().value(label)

    def fill(self, template):
        """The pieces of a template; now and then a value stands in quotes or brackets, or has an ending or a mark right behind it."""
        r, out = self.rng, []
        for piece in super().fill(template):
            if not isinstance(piece, Mark) or r.random() > 0.07:
                out.append(piece)
            elif piece.label in OWNED and r.random() < 0.3:
                out += [piece, r.choice(self.forms["owned"])]
            else:
                before, after = r.choice(self.forms["wraps"])
                out += [before, piece, after]
        return out
