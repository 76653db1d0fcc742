"""A level that a quantity reaches: which quantity, which level, and from which side."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from learndyn.arguments import choice, count, did_you_mean, number, shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY

# What learning does to a quantity; one that is not here has no direction of its own.
NATURAL = {"alignment": "rising", "accuracy": "rising", "eps_g": "falling", "loss": "falling", "objective": "falling"}
DIRECTIONS = ["rising", "falling"]
# Between which numbers a quantity is in any state: a level beyond is never reached, or always.
POSSIBLE = {"eps_g": (0.0, inf), "w_norm": (0.0, inf), "accuracy": (0.0, 1.0), "alignment": (-1.0, 1.0)}


@dataclass(frozen=True)
class Reached:
    """The end of a task in an `ld.TaskSequence`: a quantity, measured on the task that is trained, reaches a level.

    Parameters
    ----------
    quantity
        ``"alignment"``, ``"accuracy"`` or ``"w_norm"`` of an `ld.GaussianClassification`, ``"eps_g"`` of an
        `ld.StudentTeacher`.
    level
        The level.
    at_most
        The longest time that a task takes, above 0: it ends then, whether the level is reached or not, and the result
        says so.
    direction
        ``"rising"``: the task ends once the quantity is at least the level. ``"falling"``: at most. ``None``: rising
        for alignment and accuracy, falling for eps_g.
    looks
        Simulations look so many times in ``at_most`` whether the level is reached, at whole updates; at every update
        where there are fewer. Each costs about 0.1 ms a replica. Theory finds the time exactly.

    Raises
    ------
    InputError
        When a number is out of range, or a direction is missing.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Reached("alignment", 0.8, at_most=5).direction
    'rising'
    """

    quantity: str
    level: float
    at_most: float
    direction: str | Any = None
    looks: int = 1000

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", possible_level(number(self.level, "level"), self.quantity))
        object.__setattr__(self, "at_most", number(self.at_most, "at_most", above=0.0))
        object.__setattr__(self, "looks", count(self.looks, "looks"))
        if self.direction is None and self.quantity not in NATURAL:
            raise InputError(
                f"Argument `direction` must be given for {shown(self.quantity)}, which learning may raise or lower. "
                "Write direction='rising' or direction='falling'."
                f"{did_you_mean(self.quantity, sorted(NATURAL), '')}"
            )
        object.__setattr__(self, "direction", direction_of(self.quantity, self.direction))

    @property
    def rising(self) -> bool:
        """Whether the quantity comes from below."""
        return self.direction == "rising"


def direction_of(quantity: str, direction: Any) -> str | None:
    """The direction, the natural one where none is given; None where there is no natural one."""
    return NATURAL.get(quantity) if direction is None else choice(direction, "direction", DIRECTIONS)


def possible_level(level: float, quantity: str) -> float:
    """The level, refused where the quantity can never be."""
    low, high = POSSIBLE.get(quantity, (-inf, inf))
    if not low <= level <= high:
        allowed = f"at least {low:g}" if high == inf else f"from {low:g} to {high:g}"
        raise InputError(
            f"Argument `level` must be {allowed}, as {quantity} always is, but it is {level:g}. Give a level that "
            f"{quantity} can reach, such as {0.8 if high == 1.0 else 1e-3:g}."
        )
    return level


def value_of(scenario: Any, name: str, state: np.ndarray, at: float) -> float:
    """The quantity at a flat state: of a row, or, where it is one of many in a row, as "u_1" is, by its function."""
    row = scenario.rows(state[None], at)
    return float(row[name][0] if name in row else scenario.observable(name, NUMPY)(state, scenario.values(), at))
