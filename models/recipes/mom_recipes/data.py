"""Reads the intent rows, balances the sources, and words them as users would.

Rows are JSON lines (DATA.md has the schema) below a directory that is given; nothing of it is stored here.
"""

import gzip
import json
import random
import re
from collections import Counter

from . import LABELS, MAX_TOKENS, everyday

EVERYDAY_PER_LABEL = 450  # prompts of our own templates in one pass

TRAIN = ("intent/train.jsonl.gz", "intent/train_over_cap.jsonl.gz")
VALIDATION = "intent/val.jsonl.gz"
# Rows a source keeps for one pass: large sets of near-alike short requests would fill the budget otherwise.
CAP = {
    "banking77": 1500,
    "clinc150": 3600,
    "hwu64": 3000,
    "cache_medical": 2000,
    "gsm8k": 1500,
    "math": 1800,
    "opentriviaqa": 4500,
    "medmcqa": 2000,
}
OPENINGS = [
    "can you help me with this: ",
    "hi, ",
    "hello! ",
    "hey, quick question: ",
    "please tell me: ",
    "I was wondering, ",
    "question: ",
    "could you explain this to me? ",
    "i need some help. ",
    "Hi there! I have a question. ",
    "for my homework: ",
    "ok so ",
    "Help me with the following. ",
    "sorry if this is a silly question but ",
    "You are a helpful assistant. ",
    "my friend asked me: ",
]
CLOSINGS = [
    " thanks!",
    " please",
    " thx",
    " Please keep it short.",
    " Explain step by step.",
    " Thanks in advance!",
    " asap",
    " I have no idea.",
    " Answer in one sentence.",
    " What do you think?",
]


def read_rows(directory, name):
    """The rows of one file as dicts, labels unchecked."""
    with gzip.open(directory / name, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def read(directory, name):
    """The rows of one file as dicts; an unknown label is an error that names the line."""
    rows = []
    with gzip.open(directory / name, "rt", encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            row = json.loads(line)
            if row["label"] not in LABELS:
                raise SystemExit(f"{name}:{number}: unknown label {row['label']!r}")
            rows.append(row)
    return rows


def with_options(row):
    """The question followed by its lettered options, one a line."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "\n".join([row["text"], *(f"{letters[i]}. {option}" for i, option in enumerate(row["options"]))])


def one_pass(rows, rng, per_label):
    """The texts of one pass over the data as [(text, label index)], in random order, re-worded anew each pass."""
    by_source = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(row)
    examples = []
    for source, members in sorted(by_source.items()):
        for row in rng.sample(members, min(len(members), CAP.get(source, len(members)))):
            label = LABELS.index(row["label"])
            examples.append((reword(rng, row["text"]), label))
            if row.get("options") and source == "mmlu_pro":
                examples.append((with_options(row), label))
    examples += [(reword(rng, row["text"]), LABELS.index(row["label"])) for row in everyday.generate(rng, per_label)]
    rng.shuffle(examples)
    return examples


def reword(rng, text):
    """A text as a user may type it: now and then with an opening, a closing, or without punctuation. Every label gets the same
    wordings: none may become a marker."""
    if rng.random() < 0.15:
        text = re.sub(r"[?!.,;]+(?=\s|$)", "", text)
    if rng.random() < 0.15:
        text = rng.choice(OPENINGS) + text
    if rng.random() < 0.10:
        text = text + rng.choice(CLOSINGS)
    return text


def crop(rng, ids):
    """At most MAX_TOKENS ids: a longer text keeps its start half of the time, else a random stretch. ids carry [CLS] first and
    [SEP] last, and so does the result."""
    room = MAX_TOKENS - 2
    body = ids[1:-1]
    if len(body) > room:
        start = rng.randrange(len(body) - room + 1) if rng.random() < 0.5 else 0
        body = body[start : start + room]
    return [ids[0], *body, ids[-1]]


def drop_words(rng, ids, unknown, share):
    """ids with a share of the inner ones replaced by [UNK], so that no single word decides."""
    return [ids[0], *(unknown if rng.random() < share else i for i in ids[1:-1]), ids[-1]]


def difficulties(directory, name):
    """{question: share of the models that failed} of one difficulty file."""
    out = {}
    for row in read_rows(directory, name):
        answers = [m["correct"] for m in row["models"].values()]
        out[row["text"]] = 1 - sum(answers) / len(answers)
    return out


def crop_around(rng, encoding, anchor):
    """As crop, but a longer text keeps a stretch that holds the characters of anchor (start, end), the attack at a random
    place in it; without an anchor the start is kept twice in three times."""
    room, body = MAX_TOKENS - 2, encoding.ids[1:-1]
    if len(body) > room:
        if anchor is None:
            start = 0 if rng.random() < 0.67 else rng.randrange(len(body) - room + 1)
        else:
            room = rng.randrange(64, room + 1)
            inside = [i for i, (a, b) in enumerate(encoding.offsets[1:-1]) if a < anchor[1] and b > anchor[0]] or [0]
            low, high = max(0, inside[-1] + 1 - room), min(inside[0], len(body) - room)
            start = rng.randrange(min(low, high), max(low, high) + 1)
        body = body[start : start + room]
    return [encoding.ids[0], *body, encoding.ids[-1]]


def batches(examples, rng, tokens, rows):
    """Batches of examples (ids, label) of like length: at most rows rows and tokens padded tokens each, in random order."""
    order = sorted(examples, key=lambda e: len(e[0]) + rng.random() * 4)
    out, batch = [], []
    for example in order:
        if batch and (len(batch) == rows or len(example[0]) * (len(batch) + 1) > tokens):
            out.append(batch)
            batch = []
        batch.append(example)
    if batch:
        out.append(batch)
    rng.shuffle(out)
    return out


def seeded(seed, name):
    """A random source of its own for one purpose, so that adding a draw in one place moves no other."""
    return random.Random(f"{seed}/{name}")


def show(directory, seed):
    """Prints the rows that one pass of training would read, by label, and some of the texts as they would be read."""
    rows = [row for name in TRAIN for row in read(directory, name)]
    examples = one_pass(rows, seeded(seed, "pass 0"), EVERYDAY_PER_LABEL)
    print(f"{len(rows)} rows; one pass reads {len(examples)} texts")
    for label, count in sorted(Counter(label for _, label in examples).items()):
        print(f"  {LABELS[label]:20}{count:>7}")
    for text, label in examples[:12]:
        print(f"{LABELS[label]}: {text[:120]!r}")
