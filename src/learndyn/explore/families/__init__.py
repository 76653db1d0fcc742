"""The kinds of scenario that the explorer has controls for."""

from __future__ import annotations

from typing import Any

from learndyn.errors import InputError
from learndyn.explore.families.base import Family
from learndyn.explore.families.classification import Classification
from learndyn.explore.families.linear_modes import Modes
from learndyn.explore.families.student_teacher import StudentAndTeacher

FAMILIES: dict[str, Family] = {family.kind: family for family in (StudentAndTeacher(), Classification(), Modes())}


def family_of(scenario: Any) -> Family:
    """The family of a scenario.

    Raises
    ------
    InputError
        When the explorer has none.
    """
    kind = getattr(scenario, "kind", None)
    if kind not in FAMILIES:
        names = ", ".join(f'"{name}"' for name in FAMILIES)
        raise InputError(
            f'Key `kind` of [scenario] must be one of {names} for the explorer, but it is "{kind}". Draw this one by '
            "learndyn run FILE.toml --plot curve.png."
        )
    return FAMILIES[kind]


__all__ = ["FAMILIES", "Family", "family_of"]
