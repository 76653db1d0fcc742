"""What the sums over nodes are made of, whatever the rule: the values of all units but the last, and its moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Nodes(NamedTuple):
    """Some nodes of all units but the last in the order of integration."""

    weight: Any  # (P,)
    g: list[Any]  # n - 1 arrays (P,)
    dg: list[Any]  # of student units (P,), else None
    moments: list[list[Any]]  # [a][b] (P,): <g'^a g^b> of the last unit given the others; a = 0 alone for a teacher


Contribution = Callable[[Nodes], Any]


def powers(slope: Any, a: int, value: Any, b: int) -> Any:
    """slope^a value^b; 1 where both are 0."""
    factors = [slope] * a + [value] * b
    found: Any = 1.0
    for number, factor in enumerate(factors):
        found = found * factor if number else factor
    return found
