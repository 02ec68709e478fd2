"""Pairs of the similarity head: graded pairs, negated pairs as hard negatives, and single texts that only keep the base's place."""

from . import data

TRAIN = "similarity/train.jsonl.gz"
VALIDATION = "similarity/val.jsonl.gz"


def one_pass(directory, rng, negated, singles):
    """Examples (a, b, kind, score): kind graded (score 0 to 1), negated, or single (b is None); negated and singles are how many."""
    rows = data.read_rows(directory, TRAIN)
    graded = [(r["a"], r["b"], "graded", r["score"]) for r in rows if "score" in r]
    hard = [(r["a"], r["b"], "negated", 0.0) for r in rows if r["source"].startswith("cannot")]
    texts = [r["text"] for r in data.read(directory, data.TRAIN[0]) if len(r["text"]) < 300 and r["source"] != "gsm8k"]
    out = graded + rng.sample(hard, min(negated, len(hard)))
    out += [(text, None, "single", 0.0) for text in rng.sample(texts, singles)]
    rng.shuffle(out)
    return out
