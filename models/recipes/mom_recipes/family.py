"""Figures of the whole family on one graph: domain, difficulty, guard, tags, similarity; and the baselines beside them."""

import json

import numpy as np

from . import GUARD, LABELS, PII, TAGS, data, evaluate, guard, pairs, pii, pii_wide, serve

NAMES = ("PERSON", "LOCATION", "ORGANIZATION")
# Least mean probability of a span's tokens. Of 0.4, 0.45, 0.5 and 0.6 on validation: lower finds more names, and more that are none.
PII_THRESHOLD = 0.45
OWN_ROWS = 1000
# Share of the benign validation texts that may reach the threshold. Most of those texts are easy, so that 1 % of them is far more of
# the hard ones.
RATES = {"guard_user": 0.001, "guard_document": 0.004}


def spearman(a, b):
    """Rank correlation; ties get their mean rank."""

    def ranks(x):
        x = np.asarray(x, float)
        order, unique = np.argsort(x, kind="stable"), np.unique(x, return_inverse=True)[1]
        rank = np.empty(len(x))
        rank[order] = np.arange(len(x))
        return (np.bincount(unique, rank) / np.bincount(unique))[unique]

    return round(float(np.corrcoef(ranks(a), ranks(b))[0, 1]), 4)


def wilson(hits, n):
    """The 95 % interval of a share, as (low, high)."""
    if n == 0:
        return (0.0, 1.0)
    p, z = hits / n, 1.96
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (round((middle - half) / (1 + z * z / n), 4), round((middle + half) / (1 + z * z / n), 4))


def rate(flags):
    flags = np.asarray(flags, bool)
    return {
        "n": len(flags),
        "share": round(float(flags.mean()), 4) if len(flags) else None,
        "interval": wilson(int(flags.sum()), len(flags)),
    }


def domain(served, directory):
    rows = data.read(directory, data.VALIDATION)
    exam = [r for r in rows if r["source"] == "mmlu_pro"]
    out = {}
    for name, members, texts in (
        ("all", rows, [r["text"] for r in rows]),
        ("mmlu_pro question only", exam, [r["text"] for r in exam]),
        ("mmlu_pro with options", exam, [data.with_options(r) for r in exam]),
    ):
        p = serve.probabilities(served.logits(texts, f"domain, {name}"), 1.0)
        out[name] = evaluate.scores(p, evaluate.indices(members))
    return out


def difficulty(served, directory):
    rows = data.read_rows(directory, "difficulty/val.jsonl.gz")
    share = data.difficulties(directory, "difficulty/val.jsonl.gz")
    gold = np.array([share[r["text"]] for r in rows])
    out = {}
    for name, texts in (("question only", [r["text"] for r in rows]), ("with options", [data.with_options(r) for r in rows])):
        p = np.array([float((1 / (1 + np.exp(-w))).mean()) for w in served.logits(texts, output="difficulty")])
        out[name] = {
            "n": len(rows),
            "spearman": spearman(p, gold),
            "mean_said": round(float(p.mean()), 4),
            "mean_true": round(float(gold.mean()), 4),
        }
        out[name]["absolute_error"] = round(float(abs(p - gold).mean()), 4)
    train = data.read_rows(directory, "difficulty/train.jsonl.gz")
    known = data.difficulties(directory, "difficulty/train.jsonl.gz")
    by_label = {label: np.mean([known[r["text"]] for r in train if r["label"] == label]) for label in LABELS}
    out["baseline: the domain's mean"] = {"spearman": spearman([by_label[r["label"]] for r in rows], gold)}
    return out


def guard_temperature(served, directory):
    """The temperature with the least negative log likelihood on jailbreak/val, both heads together."""
    rows = data.read_rows(directory, guard.VALIDATION)
    logits = role_logits(served, rows)
    gold = np.array([GUARD.index(r["label"]) for r in rows])

    def loss(t):
        return -np.log(np.maximum(serve.worst(logits, t)[np.arange(len(gold)), gold], 1e-9)).mean()

    return float(min((round(t, 2) for t in np.arange(0.5, 3.001, 0.1)), key=loss))


def role_logits(served, rows, output=None):
    """The guard's logits of each row, by the head of its kind."""
    texts = [r["text"] for r in rows]
    user, document = (served.logits(texts, "guard", name) for name in ("guard_user", "guard_document"))
    return [
        d if output == "guard_document" or output is None and guard.is_document(r) else u
        for r, u, d in zip(rows, user, document, strict=True)
    ]


def benign_texts(directory):
    """Validation texts that are no attack, by who would bring them: what the thresholds are chosen on."""
    rows = [r for r in data.read_rows(directory, guard.VALIDATION) if r["label"] == "benign"]
    rng = data.seeded(7, "guard thresholds")
    plain = [r["text"] for r in data.read(directory, data.VALIDATION)]
    filings = [r["text"] for r in data.read_rows(directory, pii.VALIDATION) if r["source"] in ("sec_filings", "pii_nano")]
    own = [r["text"] for r in pii.own(7, 200, judging=True)]
    return {
        "guard_user": [r["text"] for r in rows if not guard.is_document(r)] + rng.sample(plain, 1000),
        "guard_document": [r["text"] for r in rows if guard.is_document(r)] + filings + own + [t for t in plain if len(t) > 400],
    }


def thresholds(served, directory, temperature):
    """By head, the least probability of an attack that at most its share of RATES of the benign validation texts reach."""
    out = {}
    for name, texts in benign_texts(directory).items():
        p = serve.worst(served.logits(texts, "thresholds", name), temperature)[:, 1]
        ranked = np.sort(p)[::-1]
        allowed = int(RATES[name] * len(ranked))
        out[name.removeprefix("guard_")] = min(0.9995, round(float(np.ceil(ranked[allowed] * 2000) / 2000) + 0.0005, 4))
    return out


def guards(served, directory, temperature, limits):
    rows = data.read_rows(directory, guard.VALIDATION)
    p = serve.worst(role_logits(served, rows), temperature)
    gold = np.array([GUARD.index(r["label"]) for r in rows])
    attack = p[:, 1]
    limit = np.array([limits["document" if guard.is_document(r) else "user"] for r in rows])
    two = gold < 2
    negatives = np.sort(attack[gold == 0])[::-1]
    at = {share: float(negatives[int(share * len(negatives))]) for share in (0.01, 0.005)}
    out = {
        "attack against benign": evaluate.answer_scores((attack[two] >= 0.5).astype(int), gold[two]),
        "auc": auc(attack[gold == 1], attack[gold == 0]),
        "recall at 1% false positives": rate(attack[gold == 1] > at[0.01]),
        "recall at 0.5% false positives": rate(attack[gold == 1] > at[0.005]),
        "three classes": evaluate.answer_scores(p.argmax(-1), gold),
        "thresholds": limits,
        "temperature": temperature,
        "recall at the thresholds": rate((attack >= limit)[gold == 1]),
        "false alarms at the thresholds": rate((attack >= limit)[gold == 0]),
    }
    flagged = attack >= limit
    out |= {"false alarms": {}, "recall": {}}
    for i, row in enumerate(rows):
        name = group(row) if gold[i] < 2 else f"{group(row)} (harmful, no attack)"
        out["recall" if gold[i] == 1 else "false alarms"].setdefault(name, []).append(bool(flagged[i]))
    for name, chosen in (
        ("benign rows with trigger words", [i for i, r in enumerate(rows) if r["family"] == "benign_trigger_words"]),
        ("injecguard_valid, benign", [i for i, r in enumerate(rows) if r["source"] == "injecguard_valid" and gold[i] == 0]),
        ("clean bipia pages", [i for i, r in enumerate(rows) if r["source"] == "bipia" and gold[i] == 0]),
    ):
        out["false alarms"][name] = [bool(flagged[i]) for i in chosen]
    other = data.read_rows(directory, "nc/jailbreak/val.jsonl.gz")
    for name in ("guard_user", "guard_document"):
        role = name.removeprefix("guard_")
        q = serve.worst(served.logits([r["text"] for r in other], "nc", name), temperature)[:, 1]
        out["false alarms"][f"nc/jailbreak/val as {role}"] = [bool(x) for x in q >= limits[role]]
    # Own rows that no threshold was chosen on.
    held_out = guard.held_out()
    logits = {name: served.logits([r["text"] for r in held_out], "held out", name) for name in ("guard_user", "guard_document")}
    for i, row in enumerate(held_out):
        q = serve.worst([logits["guard_" + row["role"]][i]], temperature)[0, 1]
        part = "recall" if row["label"] == "jailbreak" else "false alarms"
        out[part].setdefault(f"own held out, {row['role']}", []).append(bool(q >= limits[row["role"]]))
    # Pages that a user pastes: the other head's figure.
    texts = [r["text"] for i, r in enumerate(rows) if guard.is_document(r) and gold[i] == 0]
    q = serve.worst(served.logits(texts, "", "guard_user"), temperature)[:, 1]
    out["false alarms"]["clean pages pasted by a user"] = [bool(x) for x in q >= limits["user"]]
    for part in ("false alarms", "recall"):
        out[part] = {k: rate(v) for k, v in sorted(out[part].items())}
    return out


def group(row):
    """The name a row counts under: its family without the last level."""
    return f"{row['source']}, {row['family'].split(':')[0]}" if row["source"] != "injecguard_valid" else row["family"]


def auc(positive, negative):
    both = np.concatenate([positive, negative])
    rank = np.argsort(np.argsort(both, kind="stable"), kind="stable") + 1
    n, m = len(positive), len(negative)
    return round(float((rank[:n].sum() - n * (n + 1) / 2) / (n * m)), 4)


def tags(served, directory):
    rows = data.read_rows(directory, pii.VALIDATION)
    own = pii.own(7, OWN_ROWS, judging=True)
    served.read([r["text"] for r in rows] + [r["text"] for r in own], "tags")
    out = {}
    for source in ("btc", "wnut17"):
        out[f"{source}, names"] = span_scores(served, [r for r in rows if r["source"] == source], NAMES)
    for source in ("btc", "wnut17", "sec_filings", "pii_nano"):
        out[f"{source}, its types"] = span_scores(served, [r for r in rows if r["source"] == source], PII)
    out["own, all types"] = span_scores(served, own, PII)
    out["own, by type"] = {label: span_scores(served, own, (label,))["f1"] for label in PII}
    return out


def span_scores(served, rows, types):
    """Exact spans: hits, said, true over the types that each row's source annotates."""
    hits = said = true = 0
    for row in rows:
        wanted = set(types) & set(row["types"])
        gold = {(s["start"], s["end"], s["label"]) for s in row["spans"] if s["label"] in wanted}
        found = {s for s in serve.spans(served, row["text"], TAGS, PII_THRESHOLD) if s[2] in wanted}
        hits, said, true = hits + len(gold & found), said + len(found), true + len(gold)
    precision, recall = hits / max(1, said), hits / max(1, true)
    return {"n": true, "f1": round(2 * hits / max(1, said + true), 4), "precision": round(precision, 4), "recall": round(recall, 4)}


def similarity(served, directory):
    def vectors(texts):
        return np.stack([np.stack([w["embedding"] for w in r]).mean(0) for r in served.read(texts, "similarity")])

    return similarity_of(vectors, directory)


def similarity_of(vectors, directory):
    """The figures of anything that turns a list of texts into an array of vectors."""
    rows = data.read_rows(directory, pairs.VALIDATION)
    cosine = (vectors([r["a"] for r in rows]) * vectors([r["b"] for r in rows])).sum(-1)
    graded = np.array(["score" in r for r in rows])
    out = {"STS": {"n": int(graded.sum()), "spearman": spearman(cosine[graded], [r["score"] for r in rows if "score" in r])}}
    for source in sorted({r["source"] for r in rows}):
        chosen = np.array([r["source"] == source for r in rows])
        if graded[chosen].all():
            out[source] = {
                "n": int(chosen.sum()),
                "spearman": spearman(cosine[chosen], [r["score"] for r in rows if r["source"] == source]),
            }
        else:
            out[source] = {"n": int(chosen.sum()), "mean cosine": round(float(cosine[chosen].mean()), 4)}
    out["negated pairs"] = {"n": int((~graded).sum()), "mean cosine": round(float(cosine[~graded].mean()), 4)}
    return out


def run(served, directory, temperature=None, limits=None):
    """All figures of one graph; temperature and limits of the guard are found anew unless given."""
    out = {"difficulty": difficulty(served, directory), "similarity": similarity(served, directory)}
    temperature = temperature or guard_temperature(served, directory)
    out["guard"] = guards(served, directory, temperature, limits or thresholds(served, directory, temperature))
    out["tags"] = tags(served, directory)
    out["domain"] = domain(served, directory)
    return out


def write_own(out):
    """Writes the own documents that judge the tags as JSON lines. Ends the program where training holds a part of them."""
    pii_wide.material()
    rows = pii.own(7, OWN_ROWS, judging=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    print(f"{out}: {len(rows)} rows")
