"""Runs the served graph as the Go side does: the tokenizer and the graph of the model's folder, windows, mean probability.

The reference for evaluation; it needs onnxruntime and tokenizers, not torch.
"""

import math
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from . import MAX_TOKENS, OVERLAP, letters


class Served:
    """One graph with its tokenizer, on one thread."""

    def __init__(self, graph, tokenizer):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.seen = {}

    def read(self, texts, name=""):
        """Every output of every window of every text: lists of {output: array} without the batch axis. One window a run, as served:
        the activations' scale is taken over a run, so neighbours in a batch would move the answer. A text seen before is not read
        again."""
        names = [output.name for output in self.session.get_outputs()]
        new = list(dict.fromkeys(t for t in texts if t not in self.seen))
        inputs = [given.name for given in self.session.get_inputs()]
        for number, (text, encoding) in enumerate(zip(new, letters.encode(self.tokenizer, new), strict=True), 1):
            rows = []
            for ids in windows(encoding.ids):
                array = np.array([ids], np.int64)
                fed = {
                    "input_ids": array & ((1 << letters.PLACE) - 1),
                    "attention_mask": np.ones_like(array),
                    "letter_case": array >> letters.PLACE,
                }
                values = self.session.run(names, {name: fed[name] for name in inputs})
                rows.append({n: v[0] for n, v in zip(names, values, strict=True)})
            self.seen[text] = rows
            if name and number % 1000 == 0:
                print(f"{name}: {number}/{len(new)}", file=sys.stderr, flush=True)
        return [self.seen[t] for t in texts]

    def logits(self, texts, name="", output="domain"):
        """The logits of one output for every window of every text: a list of float32 arrays [windows, labels]."""
        return [np.stack([w[output] for w in rows]) for rows in self.read(texts, name)]


def windows(ids):
    """Splits the ids of a text ([CLS] body [SEP]) into windows of at most MAX_TOKENS, each with its own [CLS] and [SEP], that
    share OVERLAP ids with their neighbour."""
    body, room = ids[1:-1], MAX_TOKENS - 2
    out, start = [], 0
    while True:
        out.append([ids[0], *body[start : start + room], ids[-1]])
        if start + room >= len(body):
            return out
        start += room - OVERLAP


def probabilities(logits, temperature):
    """[windows, labels] logits of each text -> [texts, labels]: softmax(logits / temperature), averaged over the windows."""
    rows = []
    for windowed in logits:
        scaled = windowed.astype(np.float64) / temperature
        powers = np.exp(scaled - scaled.max(-1, keepdims=True))
        rows.append((powers / powers.sum(-1, keepdims=True)).mean(0))
    return np.stack(rows)


def worst(logits, temperature):
    """[windows, labels] logits of each text -> [texts, labels]: the probabilities of the window least like the first label."""
    rows = []
    for windowed in logits:
        p = np.stack([probabilities([w[None]], temperature)[0] for w in windowed])
        rows.append(p[p[:, 0].argmin()])
    return np.stack(rows)


AGAIN, ORPHAN = 3.0, 5.0  # log-odds against: a span right after one of its own type, a span without a beginning
UNRANKED = 1e-4  # the least probability of a tag, and that of one that the graph did not rank


def spans(served, text, tags, threshold=0.0):
    """The spans a tagger finds in text as [(start, end, type)]: of tokens two windows share, the first half is the earlier
    window's. A span whose tokens' mean probability is under threshold is unsure, and left out."""
    offsets = served.tokenizer.encode(text).offsets[1:-1]
    ranked = [None] * len(offsets)  # by token: {tag: probability}
    for number, window in enumerate(served.read([text])[0]):
        start = number * (MAX_TOKENS - 2 - OVERLAP)
        skip = OVERLAP // 2 if number else 0
        pairs = list(zip(window["pii_tag"], window["pii_score"], strict=True))[1:-1]
        for i in range(skip, len(pairs)):
            ranked[start + i] = dict(zip(pairs[i][0].tolist(), pairs[i][1].tolist(), strict=True))
    found = path(text, offsets, [{tags[t]: p for t, p in of.items()} for of in ranked])
    return [(a, b, label) for a, b, label, p in found if p >= threshold]


def path(text, offsets, ranked):
    """The spans [(start, end, type, mean probability)] of the likeliest way through the words of text; ranked holds for each token
    {tag: probability}. All pieces of a word have one type, of its own or the one before."""
    steps = []  # for each word: its tokens' span, and {(type, begins): (best sum, previous, sum of its probabilities)}
    states = {("", False): 0.0}
    for at, end in words(text, offsets):
        types = sorted({tag.partition("-")[2] for of in ranked[at:end] for tag in of} | {""})
        apart = bool(steps) and any(c in "\n\r\t" for c in text[offsets[at - 1][1] : offsets[at][0]])
        reached = {}
        for label in types:
            either = [sum(p for tag, p in of.items() if tag.partition("-")[2] == label) for of in ranked[at:end]]
            for begins in (True, False) if label else (False,):
                first = ranked[at].get(f"{'B' if begins else 'I'}-{label}" if label else "O", 0.0)
                likely = sum(math.log(max(p, UNRANKED)) for p in [first, *either[1:]])

                def before(state):
                    same = label and state[0] == label
                    cost = 0.0 if not label else (AGAIN if same and not apart else 0.0) if begins else 0.0 if same else ORPHAN
                    return states[state] - cost

                best = max(states, key=before)
                reached[label, begins] = (before(best) + likely, best, sum(either))
        steps.append((at, end, apart, reached))
        states = {state: value[0] for state, value in reached.items()}
    state = max(states, key=states.get)
    chosen = []
    for at, end, apart, reached in reversed(steps):
        chosen.append((at, end, apart, *state, reached[state][2]))
        state = reached[state][1]
    found = []  # [start, end, type, sum of probabilities, tokens]
    last = ""
    for at, end, apart, label, begins, p in reversed(chosen):
        if label and label == last and not begins and not apart:  # another line, another cell, another span
            found[-1][1:] = [offsets[end - 1][1], label, found[-1][3] + p, found[-1][4] + end - at]
        elif label:
            found.append([offsets[at][0], offsets[end - 1][1], label, p, end - at])
        last = label
    return [(a, b, label, total / n) for a, b, label, total, n in found]


def words(text, offsets):
    """The runs [from, to) of tokens with nothing but letters and digits around their seams."""
    at = 0
    while at < len(offsets):
        end = at + 1
        while (
            end < len(offsets)
            and offsets[end][0] == offsets[end - 1][1]
            and text[offsets[end][0] - 1 : offsets[end][0] + 1].isalnum()
        ):
            end += 1
        yield at, end
        at = end
