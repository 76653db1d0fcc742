"""Names of swept parameters, and what each of them changes.

    learning_rate, label_noise, activation, ...     a field of the scenario
    student.units, teacher.activation, ...          a field of one of its parts; also of a schedule or a rule
    units, activation                               of student and teacher together; K, M: their numbers of units
    start.X, start.at, start.Q[1,2]                 an argument of a recipe, a field of the start, an entry
    rtol, N, replicas, seed, ...                    an option of the engine

The first of these that there is, is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from learndyn.arguments import did_you_mean
from learndyn.errors import InputError
from learndyn.scenarios.start_recipe import StartRecipe

ENTRY = re.compile(r"^(?P<path>[A-Za-z_][\w.]*?)(?:\[(?P<entry>\d+(?:\s*,\s*\d+)*)\])?$")
# Matrices of which an entry stands for its mirror image as well.
SYMMETRIC = ("Q", "T", "cov", "C")
PARTS = ("student", "teacher")
SHORT = {"K": ("student", "units"), "M": ("teacher", "units")}


@dataclass(frozen=True)
class Target:
    """What a parameter changes: fields, one below the other, of the scenario or the start; or an option."""

    name: str
    owner: str  # "scenario", "start" or "option"
    paths: tuple[tuple[str, ...], ...]
    entry: tuple[int, ...] = ()  # counted from 1

    def changed(self, owner: Any, value: Any) -> Any:
        """The scenario or the start with this value."""
        for path in self.paths:
            owner = self._set(owner, path, value)
        return owner

    def _set(self, owner: Any, path: tuple[str, ...], value: Any) -> Any:
        field, rest = path[0], path[1:]
        if rest:
            value = self._set(getattr(owner, field), rest, value)
        elif self.entry:
            value = self._with_entry(_field(owner, field), field, value)
        return owner.replace(**{field: value}) if hasattr(owner, "replace") else replace(owner, **{field: value})

    def _with_entry(self, array: Any, field: str, value: Any) -> Any:
        numbers = np.array(array.values if hasattr(array, "values") else array, dtype=float)
        place = tuple(each - 1 for each in self.entry)
        inside = len(place) == numbers.ndim and all(0 <= i < n for i, n in zip(place, numbers.shape, strict=False))
        if not inside:
            raise InputError(
                f"Parameter `{self.name}` must name an entry of {field}, counted from 1, but that has the shape "
                f"{numbers.shape}. Choose one within."
            )
        numbers[place] = value
        if field in SYMMETRIC and len(place) == 2:
            numbers[place[::-1]] = value
        return numbers


def _field(owner: Any, name: str) -> Any:
    return owner.arguments.get(name) if isinstance(owner, StartRecipe) else getattr(owner, name)


def target_of(name: str, scenario: Any, start: Any, options: list[str]) -> Target:
    """What the parameter of this name changes; refused when there is no such thing."""
    match = ENTRY.match(name)
    if match is None:
        raise InputError(
            f"Parameter `{name}` must be a name such as 'learning_rate', 'student.units', 'start.X' or 'start.R[1,2]'. "
            "Change it."
        )
    path = tuple(match["path"].split("."))
    entry = tuple(int(each) for each in (match["entry"] or "").split(",") if each)
    own = _names_of(scenario)
    head, *rest = path
    if head == "start" and rest:
        _check_path(name, start, tuple(rest))
        return Target(name, "start", (tuple(rest),), entry)
    if head in own:
        _check_path(name, scenario, path)
        return Target(name, "scenario", (path,), entry)
    parts = [part for part in PARTS if part in own]
    if parts and path in (("units",), ("activation",)):
        return Target(name, "scenario", tuple((part, *path) for part in parts), entry)
    if parts and name in SHORT:
        return Target(name, "scenario", (SHORT[name],))
    if name in options:
        return Target(name, "option", ())
    known = [*own, *(["units", "activation", "K", "M"] if parts else []), *_starts(start), *options]
    raise InputError(
        f"Parameter `{name}` of `over` must be a field of the scenario, of the start or an option of the engine: "
        f"{', '.join(known)}.{did_you_mean(name, known)}"
    )


def _starts(start: Any) -> list[str]:
    known = start.allowed if isinstance(start, StartRecipe) else _names_of(start)
    return [f"start.{name}" for name in known if name != "more"]


def _names_of(owner: Any) -> list[str]:
    return [entry.name for entry in fields(owner) if entry.init] if is_dataclass(owner) else []


def _check_path(name: str, owner: Any, path: tuple[str, ...]) -> None:
    """Refuse a path that leads nowhere."""
    for depth, field in enumerate(path):
        if isinstance(owner, StartRecipe):
            owner.check(field)
            return
        known = _names_of(owner)
        if field not in known:
            where = ".".join(name.split(".")[: len(name.split(".")) - len(path) + depth]) or "the scenario"
            raise InputError(
                f"Parameter `{name}` of `over` must lead to a field, but {where} has "
                f"{', '.join(known) if known else 'no fields'}.{did_you_mean(field, known)}"
            )
        if depth + 1 < len(path):
            owner = getattr(owner, field)
