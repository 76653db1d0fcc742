"""Rules of learning beside gradient descent: the averages of their modulation F (`geometry.base.Moments`)."""

from __future__ import annotations

from typing import Any

from learndyn.scenarios.student_teacher.structure import Structure


def rule_moments(structure: Structure, parts: Any, units: Any, values: dict[str, Any], xp: Any) -> Any:
    """The averages of the scenario's rule at one state."""
    if structure.rule == "hebb":
        from learndyn.scenarios.student_teacher.modulation.hebb import HebbMoments

        return HebbMoments(structure, units, parts, values, xp)
    if structure.rule in ("perceptron", "adatron"):
        from learndyn.scenarios.student_teacher.modulation.perceptron import SignMoments

        return SignMoments(structure, units, values, xp)
    from learndyn.scenarios.student_teacher.modulation.general import RuleMoments

    return RuleMoments(structure, units, parts, values, xp)
