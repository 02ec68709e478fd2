"""What the judge of the tags shares with their training material: nothing, and that is checked before either is written."""

import re
import unicodedata
from functools import cache
from importlib.resources import files

import yaml

LISTS = ("first", "last", "place", "org_head", "street")
RUN = 5  # words in a row that no two sentences of the two sides share


def load(name):
    """The content of a YAML file beside this one."""
    return yaml.load(files(__package__).joinpath(name).read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def normal(value):
    """The value without case, accents and punctuation, and with every number or slot the same."""
    bare = unicodedata.normalize("NFKD", re.sub(r"\{\w+\}|\d+", " 0 ", str(value)).casefold())
    return " ".join(re.findall(r"[^\W_]+", "".join(c for c in bare if not unicodedata.combining(c))))


def runs(sentence):
    """All runs of words of a sentence; a slot ends one."""
    out = set()
    for part in re.split(r"\{.*?\}", str(sentence)):
        words = re.findall(r"[^\W\d_]+", normal(part))
        out |= {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}
    return out


def judged():
    """By list, the judge's values as normal() writes them; under runs, its runs of words."""
    raw = load("pii_judge.yaml")
    out = {name: {normal(v) for locale in raw["locales"] for v in locale.get(name, [])} for name in LISTS}
    out["runs"] = set().union(*(runs(t) for t in raw["templates"]))
    return out


def shared(raw, judge):
    """By list, how many members of the training material raw the judge holds too."""
    out = {n: len({normal(v) for locale in raw["locales"] for v in locale.get(n, [])} & judge[n]) for n in LISTS}
    for name in ("sentences", "plain", "documents", "frames", "openers", "tails"):
        out[name] = sum(bool(runs(s) & judge["runs"]) for s in raw.get(name, []))
    return {name: count for name, count in out.items() if count}


def drop(sentences, judge):
    """The sentences that share no run of words with the judge."""
    return [s for s in sentences if not runs(s) & judge["runs"]]


def check(raw):
    """Ends the program where training material and the judge share anything."""
    if found := shared(raw, judged()):
        raise SystemExit(f"the judge of the tags shares with training: {', '.join(f'{n} {name}' for name, n in found.items())}")
