"""Writes the cards of the family's other views, from the same run and evaluation as the brain's. Figures are never typed by hand."""

from . import card, family, table

# What a card says that no figure does: (lead, limits, not for, tasks whose sources it learned from).
WORDS = {
    "mom-difficulty-flash": (
        """Says how hard a question is: the share of 29 language models of all sizes that would answer it wrongly. `easy` and `hard` are one
number: P(hard) is that share. A router sends what is hard to a strong model.""",
        """* Learned from exam questions with one right answer (MMLU-Pro), judged by models of 2024. How hard a request for an essay, a chat or
  a program is was never measured: the number orders such prompts by likeness to hard exam questions, no more.
* A mean over 29 models is not your two models. Measure with `mom eval routing` before trusting a threshold.""",
        "judging pupils, or the worth of a question.",
        ("intent",),
    ),
    "mom-jailbreak-flash": (
        """Says whether a text is an attack on a language model (*jailbreak*: overriding instructions, injected orders, role-play without rules),
a plainly *harmful* request without an attack, or *benign*. Two heads on one pass: `user` for what a user writes, `document` for what
a tool or a document brings. An instruction is normal in the one and an injection in the other.""",
        """* A small encoder is a filter, not a boundary. Who knows it can word an attack that passes; keep permissions outside the model.
* Families it misses are in the table under their names; short injections and orders that are harmless but out of place are the hardest.
* English first; some twenty other languages only by own templates. No figure for them is given.
* The benign outside rows are few for rare kinds (24 InjecGuard rows, 35 clean pages): read the intervals.
* *harmful* follows AdvBench and GPTFuzz questions: it is a hint about the request, not a moderation model.""",
        "deciding about people, moderation of speech, or as the only guard before tools that can do damage.",
        ("guard",),
    ),
    "mom-pii-flash": (
        """Finds personal data: spans of 24 types, tagged by token and decoded by word. In the product it stands beside recognisers with checksums
(cards, IBAN, telephone, addresses of the net), which are better at what has a form.""",
        """* Names, places and organisations were learned from tweets, filings and own generated documents, everything else from the latter. The figure
  on own documents is of whole documents in other words and of other countries: no given name, surname, place, organisation or street of theirs is in
  training, which a check holds. Ways to write dates and some numbers are in both. And they are documents of ours, not yours.
* The case of letters helps: in a text that has none, fewer names are found.
* Types that differ by context alone (a nine-digit number: passport, account, insurance) need their word nearby.""",
        "anonymising data for publication: what it misses stays in.",
        ("pii",),
    ),
    "mom-similarity-flash": (
        """Turns a text into a vector of length one (384 numbers), so that the dot product of two says how alike they are. It holds to the places
of its base model, but pushes a sentence and its negation apart.""",
        """* Texts of more than one window are refused: a vector for a part would stand for texts that differ in the rest.
* Numbers, names and dates move the vector little: *flights on May 3* and *on May 4* are close. A cache must compare them itself.
* English. The graded public pairs that may be used are captions and forum posts; few positives, so trust your own sample more.""",
        "deciding that two answers are the same without a second check.",
        ("similarity",),
    ),
}
SOURCES = {
    "intent": ("mmlu_pro", "router_mmlu_pro_matrix"),
    "guard": ("jailbreak_in_the_wild", "gptfuzz", "advbench", "bipia", "deepset", "giskard", "strategyqa", "self_instruct_seed"),
    "pii": ("btc", "wnut17", "sec_filings", "pii_nano"),
    "similarity": ("cannot", "stsb_images"),
}
PREFIX = {
    "mom-difficulty-flash": "difficulty",
    "mom-jailbreak-flash": "guard",
    "mom-pii-flash": "tags",
    "mom-similarity-flash": "similarity",
}


def write(folder, run, report):
    """Writes the README.md of each view's folder beside folder, that of mom-brain-flash."""
    for name, (lead, limits, never, tasks) in WORDS.items():
        path = folder.parent / name / "README.md"
        own = card.sources([s for task in tasks for s in SOURCES[task]], tasks)
        path.write_text(f"""# {name}

{lead}

One of the views of the graph of [mom-brain-flash](../mom-brain-flash/README.md): all of them read one forward pass. Written by `models/recipes`.

## Figures

Of the served int8 graph and, beside it, of the same weights in fp32; validation rows, never trained on.
{note(name, run, report)}

{table.markdown(report["family"], PREFIX[name])}

## How it was made

In one run with the other views: {card.cost(run)} The brain's card has the hyper-parameters, the hashes of the data and what int8 means here.

{own}
## Limits

{limits}

## Not for

{never[0].upper()}{never[1:]}
""")
        print(f"{path} written")


def note(name, run, report):
    """What a reader must know before the table."""
    figures = report["family"]["int8"]
    if name == "mom-difficulty-flash":
        reached = figures["difficulty"]["baseline: the domain's mean"]["spearman"]
        return f"Baseline: the mean share of the question's domain reaches {reached:.3f}."
    if name == "mom-jailbreak-flash":
        limits = figures["guard"]["thresholds"]
        return (
            f"Thresholds: user {limits['user']}, document {limits['document']}: {family.RATES['guard_user']:.1%} and "
            f"{family.RATES['guard_document']:.1%} of the benign validation texts reach them. A text is as bad as its worst window."
        )
    if name == "mom-pii-flash":
        return f"A span counts when its type and both ends are right. Spans under a mean probability of {family.PII_THRESHOLD} are left out. The tagger alone: `mom eval pii` judges it with the recognisers."
    base = run["base_similarity"]
    return (
        f"The base model on the same rows: Spearman {base['STS']['spearman']:.3f} on STS, mean cosine of negated pairs "
        f"{base['negated pairs']['mean cosine']:.3f}."
    )
