"""Which arrangement a scenario has."""

from __future__ import annotations

from functools import cache
from typing import Any

from learndyn.scenarios.student_teacher.geometry.full import Full
from learndyn.scenarios.student_teacher.geometry.inertia import Inertia
from learndyn.scenarios.student_teacher.geometry.moving import Moving
from learndyn.scenarios.student_teacher.geometry.natural import Natural
from learndyn.scenarios.student_teacher.geometry.shifted import Shifted
from learndyn.scenarios.student_teacher.geometry.spectrum import Spectrum
from learndyn.scenarios.student_teacher.geometry.tree import Tree
from learndyn.scenarios.student_teacher.structure import Structure


@cache
def arrangement_of(structure: Structure) -> Any:
    """The arrangement of the weight vectors; a scenario has at most one that is not the usual one."""
    if structure.rule == "momentum":
        return Inertia(structure)
    if structure.rule == "natural_gradient":
        return Natural(structure)
    if structure.tree:
        return Tree(structure)
    if structure.spectrum:
        return Spectrum(structure)
    if structure.shifted:
        return Shifted(structure)
    if structure.motion not in (None, "random_walk"):
        return Moving(structure)
    return Full(structure)
