"""Everyday prompts from templates, seeded.

Public question sets word their questions like an exam; users do not. This generator fills the sentence forms of
everyday_terms.yaml. It never yields a held-out prompt of everyday.jsonl, nor one that shares most words with one.
"""

import json
import re
from pathlib import Path

import yaml

HELD_OUT = Path(__file__).parent.parent / "samples" / "everyday.jsonl"
GENERAL = [
    "What is {t}?",
    "Explain {t}",
    "explain {t} to me like I'm five",
    "How does {t} work?",
    "can you help me understand {t}?",
    "I have an exam about {t} tomorrow, what should I know?",
    "Tell me about {t}",
    "Give me an overview of {t}",
    "{t}",
    "why is {t} important",
    "What are common misconceptions about {t}?",
    "Quiz me on {t}",
    "summarize {t} in a few sentences",
]
SLOT = re.compile(r"\{([a-z]+)\}")


def words(text):
    """The set of lower-case words and numbers of a text."""
    return frozenset(re.findall(r"\w+", text.lower()))


def held_out():
    """The rows of everyday.jsonl: [{text, label}], never to be trained on."""
    return [json.loads(line) for line in HELD_OUT.read_text().splitlines()]


def generate(rng, per_label):
    """At most per_label distinct prompts a label (twice that for "other") as [{text, label, source}]."""
    terms = yaml.safe_load((Path(__file__).parent / "everyday_terms.yaml").read_text())
    kept_away = [words(row["text"]) for row in held_out()]
    rows = []
    for label, block in terms.items():
        seen = set()
        forms = block["asks"]
        want = per_label * (2 if label == "other" else 1)
        for _ in range(want * 5):
            if len(seen) == want:
                break
            # "other" is everything that is no subject: "explain a picnic" is not what people ask there.
            form = rng.choice(GENERAL) if label != "other" and rng.random() < 0.3 else rng.choice(forms)
            seen.add(fill(rng, form, block))
        for text in sorted(seen):
            mine = words(text)
            if not any(len(mine & other) > 0.6 * len(mine | other) for other in kept_away):
                rows.append({"text": text, "label": label, "source": "everyday"})
    return rows


def fill(rng, form, block):
    """A form with each {slot} replaced by a random entry of its list; {t} is a topic. The first letter is raised where
    the form starts with a slot, half of the time, for users do not always bother."""

    def pick(match):
        slot = "topics" if match[1] == "t" else match[1]
        return str(rng.choice(block[slot]))

    text = SLOT.sub(pick, form)
    if form.startswith("{") and rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    return text
