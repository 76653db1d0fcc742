"""The test vectors of data/reference.json, by their id."""

import json
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@cache
def _all():
    entries = json.loads((DATA / "reference.json").read_text())["entries"]
    return {entry["id"]: entry for entry in entries}


def entry(name):
    """The entry with this id, such as "perceptron-011"."""
    return _all()[name]


def inputs_and_outputs(name):
    return _all()[name]["inputs"], _all()[name]["outputs"]


def ids(topic, quantity=""):
    """The ids of a topic, of those entries whose quantity begins with these words."""
    return [e["id"] for e in _all().values() if e["topic"] == topic and e["quantity"].startswith(quantity)]
