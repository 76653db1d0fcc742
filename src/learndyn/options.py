"""Options that several verbs share: when a run is recorded, and how exactly it is solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from learndyn.arguments import array, count, number, shown
from learndyn.errors import InputError

DEFAULT_POINTS = 201


@dataclass(frozen=True)
class LogSpaced:
    """Times spaced evenly in their logarithm; see `logspaced`."""

    points: int
    first: float | None = None

    def plain(self) -> dict[str, Any]:
        """As a scenario file and the options of a result write it."""
        return {"logspaced": self.points} | ({} if self.first is None else {"first": self.first})


def logspaced(points: int, first: float | None = None) -> LogSpaced:
    """Ask for times spaced evenly in the logarithm of the time since the start, and the start itself.

    Parameters
    ----------
    points
        How many times, at least 2, the start not counted.
    first
        The first time after the start; a 10^4-th of the whole when not given.

    Returns
    -------
    LogSpaced
        What `save_at` of every verb takes.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), until=100, save_at=ld.logspaced(3, first=1.0))
    >>> curve.alpha.values.tolist()
    [0.0, 1.0, 10.0, 100.0]
    """
    return LogSpaced(count(points, "points", 2), None if first is None else number(first, "first", above=0.0))


def tolerances(rtol: Any, atol: Any) -> tuple[float, float]:
    """Relative and absolute tolerance of a solver's step."""
    rtol, atol = number(rtol, "rtol", above=0.0), number(atol, "atol", above=0.0)
    if rtol < 1e-13:
        raise InputError(f"Argument `rtol` must be at least 1e-13 (rounding), but it is {rtol:g}. Use 1e-12.")
    return rtol, atol


def end_time(until: Any) -> float:
    """The time at which a run ends."""
    if until is None:
        raise InputError(
            "Argument `until` must be given, the time at which the run ends, but it is missing. Write until=100."
        )
    return number(until, "until")


def save_times(save_at: Any, at: float, until: Any) -> np.ndarray:
    """The times at which a run from `at` to `until` is recorded, increasing."""
    until = end_time(until)
    if until <= at:
        raise InputError(
            f"Argument `until` must be later than the start, which is at {at:g}, but it is {until:g}. "
            "Give a larger `until`, or a start with an earlier `at`."
        )
    if save_at is None:
        return np.linspace(at, until, DEFAULT_POINTS)
    if isinstance(save_at, LogSpaced):
        first = (until - at) * 1e-4 if save_at.first is None else save_at.first
        if first >= until - at:
            raise InputError(
                f"Argument `first` of logspaced must be below the run's length, {until - at:g}, but it is {first:g}. "
                "Choose a smaller `first`."
            )
        times = np.concatenate([[at], at + np.geomspace(first, until - at, save_at.points)])
        times[-1] = until
        return times
    if isinstance(save_at, int | np.integer) and not isinstance(save_at, bool):
        return np.linspace(at, until, count(save_at, "save_at", 2))
    times = array(save_at, "save_at", hint="Give times, a number of points, or ld.logspaced(n).")
    if times.ndim != 1 or len(times) == 0:
        raise InputError(
            "Argument `save_at` must be a list of times, a number of points or ld.logspaced(n), but it is "
            f"{shown(save_at)}. Write save_at=[1, 10, 100]."
        )
    if (np.diff(times) <= 0).any():
        raise InputError("Argument `save_at` must increase, but it does not. Sort it: sorted(set(save_at)).")
    if times[0] < at or times[-1] > until + 1e-12 * abs(until):
        raise InputError(
            f"Argument `save_at` must lie between the start, {at:g}, and `until`, {until:g}, but it runs from "
            f"{times[0]:g} to {times[-1]:g}. Leave out the times beyond."
        )
    return times
