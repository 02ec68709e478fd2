"""The family's figures as rows of one table: what evaluate prints and the card shows."""


def rows(f):
    """(name, n, value) of the leading figures of one graph, as family.run left them."""
    guard = f["guard"]
    alarms = guard["false alarms"]
    out = [
        ("domain, MMLU-Pro with options, accuracy", *two(f["domain"]["mmlu_pro with options"], "accuracy")),
        ("domain, MMLU-Pro question only, accuracy", *two(f["domain"]["mmlu_pro question only"], "accuracy")),
        ("domain, all of intent/val, macro-F1", *two(f["domain"]["all"], "macro_f1")),
        ("difficulty, Spearman, question only", *two(f["difficulty"]["question only"], "spearman")),
        ("difficulty, Spearman, with options", *two(f["difficulty"]["with options"], "spearman")),
        ("guard, attack against benign, macro-F1", *two(guard["attack against benign"], "macro_f1")),
        ("guard, recall at 1% false positives", *two(guard["recall at 1% false positives"], "share")),
        ("guard, three classes, macro-F1", *two(guard["three classes"], "macro_f1")),
        ("guard, recall at the thresholds", *two(guard["recall at the thresholds"], "share")),
        ("guard, false alarms at the thresholds", *two(guard["false alarms at the thresholds"], "share")),
    ]
    for name in ("injecguard_valid, benign", "clean bipia pages", "benign rows with trigger words"):
        out.append((f"guard, false alarms: {name}", *two(alarms[name], "share")))
    for name in ("nc/jailbreak/val as user", "nc/jailbreak/val as document", "clean pages pasted by a user"):
        out.append((f"guard, false alarms: {name}", *two(alarms[name], "share")))
    for name in ("own held out, user", "own held out, document"):
        out.append((f"guard, false alarms: {name}", *two(alarms[name], "share")))
    for name, value in guard["recall"].items():
        out.append((f"guard, recall: {name}", *two(value, "share")))
    for name in ("btc, names", "wnut17, names", "own, all types"):
        out.append((f"tags, {name}, exact span F1", *two(f["tags"][name], "f1")))
    out += [
        ("similarity, Spearman on the STS rows", *two(f["similarity"]["STS"], "spearman")),
        ("similarity, mean cosine of negated pairs", *two(f["similarity"]["negated pairs"], "mean cosine")),
    ]
    return out


def two(figure, key):
    return figure["n"], figure[key]


def markdown(family, prefix=""):
    """A table with a column a graph, of the rows whose name starts with prefix; family maps int8 and perhaps fp32 to their figures."""
    lines = ["| figure | n | " + " | ".join(family) + " |", "|---|---:|" + "---:|" * len(family)]
    columns = [rows(f) for f in family.values()]
    for i, (name, n, _) in enumerate(columns[0]):
        if name.startswith(prefix):
            lines.append(f"| {name} | {n} | " + " | ".join(f"{column[i][2]:.3f}" for column in columns) + " |")
    return "\n".join(lines)
