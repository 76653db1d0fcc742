"""The page on scenario files names every key that a file may have, no other, and which of them must be there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from learndyn import scenario_keys
from learndyn.scenarios.student_teacher import motion
from learndyn.scenarios.student_teacher.adaptive_rate import Murata
from learndyn.schedules.base import KINDS as SCHEDULES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scenario-files.md").read_text(encoding="utf-8")
# Schedules and motions that a file cannot hold: a function, and what an ld.TaskSequence is made of.
NOT_IN_FILES = {"function", "lessons"}


def rows(label):
    """The cells of the table that stands below a label."""
    table = re.search(rf"<!-- keys: {re.escape(label)} -->\n\n((?:\|.*\n)+)", PAGE)
    assert table, f"the page has no table with the label {label!r}"
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.group(1).splitlines()[2:]]
    return [[cell.strip() for cell in line] for line in lines]


def tables():
    """The tables of the code: keys by label, True for those that must be there."""
    found = {"file": scenario_keys.TABLES[""], "range": scenario_keys.RANGE}
    found |= {name: keys for name, keys in scenario_keys.TABLES.items() if name}
    found |= {f"start {kind}": keys for kind, keys in scenario_keys.STARTS.items()}
    found |= {f"scenario {kind}": keys for kind, keys in scenario_keys.SCENARIOS.items()}
    found |= {f"start {kind}": keys for kind, keys in scenario_keys.STARTS_OF.items()}
    return {label: {name: key.required for name, key in keys.items()} for label, keys in found.items()}


@pytest.mark.parametrize("label", tables())
def test_the_page_has_the_keys_of_the_code(label):
    shown = {}
    for first, *_ in rows(label):
        shown |= dict.fromkeys(re.findall(r"`([^`]+)`", first), False)
        shown |= dict.fromkeys(re.findall(r"\*\*`([^`]+)`\*\*", first), True)
    assert shown == tables()[label]


def test_the_page_has_no_other_tables():
    assert set(re.findall(r"<!-- keys: (.+?) -->", PAGE)) == {*tables(), "schedules", "teacher_drift"}


@pytest.mark.parametrize("label", [label for label in tables() if label.split(" ")[-1] in scenario_keys.SCENARIOS])
def test_kinds_are_the_words_of_the_code(label):
    table, kind = label.split(" ")
    words = scenario_keys.STARTS_OF[kind]["kind"].kind.words if table == "start" else (kind,)
    assert next(value for key, value, _ in rows(label) if key == "`kind`") == f'`"{words[0]}"`'


@pytest.mark.parametrize(("label", "kinds"), [("schedules", SCHEDULES), ("teacher_drift", motion.KINDS)])
def test_schedules_and_motions_are_on_the_page(label, kinds):
    shown = {kind.strip("`"): re.findall(r"`([^`]+)`", keys) for kind, keys, _ in rows(label)}
    expected = {kind: [entry.name for entry in fields(of)] for kind, of in kinds.items() if kind not in NOT_IN_FILES}
    if label == "schedules":
        expected[Murata.kind] = ["initial", *(entry.name for entry in fields(Murata))]
    assert shown == expected
