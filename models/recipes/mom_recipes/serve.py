"""Runs the served graph as the Go side does: the tokenizer and the graph of the model's folder, windows, mean probability.

The reference for evaluation; it needs onnxruntime and tokenizers, not torch.
"""

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


def spans(served, text, tags, threshold=0.0):
    """The spans a tagger finds in text as [(start, end, type)]: of tokens two windows share, the first half is the earlier
    window's; all pieces of a word get the type with the largest sum of probabilities in it. A span whose tokens' mean probability
    is under threshold is unsure, and left out."""
    encoding = served.tokenizer.encode(text)
    count = len(encoding.ids) - 2
    tag, score = np.zeros(count, int), np.zeros(count)
    for number, window in enumerate(served.read([text])[0]):
        start = number * (MAX_TOKENS - 2 - OVERLAP)
        skip = OVERLAP // 2 if number else 0
        part = slice(skip, len(window["pii_tag"]) - 2)
        size = len(window["pii_tag"][1:-1][part])
        tag[start + skip : start + skip + size] = window["pii_tag"][1:-1][part]
        score[start + skip : start + skip + size] = window["pii_score"][1:-1][part]
    offsets = encoding.offsets[1:-1]
    names = one_type_a_word(text, offsets, [tags[i] for i in tag], score)
    found = []  # [start, end, type, sum of probabilities, tokens]
    open_span = None
    for (start, end), name, p in zip(offsets, names, score, strict=True):
        kind, _, label = name.partition("-")
        beyond = open_span and any(c in "\n\r\t" for c in text[open_span[1] : start])  # another line, another cell, another span
        if label and kind == "I" and open_span and open_span[2] == label and not beyond:
            open_span[1], open_span[3], open_span[4] = end, open_span[3] + p, open_span[4] + 1
        else:
            open_span = [start, end, label, p, 1] if label else None
            found += [open_span] if label else []
    return [(a, b, label) for a, b, label, total, n in found if total / n >= threshold]


def one_type_a_word(text, offsets, names, score):
    """names with one type for all the pieces of a run of letters and digits; only its first piece may be a B."""
    out, at = list(names), 0
    while at < len(offsets):
        end = at + 1
        while (
            end < len(offsets)
            and offsets[end][0] == offsets[end - 1][1]
            and text[offsets[end][0] - 1 : offsets[end][0] + 1].isalnum()
        ):
            end += 1
        sums = {}
        for i in range(at, end):
            label = names[i].partition("-")[2]
            sums[label] = sums.get(label, 0.0) + score[i]
        label = max(sums, key=sums.get)
        for i in range(at, end):
            first = i == at and not names[at].startswith("I-")
            out[i] = f"{'B' if first else 'I'}-{label}" if label else "O"
        at = end
    return out
