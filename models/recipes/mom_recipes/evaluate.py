"""Judges the served int8 graph: validation rows, MMLU-Pro in two wordings, everyday prompts, baselines, loss against fp32."""

import json
import time

import numpy as np
import onnxruntime
import yaml

from . import LABELS, base, baseline, data, everyday, serve, table


def run(directory, out, folder, as_json):
    """Prints the figures and leaves them in out/evaluation.json. The fp32 graph is compared when out holds one."""
    settings = yaml.safe_load((folder / "manifest.yaml").read_text())
    graph = folder / settings["graph"]["file"]
    if base.digest(graph) != settings["graph"]["sha256"]:
        raise SystemExit(f"{graph} does not match its manifest")
    tokenizer = folder / settings["tokenizer"]["file"]
    rows = data.read(directory, data.VALIDATION)
    questions = [row["text"] for row in rows]
    exam = [row for row in rows if row["source"] == "mmlu_pro"]
    sample = everyday.held_out()
    gold, exam_gold, sample_gold = indices(rows), indices(exam), indices(sample)

    def probabilities(path, texts, name):
        return serve.probabilities(serve.Served(path, tokenizer).logits(texts, name), settings["temperature"])

    began = time.time()
    p = probabilities(graph, questions, "validation")
    seconds = time.time() - began
    p_options = probabilities(graph, [data.with_options(row) for row in exam], "with options")
    p_sample = probabilities(graph, [row["text"] for row in sample], "everyday")
    is_exam = np.array([row["source"] == "mmlu_pro" for row in rows])
    sure = p.max(-1) >= settings["threshold"]
    right = p.argmax(-1) == gold
    report = {
        "model": settings["name"],
        "version": settings["version"],
        "graph_sha256": settings["graph"]["sha256"],
        "size": settings["graph"]["size"],
        "onnxruntime": onnxruntime.__version__,
        "temperature": settings["temperature"],
        "threshold": settings["threshold"],
        "validation": scores(p, gold),
        "per_label": per_label(p.argmax(-1), gold),
        "mmlu_pro_question_only": scores(p[is_exam], exam_gold),
        "mmlu_pro_with_options": scores(p_options, exam_gold),
        "everyday": scores(p_sample, sample_gold),
        "everyday_wrong": [
            {"text": row["text"], "label": row["label"], "said": LABELS[q.argmax()], "probability": round(float(q.max()), 3)}
            for row, q in zip(sample, p_sample, strict=True)
            if LABELS[q.argmax()] != row["label"]
        ],
        "by_source": {
            source: {"n": int(chosen.sum()), "accuracy": share(right[chosen])}
            for source in sorted({row["source"] for row in rows})
            for chosen in [np.array([row["source"] == source for row in rows])]
        },
        "sure": {
            "share": share(sure),
            "accuracy": share(right[sure]),
            "accuracy_of_unsure": share(right[~sure]),
            "everyday_share": share(p_sample.max(-1) >= settings["threshold"]),
        },
        "calibration_error": calibration_error(p, gold),
        "baselines": baselines(directory, rows, exam, sample),
        "texts_per_second": round(len(rows) / seconds),
    }
    if (out / "fp32.onnx").exists():
        whole = probabilities(out / "fp32.onnx", questions, "validation, fp32")
        whole_options = probabilities(out / "fp32.onnx", [data.with_options(row) for row in exam], "with options, fp32")
        report["fp32"] = {
            "validation": scores(whole, gold),
            "mmlu_pro_question_only": scores(whole[is_exam], exam_gold),
            "mmlu_pro_with_options": scores(whole_options, exam_gold),
            "same_answer": share(whole.argmax(-1) == p.argmax(-1)),
        }
    if (out / "calibration.json").exists():
        report["family"] = family_figures(directory, out, graph, tokenizer)
    out.mkdir(parents=True, exist_ok=True)
    (out / "evaluation.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report) if as_json else text(report))


def family_figures(directory, out, graph, tokenizer):
    """The figures of all views by graph, int8 and, where out holds it, fp32."""
    from . import family

    guard = json.loads((out / "calibration.json").read_text())["guard"]
    graphs = {"int8": graph} | ({"fp32": out / "fp32.onnx"} if (out / "fp32.onnx").exists() else {})
    return {
        name: family.run(serve.Served(path, tokenizer), directory, guard["temperature"], guard["thresholds"])
        for name, path in graphs.items()
    }


def indices(rows):
    """The label numbers of rows."""
    return np.array([LABELS.index(row["label"]) for row in rows])


def share(array):
    """The mean of a boolean array, rounded; None for an empty one."""
    return round(float(array.mean()), 4) if array.size else None


def f1(said, gold):
    """F1 of each label that occurs in gold or was said, by label number."""
    out = {}
    for label in sorted({*gold.tolist(), *said.tolist()}):
        hit = int(((said == label) & (gold == label)).sum())
        out[label] = 2 * hit / (int((said == label).sum()) + int((gold == label).sum()))
    return out


def scores(p, gold):
    """n, accuracy and macro-F1 over the labels that occur."""
    return answer_scores(p.argmax(-1), gold)


def answer_scores(said, gold):
    per = f1(said, gold)
    macro = np.mean([per[label] for label in sorted(set(gold.tolist()))])
    return {"n": len(gold), "accuracy": share(said == gold), "macro_f1": round(float(macro), 4)}


def per_label(said, gold):
    """n and F1 by label."""
    per = f1(said, gold)
    return {name: {"n": int((gold == i).sum()), "f1": round(per.get(i, 0.0), 4)} for i, name in enumerate(LABELS)}


def calibration_error(p, gold):
    """Mean gap between the top probability and the accuracy over ten bins of it, weighted by their rows."""
    top, right, gap = p.max(-1), p.argmax(-1) == gold, 0.0
    for low in np.arange(0, 1, 0.1):
        chosen = (top > low) & (top <= low + 0.1)
        if chosen.any():
            gap += chosen.mean() * abs(top[chosen].mean() - right[chosen].mean())
    return round(float(gap), 4)


def baselines(directory, rows, exam, sample):
    """Scores of the commonest training label and of naive Bayes on words, on the same rows."""
    train = [row for name in data.TRAIN for row in data.read(directory, name)]
    bayes = baseline.NaiveBayes(train)
    counts = np.bincount(indices(train), minlength=len(LABELS))
    out = {}
    for name, members in (("validation", rows), ("mmlu_pro_question_only", exam), ("everyday", sample)):
        gold = indices(members)
        out[name] = {
            "majority": answer_scores(np.full(len(gold), counts.argmax()), gold),
            "naive_bayes": answer_scores(bayes.labels([row["text"] for row in members]), gold),
        }
    return out


def text(report):
    """The figures for a reader."""
    lines = [f"{report['model']} {report['version']}, int8, {report['size'] / 1e6:.1f} MB, onnxruntime {report['onnxruntime']}", ""]
    lines.append(f"{'':28}{'n':>6}{'accuracy':>10}{'macro-F1':>10}{'majority':>10}{'words':>8}  (macro-F1 of the baselines)")
    for name in ("validation", "mmlu_pro_question_only", "mmlu_pro_with_options", "everyday"):
        s, b = report[name], report["baselines"].get(name)
        tail = f"{b['majority']['macro_f1']:>10.3f}{b['naive_bayes']['macro_f1']:>8.3f}" if b else ""
        lines.append(f"{name:28}{s['n']:>6}{s['accuracy']:>10.4f}{s['macro_f1']:>10.4f}{tail}")
    if "fp32" in report:
        lines += [
            "",
            f"int8 gives the answer of fp32 on {report['fp32']['same_answer']:.4f} of validation; accuracy lost, in points:",
        ]
        for name in ("validation", "mmlu_pro_question_only", "mmlu_pro_with_options"):
            lost = 100 * (report["fp32"][name]["accuracy"] - report[name]["accuracy"])
            lines.append(f"  {name:26}{lost:>7.2f}")
    if "family" in report:
        lines += ["", table.markdown(report["family"])]
    s = report["sure"]
    lines += [
        "",
        (
            f"sure (top probability at least {report['threshold']}): {s['share']:.3f} of validation at accuracy {s['accuracy']:.3f}, "
            f"the rest at {s['accuracy_of_unsure']}; calibration error {report['calibration_error']:.3f}"
        ),
        "",
        "F1 by label",
    ]
    lines += [f"  {name:20}{v['f1']:.3f}  of {v['n']}" for name, v in report["per_label"].items()]
    lines += ["", "everyday prompts that went wrong"]
    lines += [f"  {w['label']} -> {w['said']} ({w['probability']}): {w['text']}" for w in report["everyday_wrong"]]
    return "\n".join(lines)
