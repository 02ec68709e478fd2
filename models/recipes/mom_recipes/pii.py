"""Rows of the PII head: public names, and own documents whose values are made here, seeded.

A row is {text, spans [{start, end, label}], types}: what is not in types is unmarked in that row, not absent.
"""

import random
import re
from importlib.resources import files

import yaml

from . import PII, TAGS, data

TRAIN = "pii/train.jsonl.gz"
VALIDATION = "pii/val.jsonl.gz"
SLOT = re.compile(r"\{(=?)(\w+)\}")


class Maker:
    """Fills templates with values; the lists and templates of training and of judging share no member."""

    def __init__(self, rng, judging):
        raw = yaml.safe_load(files(__package__).joinpath("pii_templates.yaml").read_text())
        self.rng, self.templates = rng, raw["judge" if judging else "train"]
        half = slice(1, None, 2) if judging else slice(0, None, 2)
        self.first = [names[half] for names in raw["first"]]
        self.last = [names[half] for names in raw["last"]]
        whole = ("title", "tld", "month", "nrp")
        cut = raw.keys() - {"first", "last", "train", "judge", *whole}
        self.lists = {k: raw[k][half] for k in cut} | {k: raw[k] for k in whole}

    def row(self):
        template, text, spans = self.rng.choice(self.templates), "", []
        at = 0
        for slot in SLOT.finditer(template):
            text += template[at : slot.start()]
            value = self.plain(slot[2]) if slot[1] else self.value(slot[2])
            if not slot[1]:
                spans.append({"start": len(text), "end": len(text) + len(value), "label": slot[2]})
            text += value
            at = slot.end()
        text += template[at:]
        return {"text": text, "spans": spans, "types": PII, "source": "own"}

    def one(self, name):
        return self.rng.choice(self.lists[name])

    def digits(self, pattern):
        """The pattern with # a digit, ? a capital letter and x a hexadecimal digit."""
        choice = {"#": "0123456789", "?": "ABCDEFGHJKLMNPRSTUVWXYZ", "x": "0123456789abcdef"}
        return "".join(self.rng.choice(choice[c]) if c in choice else c for c in pattern)

    def plain(self, name):
        """Text that looks like personal data and is none."""
        r = self.rng
        return {
            "order": lambda: self.digits(r.choice(["#######", "A-######", "########", "2024-#####"])),
            "stamp": lambda: f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}.{r.randrange(999):03}",
            "part": lambda: self.digits(r.choice(["??-####-?", "1Z###?##########", "PN ####-##", "XR#### rev ?"])),
            "money": lambda: r.choice(["$", "EUR ", "£"]) + self.digits("###.##"),
            "version": lambda: f"{r.randrange(20)}.{r.randrange(20)}.{r.randrange(99)}",
            "number": lambda: str(r.randrange(2, 5000)),
            "hash": lambda: self.digits("x" * r.choice([7, 12, 40])),
        }[name]()

    def person(self):
        r, locale = self.rng, self.rng.randrange(len(self.first))
        first, last = r.choice(self.first[locale]), r.choice(self.last[locale])
        shape = r.random()
        if shape < 0.2:
            return first
        if shape < 0.3:
            return last
        if shape < 0.38:
            return f"{first} {r.choice('ABCDEFGHJKLMRST')}. {last}"
        return f"{last}, {first}" if shape < 0.41 else f"{first} {last}"

    def luhn(self, prefix, length):
        """A card number with a right check digit; one in six keeps a wrong one."""
        number = prefix + "".join(self.rng.choice("0123456789") for _ in range(length - len(prefix) - 1))
        total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(number)))
        check = -total % 10
        return number + str((check + (self.rng.random() < 1 / 6)) % 10)

    def iban(self):
        country, form = self.rng.choice(
            [("DE", "#" * 18), ("FR", "#" * 23), ("ES", "#" * 20), ("GB", "????" + "#" * 14), ("NL", "????" + "#" * 10)]
        )
        account = self.digits(form)
        number = "".join(str(int(c, 36)) for c in account + country + "00")
        whole = f"{country}{98 - int(number) % 97:02}{account}"
        return whole if self.rng.random() < 0.5 else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))

    def date(self):
        r = self.rng
        y, m, d = r.randrange(1940, 2026), r.randrange(12), r.randrange(1, 29)
        month = self.lists["month"][m]
        return r.choice(
            [
                f"{y}-{m + 1:02}-{d:02}",
                f"{d:02}/{m + 1:02}/{y}",
                f"{m + 1}/{d}/{y}",
                f"{month} {d}, {y}",
                f"{d} {month} {y}",
                f"{d}.{m + 1}.{y}",
                f"{month} {y}",
                f"{r.randrange(1, 13)}:{r.randrange(60):02} pm",
                f"{month[:3]} {d}",
                f"{y}-{m + 1:02}-{d:02}T{r.randrange(24):02}:30:00Z",
            ]
        )

    def value(self, label):
        """A value of a PII type as a text would hold it."""
        r, d = self.rng, self.digits

        def user():
            return r.choice(
                [
                    self.one("word") + self.one("word"),
                    self.one("word") + "_" + d("##"),
                    self.plain_name() + d("#"),
                    self.plain_name()[:1] + "." + self.plain_name(),
                ]
            )

        def site():
            return self.one("domain") + r.choice(["", d("#"), "-" + self.one("word")]) + "." + self.one("tld")

        return {
            "PERSON": self.person,
            "EMAIL_ADDRESS": lambda: user() + r.choice(["@", "@", "+x@"]) + site(),
            "PHONE_NUMBER": lambda: d(
                r.choice(
                    [
                        "(###) ###-####",
                        "+1 ###-###-####",
                        "###-###-####",
                        "+44 20 #### ####",
                        "0## ########",
                        "+49 ### #######",
                        "+33 # ## ## ## ##",
                        "##########",
                        "+91 ##### #####",
                        "###.###.####",
                    ]
                )
            ),
            "CREDIT_CARD": lambda: self.spaced(self.luhn(r.choice(["4", "51", "55", "4", "6011"]), 16))
            if r.random() < 0.85
            else self.luhn("37", 15),
            "US_SSN": lambda: d(r.choice(["###-##-####", "### ## ####", "#########", "?? ## ## ## ?"])),
            "IBAN_CODE": self.iban,
            "IP_ADDRESS": lambda: ".".join(str(r.randrange(1, 255)) for _ in range(4))
            if r.random() < 0.75
            else r.choice([d("2001:db8:xxxx:xxxx::xx"), d("fe80::xxxx:xxxx:xxxx:xxxx")]),
            "STREET_ADDRESS": lambda: r.choice(
                [
                    f"{r.randrange(1, 4000)} {self.one('street')}",
                    f"{r.randrange(1, 4000)} {self.one('street')}, Apt {r.randrange(1, 99)}",
                    f"{self.one('street_after')} {r.randrange(1, 150)}",
                    f"{r.randrange(1, 150)} {self.one('street_before')}",
                    f"P.O. Box {r.randrange(100, 9999)}",
                ]
            ),
            "LOCATION": lambda: self.one("place"),
            "DATE_TIME": self.date,
            "AGE": lambda: str(r.randrange(1, 99)),
            "ORGANIZATION": lambda: r.choice(
                [
                    f"{self.one('org_head')} {self.one('org_tail')}",
                    self.one("org_head"),
                    f"{self.one('org_head')} {self.one('org_head')} {self.one('org_tail')}",
                ]
            ),
            "US_DRIVER_LICENSE": lambda: d(r.choice(["?#######", "?###-####-####", "########", "??######"])),
            "US_PASSPORT": lambda: d(r.choice(["#########", "?########", "??#######"])),
            "DOMAIN_NAME": lambda: r.choice(["", "www.", "https://", "https://www."])
            + site()
            + r.choice(["", "", "/" + self.one("word"), "/login?id=" + d("###")]),
            "ZIP_CODE": lambda: d(r.choice(["#####", "#####-####", "?## #??", "?#? #?#", "####", "#####"])),
            "TITLE": lambda: self.one("title"),
            "NRP": lambda: self.one("nrp"),
            "USERNAME": user,
            "PASSWORD": lambda: r.choice(
                [
                    self.one("word").title() + d("##!"),
                    d("x?#x?#x!"),
                    d("####"),
                    self.one("word") + d("####"),
                    d("??xx##") + r.choice("$%&*#"),
                ]
            ),
            "US_BANK_NUMBER": lambda: d(r.choice(["#########", "##########", "############", "######### / ##########"])),
            "CRYPTO": lambda: r.choice(["0x" + d("x" * 40), "bc1q" + d("x" * 38), "1" + d("?x#" * 11)]),
            "MAC_ADDRESS": lambda: r.choice([d("xx:xx:xx:xx:xx:xx"), d("xx-xx-xx-xx-xx-xx").upper()]),
            "ID_NUMBER": lambda: d(
                r.choice(["???-######", "??########", "P######", "?###-###-###", "EMP-#####", "###############", "1HG??#?#####"])
            ),
        }[label]()

    def plain_name(self):
        return re.sub(r"[^a-z]", "", self.rng.choice(self.rng.choice(self.first)).lower()) or "sam"

    def spaced(self, number):
        shape = self.rng.random()
        mark = " " if shape < 0.5 else "-" if shape < 0.7 else ""
        return mark.join(number[i : i + 4] for i in range(0, len(number), 4))


def own(seed, count, judging=False):
    """count rows of own documents; one in three has two texts after each other. The judge's have their own values and forms."""
    maker = Maker(random.Random(f"{seed}/pii {'judge' if judging else 'train'}"), judging)
    out = []
    for _ in range(count):
        row = maker.row()
        if maker.rng.random() < 0.33:
            more, gap = maker.row(), maker.rng.choice([" ", "\n", "\n\n"])
            shift = len(row["text"]) + len(gap)
            moved = [{"start": s["start"] + shift, "end": s["end"] + shift, "label": s["label"]} for s in more["spans"]]
            row = row | {"text": row["text"] + gap + more["text"], "spans": row["spans"] + moved}
        out.append(row)
    return out


def tags(encoding, row):
    """The tag number of each token by the row's spans."""
    out = []
    spans = sorted(row["spans"], key=lambda s: s["start"])
    for start, end in encoding.offsets:
        tag = 0
        for span in spans:
            if start < span["end"] and end > span["start"] and end > start:
                first = not any(o[0] >= span["start"] and o[1] > o[0] and o[0] < start for o in encoding.offsets)
                tag = TAGS.index(("B-" if first else "I-") + span["label"])
                break
        out.append(tag)
    return out


def one_pass(directory, rng, seed, count):
    """All public rows and count own ones, in random order; empty tweets are thinned."""
    rows = [r for r in data.read_rows(directory, TRAIN) if r["spans"] or rng.random() < 0.4]
    rows += own(seed, count)
    rng.shuffle(rows)
    return rows
