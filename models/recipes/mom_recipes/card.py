"""Writes a model's card, README.md, from what the run and the evaluation left behind: no figure in it is typed by hand."""

import json
from pathlib import Path

import yaml

from . import data, everyday, export, graph, table, view_cards

LIMITS = """\
## Limits

* English only. Other languages were neither trained nor judged.
* The free public text for *computer science* and *law* is almost only exam questions; everyday wording there was learned from
  templates. The everyday sample is small and was written by the authors of the templates, so its figure is a sanity check, not a
  benchmark.
* A chatty prompt without a word of its subject tends to *other* (see the list at the end): assistant requests are *other* in the public sets.
* *other* is a mixed bag: chores, travel, entertainment, writing, geography, and the MMLU-Pro questions called *other*. Banking and
  payment requests count as *business*.
* Mathematics inside another subject (a physics exercise, a price with a discount) falls now on one side, now on the other; labels of
  the public sets disagree there too.
* One label a text. A prompt about two subjects gets the one with the larger mean probability; a text of many windows is averaged, so
  that a long preamble can hide a short question.
* Probabilities were calibrated on exam questions and assistant requests, not on your traffic.

## Not for

Anything but routing: not for judging people, not for diagnosis or legal decisions because a text was labelled *health* or *law*, not
as a safety filter (it says what a text is about, never whether it is harmless), not for deciding what a user may see.
"""


EVERYDAY = f"""
The everyday templates are sentence forms with topic lists, filled at random by seed. The held-out sample `models/recipes/samples/everyday.jsonl`
({len(everyday.held_out())} prompts) is never trained on, and no template may yield a prompt that shares more than 60 % of its words with one of it.
"""
OWN = (
    ("intent", "everyday", "templates of `models/recipes/mom_recipes/everyday_terms.yaml`"),
    ("guard", "own guard texts", "`guard_*.yaml` and their generator"),
    ("pii", "own documents", "`pii_*.yaml` but the judge's, Faker's names and places (MIT), and their generator"),
)


def run(out, folder):
    """Writes folder/README.md and, of a family, the cards of the other views beside it."""
    run = json.loads((out / "run.json").read_text())
    report = json.loads((out / "evaluation.json").read_text())
    settings = yaml.safe_load((folder / "manifest.yaml").read_text())
    if report["graph_sha256"] != settings["graph"]["sha256"]:
        raise SystemExit("evaluation.json judges another graph than the manifest names: run evaluate again")
    parts = [
        head(settings, report),
        figures(report),
        views(report),
        recipe(run, settings, report),
        sources(),
        LIMITS,
        details(report),
    ]
    (folder / "README.md").write_text("\n".join(parts))
    print(f"{folder / 'README.md'} written")
    if "family" in report:
        view_cards.write(folder, run, report)


def head(settings, report):
    return f"""# {settings["name"]}

Says which of 14 subjects a prompt is about, so that a router can choose a model: {", ".join(settings["labels"])}.

A sentence encoder ({settings["source"]["base"]}, {settings["license"]}) with a domain head, fine-tuned and stored as an int8 ONNX graph of
{report["size"] / 1e6:.1f} MB. Input: int64 `input_ids` and `attention_mask` [batch, tokens], at most {settings["max_tokens"]} tokens with [CLS] and [SEP].
Output: float32 `domain` [batch, 14], logits. A longer text is read in windows that share {settings["overlap"]} tokens; the
probabilities, softmax(logits / {settings["temperature"]}), are averaged over the windows. A top probability under {settings["threshold"]} counts as unsure.
`manifest.yaml` is what the program reads; this page is written by `models/recipes`.
"""


def figures(report):
    names = {
        "validation": "all validation rows, question alone",
        "mmlu_pro_question_only": "MMLU-Pro rows, question alone",
        "mmlu_pro_with_options": "MMLU-Pro rows, with options",
        "everyday": "everyday prompts, held out",
    }
    lines = [
        "## Figures",
        "",
        f"Of the served int8 graph, onnxruntime {report['onnxruntime']}, one window a run.",
        "",
        "| rows | n | accuracy | macro-F1 | majority: accuracy / macro-F1 | naive Bayes on words |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for key, name in names.items():
        s, b = report[key], report["baselines"].get(key)
        two = ["{accuracy:.3f} / {macro_f1:.3f}".format(**b[k]) for k in ("majority", "naive_bayes")] if b else ["", ""]
        lines.append(f"| {name} | {s['n']} | **{s['accuracy']:.3f}** | **{s['macro_f1']:.3f}** | {two[0]} | {two[1]} |")
    s = report["sure"]
    lines += [
        "",
        (
            f"Above the threshold: {s['share']:.1%} of validation, right {s['accuracy']:.1%} of the time; below it right "
            f"{s['accuracy_of_unsure']:.1%}. Expected calibration error {report['calibration_error']:.3f}."
        ),
        "",
    ]
    if "fp32" in report:
        lost = ", ".join(
            f"{100 * (report['fp32'][k]['accuracy'] - report[k]['accuracy']):+.2f} ({names[k]})" for k in list(names)[:3]
        )
        lines += [
            f"Accuracy lost against fp32, in points: {lost}; the same answer on {report['fp32']['same_answer']:.1%} of validation.",
            "",
        ]
    return "\n".join(lines)


def views(report):
    """The table of all views of the graph, when it has more than the domain."""
    if "family" not in report:
        return ""
    return f"""## The family

All views read one forward pass of this graph. The shares of benign texts that may reach the guard's thresholds were fixed on an earlier model with these
rows in sight, and not touched for this one; the cut of the tags was chosen among four values on these rows. The rows "own held out" and
`nc/jailbreak/val` chose nothing.

{table.markdown(report["family"])}
"""


def chain(run):
    """The records of the runs that led to this one, from the base weights on, this one last."""
    before = (run.get("start") or {}).get("run")
    return [*(chain(before) if before else []), run]


def cost(run):
    """What the run and those it began with took, as a sentence. The energy is reckoned, not measured: virtual machines have no meter."""
    watts = 8  # a core of a server processor under load with its share of memory and fans
    runs = chain(run)
    steps, tokens = (sum(sum(r[key].values()) for r in runs) for key in ("steps", "tokens"))
    texts, seconds = (sum(r[key] for r in runs) for key in ("examples", "seconds"))
    return (
        f"{steps} steps, {texts} texts, {tokens} tokens, {seconds} s on one shared core ({run['processor']}), bf16 products: reckoned at "
        f"{watts} W, {seconds * watts / 3600:.0f} Wh."
    )


def recipe(run, settings, report):
    runs = chain(run)
    first = runs[0]
    hyper = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in first["hyper_parameters"].items())
    for later in runs[1:]:
        changed = {k: v for k, v in later["hyper_parameters"].items() if v != first["hyper_parameters"].get(k)}
        hyper += "; then, settling, " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in changed.items())
    steps = "; settling: ".join(", ".join(f"{task} {n}" for task, n in sorted(r["steps"].items())) for r in runs)
    versions = ", ".join(f"{k} {v}" for k, v in run["versions"].items())
    curve = "; ".join(f"{c['step']}: {c['probe_accuracy']:.3f}" for r in runs for c in r["curve"])
    hashes = "\n".join(f"* `{name}` {value}" for name, value in run["data"].items())
    return f"""## How it was made

Base weights: `{settings["source"]["package"]}`, model.safetensors sha256 {settings["source"]["revision"]}.
Embeddings frozen, six layers trained together for all heads. Seed {first["seed"]}, {first["passes"]} passes; steps by task: {steps}.
{cost(run)}
{hyper}. {versions}. Accuracy on a probe of validation rows, by step: {curve}. The last step was kept; no checkpoint was chosen.

int8: matrices with {graph.BITS}-bit weights and a scale a column (so that CPUs without VNNI do not overflow), the word table with a
scale a row, activations scaled at run time, head in fp32. The temperature has the least label-balanced negative log likelihood on
validation; the threshold is the least top probability (at most 0.7) above which the answers reach {export.KEPT_ACCURACY:.0%} there, every label
counting alike. So validation was used to calibrate, and the calibration figures above are not independent of it.

Texts are re-worded: with and without options (MMLU-Pro), chat openings and closings, punctuation dropped, words dropped, long texts cropped
to {settings["max_tokens"]} tokens. Large sources are sampled anew each pass ({", ".join(f"{k} {v}" for k, v in data.CAP.items())}).

Files, by sha256:
{hashes}
"""


def sources(names=None, tasks=("intent", "guard", "pii")):
    """The table of the sources named, all without names, with what is self-written for the tasks."""
    listed = yaml.safe_load((Path(__file__).parent / "sources.yaml").read_text())
    rows = [f"| {s['name']} | {s['licence']} | {s['origin']} |" for s in listed if names is None or s["name"] in names]
    for task, name, files in OWN:
        if task in tasks:
            rows.append(f"| {name} | Apache-2.0, part of this repository | {files}, written for this model |")
    table = "\n".join(rows)
    held_out = EVERYDAY if "intent" in tasks and names is None else ""
    return f"""## Data

Only sources whose licence allows use and redistribution of a model; none of it is stored here (`models/recipes/DATA.md`).

| source | licence | origin |
|---|---|---|
{table}
{held_out}"""


def details(report):
    labels = "\n".join(f"| {k} | {v['n']} | {v['f1']:.3f} |" for k, v in report["per_label"].items())
    by_source = "\n".join(f"| {k} | {v['n']} | {v['accuracy']:.3f} |" for k, v in report["by_source"].items())
    wrong = "\n".join(f"* {w['label']}, said {w['said']} ({w['probability']:.2f}): {w['text']}" for w in report["everyday_wrong"])
    return f"""## Details

| label | validation rows | F1 |
|---|---:|---:|
{labels}

| source | validation rows | accuracy |
|---|---:|---:|
{by_source}

Everyday prompts it gets wrong:

{wrong or "none"}
"""
