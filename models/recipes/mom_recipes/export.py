"""Turns a checkpoint into model folders: int8 graph, tokenizer, manifests with calibrated temperatures and thresholds."""

import json
import shutil

import numpy as np
import onnx
from safetensors.numpy import load_file

from . import LABELS, MAX_TOKENS, OVERLAP, base, data, graph, serve, views

KEPT_ACCURACY = 0.90  # label-balanced accuracy on validation of the answers that count as sure
MARGIN = 0.25  # a self-test asks for this much less than was reached: other CPUs round differently
SELF_TESTS = [
    ("What is the derivative of sin(x)?", "math"),
    ("How do I write a unit test for a Python function?", "computer science"),
    ("Can my neighbour sue me for breach of contract?", "law"),
    ("What are the symptoms of high blood pressure?", "health"),
    ("What caused the First World War?", "history"),
    ("Write a short poem about the sea.", "other"),
    ("How does the central bank control inflation?", "economics"),
    ("Is utilitarianism a convincing theory of ethics?", "philosophy"),
    ("How do plant cells turn sunlight into energy?", "biology"),
    ("How does gravity bend the path of light near a star?", "physics"),
]


def run(directory, out, folder):
    """Writes model.onnx, tokenizer.json and manifest.yaml into folder, the manifests of the other views beside it, and the fp32 graph
    into out for comparison. The three are made in out/export and moved at the end, so that the folder never holds a graph beside
    another one's manifest for long. A checkpoint of the domain alone gives no other views."""
    made = out / "export"
    made.mkdir(exist_ok=True)
    weights = load_file(out / "trunk.safetensors")
    onnx.save(graph.build(weights), out / "fp32.onnx")
    onnx.save(graph.build(weights, graph.BITS), made / "model.onnx")
    write_tokenizer(made / "tokenizer.json")
    served = serve.Served(made / "model.onnx", made / "tokenizer.json")
    rows = data.read(directory, data.VALIDATION)
    gold = np.array([LABELS.index(row["label"]) for row in rows])
    logits = served.logits([row["text"] for row in rows], "calibrating")
    temperature = fit_temperature(logits, gold)
    threshold = fit_threshold(serve.probabilities(logits, temperature), gold)
    tests = self_tests(served, temperature)
    (made / "manifest.yaml").write_text(manifest(made, temperature, threshold, tests))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.onnx", "tokenizer.json", "manifest.yaml"):
        shutil.copyfile(made / name, folder / name)
    if "guard_user.weight" in weights:
        calibration = views.calibrate(served, directory)
        (out / "calibration.json").write_text(json.dumps(calibration, indent=1) + "\n")
        views.write(folder, served, calibration)
    size = (folder / "model.onnx").stat().st_size
    print(f"{folder}: {size / 1e6:.1f} MB, temperature {temperature}, threshold {threshold}, {len(tests)} self-tests")


def write_tokenizer(path):
    """The base tokenizer with truncation and padding null: a served text is windowed, never cut, and the Go binding cannot
    switch them off."""
    document = json.loads(base.file("tokenizer.json").read_text())
    document["truncation"] = document["padding"] = None
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")


def label_weights(gold):
    """A weight a row so that every label counts alike, summing to one."""
    counts = np.bincount(gold, minlength=len(LABELS))
    weights = 1.0 / counts[gold]
    return weights / weights.sum()


def fit_temperature(logits, gold):
    """The temperature in [0.5, 3] with the least label-balanced negative log likelihood."""
    weights = label_weights(gold)

    def loss(temperature):
        p = serve.probabilities(logits, temperature)[np.arange(len(gold)), gold]
        return -(weights * np.log(np.maximum(p, 1e-9))).sum()

    return min((round(t, 2) for t in np.arange(0.5, 3.001, 0.05)), key=loss)


def fit_threshold(p, gold):
    """The least top probability at which the answers kept reach KEPT_ACCURACY, every label counting alike; at most 0.7."""
    weights, right, top = label_weights(gold), p.argmax(-1) == gold, p.max(-1)
    for threshold in np.arange(0.2, 0.7, 0.01):
        kept = top >= threshold
        if (weights * right)[kept].sum() >= KEPT_ACCURACY * weights[kept].sum():
            return round(float(threshold), 2)
    return 0.7


def self_tests(served, temperature):
    """The self-tests that the graph passes with room to spare, as (text, label, min probability)."""
    p = serve.probabilities(served.logits([text for text, _ in SELF_TESTS]), temperature)
    tests = []
    for (text, label), row in zip(SELF_TESTS, p, strict=True):
        reached = row[LABELS.index(label)]
        floor = round(np.floor((reached - MARGIN) * 20) / 20, 2)
        print(f"self-test {reached:.3f} {label}: {text}")
        if floor >= 0.5:
            tests.append((text, label, float(floor)))
    if len(tests) < 6:
        raise SystemExit(f"only {len(tests)} self-tests hold with a margin of {MARGIN}; want 6: train longer")
    return tests


def manifest(folder, temperature, threshold, tests):
    """The manifest's text; the Go side refuses unknown keys, so nothing is added here without it."""

    def entry(name):
        path = folder / name
        return f"{{file: {name}, sha256: {base.digest(path)}, size: {path.stat().st_size}}}"

    lines = [
        "name: mom-brain-flash",
        'version: "3"',
        "task: domain",
        "license: Apache-2.0",
        f"source: {{base: {base.NAME}, package: {base.PACKAGE}, revision: {base.SHA256['model.safetensors']}, recipe: models/recipes}}",
        f"graph: {entry('model.onnx')}",
        f"tokenizer: {entry('tokenizer.json')}",
        f"inputs: [{', '.join(graph.INPUTS)}]",
        "output: domain",
        f"labels: [{', '.join(LABELS)}]",
        f"max_tokens: {MAX_TOKENS}        # of one window, special tokens counted",
        f"overlap: {OVERLAP}            # tokens two neighbouring windows share",
        "aggregate: mean        # over the windows' probabilities",
        f"temperature: {temperature}       # softmax(logits / temperature)",
        f"threshold: {threshold}        # top probability under which the answer counts as unsure",
        "self_test:             # checked at load time, on any CPU",
        *(f"- {{text: {json.dumps(text)}, label: {label}, min_probability: {floor}}}" for text, label, floor in tests),
    ]
    return "\n".join(lines) + "\n"
