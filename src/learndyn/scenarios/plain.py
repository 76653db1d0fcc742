"""Scenarios and starts as plain dicts of numbers, strings and lists (what TOML and JSON hold), and back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from learndyn.arguments import did_you_mean, or_list, shown
from learndyn.entry_points import load_extensions
from learndyn.errors import InputError
from learndyn.scenarios.classification.data import DataClassification
from learndyn.scenarios.classification.scenario import GaussianClassification
from learndyn.scenarios.deep_linear.scenario import DeepLinear
from learndyn.scenarios.deep_linear.start import LinearWeights
from learndyn.scenarios.finite_sample.scenario import FiniteSample
from learndyn.scenarios.finite_sample.start import RandomWeights
from learndyn.scenarios.gaussian_weights import GaussianWeights
from learndyn.scenarios.linear_modes.scenario import LinearModes
from learndyn.scenarios.linear_modes.start import ModeStart
from learndyn.scenarios.site_symmetric.scenario import SiteSymmetric
from learndyn.scenarios.site_symmetric.start import SymmetricStart
from learndyn.scenarios.student_teacher import motion
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate
from learndyn.scenarios.student_teacher.inputs import Inputs
from learndyn.scenarios.student_teacher.networks import Student, Teacher
from learndyn.scenarios.student_teacher.rules import Momentum, Rule
from learndyn.scenarios.student_teacher.scenario import OPTIONS, StudentTeacher
from learndyn.scenarios.student_teacher.start import Start
from learndyn.scenarios.task_sequence.sequence import TaskSequence
from learndyn.scenarios.update_rule.scenario import UpdateRule
from learndyn.schedules import Schedule

KINDS: dict[str, Any] = {
    cls.kind: cls
    for cls in (StudentTeacher, SiteSymmetric, GaussianClassification, FiniteSample, LinearModes, DeepLinear)
}
# Starts that say what they are; `Start` does not.
STARTS: dict[str, Any] = {
    SiteSymmetric.kind: SymmetricStart,
    GaussianWeights.kind: GaussianWeights,
    RandomWeights.kind: RandomWeights,
    ModeStart.kind: ModeStart,
    LinearWeights.kind: LinearWeights,
}
PARTS: dict[str, Any] = {"student": Student, "teacher": Teacher}
# Fields that hold a table of their own, by the word that its key `kind` has; those of one class need none.
FIELD_TABLES: dict[str, dict[str, Any]] = {
    "teacher_drift": motion.KINDS,
    "rule": {Momentum.kind: Momentum},
    "inputs": {"": Inputs},
}


def scenario_to_plain(scenario: Any) -> dict[str, Any]:
    """The scenario as a dict; `scenario_from_plain` is the inverse. Options that are off are not in it."""
    plain: dict[str, Any] = {"kind": scenario.kind}
    if hasattr(scenario, "to_plain"):
        return plain | scenario.to_plain()
    for entry in fields(scenario):
        value = getattr(scenario, entry.name)
        if entry.name in PARTS:
            plain[entry.name] = _part_to_plain(value)
        elif entry.name not in OPTIONS or value != entry.default:
            plain[entry.name] = _field_to_plain(entry.name, value)
    return plain


def _field_to_plain(name: str, value: Any) -> Any:
    if isinstance(value, Schedule | AdaptiveRate):
        return value.to_plain()
    if isinstance(value, Rule):
        return value.name
    for kind, cls in FIELD_TABLES.get(name, {}).items():
        if isinstance(value, cls):
            found = {entry.name: _plain_value(getattr(value, entry.name)) for entry in fields(value)}
            return {"kind": kind, **found} if kind else found
    return _plain_value(value)


def _part_to_plain(part: Any) -> dict[str, Any]:
    plain = {entry.name: _plain_value(getattr(part, entry.name)) for entry in fields(part)}
    if "T" in plain and np.array_equal(np.array(plain["T"]), np.eye(plain["units"])):
        del plain["T"]
    return {name: value for name, value in plain.items() if value is not None}


def _plain_value(value: Any) -> Any:
    return [_plain_value(x) for x in value] if isinstance(value, tuple) else value


def scenario_from_plain(plain: dict[str, Any]) -> Any:
    """The scenario of a dict; an InputError names what is missing, unknown or wrong."""
    plain = dict(plain)
    kind = plain.pop("kind", StudentTeacher.kind)
    if kind == TaskSequence.kind:  # in results, not in scenario files
        return build(TaskSequence, plain, "scenario")
    if kind == DataClassification.kind:  # results have it, scenario files do not
        return build(DataClassification, plain, "scenario")
    if kind == UpdateRule.kind:
        return UpdateRule.from_plain(plain)
    if isinstance(kind, str) and kind not in KINDS:
        load_extensions()
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(
            f"Key `kind` of the scenario must be {or_list(sorted(KINDS))}, but it is {shown(kind)}."
            f"{did_you_mean(kind, sorted(KINDS))}"
        )
    if hasattr(KINDS[kind], "to_plain"):
        return build(KINDS[kind], plain, "scenario")
    for name, part in PARTS.items():
        if name in plain:
            plain[name] = build(part, plain[name], f"scenario.{name}")
    for name in FIELD_TABLES:
        if isinstance(plain.get(name), dict):
            plain[name] = table_from_plain(name, plain[name])
    return build(KINDS[kind], plain, "scenario")


def table_from_plain(name: str, plain: dict[str, Any]) -> Any:
    """What a table of the scenario stands for."""
    kinds, where = FIELD_TABLES[name], f"scenario.{name}"
    if "" in kinds:
        return build(kinds[""], plain, where)
    rest = {key: value for key, value in plain.items() if key != "kind"}
    kind = plain.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise InputError(
            f"Key `{where}.kind` must be {or_list(sorted(kinds))}, but it is {shown(kind)}."
            f"{did_you_mean(kind, sorted(kinds))}"
        )
    return build(kinds[kind], rest, where)


def start_to_plain(start: Any) -> dict[str, Any]:
    """The start as a dict."""
    if hasattr(start, "to_plain"):
        return {"kind": start.kind, **start.to_plain()}
    plain: dict[str, Any] = {entry.name: _plain_value(getattr(start, entry.name)) for entry in fields(start)}
    for kind, cls in STARTS.items():
        if isinstance(start, cls):
            return {"kind": kind, **plain}
    plain["more"] = {name: _plain_value(value) for name, value in start.more}
    return {name: value for name, value in plain.items() if value is not None and value != {}}


def start_from_plain(plain: dict[str, Any]) -> Any:
    """The start of a dict."""
    rest = {key: value for key, value in plain.items() if key != "kind"}
    if isinstance(plain.get("kind"), str) and plain["kind"] not in STARTS:
        load_extensions()
    return build(STARTS[plain["kind"]], rest, "start") if plain.get("kind") in STARTS else build(Start, plain, "start")


def build(kind: Any, plain: Any, where: str) -> Any:
    """``kind(**plain)`` with unknown and missing keys named."""
    if not isinstance(plain, dict):
        raise InputError(f"`{where}` must be a table of keys and values, but it is {shown(plain)}. Write [{where}].")
    known = [entry.name for entry in fields(kind)]
    unknown = [key for key in plain if key not in known]
    if unknown:
        raise InputError(
            f"Key `{where}.{unknown[0]}` is unknown; allowed are {', '.join(known)}.{did_you_mean(unknown[0], known)}"
        )
    required = [e.name for e in fields(kind) if e.default is e.default_factory]
    missing = [name for name in required if name not in plain]
    if missing:
        raise InputError(f"Key `{where}.{missing[0]}` is missing: add it to [{where}].")
    return kind(**plain)
