"""Trains the trunk and its heads together; leaves trunk.safetensors and run.json in the output directory."""

import json
import platform
import time
from collections import Counter
from importlib.metadata import version

import torch
from safetensors.torch import load_file, save_file

from . import GUARD, LABELS, base, data, family, graph, guard, letters, pairs, pii, tasks
from .encoder import LAYERS, continued, from_base, rounded_weight

HYPER = {
    "lr": 2e-4,
    "head_lr": 1e-3,
    "layer_decay": 0.9,
    "warm_up": 0.06,
    "weight_decay": 0.01,
    "clip": 1.0,
    "word_drop": 0.05,
    "label_smoothing": 0.02,
    "guard_smoothing": 0.0,  # thresholds stand where the guard is surest: there it must be able to tell more from less
    "class_weight_power": 0.35,
    "batch_tokens": 3072,
    "batch_rows": 48,
    "everyday_per_label": data.EVERYDAY_PER_LABEL,
    "replay": 0.5,
    "with_options": 0.5,
    "difficulty_weight": 1.5,
    "own_guard": 3000,
    "own_pii": 9000,
    "bits": None,
    "entity_weight": 1.0,
    "graded_copies": 3,
    "negated": 4000,
    "near": 4000,
    "singles": 9000,
    "relation_weight": 10.0,
    "near_weight": 5.0,
    "graded_weight": 2.0,
    "negated_weight": 1.0,
    "negated_ceiling": 0.55,
    "negated_keep": 0.15,
    "similarity_weight": 6.0,
}
# What a run after the long one changes. "more" reads many times the own documents, for the tags are what the long run learns least; the
# last three are slower, with weights and activations rounded as in the int8 graph, and many of their steps are similarity's, which the
# other tasks' fast steps push away from the base the most. The third begins between its start and the long run's end, where the other
# tasks lost nothing yet: the mean of two runs that begin alike is better than either (Wortsman et al., "Robust fine-tuning of
# zero-shot models", 2022).
STAGES = {
    "more": {"lr": 1.5e-4, "head_lr": 7e-4, "own_pii": 30000},
    "settle-1": {"lr": 8e-5, "head_lr": 5e-4, "bits": graph.BITS},
    "settle-2": {"lr": 6e-5, "head_lr": 5e-4, "bits": graph.BITS, "negated_ceiling": 0.62},
    "settle-3": {"lr": 4e-5, "head_lr": 3e-4, "bits": graph.BITS, "negated_ceiling": 0.62, "blended": 0.4},
}
SHARES = {  # of the batches of one pass that such a run reads
    "more": {"intent": 0.4, "guard": 0.36, "pii": 1.0, "similarity": 0.55},
    "settle-1": {"intent": 0.4, "guard": 0.3, "pii": 0.3, "similarity": 0.7},
    "settle-2": {"intent": 0.25, "guard": 0.2, "pii": 0.2, "similarity": 0.85},
    "settle-3": {"intent": 0.15, "guard": 0.15, "pii": 0.12, "similarity": 0.85},
}
DATA = (*data.TRAIN, data.VALIDATION, "difficulty/train.jsonl.gz", guard.TRAIN, pii.TRAIN, pairs.TRAIN)
PASSES = 2  # over the data, from the base weights
PROBE_ROWS = 800  # validation rows looked at while training
SAVED_EVERY = 120  # steps


def run(directory, out, seed, limit, start=None, passes=PASSES, device="cpu", only=None, without=(), stage=None, blend=None):
    """Trains for the given passes, or for at most limit steps (a trial). It leaves a checkpoint every SAVED_EVERY steps, from which the
    same call goes on when it was stopped. start is a checkpoint to begin with; without one the trunk starts as the base. stage makes it
    one of the runs after the long one, blend is the checkpoint of which settle-3 takes the share "blended". For comparisons: only is
    the one task to train, without are ideas of the guard to leave out (guard.one_pass)."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # two threads beside busy neighbours are slower than one
    torch.set_default_device(device)
    torch.manual_seed(seed)
    tokenizer = base.tokenizer()
    tensors = load_file(base.file("model.safetensors"))
    frozen = from_base(tensors).eval().requires_grad_(False)
    model = continued(tensors, load_file(start)) if start else from_base(tensors)
    if blend:
        other, share = load_file(blend), STAGES[stage]["blended"]
        model.load_state_dict({name: value * (1 - share) + other[name] * share for name, value in model.state_dict().items()})
    hyper = HYPER | (STAGES[stage] if stage else {})
    if bool(blend) != ("blended" in hyper):
        raise SystemExit("settle-3, and no other run, needs --blend: the checkpoint of the long run")
    if hyper["bits"]:
        model.words.weight.data = rounded_weight(model.words.weight.data, 8)
    for block in model.blocks:
        block.bits = hyper["bits"]
    steps = schedule(directory, tokenizer, hyper, f"{seed} {stage}" if stage else seed, passes, only, without)
    steps = (thinned(steps, f"{seed} {stage}", SHARES[stage]) if stage else steps)[:limit]
    counts = Counter(task for task, _ in steps)
    tokens = Counter()
    for task, batch in steps:
        tokens[task] += sum(len(row[0]) + (len(row[1]) if task == "similarity" and row[1] else 0) for row in batch)
    print({task: (counts[task], tokens[task]) for task in sorted(counts)}, flush=True)
    weights = class_weights(steps)
    optimizer = torch.optim.AdamW(parameter_groups(model, hyper), weight_decay=HYPER["weight_decay"])
    warm = max(1, int(HYPER["warm_up"] * len(steps)))
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, (len(steps) - s) / max(1, len(steps) - warm))
    )
    probe = probe_set(directory, tokenizer, seed)
    seconds, started, curve, running, done = 0.0, time.time(), [], {}, 0
    stopped, asked = out / "stopped.pt", [seed, passes, limit, only, list(without), hyper]
    if stopped.exists():
        state = torch.load(stopped)
        if state["asked"] != asked:
            raise SystemExit(f"{stopped} is of a run with other settings: remove it, or choose another directory")
        model.load_state_dict(load_file(out / "trunk.safetensors"))
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        done, seconds, curve, running = state["done"], state["seconds"], state["curve"], state["running"]
        print(f"going on after step {done}", flush=True)
    for number, (task, batch) in enumerate(steps, 1):
        if number <= done:
            continue
        began = time.time()
        with torch.autocast(device, torch.bfloat16):
            loss = {
                "intent": lambda: tasks.intent_loss(model, batch, hyper, weights),
                "guard": lambda: tasks.guard_loss(model, batch, hyper, weights),
                "pii": lambda: tasks.pii_loss(model, batch, hyper, weights),
                "similarity": lambda: tasks.similarity_loss(model, batch, hyper, frozen),
            }[task]()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), HYPER["clip"])
        optimizer.step()
        scheduler.step()
        seconds += time.time() - began
        running[task] = 0.95 * running.get(task, loss.item()) + 0.05 * loss.item()
        if number % 25 == 0 or number == len(steps):
            left = seconds / number * (len(steps) - number)
            losses = "  ".join(f"{name} {value:.3f}" for name, value in sorted(running.items()))
            print(f"step {number}/{len(steps)}  {losses}  {seconds:.0f} s, {left:.0f} s left", flush=True)
        if number % SAVED_EVERY == 0 or number == len(steps):
            accuracy = probe_accuracy(model, probe)
            curve.append(
                {"step": number, "loss": {k: round(v, 4) for k, v in running.items()}, "probe_accuracy": round(accuracy, 4)}
            )
            print(f"step {number}: domain accuracy {accuracy:.3f} on {len(probe)} validation rows", flush=True)
            save_file(model.state_dict(), out / "trunk.safetensors")
            state = {"asked": asked, "done": number, "seconds": seconds, "curve": curve, "running": running}
            torch.save(state | {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, stopped)
    record = {
        "seed": seed,
        "revision": base.code_revision(),
        "device": device,
        "start": begun(start) if start else None,
        "blend": begun(blend) if blend else None,
        "passes": passes,
        "stage": stage,
        "only": only,
        "without": list(without),
        "hyper_parameters": hyper,
        "steps": dict(counts),
        "tokens": dict(tokens),
        "examples": sum(len(batch) for _, batch in steps),
        "data": {name: base.digest(directory / name) for name in DATA},
        "base": {"package": base.PACKAGE, **base.SHA256},
        "base_similarity": family.similarity_of(lambda texts: tasks.embed(frozen, tokenizer, texts), directory),
        "curve": curve,
        "seconds": round(seconds),
        "wall_seconds": round(time.time() - started),
        "processor": processor(),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in ("torch", "tokenizers", "numpy")}},
    }
    (out / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    stopped.unlink()
    print(f"trained in {seconds:.0f} s; {out}/trunk.safetensors and run.json written")


def schedule(directory, tokenizer, hyper, seed, passes, only=None, without=()):
    """All (task, batch) of the run, in order: each pass samples, re-words and crops anew, and mixes the tasks."""
    steps = []
    for number in range(passes):
        mixed = []
        for task, make, part in (  # of the tokens of a batch: rows of similarity hold two texts, and want many neighbours
            ("intent", tasks.intents, 1),
            ("guard", lambda *a: tasks.guards(*a, without), 1),
            ("pii", lambda *a: tasks.personal(*a, f"{seed}/{number}"), 1),
            ("similarity", tasks.similar, 2),
        ):
            if only not in (None, task):
                continue
            rng = data.seeded(seed, f"{task} {number}")
            rows = make(directory, tokenizer, rng, hyper)
            mixed += [(task, b) for b in data.batches(rows, rng, HYPER["batch_tokens"] // part, HYPER["batch_rows"] * part)]
        data.seeded(seed, f"order {number}").shuffle(mixed)
        steps += mixed
    return steps


def begun(start):
    """What is known of a checkpoint: its hash and, where its run.json stands beside it, that."""
    record = start.parent / "run.json"
    return {"checkpoint": base.digest(start), "run": json.loads(record.read_text()) if record.exists() else None}


def thinned(steps, seed, shares):
    """The share of each task's batches that a stage reads, in the order of steps."""
    rng = data.seeded(seed, "thinned")
    return [(task, batch) for task, batch in steps if rng.random() < shares[task]]


def class_weights(steps):
    """Weights of frequency^-power, mean 1 over the labels, of domain and guard: rare labels count more, but not as balance asks."""
    counts = {"domain": Counter(), "guard": Counter()}
    for task, batch in steps:
        for row in batch:
            if task == "intent":
                counts["domain"][row[1]] += 1
            elif task == "guard":
                counts["guard"].update(label for label in row[1:] if label >= 0)
    out = {}
    for name, size in (("domain", len(LABELS)), ("guard", len(GUARD))):
        raw = torch.tensor([max(1, counts[name][i]) ** -HYPER["class_weight_power"] for i in range(size)])
        out[name] = raw / raw.mean()
    return out


def parameter_groups(model, hyper):
    """The heads at their own rate; each trunk layer slower than the one above it; embeddings frozen."""
    trunk = [p for block in model.blocks for p in block.parameters()]
    known = {id(p) for p in trunk}
    heads = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    groups = [{"params": heads, "lr": hyper["head_lr"]}]
    for depth, block in enumerate(model.blocks):
        rate = hyper["lr"] * hyper["layer_decay"] ** (LAYERS - 1 - depth)
        groups.append({"params": list(block.parameters()), "lr": rate})
    return groups


def probe_set(directory, tokenizer, seed):
    """A fixed sample of validation questions as (ids, label), to watch the run by."""
    rng = data.seeded(seed, "probe")
    rows = rng.sample(data.read(directory, data.VALIDATION), PROBE_ROWS)
    encoded = letters.encode(tokenizer, [row["text"] for row in rows])
    return [(data.crop(rng, e.ids), LABELS.index(row["label"])) for e, row in zip(encoded, rows, strict=True)]


def probe_accuracy(model, probe):
    """The share of the probe set the model labels right."""
    right = 0
    with torch.no_grad(), torch.autocast(torch.get_default_device().type, torch.bfloat16):
        for batch in data.batches(probe, data.seeded(0, "order"), HYPER["batch_tokens"], HYPER["batch_rows"]):
            ids, mask = tasks.collate([ids for ids, _ in batch])
            x, _, mask = model.run(ids, mask)
            target = torch.tensor([label for _, label in batch])
            right += (model.domain_and_difficulty(x, mask)[0].argmax(-1) == target).sum().item()
    return right / len(probe)


def processor():
    """The processor's name as the system gives it, for the record."""
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
