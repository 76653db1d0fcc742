"""What a verb asks of a scenario beyond the flow, refused in one sentence where the scenario does not have it."""

from __future__ import annotations

from typing import Any

from learndyn.errors import InputError

# What every scenario with a flow has.
EVERYWHERE = ("solve", "drift", "find_fixed_point", "fixed_points", "stability", "continue_fixed_point")


def require(scenario: Any, member: str, verb: str) -> None:
    """Refuse ``ld.verb`` of a scenario that has no ``member``; the sentence names what it has."""
    if hasattr(scenario, member):
        return
    verbs = [f"ld.{name}" for name in (*EVERYWHERE, *getattr(scenario, "verbs", ()))]
    raise InputError(
        f"Argument `scenario` must be one with order parameters and eps_g, for "
        f"ld.{verb}, but it is an ld.{type(scenario).__name__}, which has {', '.join(verbs[:-1])} and {verbs[-1]}. "
        "Use one of these, or a scenario such as ld.StudentTeacher."
    )
