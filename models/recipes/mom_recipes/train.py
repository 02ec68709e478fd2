"""Trains the domain head and the trunk below it on the intent rows; leaves trunk.safetensors and run.json in the output directory."""

import json
import platform
import time
from collections import Counter
from importlib.metadata import version

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from . import LABELS, base, data
from .encoder import LAYERS, from_base

HYPER = {
    "passes": 2,
    "lr": 2e-4,
    "head_lr": 1e-3,
    "layer_decay": 0.9,
    "warm_up": 0.06,
    "weight_decay": 0.01,
    "clip": 1.0,
    "word_drop": 0.05,
    "label_smoothing": 0.02,
    "class_weight_power": 0.35,
    "batch_tokens": 4096,
    "batch_rows": 64,
    "everyday_per_label": data.EVERYDAY_PER_LABEL,
}
PROBE_ROWS = 800  # validation rows looked at while training


def run(directory, out, seed, limit):
    """Trains for the passes of HYPER, or for at most limit steps (a trial), and writes a checkpoint after each quarter."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # two threads beside busy neighbours are slower than one
    torch.manual_seed(seed)
    tokenizer = base.tokenizer()
    model = from_base(load_file(base.file("model.safetensors")), len(LABELS))
    steps = schedule(directory, tokenizer, seed)[:limit]
    weights = class_weights(steps)
    groups = parameter_groups(model)
    optimizer = torch.optim.AdamW(groups, weight_decay=HYPER["weight_decay"])
    warm = max(1, int(HYPER["warm_up"] * len(steps)))
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, (len(steps) - s) / max(1, len(steps) - warm))
    )
    probe = probe_set(directory, tokenizer, seed)
    seconds, started, curve, running = 0.0, time.time(), [], None
    for number, batch in enumerate(steps, 1):
        began = time.time()
        ids, mask, target = collate(batch)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(ids, mask)
        loss = F.cross_entropy(logits, target, weights, label_smoothing=HYPER["label_smoothing"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), HYPER["clip"])
        optimizer.step()
        scheduler.step()
        seconds += time.time() - began
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if number % 25 == 0 or number == len(steps):
            left = seconds / number * (len(steps) - number)
            print(f"step {number}/{len(steps)}  loss {running:.3f}  {seconds:.0f} s, {left:.0f} s left", flush=True)
        if number % max(1, len(steps) // 8) == 0 or number == len(steps):
            accuracy = probe_accuracy(model, probe)
            curve.append({"step": number, "loss": round(running, 4), "probe_accuracy": round(accuracy, 4)})
            print(f"step {number}: accuracy {accuracy:.3f} on {len(probe)} validation rows", flush=True)
            save_file(model.state_dict(), out / "trunk.safetensors")
    record = {
        "seed": seed,
        "hyper_parameters": HYPER,
        "steps": len(steps),
        "examples": sum(map(len, steps)),
        "tokens": sum(len(ids) for batch in steps for ids, _ in batch),
        "labels": {LABELS[i]: n for i, n in sorted(Counter(y for b in steps for _, y in b).items())},
        "data": {name: base.digest(directory / name) for name in (*data.TRAIN, data.VALIDATION)},
        "base": {"package": base.PACKAGE, **base.SHA256},
        "curve": curve,
        "seconds": round(seconds),
        "wall_seconds": round(time.time() - started),
        "processor": processor(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in ("torch", "tokenizers", "numpy")}},
    }
    (out / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    print(f"trained in {seconds:.0f} s; {out}/trunk.safetensors and run.json written")


def schedule(directory, tokenizer, seed):
    """All batches of the run, in order: each pass samples, re-words and crops anew."""
    rows = [row for name in data.TRAIN for row in data.read(directory, name)]
    unknown = tokenizer.token_to_id("[UNK]")
    steps = []
    for number in range(HYPER["passes"]):
        rng = data.seeded(seed, f"pass {number}")
        examples = data.one_pass(rows, rng, HYPER["everyday_per_label"])
        encoded = tokenizer.encode_batch([text for text, _ in examples])
        tokens = [
            (data.drop_words(rng, data.crop(rng, e.ids), unknown, HYPER["word_drop"]), label)
            for e, (_, label) in zip(encoded, examples, strict=True)
        ]
        steps += data.batches(tokens, rng, HYPER["batch_tokens"], HYPER["batch_rows"])
    return steps


def class_weights(steps):
    """Weights of frequency^-power, mean 1 over the labels: rare labels count more, but not as much as balance asks."""
    counts = Counter(label for batch in steps for _, label in batch)
    raw = torch.tensor([max(1, counts[i]) ** -HYPER["class_weight_power"] for i in range(len(LABELS))])
    return raw / raw.mean()


def parameter_groups(model):
    """The head at its own rate; each trunk layer slower than the one above it; embeddings frozen."""
    groups = [{"params": [*model.domain.parameters(), *model.attend.parameters()], "lr": HYPER["head_lr"]}]
    for depth, block in enumerate(model.blocks):
        rate = HYPER["lr"] * HYPER["layer_decay"] ** (LAYERS - 1 - depth)
        groups.append({"params": list(block.parameters()), "lr": rate})
    return groups


def collate(batch):
    """A batch of (ids, label) as int64 ids and mask [batch, tokens], zero-padded, and int64 labels [batch]."""
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for i, (row, _) in enumerate(batch):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask, torch.tensor([label for _, label in batch])


def probe_set(directory, tokenizer, seed):
    """A fixed sample of validation questions as (ids, label), to watch the run by."""
    rng = data.seeded(seed, "probe")
    rows = rng.sample(data.read(directory, data.VALIDATION), PROBE_ROWS)
    encoded = tokenizer.encode_batch([row["text"] for row in rows])
    return [(data.crop(rng, e.ids), LABELS.index(row["label"])) for e, row in zip(encoded, rows, strict=True)]


def probe_accuracy(model, probe):
    """The share of the probe set the model labels right."""
    right = 0
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for batch in data.batches(probe, data.seeded(0, "order"), HYPER["batch_tokens"], HYPER["batch_rows"]):
            ids, mask, target = collate(batch)
            right += (model(ids, mask).argmax(-1) == target).sum().item()
    return right / len(probe)


def processor():
    """The processor's name as the system gives it, for the record."""
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
