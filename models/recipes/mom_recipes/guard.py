"""Rows of the guard: public attacks and benign texts, own templates, and twins that differ in the attack alone.

An example is (text, anchor, user, document): anchor is None, or the (start, end) characters of the attack, around which a crop
must be made; user and document are label numbers of GUARD, or -1 where the row says nothing about that speaker. A page with an
instruction inside is an attack when it comes from a tool, and often ordinary when a user wrote it.
"""

import base64
import codecs
import json
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import yaml

from . import GUARD, data

TRAIN = "jailbreak/train.jsonl.gz"
VALIDATION = "jailbreak/val.jsonl.gz"
BENIGN, JAILBREAK, HARMFUL = range(len(GUARD))
SHORT = 400  # characters: public attacks below it are read again beside ordinary requests
LOOK_ALIKE = str.maketrans("aceopxyi", "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456")  # Cyrillic letters
LEET = str.maketrans("aeiost", "431057")
# How a text is hidden: by the name in a template's [[name|text]], and some of them on a small share of all texts alike. The
# tokenizer drops zero-width characters and reads a full-width word as unknown, so that neither would teach anything.
CODES = {
    "b64": lambda t: base64.b64encode(t.encode()).decode(),
    "hex": lambda t: t.encode().hex(),
    "rot13": lambda t: codecs.encode(t, "rot13"),
    "reverse": lambda t: t[::-1],
    "spaced": " ".join,
    "leet": lambda t: t.translate(LEET),
    "alike": lambda t: t.translate(LOOK_ALIKE),
}
DISGUISES = ("spaced", "leet", "alike")
HELD_OUT = Path(__file__).parent.parent / "samples" / "guard.jsonl"
TEMPLATES = ("guard_templates.yaml", "guard_attacks.yaml", "guard_benign.yaml", "guard_documents.yaml", "guard_languages.yaml")
# How a line stands in a page: the same for the attack and for its twin.
PLACES = ("%s", "%s", "%s", "- %s", "> %s", "# %s", "// %s", "| %s | |", "<p>%s</p>", '"note": "%s",', "<!-- %s -->", "note: %s")
ALTERNATIVES = re.compile(r"\(([^()]*\|[^()]*)\)")
PAGE = re.compile(r"\n\n(?:Email|Table|Code|Context|Text)s?:\n", re.IGNORECASE)


def templates():
    """The lists of the files TEMPLATES, those of one name joined. A list written as one block holds a text in each line, where
    \\n stands for a line break."""
    lists = {}
    for name in TEMPLATES:
        for key, texts in yaml.safe_load(files(__package__).joinpath(name).read_text()).items():
            if isinstance(texts, str):
                texts = [line.replace("\\n", "\n") for line in texts.splitlines() if line]
            lists.setdefault(key, []).extend(texts)
    return lists


def held_out():
    """The rows {text, role, label} of samples/guard.jsonl: judged prompts in other words than the templates, never trained on."""
    return [json.loads(line) for line in HELD_OUT.read_text().splitlines()]


def fill(rng, lists, text):
    """The text with one of every (a|b|c), every {name} replaced by a random member of that list, five times nested at most, and
    every [[code|text]] by the text in that code. Alternatives may hold others, and may be empty; no bracket without a bar is
    touched."""
    for _ in range(5):
        while ALTERNATIVES.search(text):
            text = ALTERNATIVES.sub(lambda m: rng.choice(m[1].split("|")), text)
        text = re.sub(r"\{(\w+)\}", lambda m: pick(rng, lists, m), text)
    return re.sub(r"\[\[(\w+)\|(.*?)\]\]", lambda m: CODES[m[1]](m[2]), text)


def vary(rng, lists, text):
    """The text as somebody else may type it, or somebody who hides it. Attacks and benign texts vary alike: none of it may become
    a marker. (The tokenizer lower-cases, so case needs none.)"""
    if rng.random() < 0.15:
        text = re.sub(r"[?!.,;:]+(?=\s|$)", "", text)
    if rng.random() < 0.1:
        at = rng.randrange(len(text))
        text = text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
    if rng.random() < 0.08:
        at = rng.randrange(len(text))
        text = text[:at] + text[at + 1 :]
    if rng.random() < 0.06:
        text = text.rstrip(".") + rng.choice(("!", "!", "!!!", "?"))
    if rng.random() < 0.04:
        text = text.replace(" ", rng.choice(["  ", "\n"]))
    if rng.random() < 0.05:
        text = CODES[rng.choice(DISGUISES)](text)
    if rng.random() < 0.12:
        filler = rng.choice(lists["filler"])
        text = f"{filler} {text}" if rng.random() < 0.5 else f"{text} {filler}"
    return text


def pick(rng, lists, match):
    name = match[1]
    if name == "amount":
        return str(rng.randrange(20, 4000))
    if name == "day":
        return str(rng.randrange(1, 29))
    return str(rng.choice(lists[name])) if name in lists else match[0]


def is_document(row):
    """Whether a row of the jailbreak files is a page that a tool or a document brings."""
    family = row.get("family", "")
    return row["source"] == "bipia" or "BIPIA" in family or family.endswith("PINT_documents")


def injected_lines(rows):
    """The lines that were injected: they stand in attacked pages of several contexts, in no clean page, and not in most of the
    attacked pages of one context (what all of them share is the page itself)."""
    clean, pages, seen = set(), Counter(), Counter()
    for row in rows:
        lines = {line for line in row["text"].split("\n") if line.strip()}
        if row["label"] == "benign":
            clean |= lines
        else:
            context = row["text"][:60]
            pages[context] += 1
            seen.update((line, context) for line in lines)
    shared = {line for (line, context), n in seen.items() if pages[context] >= 3 and n > 0.6 * pages[context]}
    contexts = Counter(line for line, _ in seen)
    return {line for line, n in contexts.items() if n >= 2} - clean - shared


def anchored(text, lines):
    """(start, end) from the first of the given lines in text to the last, or None."""
    start, at, end = None, 0, None
    for line in text.split("\n"):
        if line in lines:
            start = at if start is None else start
            end = at + len(line)
        at += len(line) + 1
    return None if start is None else (start, end)


def one_pass(directory, rng, own, without=()):
    """The examples of one pass, in random order; own sets the number of own texts, about five each.

    without names parts to leave out, for an ablation: "twins" (clean halves of attacked pages), "own" (all own texts), "augment"
    (vary) and "roles" (both heads then read every text, under the worse of its two labels).
    """
    rows = data.read_rows(directory, TRAIN)
    lists = templates()
    pages = [row for row in rows if row["source"] == "bipia"]
    lines = injected_lines(pages)
    by_text = {}
    for row in pages:
        found = anchored(row["text"], lines) if row["label"] == "jailbreak" else None
        if found:
            by_text[row["text"]] = found
    attacks = sorted({text[a:b] for text, (a, b) in by_text.items() if b - a < 600})
    passages = [r["text"] for r in rows if r["label"] == "benign" and r["source"] != "bipia" and len(r["text"]) > 250]
    varied = (lambda text: text) if "augment" in without else (lambda text: vary(rng, lists, text))
    twins = "twins" not in without
    out = []
    for row in rows:
        label = GUARD.index(row["label"])
        if row["source"] == "bipia":
            out += page_examples(rng, row, label, by_text.get(row["text"]), twins)
        elif label == BENIGN:
            if rng.random() < (0.9 if "trigger" in row["family"] or row["source"] == "deepset" else 0.4):
                page = len(row["text"]) > 300 and rng.random() < 0.6
                out.append((varied(data.reword(rng, row["text"])), None, label, BENIGN if page else -1))
        else:
            out.append((row["text"], None, label, label if rng.random() < 0.5 else -1))
            if label == HARMFUL:
                out.append((data.reword(rng, row["text"]), None, label, -1))
            elif len(row["text"]) < SHORT and "own" not in without:
                out += [(*beside(rng, lists, varied(row["text"])), label, label) for _ in range(2)]
    for _ in range(0 if "own" in without else own):
        out += [own_user(rng, lists, varied), own_user(rng, lists, varied), own_note(rng, lists, attacks, varied)]
        if rng.random() < 0.6:
            out.append(own_note(rng, lists, attacks, varied))
        if rng.random() < 0.75:
            out.append(own_long(rng, lists, passages))
        if rng.random() < 0.55:
            out += own_pages(rng, lists, attacks, passages, varied)[: 2 if twins else 1]
    if "roles" in without:
        out = [(text, anchor, max(user, document), max(user, document)) for text, anchor, user, document in out]
    rng.shuffle(out)
    return out


def page_examples(rng, row, label, anchor, twins):
    """An attacked page gives itself and, three times in four, its clean twin: the same page without the lines. A user who pastes
    a clean page is benign too; a pasted attack is left open."""
    text = row["text"]
    if label == JAILBREAK and anchor is None:
        return []
    if label == BENIGN:
        return [(body(rng, text), None, BENIGN, BENIGN), (text, None, BENIGN, BENIGN)]
    start, end = anchor
    out = [(*body_anchored(rng, text, anchor), -1, JAILBREAK)]
    # Injected code shares lines with ordinary code, so that removing it may leave a part behind.
    if twins and "code" not in row["family"] and rng.random() < 0.75:
        twin = text[:start] + text[end:].removeprefix("\n")
        # Anchored where the attack stood, so that place and length say nothing.
        out.append((twin, (start, min(start + 1, len(twin))), BENIGN, BENIGN))
    return out


def body(rng, text):
    """The page alone half of the time: the question above it is the user's."""
    match = PAGE.search(text)
    return text[match.end() :] if match and rng.random() < 0.5 else text


def body_anchored(rng, text, anchor):
    short = body(rng, text)
    cut = len(text) - len(short)
    return (short, (anchor[0] - cut, anchor[1] - cut)) if anchor[0] >= cut else (text, anchor)


def beside(rng, lists, text):
    """(text, anchor of it): alone, or before, after or between ordinary requests."""
    before = after = ""
    if rng.random() < 0.4:
        place = rng.choice(("before", "after", "after", "both"))
        gap = rng.choice([" ", " ", "\n", "\n\n"])
        first, second = (fill(rng, lists, rng.choice(lists["benign_user"])) for _ in range(2))
        before = first + gap if place != "before" else ""
        after = gap + second if place != "after" else ""
    return before + text + after, (len(before), len(before) + len(text))


def own_user(rng, lists, varied):
    """An attack every second time, else a benign text that looks like one; either may stand among ordinary requests."""
    attack = rng.random() < 0.5
    text = varied(fill(rng, lists, rng.choice(lists["attack_user" if attack else "benign_user"])))
    document = JAILBREAK if attack and rng.random() < 0.5 else -1  # half: else the documents would be attacks for the most part
    return (*beside(rng, lists, text), JAILBREAK if attack else BENIGN, document)


def own_long(rng, lists, passages):
    """A long text of a user: a role with its rules, with lines that lift the limits or without, or a pasted page below a
    request. What a role says as a document is left open."""
    gap = rng.choice([" ", "\n", "\n\n", "\n- "])
    if rng.random() < 0.25:
        page = rng.choice(passages) if rng.random() < 0.5 else fill(rng, lists, rng.choice(lists["document"]))
        return (rng.choice(lists["ask"]) + gap + page, None, BENIGN, -1)
    lines = [rng.choice(lists["long_head"]), *rng.sample(lists["long_rule"], rng.randrange(3, 18))]
    attack = rng.random() < 0.25
    if attack:
        place = rng.randrange(len(lines) + 1)
        lines[place:place] = rng.sample(lists["long_attack"], rng.randrange(2, 5))
    else:
        place = rng.randrange(len(lines))
    fixed = {name: [rng.choice(lists[name])] for name in ("who", "job", "place", "thing", "persona")}
    lines = [fill(rng, lists | fixed, line) for line in lines]
    start = sum(len(line) + len(gap) for line in lines[:place])
    return (gap.join(lines), (start, start + len(lines[place])), JAILBREAK if attack else BENIGN, -1)


def own_note(rng, lists, attacks, varied):
    """A short document: ordinary sentences, or an instruction alone or beside them. An everyday instruction is an attack from a
    document, where nobody asked for it, and ordinary from a user."""
    plain = [fill(rng, lists, rng.choice(lists["benign_document"])) for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4)))]
    gap = rng.choice([" ", " ", "\n"])
    if rng.random() < 0.1:
        plain, gap = [fill(rng, lists, rng.choice(lists["document"]))], "\n"
    if rng.random() < 0.65:
        text = varied(gap.join(plain))
        return (text, (0, len(text)), BENIGN, BENIGN)
    draw = rng.random()
    if draw < 0.3:
        line, user = fill(rng, lists, rng.choice(lists["bare"])), BENIGN
    elif draw < 0.5 and attacks:
        line, user = rng.choice(attacks), -1
    else:
        line, user = fill(rng, lists, rng.choice(lists["attack_document"])), -1
    line = varied(line)
    before, after = rng.choice((("", ""), ("", ""), (plain[0] + gap, ""), ("", gap + plain[-1])))
    return (before + line + after, (len(before), len(before) + len(line)), user, JAILBREAK)


def own_pages(rng, lists, attacks, passages, varied):
    """A page with an attack line, and the same page with an ordinary line at the same place."""
    if rng.random() < 0.45 and passages:
        lines = re.split(r"(?<=[.?!])\s+|\n", rng.choice(passages))
    else:
        lines = "\n".join(fill(rng, lists, rng.choice(lists["document"])) for _ in range(rng.randrange(1, 4))).split("\n")
    place = rng.randrange(len(lines) + 1)
    attack = rng.choice(attacks) if attacks and rng.random() < 0.4 else fill(rng, lists, rng.choice(lists["attack_document"]))
    plain = fill(rng, lists, rng.choice(lists["benign_document"]))
    out = []
    form = rng.choice(PLACES)
    for line, label in ((varied(attack), JAILBREAK), (varied(plain), BENIGN)):
        line = form % line
        head = "\n".join(lines[:place])
        start = len(head) + 1 if place else 0
        text = "\n".join([*lines[:place], line, *lines[place:]])
        out.append((text, (start, start + len(line)), BENIGN if label == BENIGN else -1, label))
    return out
