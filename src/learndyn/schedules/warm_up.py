"""A straight rise, then another schedule: eta(alpha) = min(alpha / time, 1) then(max(alpha, time))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import number
from learndyn.schedules.base import Schedule, knots_of, rate
from learndyn.schedules.kinds import set_fields
from learndyn.schedules.reading import as_schedule, schedule_of


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight rise from 0 at alpha = 0, then another schedule: min(alpha / time, 1) then(max(alpha, time)).

    The other schedule keeps its own clock: it runs from alpha = 0 too, and is followed from `time` on.

    Parameters
    ----------
    time
        How long the rate rises, above 0.
    then
        What follows: a rate, or a schedule.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Examples
    --------
    >>> from learndyn.schedules import PiecewiseConstant, WarmUp
    >>> WarmUp(10, then=0.5)([0, 5, 10, 100]).tolist()
    [0.0, 0.25, 0.5, 0.5]
    >>> WarmUp(10, then=PiecewiseConstant([0.5, 0.1], times=[100])).knots()
    (0.0, 10.0, 100.0)
    """

    kind: ClassVar[str] = "warm_up"
    time: float
    then: float | Schedule | Any

    def __post_init__(self) -> None:
        set_fields(self, time=number(self.time, "time", above=0.0), then=schedule_of(self.then, "then"))

    def key(self) -> tuple[Any, ...]:
        """The kind, and the key of what follows."""
        return (self.kind, as_schedule(self.then).key())

    def numbers(self) -> np.ndarray:
        """time, then the numbers of what follows."""
        return np.concatenate([[self.time], np.ravel(as_schedule(self.then).numbers())])

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """min(alpha / time, 1) then(max(alpha, time)), and 0 before alpha = 0."""
        time = numbers[0]
        return xp.clip(alpha / time, 0.0, 1.0) * rate(shape[0], xp.maximum(alpha, time), numbers[1:], xp)

    @staticmethod
    def corners(shape: tuple[Any, ...], numbers: np.ndarray) -> np.ndarray:
        """Both ends of the rise, and the knots after it."""
        later = knots_of(shape[0], numbers[1:])
        return np.concatenate([[0.0], numbers[:1], later[later > numbers[0]]])
