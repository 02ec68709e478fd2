"""python -m mom_recipes: train, export, evaluate, card; see --help."""

import argparse
from pathlib import Path


TRAINING = ("--data", "--out", "--seed", "--steps", "--start", "--passes", "--device", "--only", "--without", "--stage", "--blend")


def main():
    parser = argparse.ArgumentParser(prog="mom_recipes", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, text, *arguments):
        sub = commands.add_parser(name, help=text, description=text)
        for flag in arguments:
            options = {
                "--data": {"type": Path, "required": True, "help": "directory with intent/*.jsonl.gz and the others of DATA.md"},
                "--out": {
                    "type": Path,
                    "required": True,
                    "help": "working directory of the run: checkpoint, run.json, evaluation.json",
                },
                "--model": {"type": Path, "required": True, "help": "the model's folder, e.g. models/mom-brain-flash"},
                "--seed": {"type": int, "default": 7, "help": "default 7"},
                "--steps": {"type": int, "default": None, "help": "stop after so many steps (a trial)"},
                "--start": {"type": Path, "default": None, "help": "a checkpoint to go on from; default the base weights"},
                "--passes": {"type": int, "default": 2, "help": "passes over the data, default 2"},
                "--device": {"choices": ["cpu", "cuda"], "default": "cpu", "help": "default cpu"},
                "--stage": {
                    "choices": ["more", "settle-1", "settle-2", "settle-3"],
                    "default": None,
                    "help": "a run after the long one, with --start: more documents, then three short and slow runs",
                },
                "--blend": {"type": Path, "default": None, "help": "for settle-3: the long run's checkpoint, whose weights are averaged in"},
                "--only": {
                    "choices": ["intent", "guard", "pii", "similarity"],
                    "default": None,
                    "help": "train this task alone (a comparison)",
                },
                "--without": {
                    "choices": ["twins", "own", "augment", "roles"],
                    "action": "append",
                    "default": [],
                    "help": "leave an idea of the guard out (a comparison); may be repeated",
                },
                "--json": {"action": "store_true", "help": "print the figures as JSON"},
            }[flag]
            sub.add_argument(flag, **options)

    command("data", "Show what one pass of training would read: rows by label and source.", "--data", "--seed")
    command("own", "Write the own documents that judge the tags into the file --out, as JSON lines for mom eval pii.", "--out")
    command("train", "Train trunk and heads; about 40 minutes a pass on one core.", *TRAINING)
    command("export", "Write model.onnx (int8), tokenizer.json and the manifests from a run.", "--data", "--out", "--model")
    command("evaluate", "Judge the served int8 graph on the validation files.", "--data", "--out", "--model", "--json")
    command("card", "Write the model's README.md from run.json and evaluation.json.", "--out", "--model")
    args = parser.parse_args()

    # Imported late, so that --help and evaluate do not wait for torch.
    if args.command == "data":
        from . import data

        data.show(args.data, args.seed)
    elif args.command == "own":
        from . import family

        family.write_own(args.out)
    elif args.command == "train":
        from . import train

        train.run(args.data, args.out, args.seed, args.steps, args.start, args.passes, args.device, args.only, args.without, args.stage, args.blend)
    elif args.command == "export":
        from . import export

        export.run(args.data, args.out, args.model)
    elif args.command == "evaluate":
        from . import evaluate

        evaluate.run(args.data, args.out, args.model, args.json)
    elif args.command == "card":
        from . import card

        card.run(args.out, args.model)


main()
