"""Rows of the guard: public attacks and benign texts, own templates, and twins that differ in the attack alone.

An example is (text, anchor, user, document): anchor is None, or the (start, end) characters of the attack, around which a crop
must be made; user and document are label numbers of GUARD, or -1 where the row says nothing about that speaker. A page with an
instruction inside is an attack when it comes from a tool, and often ordinary when a user wrote it.
"""

import re
from collections import Counter
from importlib.resources import files

import yaml

from . import GUARD, data

TRAIN = "jailbreak/train.jsonl.gz"
VALIDATION = "jailbreak/val.jsonl.gz"
BENIGN, JAILBREAK, HARMFUL = range(len(GUARD))
PAGE = re.compile(r"\n\n(?:Email|Table|Code|Context|Text)s?:\n", re.IGNORECASE)


def templates():
    """The lists of guard_templates.yaml."""
    return yaml.safe_load(files(__package__).joinpath("guard_templates.yaml").read_text())


def fill(rng, lists, text):
    """The text with every {name} replaced by a random member of that list, twice nested at most."""
    for _ in range(2):
        text = re.sub(r"\{(\w+)\}", lambda m: pick(rng, lists, m), text)
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


def one_pass(directory, rng, own):
    """The examples of one pass, in random order; own is the number of own pages and of own user texts."""
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
    long = ("mmlu_pro", "self_instruct_seed")
    passages = [r["text"] for r in rows if r["label"] == "benign" and r["source"] in long and len(r["text"]) > 300]
    out = []
    for row in rows:
        label = GUARD.index(row["label"])
        if row["source"] == "bipia":
            out += page_examples(rng, row, label, by_text.get(row["text"]))
        elif label == BENIGN:
            if rng.random() < (0.9 if "trigger" in row["family"] or row["source"] == "deepset" else 0.5):
                out.append((data.reword(rng, row["text"]), None, label, BENIGN if len(row["text"]) > 300 else -1))
        else:
            out.append((row["text"], None, label, label if rng.random() < 0.5 else -1))
            if label == HARMFUL:
                out.append((data.reword(rng, row["text"]), None, label, -1))
    for _ in range(own):
        out.append(own_user(rng, lists))
        out += own_pages(rng, lists, attacks, passages)
    rng.shuffle(out)
    return out


def page_examples(rng, row, label, anchor):
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
    if "code" not in row["family"] and rng.random() < 0.75:
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


def own_user(rng, lists):
    """An attack in three, else a benign text that looks like one; either may stand beside an ordinary request."""
    attack = rng.random() < 0.33
    text = fill(rng, lists, rng.choice(lists["attack_user" if attack else "benign_user"]))
    anchor = (0, len(text))
    if rng.random() < 0.4:
        other = fill(rng, lists, rng.choice(lists["benign_user"]))
        gap = rng.choice([" ", "\n", "\n\n"])
        if rng.random() < 0.5:
            text, anchor = text + gap + other, (0, len(text))
        else:
            text, anchor = other + gap + text, (len(other) + len(gap), len(other) + len(gap) + len(text))
    return (text, anchor, JAILBREAK if attack else BENIGN, JAILBREAK if attack else -1)


def own_pages(rng, lists, attacks, passages):
    """A page with an attack line, and the same page with an ordinary line at the same place."""
    if rng.random() < 0.3 and passages:
        lines = re.split(r"(?<=[.?!])\s+|\n", rng.choice(passages))
    else:
        lines = "\n".join(fill(rng, lists, rng.choice(lists["document"])) for _ in range(rng.randrange(1, 4))).split("\n")
    place = rng.randrange(len(lines) + 1)
    attack = rng.choice(attacks) if attacks and rng.random() < 0.5 else fill(rng, lists, rng.choice(lists["attack_document"]))
    plain = fill(rng, lists, rng.choice(lists["benign_document"]))
    out = []
    for line, label in ((attack, JAILBREAK), (plain, BENIGN)):
        head = "\n".join(lines[:place])
        start = len(head) + 1 if place else 0
        text = "\n".join([*lines[:place], line, *lines[place:]])
        out.append((text, (start, start + len(line)), BENIGN if label == BENIGN else -1, label))
    return out
