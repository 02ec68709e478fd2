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
GUARD = ["benign", "jailbreak", "harmful"]
PII = [
    "PERSON",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "US_SSN",
    "IBAN_CODE",
    "IP_ADDRESS",
    "STREET_ADDRESS",
    "LOCATION",
    "DATE_TIME",
    "AGE",
    "ORGANIZATION",
    "US_DRIVER_LICENSE",
    "US_PASSPORT",
    "DOMAIN_NAME",
    "ZIP_CODE",
    "TITLE",
    "NRP",
    "USERNAME",
    "PASSWORD",
    "US_BANK_NUMBER",
    "CRYPTO",
    "MAC_ADDRESS",
    "ID_NUMBER",
]
TAGS = ["O", *(f"{place}-{label}" for label in PII for place in "BI")]
