"""Composes documents that hold personal data, from lists, labels and sentences. Seeded: the same generator gives the same documents."""

import re

from . import PII
from .pii_values import SLOT, Mark, Values, _title

# The weight of a type in a document; 1 for the others. Codes come with no other type's sentences, so they weigh more.
OFTEN = {"PERSON": 2.8, "LOCATION": 1.4, "ORGANIZATION": 3, "DATE_TIME": 1.4, "NRP": 1.3, "PASSWORD": 1.4, "PHONE_NUMBER": 1.2}
OFTEN |= dict.fromkeys(["CREDIT_CARD", "US_SSN", "US_DRIVER_LICENSE", "US_PASSPORT", "US_BANK_NUMBER", "ID_NUMBER"], 1.6)
OFTEN |= dict.fromkeys(["IBAN_CODE", "CRYPTO", "MAC_ADDRESS", "DOMAIN_NAME", "IP_ADDRESS", "AGE"], 1.3)
# Types whose values say what they are; the others need a label or a sentence.
CLEAR = [
    "PERSON",
    "EMAIL_ADDRESS",
    "CREDIT_CARD",
    "IBAN_CODE",
    "IP_ADDRESS",
    "STREET_ADDRESS",
    "LOCATION",
    "DATE_TIME",
    "ORGANIZATION",
]
CLEAR += ["DOMAIN_NAME", "CRYPTO", "MAC_ADDRESS", "PHONE_NUMBER"]
# Types whose values bear another case.
CASED = {"PERSON", "STREET_ADDRESS", "LOCATION", "ORGANIZATION", "TITLE", "NRP", "DATE_TIME"}
DECOYS = {
    "order": ["order", "order no", "invoice", "ticket", "order_id", "case", "receipt", "ref"],
    "money": ["total", "amount", "price", "balance due", "fee", "subtotal", "salary"],
    "version": ["version", "build", "app version", "release", "firmware"],
    "number": ["quantity", "count", "points", "retries", "page", "duration ms", "row", "port"],
    "hash": ["commit", "sha", "checksum", "trace id", "etag", "digest"],
    "part": ["part", "sku", "model", "tracking", "item", "article"],
    "stamp": ["time", "at", "uptime", "start", "elapsed"],
}
EMPTY = [
    "null",
    "N/A",
    "-",
    "unknown",
    "[redacted]",
    "",
    "***",
    "none",
    "n/a",
    "********",
    "xxx",
    "true",
    "0",
    "TBD",
    "string",
    "not given",
]
LEVELS = ["INFO", "WARN", "ERROR", "DEBUG", "[info]", "[warn]", "error:", "I", "notice"]


class Maker(Values):
    """Composes documents of one file's values, labels and sentences. A document is a list of pieces: Mark or plain text."""

    def __init__(self, rng, raw):
        super().__init__(rng, raw)
        self.weights = [OFTEN.get(label, 1) for label in PII]
        self.having = {label: [s for s in self.raw.get("sentences", []) if "{" + label + "}" in s] for label in PII}
        self.kinds = [
            (self.prose, 12),
            (self.form, 9),
            (self.json, 5),
            (self.yaml, 3),
            (self.csv, 5),
            (self.markdown, 3),
            (self.html, 2),
            (self.xml, 2),
            (self.sql, 2),
            (self.code, 4),
            (self.log, 6),
            (self.chat, 6),
            (self.mail, 5),
            (self.letter, 3),
            (self.ticket, 3),
            (self.medical, 3),
            (self.prompt, 6),
            (self.cv, 2),
            (self.run_together, 3),
            (self.query, 2),
            (self.bare, 3),
        ]

    def row(self):
        """One document."""
        r = self.rng
        self.locale, self.who = r.choice(self.locales), None
        if "templates" in self.raw:  # whole documents, as they are written
            return self.finish(self.fill(r.choice(self.raw["templates"]).replace("{@", "@{")))
        if r.random() < 0.17:
            pieces = self.nothing()
        else:
            kinds, weights = zip(*self.kinds)
            pieces = r.choices(kinds, weights)[0]()
        return self.finish(pieces)

    def finish(self, pieces):
        """The row of the pieces; some documents lose their case."""
        shape = self.rng.random()
        change = str.lower if shape < 0.1 else str.upper if shape < 0.13 else str
        text, spans = "", []
        for piece in pieces:
            label = getattr(piece, "label", None)
            piece = change(str(piece)) if label is None or label in CASED else str(piece)
            if label:
                spans.append({"start": len(text), "end": len(text) + len(piece), "label": label})
            text += piece
        return {"text": text, "spans": spans, "types": PII, "source": "own"}

    # Parts of documents.

    def types(self, low, high):
        return self.rng.choices(PII, self.weights, k=self.rng.randrange(low, high + 1))

    def fill(self, template):
        """The pieces of a template; a handle's @ belongs to its span."""
        pieces, at = [], 0
        for slot in SLOT.finditer(template):
            pieces.append(template[at : slot.start()])
            at = slot.end()
            if slot[1]:
                pieces.append(self.plain(slot[2]))
                continue
            value = self.value(slot[2])
            if slot[2] == "USERNAME" and pieces[-1].endswith("@"):
                pieces[-1], value = pieces[-1][:-1], Mark("@" + value, slot[2])
            elif slot[2] == "USERNAME" and self.rng.random() < 0.2 and pieces[-1].endswith(" ") and template[at : at + 1] != "@":
                value = Mark("@" + value, slot[2])
            pieces.append(value)
        pieces.append(template[at:])
        return pieces

    def frame(self, template, label):
        """The pieces of what is said of a labelled value."""
        name, pieces = str(self.rng.choice(self.raw["labels"][label])), []
        for part in re.split(r"(\{=?\w+\})", template):
            made = {"{label}": lambda: name, "{value}": lambda: self.value(label)}.get(part)
            pieces.append(made() if made else self.plain(part[2:-1]) if part.startswith("{=") else part)
        return pieces

    def sentence(self, label=None):
        """A sentence with a value of the type, or of any; sometimes without its last mark, without capitals or with a slip."""
        r = self.rng
        label = label or r.choices(PII, self.weights)[0]
        frames = self.raw.get("frames")
        framed = frames and r.random() < 0.2
        pieces = self.frame(r.choice(frames), label) if framed else self.fill(r.choice(self.having[label]))
        if r.random() < 0.15:
            pieces[-1] = pieces[-1].rstrip(".!")
        pieces += [r.choice(self.raw.get("tails", [""]))] if r.random() < 0.12 else []
        if r.random() < 0.18:
            pieces.insert(0, r.choice(self.raw.get("openers", [""])))
        if r.random() < 0.12:
            pieces = [p if isinstance(p, Mark) else p.lower() for p in pieces]
        if r.random() < 0.08:
            at = r.randrange(len(pieces))
            if not isinstance(pieces[at], Mark) and len(pieces[at]) > 8:
                cut = r.randrange(1, len(pieces[at]) - 3)
                p = pieces[at]
                pieces[at] = p[:cut] + r.choice([p[cut + 1] + p[cut], p[cut + 1], p[cut] * 2 + p[cut + 1]]) + p[cut + 2 :]
        return pieces

    def text(self, low=1, high=3):
        """Some sentences, now and then one without data among them."""
        out, gap = [], self.rng.choice([" ", " ", " ", " ", "\n"])
        for _ in range(self.rng.randrange(low, high + 1)):
            out += [gap] if out else []
            out += self.fill(self.rng.choice(self.raw["plain"])) if self.rng.random() < 0.15 else self.sentence()
        return out

    def field(self, label):
        """A name and the pieces of a value: now and then a title with a person, a whole address or a port after an address."""
        r = self.rng
        name, value, shape = str(r.choice(self.raw["labels"][label])), self.value(label), r.random()
        pieces = [value]
        if label == "PERSON" and shape < 0.12:
            pieces = [self.value("TITLE"), " ", value]
        elif label == "STREET_ADDRESS" and shape < 0.35:
            town, code = self.value("LOCATION"), self.value("ZIP_CODE")
            pieces = [value, ", ", *r.choice([[town, " ", code], [code, " ", town], [town], [town, ", ", code]])]
        elif label == "AGE" and shape < 0.15:
            pieces = [value, r.choice([" years", " y/o", " yrs", " Jahre", " ans"])]
        elif label == "IP_ADDRESS" and shape < 0.2:
            port = str(r.choice([22, 80, 443, 8080, 5432, r.randrange(1024, 65535)]))
            pieces = ["[", value, "]:" + port] if ":" in value else [value, ":" + port]
        elif label == "EMAIL_ADDRESS" and shape < 0.1:
            pieces = [self.value("PERSON"), " <", value, ">"]
        elif label == "USERNAME" and shape < 0.15:
            pieces = [Mark("@" + value, label)]
        return name, pieces

    def decoy(self):
        """A field that holds no personal data: a look-alike, or a label without its value."""
        r = self.rng
        if r.random() < 0.2:
            return str(r.choice(self.raw["labels"][r.choice(PII)])), [r.choice(EMPTY)]
        kind = r.choice(list(DECOYS))
        return r.choice(DECOYS[kind]), [self.plain(kind)]

    def fields(self, low=1, high=7):
        """Fields of random types, some without personal data."""
        out = [self.field(label) for label in self.types(low, high)]
        out += [self.decoy() for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2]))]
        self.rng.shuffle(out)
        return out

    def key(self, style, name):
        """The name as a key of code: snake, camel, kebab, Pascal or upper case."""
        words = re.findall(r"\w+", name.lower()) or ["value"]
        return {
            "snake": "_".join(words),
            "camel": words[0] + "".join(map(_title, words[1:])),
            "kebab": "-".join(words),
            "pascal": "".join(map(_title, words)),
            "upper": "_".join(words).upper(),
        }[style]

    def style(self):
        return self.rng.choice(["snake", "snake", "snake", "camel", "camel", "kebab", "pascal", "upper"])

    def label_case(self):
        return self.rng.choice([str, str, str.lower, str.title, str.upper, _title, _title])

    def noise(self):
        """A short piece of text without personal data before or after a document, mostly nothing."""
        r = self.rng
        return self.fill(r.choice(self.raw["plain"])) + [r.choice(["\n", "\n\n", " "])] if r.random() < 0.12 else []

    # Kinds of documents: each returns pieces.

    def nothing(self):
        """No personal data: sentences or a document of look-alikes."""
        r = self.rng
        if r.random() < 0.65:
            out = []
            for _ in range(r.choice([1, 1, 1, 2, 2, 3])):
                out += [r.choice([" ", " ", "\n"])] if out else []
                out += self.fill(r.choice(self.raw["plain"]))
            return out
        kept, self.fields = self.fields, lambda *_: [self.decoy() for _ in range(r.randrange(1, 6))]
        try:
            return r.choice([self.form, self.json, self.csv, self.yaml, self.log, self.code])()
        finally:
            self.fields = kept

    def prose(self):
        return self.text(1, 4)

    def form(self):
        r, case = self.rng, self.label_case()
        mark, end = r.choice([": ", ": ", ": ", ":", " = ", "=", " - ", ":\n", "\t", " -> ", " | ", " ", "  ", " : ", "\n"]), ""
        start = r.choice(["", "", "", "", "- ", "* ", "• ", "**", "#", "> ", "  "])
        if start == "**":
            mark = r.choice(["**: ", ":** ", "** "])
        elif start == "#":
            start = "## " if r.random() < 0.5 else "- "
        gap = r.choice(["\n", "\n", "\n", ", ", "; ", " | ", "\n\n", " ", " / "])
        out = self.noise()
        turned, bare = r.random() < 0.06, r.random() < 0.15
        for name, value in self.fields(1, 8):
            if bare and r.random() < 0.5 and getattr(value[0], "label", "") in CLEAR:
                out += [*value, gap]
            elif turned:
                out += [*value, f" ({case(name)})", gap]
            else:
                out += [start + case(name) + mark, *value, end, gap]
        return out[:-1]

    def json(self):
        r, style, depth = self.rng, self.style(), self.rng.choice(["", "", "\n"])
        pad = "  " if depth else ""

        def body(items, lead):
            out = ["{" + depth]
            for i, (name, value) in enumerate(items):
                number = len(value) == 1 and value[0].isdigit() and value[0][0] != "0" and r.random() < 0.4
                quote = "" if number else '"'
                end = "," if i < len(items) - 1 else ""
                many = ("[", "]") if r.random() < 0.06 else ("", "")
                out += [
                    f'{lead}{pad}"{self.key(style, name)}": {many[0]}{quote}',
                    *value,
                    quote + many[1] + end + (depth or (" " if end else "")),
                ]
            return out + [lead * bool(depth) + "}"]

        shape = r.random()
        out = self.noise()
        if shape < 0.25:
            outer = r.choice(["user", "customer", "data", "payload", "result", "contact", "record", "attributes", "billing"])
            return out + [f'{{"{outer}": ', *body(self.fields(1, 5), ""), "}"]
        if shape < 0.4:
            return out + ["[", *body(self.fields(1, 3), ""), ", ", *body(self.fields(1, 3), ""), "]"]
        return out + body(self.fields(1, 7), "")

    def yaml(self):
        r, style = self.rng, self.style()
        lead = r.choice(["", "", "  ", "    "])
        quote = r.choice(["", "", '"', "'"])
        out = (
            [r.choice(["user", "owner", "customer", "server", "entry", "spec", "host"]) + ":\n"]
            if lead
            else [r.choice(["", "---\n"])]
        )
        for name, value in self.fields(1, 6):
            out += [lead + r.choice(["", "", "", "- "]) + self.key(style, name) + ": " + quote, *value, quote + "\n"]
        return out

    def columns(self, most):
        """A header and rows of values, two to most columns of one type each."""
        r = self.rng
        kinds = [r.choice(list(DECOYS)) if r.random() < 0.12 else label for label in self.types(2, most)]
        head = [r.choice(DECOYS[k] if k in DECOYS else self.raw["labels"][k]) for k in kinds]
        rows = [[self.plain(k) if k in DECOYS else self.value(k) for k in kinds] for _ in range(r.choice([1, 1, 2, 2, 3, 4]))]
        return head, rows

    def csv(self):
        r, style, case = self.rng, self.style(), self.label_case()
        mark = r.choice([",", ",", ",", ";", "\t", "|", ", "])
        quoted = r.random() < 0.2
        if r.random() < 0.15:
            self_fields = self.fields(2, 5)
            head, rows = [n for n, _ in self_fields], [[v[0] if len(v) == 1 else Mark(*self.pair(v)) for _, v in self_fields]]
        else:
            head, rows = self.columns(6)
        head = [self.key(style, h) if r.random() < 0.8 else case(str(h)) for h in head]
        out = [mark.join(head) + "\n"] if r.random() < 0.85 else []
        for row in rows:
            for i, cell in enumerate(row):
                quote = '"' if quoted or mark.strip() and mark.strip() in cell else ""
                out += [mark * (i > 0) + quote, cell, quote]
            out.append("\n")
        return self.noise() + out[:-1]

    def pair(self, pieces):
        """The first marked piece of a field with its type."""
        first = next(p for p in pieces if isinstance(p, Mark))
        return str(first), first.label

    def markdown(self):
        case, (head, rows) = self.label_case(), self.columns(5)
        head = [case(str(h)) for h in head]
        out = ["| " + " | ".join(head) + " |\n|" + self.rng.choice(["---|", " --- |", ":---|"]) * len(head)]
        for row in rows:
            out.append("\n|")
            for cell in row:
                out += [" ", cell, " |"]
        return self.noise() + out

    def html(self):
        r, style = self.rng, self.style()
        shape = r.randrange(5)
        out = []
        for name, value in self.fields(1, 5):
            key = self.key(style, name)
            start, end = [
                (f"<tr><td>{name}</td><td>", "</td></tr>"),
                (f'<span class="{key}">', "</span>"),
                (f'<input name="{key}" value="', '">'),
                (f"<li><b>{name}:</b> ", "</li>"),
                (f"<p>{name}: ", "</p>"),
            ][shape]
            out += [start, *value, end + r.choice(["", "\n"])]
        return out

    def xml(self):
        r, style = self.rng, self.style()
        outer, out = r.choice(["customer", "Person", "record", "order", "Party", "entry"]), []
        gap = r.choice(["", "\n", "\n  "])
        for name, value in self.fields(1, 5):
            key = self.key(style, name)
            out += [f"{gap}<{key}>", *value, f"</{key}>"]
        return [f"<{outer}>", *out, f"{gap.rstrip(' ')}</{outer}>"] if r.random() < 0.7 else out

    def sql(self):
        r, fields = self.rng, self.fields(1, 6)
        table = r.choice(["users", "customers", "patients", "orders", "staff", "accounts", "members", "leads"])
        if r.random() < 0.6:
            out = [f"INSERT INTO {table} ({', '.join(self.key('snake', n) for n, _ in fields)}) VALUES ("]
            for i, (_, value) in enumerate(fields):
                out += [", " * (i > 0) + "'", *value, "'"]
            return out + [");"]
        start = r.choice([f"SELECT * FROM {table} WHERE ", f"UPDATE {table} SET ", f"DELETE FROM {table} WHERE "])
        join, out = ", " if "SET" in start else " AND ", [start]
        for i, (name, value) in enumerate(fields[:3]):
            out += [join * (i > 0) + self.key("snake", name) + r.choice([" = '", "='"]), *value, "'"]
        return out + [";"]

    def code(self):
        r, style = self.rng, self.rng.choice(["snake", "camel", "pascal", "upper"])
        quote, fields, shape = r.choice("\"'"), self.fields(1, 5), r.randrange(7)
        out = []
        for i, (name, value) in enumerate(fields):
            key, comma = self.key(style, name), ", " * (i < len(fields) - 1)
            out += [
                [f"{key} = {quote}", *value, quote + "\n"],
                [f"const {key} = {quote}", *value, quote + ";\n"],
                [f"{key}={quote}", *value, quote + comma],
                [f"{key}: {quote}", *value, quote + comma],
                [f"export {self.key('upper', name)}=", *value, "\n"],
                [quote, *value, quote + comma],
                [f"# {name}: ", *value, "\n"],
            ][shape]
        call = r.choice(["Customer", "create_user", "new Contact", "send", "User.find", "add_patient", "Employee", "assert_equal"])
        if shape in (2, 5):
            return [f"{call}(", *out, ")"]
        return [r.choice(["const user = {", "return {", "profile({"]) + " ", *out, " }"] if shape == 3 else out

    def log(self):
        r, style = self.rng, self.style()
        app = r.choice(["sshd", "nginx", "auth", "api", "billing-worker", "mailer", "dhcpd", "crm", "gateway", "sudo"])
        out = []
        for _ in range(r.choice([1, 1, 1, 2, 3])):
            shape = r.random()
            stamp = [self.date_stamp(), " "] if r.random() < 0.5 else [self.plain("stamp"), " "] if r.random() < 0.7 else []
            if shape < 0.15:
                status = r.choice([200, 301, 404, 403, 500])
                user = self.value("USERNAME") if r.random() < 0.4 else "-"
                path = f'"{r.choice(["GET", "POST", "PUT"])} /{self.word()}/{self.plain("number")} HTTP/1.1" {status} {self.plain("number")}'
                out += [self.value("IP_ADDRESS"), " - ", user, " [", self.date_stamp(), "] " + path]
            elif shape < 0.3:
                text = r.choice(
                    [
                        "Accepted publickey for {USERNAME} from {IP_ADDRESS} port {=number} ssh2",
                        "DHCPACK on {IP_ADDRESS} to {MAC_ADDRESS} via eth0",
                        "Failed password for invalid user {USERNAME} from {IP_ADDRESS} port {=number}",
                        "to=<{EMAIL_ADDRESS}>, relay={DOMAIN_NAME}, status=sent",
                        "session opened for user {USERNAME} by (uid={=number})",
                        "blocked {IP_ADDRESS} mac {MAC_ADDRESS} dst {IP_ADDRESS} len {=number}",
                        "user {USERNAME} set password {PASSWORD} from {IP_ADDRESS}",
                        "resolved {DOMAIN_NAME} to {IP_ADDRESS} in {=number} ms",
                    ]
                )
                out += [*stamp, f"{self.word()} {app}[{self.plain('number')}]: ", *self.fill(text)]
            else:
                out += [
                    *stamp,
                    r.choice(LEVELS) + " " + r.choice([app + ": ", f"[{app}] ", "", self.word() + " " + self.word() + " "]),
                ]
                mark, quote = r.choice(["=", "=", ":", ": "]), r.choice(["", "", '"'])
                for name, value in self.fields(1, 4):
                    out += [self.key(style, name) + mark + quote, *value, quote + " "]
            out.append("\n")
        return out[:-1]

    def date_stamp(self):
        """An ISO stamp or one of a log's other forms, marked."""
        r = self.rng
        y, m, d = r.randrange(2015, 2027), r.randrange(1, 13), r.randrange(1, 29)
        clock = f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}"
        mon = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][m - 1]
        forms = [
            f"{y}-{m:02}-{d:02}T{clock}Z",
            f"{y}-{m:02}-{d:02} {clock}",
            f"{mon} {d} {clock}",
            f"{d:02}/{mon}/{y}:{clock} +0000",
            f"{y}/{m:02}/{d:02} {clock}",
        ]
        return Mark(r.choice(forms), "DATE_TIME")

    def chat(self):
        r, shape = self.rng, self.rng.randrange(6)
        one, two = r.choice(
            [("user", "assistant"), ("User", "Assistant"), ("Human", "AI"), ("Q", "A"), ("customer", "agent"), ("me", "bot")]
        )
        names = [self.value("PERSON"), self.value("PERSON")]
        nicks = [self.value("USERNAME"), self.value("USERNAME")]
        out = []
        for i in range(r.choice([1, 2, 2, 3])):
            said = self.text(1, 1) if r.random() < 0.85 else self.fill(r.choice(self.raw["plain"]))
            who = i % 2
            out += (
                [
                    [(one, two)[who] + ": "],
                    [names[who], ": "],
                    ["<", nicks[who], "> "],
                    ["[", self.value("DATE_TIME"), "] ", names[who], ": "],
                    [f"[{self.plain('stamp')}] ", nicks[who], ": "],
                    ["<|" + (one, two)[who] + "|>\n"],
                ][shape]
                + said
                + ["\n"]
            )
        return out[:-1]

    def mail(self):
        r = self.rng
        heads = [
            ["From: ", *self.address()],
            ["To: ", *self.address()],
            ["Date: ", self.value("DATE_TIME")],
            ["Cc: ", *self.address()],
        ]
        heads += [
            ["Subject: ", *r.choice([self.fill(r.choice(self.raw["plain"])), self.sentence()])],
            ["Reply-To: ", self.value("EMAIL_ADDRESS")],
        ]
        out = []
        for head in r.sample(heads, r.randrange(0, 4)):
            out += [*head, "\n"]
        out += ["\n"] if out else []
        if r.random() < 0.7:
            out += [*self.greet(), r.choice(["\n", "\n\n", " "])]
        out += self.text(1, 2)
        return out + (["\n\n", *self.sign()] if r.random() < 0.7 else [])

    def address(self):
        mail = self.value("EMAIL_ADDRESS")
        return [mail] if self.rng.random() < 0.4 else [self.value("PERSON"), " <", mail, ">"]

    def greet(self):
        """A greeting; without a slot of its own it takes a name after it."""
        greeting = str(self.rng.choice(self.raw["greetings"]))
        pieces = self.fill(greeting)
        if "{" in greeting or greeting.endswith(",") or self.rng.random() < 0.2:
            return pieces
        name = [self.value("TITLE"), " ", Mark(self.one("last"), "PERSON")] if self.rng.random() < 0.3 else [self.value("PERSON")]
        return [greeting.rstrip(" ,!") + " ", *name, self.rng.choice([",", "!", ",", ""])]

    def sign(self):
        r = self.rng
        out = [*self.fill(str(r.choice(self.raw["closings"]))), r.choice(["\n", "\n", " "]), self.value("PERSON")]
        for label in r.sample(
            ["ORGANIZATION", "PHONE_NUMBER", "EMAIL_ADDRESS", "DOMAIN_NAME", "STREET_ADDRESS", "LOCATION"], r.randrange(0, 4)
        ):
            lead = r.choice(["", str(r.choice(self.raw["labels"][label])) + ": "]) if label == "PHONE_NUMBER" else ""
            out += [r.choice(["\n", "\n", " | "]) + lead, self.value(label)]
        return out

    def letter(self):
        r = self.rng
        code, town = self.value("ZIP_CODE"), self.value("LOCATION")
        block = [
            [self.value("ORGANIZATION")],
            [self.value("PERSON")],
            [self.value("STREET_ADDRESS")],
            r.choice([[code, " ", town], [town, ", ", code], [town, " ", code]]),
        ]
        out = []
        gap = r.choice(["\n", "\n", ", "])
        for line in block[r.randrange(0, 3) :]:
            out += [*line, gap]
        out[-1] = "\n"
        out += [self.value("DATE_TIME"), "\n\n"] if r.random() < 0.4 else ["\n"]
        out += [*self.greet(), "\n", *self.text(1, 2)] if r.random() < 0.8 else []
        return out + (["\n", *self.sign()] if r.random() < 0.4 else [])

    def ticket(self):
        r = self.rng
        out = [
            r.choice(["Ticket", "INVOICE", "Case", "Order", "Request", "Rechnung", "Incident", "Booking"])
            + r.choice([" #", " ", " no. "])
            + self.plain("order")
            + "\n"
        ]
        case = self.label_case()
        for name, value in self.fields(1, 4):
            out += [case(str(name)) + ": ", *value, "\n"]
        if r.random() < 0.7:
            out += [r.choice(["Description: ", "\n", "Note: ", "Details:\n"]), *self.text(1, 2)]
        return out

    def medical(self):
        r = self.rng
        who = r.choice(
            [
                ["Pt ", self.value("PERSON"), ", "],
                ["Patient ", self.value("PERSON"), " (", self.value("ID_NUMBER"), "), "],
                ["", self.value("PERSON"), " - "],
            ]
        )
        age = [
            self.value("AGE"),
            r.choice([" y/o ", "-year-old ", "yo ", " yr old "]),
            *r.choice([["male"], ["female"], [self.value("NRP"), " woman"], ["M"], ["F"]]),
        ]
        born = r.choice(
            [[], [", DOB ", self.value("DATE_TIME")], [", b. ", self.value("DATE_TIME")], [", MRN ", self.value("ID_NUMBER")]]
        )
        seen = r.choice(
            [
                [". Seen ", self.value("DATE_TIME")],
                [". Referred by ", self.value("TITLE"), " ", self.value("PERSON")],
                [". Admitted to ", self.value("ORGANIZATION")],
            ]
        )
        facts = [
            f" BP {r.randrange(100, 160)}/{r.randrange(60, 95)}.",
            f" Temp {r.randrange(36, 40)}.{r.randrange(10)} C.",
            f" HR {r.randrange(50, 120)}.",
            f" Metformin {r.choice([500, 850])} mg 2x daily.",
            " No known allergies.",
            f" Hb {r.randrange(9, 17)}.{r.randrange(10)} g/dL.",
            " Follow-up in 2 weeks.",
            " Chest pain for 3 days.",
        ]
        last = (
            [r.choice([" Phone ", " Next of kin tel ", " Contact "]), self.value("PHONE_NUMBER"), "."] if r.random() < 0.3 else []
        )
        return [*who, *age, *born, *seen, "." + "".join(r.sample(facts, r.randrange(0, 4))), *last]

    def prompt(self):
        """An instruction to an assistant and the text it is about."""
        r = self.rng
        ask = r.choice(
            [
                "Rewrite this e-mail",
                "Extract the names and dates from",
                "Summarize the following",
                "Translate to German",
                "Fix the grammar",
                "Turn this into JSON",
                "Classify this message",
                "Write a polite reply to this",
                "What is wrong with this record?",
                "Anonymize the text",
                "Explain this log line",
                "Please shorten",
                "Draft a letter with these details",
                "Make a table out of this",
                "Is this a scam?",
                "Proofread",
                "Übersetze ins Englische",
                "Résume ce texte",
                "Traduce al inglés",
                "Convert to CSV",
                "Answer the customer below",
                "Find duplicates in this list",
                "Parse the contact details",
                "Complete the form with",
                "Make it sound more formal",
            ]
        )
        body = r.choice([self.prose, self.prose, self.prose, self.form, self.csv, self.json, self.mail, self.run_together])()
        shape = r.random()
        if shape < 0.12:
            return [*body, "\n\n" + ask]
        if shape < 0.3:
            return [ask + r.choice([': "', ":\n```\n", ":\n---\n", ": <<<"]), *body, r.choice(['"', "\n```"])]
        return [ask + r.choice([": ", ":\n", ":\n\n", ". ", "\n", " - "]), *body]

    def cv(self):
        r = self.rng
        out = [self.value("PERSON"), "\n"]
        for label in r.sample(["EMAIL_ADDRESS", "PHONE_NUMBER", "LOCATION", "DOMAIN_NAME", "STREET_ADDRESS"], r.randrange(1, 4)):
            out += [self.value(label), r.choice([" | ", "\n", " · "])]
        job = r.choice(
            [
                "Software Engineer",
                "Nurse",
                "Sales Manager",
                "Teacher",
                "Accountant",
                "Electrician",
                "Intern",
                "Data Analyst",
                "Chef",
                "Architect",
            ]
        )
        for _ in range(r.choice([1, 1, 2])):
            span = [self.value("DATE_TIME"), r.choice([" - ", " – ", " to "]), *r.choice([["present"], [self.value("DATE_TIME")]])]
            out += [
                "\n" + job + r.choice([", ", " at ", " @ "]),
                self.value("ORGANIZATION"),
                ", ",
                self.value("LOCATION"),
                " (",
                *span,
                ")",
            ]
        return out + r.choice([[], ["\nLanguages: English, ", self.value("NRP")], ["\nAge: ", self.value("AGE")]])

    def run_together(self):
        r = self.rng
        if r.random() < 0.4:
            labels = [r.choice(CLEAR)] * r.randrange(2, 6)
        else:
            labels = [r.choice(CLEAR) for _ in range(r.randrange(2, 6))]
        gap = r.choice([", ", ", ", " ", "; ", " / ", "\n", " - ", ","])
        out = []
        for label in labels:
            out += [gap] * bool(out) + [self.value(label)]
        return out

    def query(self):
        """Parameters of a request, without a host before them."""
        r, style = self.rng, self.style()
        out = [
            r.choice(
                ["", "?", f"GET /{self.word()}?", f"/{self.word()}/{self.word()}?", f"POST /api/{self.word()} body: ", "curl -d '"]
            )
        ]
        for i, (name, value) in enumerate(self.fields(1, 4)):
            if len(value) == 1:
                out += ["&" * (len(out) > 1) + self.key(style, name) + "=", self.escaped(value[0])]
        return out if len(out) > 1 else self.bare()

    def escaped(self, value):
        """The value without blanks, as a form is sent."""
        text = str(value).replace(" ", self.mark_of_blank())
        return Mark(text, value.label) if isinstance(value, Mark) else text

    def mark_of_blank(self):
        return self.rng.choice(["+", "%20"])

    def bare(self):
        r = self.rng
        return [r.choice(["", "", "", "\n", "> ", '"']), self.value(r.choice(CLEAR)), r.choice(["", "", "", ".", "?", "\n", " ?"])]
