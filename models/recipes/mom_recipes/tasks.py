"""The batches and losses of each head. A step is (task, batch); a batch is a list of tuples whose first member is ids."""

import numpy as np
import torch
from torch.nn import functional as F

from . import LABELS, MAX_TOKENS, PII, data, guard, letters, pairs, pii
from .encoder import HIDDEN


def intents(directory, tokenizer, rng, hyper):
    """(ids, domain label, share of models that fail or -1): as the domain recipe, large sources thinned further, everyday prompts
    whole; MMLU-Pro questions stand once a pass alone, some again with their options, and carry their difficulty where it is known."""
    hard = data.difficulties(directory, "difficulty/train.jsonl.gz")
    rows = [row for name in data.TRAIN for row in data.read(directory, name)]
    exam = [r for r in rows if r["source"] == "mmlu_pro"]
    rest = [r for r in rows if r["source"] != "mmlu_pro"]
    texts = []
    for row in exam:
        said = (LABELS.index(row["label"]), hard.get(row["text"], -1.0))
        texts.append((data.reword(rng, row["text"]), *said))
        if row.get("options") and rng.random() < hyper["with_options"]:
            texts.append((data.with_options(row), *said))
    other = data.one_pass(rest, rng, 0)
    texts += [(text, label, -1.0) for text, label in rng.sample(other, int(len(other) * hyper["replay"]))]
    texts += [(text, label, -1.0) for text, label in data.one_pass([], rng, hyper["everyday_per_label"])]
    unknown = tokenizer.token_to_id("[UNK]")
    encoded = letters.encode(tokenizer, [t[0] for t in texts])
    return [
        (data.drop_words(rng, letters.recase(rng, data.crop(rng, e.ids)), unknown, hyper["word_drop"]), label, share)
        for e, (_, label, share) in zip(encoded, texts, strict=True)
    ]


def guards(directory, tokenizer, rng, hyper, without=()):
    """(ids, user label, document label), -1 where a row does not speak about that head."""
    examples = guard.one_pass(directory, rng, hyper["own_guard"], without)
    unknown = tokenizer.token_to_id("[UNK]")
    encoded = letters.encode(tokenizer, [e[0] for e in examples])
    return [
        (
            data.drop_words(rng, letters.recase(rng, data.crop_around(rng, e, anchor)), unknown, hyper["word_drop"] / 2),
            user,
            document,
        )
        for e, (_, anchor, user, document) in zip(encoded, examples, strict=True)
    ]


def personal(directory, tokenizer, rng, hyper, seed):
    """(ids, tags, allowed types as a tuple of type numbers)."""
    rows = pii.one_pass(directory, rng, seed, hyper["own_pii"])
    out = []
    for row, e in zip(rows, letters.encode(tokenizer, [r["text"] for r in rows]), strict=True):
        known = tuple(i for i, name in enumerate(PII) if name in row["types"])
        tags = [0, *pii.tags(e, row)[1:-1], 0]
        keep, ids = data.MAX_TOKENS - 1, letters.recase(rng, e.ids)
        if len(tags) > keep + 1:
            out.append(([*ids[:keep], ids[-1]], [*tags[:keep], 0], known))
        else:
            out.append((ids, tags, known))
    return out


def similar(directory, tokenizer, rng, hyper):
    """(ids of a, ids of b or None, kind, score)."""
    rows = pairs.one_pass(directory, rng, *(hyper[name] for name in ("graded_copies", "negated", "near", "singles")))
    a = letters.encode(tokenizer, [r[0] for r in rows])
    b = letters.encode(tokenizer, [r[1] or "" for r in rows])

    def read(ids):
        return letters.recase(rng, data.crop(rng, ids))

    return [(read(x.ids), read(y.ids) if r[1] else None, r[2], r[3]) for x, y, r in zip(a, b, rows, strict=True)]


def collate(rows):
    """Lists of ids as int64 ids and mask [batch, tokens], zero-padded."""
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask


def intent_loss(model, batch, hyper, weights):
    ids, mask = collate([b[0] for b in batch])
    x, _, mask = model.run(ids, mask)
    domain, difficulty = model.domain_and_difficulty(x, mask)
    loss = F.cross_entropy(domain, torch.tensor([b[1] for b in batch]), weights["domain"], label_smoothing=hyper["label_smoothing"])
    share = torch.tensor([b[2] for b in batch])
    known = share >= 0
    if known.any():
        loss = loss + hyper["difficulty_weight"] * F.binary_cross_entropy_with_logits(difficulty[known], share[known])
    return loss


def guard_loss(model, batch, hyper, weights):
    ids, mask = collate([b[0] for b in batch])
    x, _, mask = model.run(ids, mask)
    total = 0.0
    for logits, column in zip(model.guards(x, mask), (1, 2), strict=True):
        gold = torch.tensor([b[column] for b in batch])
        if (gold >= 0).any():
            share = (gold >= 0).float().mean()
            total = total + share * F.cross_entropy(
                logits, gold, weights["guard"], ignore_index=-1, label_smoothing=hyper["guard_smoothing"]
            )
    return total


def pii_loss(model, batch, hyper, weights):
    """The marginal likelihood: a token that is O may be of any type its source does not annotate."""
    ids, mask = collate([b[0] for b in batch])
    x, middle, mask = model.run(ids, mask)
    logs = model.tags(x, middle).log_softmax(-1)
    allowed = torch.zeros(logs.shape, dtype=torch.bool)
    for i, (_, tags, known) in enumerate(batch):
        allowed[i, torch.arange(len(tags)), torch.tensor(tags)] = True
        free = [j for t in range(len(PII)) if t not in known for j in (1 + 2 * t, 2 + 2 * t)]
        if free:
            outside = torch.tensor([j for j, tag in enumerate(tags) if tag == 0])
            allowed[i, outside[:, None], torch.tensor(free)[None, :]] = True
    likely = logs.masked_fill(~allowed, -1e4).logsumexp(-1)
    gold = torch.zeros_like(ids)
    for i, (_, tags, _) in enumerate(batch):
        gold[i, : len(tags)] = torch.tensor(tags)
    weight = mask * (1 + (gold > 0) * (hyper["entity_weight"] - 1))
    return -(likely * weight).sum() / weight.sum()


def similarity_loss(model, batch, hyper, base):
    """Cosine to the frozen base for what is not a negated second sentence, the same for all cosines between them and, more, for
    those of near pairs; the score of graded pairs; a ceiling for negated pairs."""
    first = [b[0] for b in batch]
    second = [b[1] for b in batch if b[1] is not None]
    ids, mask = collate(first + second)
    x, middle, floats = model.run(ids, mask)
    own = model.embed(x, middle, floats)
    with torch.no_grad():
        x, _, floats = base.run(ids, mask)
        frozen = F.normalize(base.mean(x, floats), dim=-1)
    kinds = [b[2] for b in batch]
    paired = [i for i, b in enumerate(batch) if b[1] is not None]
    where = {i: len(first) + j for j, i in enumerate(paired)}
    keep = [*range(len(first)), *(where[i] for i in paired if kinds[i] != "negated")]
    loss = (1 - (own[keep] * frozen[keep]).sum(-1)).mean()
    loss = loss + hyper["relation_weight"] * ((own[keep] @ own[keep].T - frozen[keep] @ frozen[keep].T) ** 2).mean()

    def pair(kind):
        left = [i for i in paired if kinds[i] == kind]
        return left, [where[i] for i in left]

    left, right = pair("near")
    if left:
        asked = (frozen[left] * frozen[right]).sum(-1)
        loss = loss + hyper["near_weight"] * (((own[left] * own[right]).sum(-1) - asked) ** 2).mean()
    left, right = pair("negated")
    if left:
        cosine = (own[left] * own[right]).sum(-1)
        loss = loss + hyper["negated_weight"] * (cosine - hyper["negated_ceiling"]).clamp(min=0).mean()
        loss = loss + hyper["negated_keep"] * (1 - (own[right] * frozen[right]).sum(-1)).mean()
    left, right = pair("graded")
    if left:
        cosine = (own[left] * own[right]).sum(-1)
        score = torch.tensor([batch[i][3] for i in left])
        loss = loss + hyper["graded_weight"] * ((cosine - score) ** 2).mean()
    return hyper["similarity_weight"] * loss


def embed(base, tokenizer, texts):
    """The base's own vectors of texts [texts, 384], of length one: the mean over at most MAX_TOKENS tokens. For a baseline."""
    encoded = [e.ids[:MAX_TOKENS] for e in tokenizer.encode_batch(texts)]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    out = np.zeros((len(texts), HIDDEN), np.float32)
    with torch.no_grad():
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            ids, mask = collate([encoded[i] for i in part])
            x, _, mask = base.run(ids, mask)
            out[part] = F.normalize(base.mean(x, mask), dim=-1).cpu().numpy()
    return out
