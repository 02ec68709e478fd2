"""Names, places, streets and number forms of many countries out of Faker's lists, in the shape of pii_train.yaml's locales.

None is of the judge's countries, and none of the judge's values is kept.
"""

import re

from faker import Faker
from faker.providers.geo import Provider as Places

from .pii_disjoint import normal

# Lists that are no good: prefixes that are particles or placeholders, numbers that a country does not have.
LEFT_OUT = {"title": {"fr_FR", "es_ES", "es_AR", "es_CA", "es_MX", "hi_IN", "de_DE", "de_CH", "en_TH"}, "iban": {"en_PH", "tl_PH"}}
HERE = {"GB", "IE", "NL", "SE", "PT", "BR", "TR", "VN", "CA", "AU", "PL", "GR"}  # the judge's countries
# By list: the method of Faker, the provider it belongs to, how often it is asked.
ASKED = {
    "first": ("first_name", "person", 1200),
    "last": ("last_name", "person", 1200),
    "title": ("prefix", "person", 40),
    "place": ("city", "address", 250),
    "region": ("administrative_unit", "address", 60),
    "country": ("country", "address", 120),
    "street": ("street_address", "address", 300),
    "zip": ("postcode", "address", 30),
    "phone": ("phone_number", "phone_number", 80),
    "org": ("company", "company", 300),
    "US_SSN": ("ssn", "ssn", 30),
    "plate": ("license_plate", "automotive", 20),
    "iban": ("iban", "bank", 1),
    "weekday": ("day_of_week", "date_time", 60),
    "job": ("job", "job", 200),
}


def form(value):
    """The value as a pattern of digits and capital letters."""
    return re.sub(r"[A-Z]", "?", re.sub(r"\d", "#", value))


def phone(value):
    """The telephone number as a pattern that keeps its country's code."""
    code, rest = re.match(r"(\+\d{1,3}|00\d{2})?(.*)", value.replace("x", " ext. ")).groups()
    return (code or "") + re.sub(r"\d", "#", rest).replace("(#)", "(0)").replace("  ", " ")


SHAPES = {
    "zip": form,
    "US_SSN": form,
    "plate": form,
    "phone": phone,
    "street": lambda v: re.sub(r"\d+", "{n}", v.replace("\n", ", ")),
    "iban": lambda v: f"{v[:2]}:{form(v[4:])}",
}


def months(provider):
    """The twelve months' names as the locale writes them, in order."""
    out = []
    for number in range(1, 13):
        provider.month = lambda number=number: f"{number:02}"
        out.append(provider.month_name())
    return out


def locale(code, judge, months_else):
    """One locale. A list that Faker has in English alone is left out, so that another locale's is taken."""
    names = sorted({f"faker.providers.{provider}" for provider in [*(p for _, p, _ in ASKED.values()), "misc"]})
    fake = Faker(code, providers=names, use_weighting=code == "es_CL")  # even chances, which break the given names of Chile
    fake.seed_instance(7)
    own = {p.__provider__.split(".")[-1]: p for p in fake.factories[0].providers if p.__lang__ == code}
    if code == "it_IT":
        own["address"].cities = sorted(own["address"].cities)  # they stand in no order
    out = {"name": code, "month": months(own["date_time"]) if "date_time" in own else months_else}
    for name, (method, provider, count) in ASKED.items():
        if provider not in own or not hasattr(fake, method) or code in LEFT_OUT.get(name, ()):
            continue
        shape = SHAPES.get(name, str)
        values = dict.fromkeys(shape(str(getattr(fake, method)()).strip()) for _ in range(count))
        known = judge.get("place" if name in ("region", "country") else name, ())
        out[name] = [v for v in values if v and normal(v) not in known]
    out["place"] = out.get("place", []) + out.pop("region", [])[:40] + out.pop("country", [])[:40]
    out["org"] = [v for v in out.get("org", []) if not any(normal(w) in judge["last"] | judge["org_head"] for w in v.split())]
    out["ID_NUMBER"] = [plate.replace("•", "-") for plate in out.pop("plate", [])]
    out["iban"] = [form for form in out.get("iban", []) if form[:2] not in HERE]
    return {name: values for name, values in out.items() if values}


def locales(judge, forms):
    """The locales in Latin letters, those in others, and cities of all the world. The codes and English months stand in forms."""
    world = [place[2] for place in Places.land_coords if place[3] not in HERE and normal(place[2]) not in judge["place"]]
    latin, other = ([locale(code, judge, forms["months"]) for code in forms[name]] for name in ("latin", "other"))
    return latin, other, world
