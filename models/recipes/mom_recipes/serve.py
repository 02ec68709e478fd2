"""Runs the served graph as the Go side does: the tokenizer and the graph of the model's folder, windows, mean probability.

The reference for evaluation; it needs onnxruntime and tokenizers, not torch.
"""

import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from . import MAX_TOKENS, OVERLAP


class Served:
    """One graph with its tokenizer, on one thread."""

    def __init__(self, graph, tokenizer):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(tokenizer))

    def logits(self, texts, name=""):
        """The logits of every window of every text: a list of float32 arrays [windows, labels]. One window a run, as served:
        the activations' scale is taken over a run, so neighbours in a batch would move the answer."""
        out = []
        for number, encoding in enumerate(self.tokenizer.encode_batch(texts), 1):
            rows = []
            for ids in windows(encoding.ids):
                array = np.array([ids], np.int64)
                feed = {"input_ids": array, "attention_mask": np.ones_like(array)}
                rows.append(self.session.run(["domain"], feed)[0][0])
            out.append(np.stack(rows))
            if name and number % 1000 == 0:
                print(f"{name}: {number}/{len(texts)}", file=sys.stderr, flush=True)
        return out


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
