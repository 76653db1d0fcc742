"""Scenarios and starts as plain dicts of numbers, strings and lists (what TOML and JSON hold), and back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from learndyn.arguments import did_you_mean, or_list
from learndyn.errors import InputError
from learndyn.scenarios.student_teacher.scenario import Student, StudentTeacher, Teacher
from learndyn.scenarios.student_teacher.start import Start

KINDS: dict[str, Any] = {StudentTeacher.kind: StudentTeacher}
PARTS: dict[str, Any] = {"student": Student, "teacher": Teacher}


def scenario_to_plain(scenario: Any) -> dict[str, Any]:
    """The scenario as a dict; `scenario_from_plain` is the inverse."""
    plain: dict[str, Any] = {"kind": scenario.kind}
    for entry in fields(scenario):
        value = getattr(scenario, entry.name)
        plain[entry.name] = _part_to_plain(value) if entry.name in PARTS else _plain_value(value)
    return plain


def _part_to_plain(part: Any) -> dict[str, Any]:
    plain = {entry.name: _plain_value(getattr(part, entry.name)) for entry in fields(part)}
    if "T" in plain and np.array_equal(np.array(plain["T"]), np.eye(plain["units"])):
        del plain["T"]
    return plain


def _plain_value(value: Any) -> Any:
    return [_plain_value(x) for x in value] if isinstance(value, tuple) else value


def scenario_from_plain(plain: dict[str, Any]) -> Any:
    """The scenario of a dict; an InputError names what is missing, unknown or wrong."""
    plain = dict(plain)
    kind = plain.pop("kind", StudentTeacher.kind)
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(
            f"Key `kind` of the scenario must be {or_list(sorted(KINDS))}, but it is {kind!r}."
            f"{did_you_mean(kind, sorted(KINDS))}"
        )
    for name, part in PARTS.items():
        if name in plain:
            plain[name] = build(part, plain[name], f"scenario.{name}")
    return build(KINDS[kind], plain, "scenario")


def start_to_plain(start: Start) -> dict[str, Any]:
    """The start as a dict."""
    return {entry.name: _plain_value(getattr(start, entry.name)) for entry in fields(start)}


def start_from_plain(plain: dict[str, Any]) -> Start:
    """The start of a dict."""
    return build(Start, plain, "start")


def build(kind: Any, plain: Any, where: str) -> Any:
    """``kind(**plain)`` with unknown and missing keys named."""
    if not isinstance(plain, dict):
        raise InputError(f"`{where}` must be a table of keys and values, but it is {plain!r}.")
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
