"""The case of letters, which the tokenizer drops: every token gets a code for it, carried above its id.

The trunk adds a vector for the code to that of the token. Names begin with a capital, and in a text that has no case at all the codes
say so too. The Go side makes the same codes (classifiers/onnx).
"""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

PLACE = 24  # bits below which the id stands
NONE, LOWER, CAPITAL, UPPER, MIXED = range(5)  # no letter that has a case; small; the first one large; all large; otherwise
CODES = 5
RECASED = {"lower": 0.12, "upper": 0.04, "random": 0.04}  # the share of texts that are read as if they were written so


class Encoded(NamedTuple):
    """A tokenised text: ids with their codes, and the characters [start, end) that each token stands for."""

    ids: list
    offsets: list


def encode(tokenizer, texts):
    """The texts as the trunk reads them: a list of Encoded."""
    return [
        Encoded([i | code(text[a:b]) << PLACE for i, (a, b) in zip(e.ids, e.offsets, strict=True)], e.offsets)
        for text, e in zip(texts, tokenizer.encode_batch(texts), strict=True)
    ]


@lru_cache(1 << 18)
def code(piece):
    """The code of a token's characters; a lone capital counts as the first of a word."""
    kinds = [k for k in map(unicodedata.category, piece) if k in ("Lu", "Lt", "Ll")]
    large = [k != "Ll" for k in kinds]
    if not kinds:
        return NONE
    if not any(large):
        return LOWER
    if large[0] and not any(large[1:]):
        return CAPITAL
    return UPPER if all(large) else MIXED


def recase(rng, ids):
    """The ids, now and then as if somebody had typed the text without capitals, with nothing else, or without a system."""
    draw = rng.random()
    for how, share in RECASED.items():
        draw -= share
        if draw < 0:
            break
    else:
        return ids
    out = []
    for i in ids:
        if i >> PLACE:
            i &= (1 << PLACE) - 1
            i |= {"lower": LOWER, "upper": UPPER, "random": rng.choice((LOWER, LOWER, CAPITAL, UPPER, MIXED))}[how] << PLACE
        out.append(i)
    return out
