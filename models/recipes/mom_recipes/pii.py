"""Rows of the PII head: public names, and own documents whose values are made here, seeded.

A row is {text, spans [{start, end, label}], types}: what is not in types is unmarked in that row, not absent.
"""

import random

from . import TAGS, data
from .pii_disjoint import load
from .pii_maker import Maker
from .pii_wide import Wide, material

TRAIN = "pii/train.jsonl.gz"
VALIDATION = "pii/val.jsonl.gz"


def own(seed, count, judging=False):
    """count rows of own documents. The judge's are whole templates of their own, disjoint from training in templates, locales, names,
    places and streets. The makers of what has a form (cards, user names, passwords) are the same."""
    if judging:
        maker = Maker(random.Random(f"{seed}/pii judge"), load("pii_judge.yaml"))
    else:
        maker = Wide(random.Random(f"{seed}/pii train"), material())
        maker.wrong = 1 / 6  # a number whose check digit is wrong is no card; training has some, for typos happen
    return [maker.row() for _ in range(count)]


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
