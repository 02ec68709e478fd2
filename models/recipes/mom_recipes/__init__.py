"""Recipes: train, export and judge the models that ship in models/. They never download anything."""

LABELS = [
    "biology",
    "business",
    "chemistry",
    "computer science",
    "economics",
    "engineering",
    "health",
    "history",
    "law",
    "math",
    "other",
    "philosophy",
    "physics",
    "psychology",
]
MAX_TOKENS = 128  # of one window, [CLS] and [SEP] counted
OVERLAP = 64  # tokens that two neighbouring windows share
