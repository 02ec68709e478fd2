"""Pairs of the similarity head. Free graded pairs are few, so most rows only hold the head to the base's place and distances.

A row is (a, b, kind, score): graded (score 0 to 1), negated (a hard negative), near (its cosine shall stay the base's), or single
(b is None).
"""

import re

from . import data

TRAIN = "similarity/train.jsonl.gz"
VALIDATION = "similarity/val.jsonl.gz"
NEAR = ("banking77", "clinc150", "hwu64", "cache_medical", "opentriviaqa")  # sources whose fine labels hold texts of like meaning
PROSE = ("jailbreak/train.jsonl.gz", "pii/train.jsonl.gz")
SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")


def one_pass(directory, rng, copies, negated, near, singles):
    """The rows of one pass in random order; copies is how often each graded pair stands in it, the others are how many."""
    rows = data.read_rows(directory, TRAIN)
    graded = [(r["a"], r["b"], "graded", r["score"]) for r in rows if "score" in r] * copies
    hard = [(r["a"], r["b"], "negated", 0.0) for r in rows if r["source"].startswith("cannot")]
    out = graded + rng.sample(hard, min(negated, len(hard)))
    questions = data.read(directory, data.TRAIN[0])
    prose = [s for name in PROSE for r in data.read_rows(directory, name) for s in sentences(rng, r["text"])]
    out += neighbours(rng, questions, near // 2) + thinned(rng, prose, near - near // 2)
    texts = [r["text"] for r in questions if len(r["text"]) < 300 and r["source"] != "gsm8k"]
    out += [(text, None, "single", 0.0) for text in rng.sample(texts, singles // 2)]
    out += [(text, None, "single", 0.0) for text in rng.sample(prose, singles - singles // 2)]
    rng.shuffle(out)
    return out


def neighbours(rng, rows, count):
    """count pairs of texts with one fine label."""
    by_label = {}
    for row in rows:
        if row["source"] in NEAR and len(row["text"]) < 200:
            by_label.setdefault((row["source"], row.get("fine")), []).append(row["text"])
    groups = [texts for _, texts in sorted(by_label.items(), key=str) if len(texts) > 1]
    return [(*rng.sample(rng.choice(groups), 2), "near", 0.0) for _ in range(count)]


def thinned(rng, texts, count):
    """count pairs of a text and itself with up to half of its words left out."""
    out = []
    for text in rng.sample(texts, count):
        share = rng.random() / 2
        out.append((text, " ".join(w for w in text.split() if rng.random() >= share) or text, "near", 0.0))
    return out


def sentences(rng, text):
    """One or two sentences of a text, at a random place; none where it is hardly prose."""
    parts = [p for p in SENTENCE.split(text[:4000]) if 20 < len(p) < 250]
    return [rng.choice(parts)] if parts else []
