"""The verb `time_to_reach`: when a quantity reaches a level, for one scenario or for many in one compiled call.

t* = inf { t : O(state(t)) >= level }   rising,        inf { t : O(state(t)) <= level }   falling
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import array, count, number, shown, type_shown
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import tolerances
from learndyn.results import attributes
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.reached import direction_of, possible_level, value_of
from learndyn.verbs.theory import DIVERGENCE, LOST_POSITIVITY, MAX_STEPS

OUTCOMES = ("not_reached", "reached", "diverged", "failed", "interrupted")


def time_to_reach(
    scenario: Any,
    start: Any,
    level: Any,
    quantity: str | None = None,
    *,
    until: float,
    direction: str | None = None,
    coords: Mapping[str, Any] | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = MAX_STEPS,
    threads: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """The first time at which a quantity reaches a level, from theory: an exact root, not a row of a curve.

    Parameters
    ----------
    scenario
        A scenario, or a list of them. All that differ in numbers alone (not in sizes, rule, activation or which options
        are on) share one compiled program and run side by side on all cores.
    start
        A start for all, or a list with one for each scenario.
    level
        The level for all, or one for each.
    quantity
        ``"alignment"`` (default), ``"accuracy"`` or ``"w_norm"`` of an `ld.GaussianClassification`; ``"eps_g"`` of an
        `ld.StudentTeacher` or `ld.SiteSymmetric`; ``"loss"`` (default), ``"objective"``, ``"u_1"``, ``"u_2"``, ... of
        an `ld.LinearModes` or `ld.DeepLinear`.
    until
        The time at which to give up, later than the starts.
    direction
        ``"rising"``: reached is what is at least the level. ``"falling"``: what is at most the level. ``None``: rising
        for alignment and accuracy, falling for eps_g and losses; others go from where they start towards their level.
    coords
        Names and values of the dims of the result, slowest first: as many points as there are scenarios. A dim
        ``member`` when not given; none for a single scenario.
    rtol, atol, max_steps
        As for `solve`, for each scenario.
    threads
        Threads over which the scenarios are spread; ``None``: all cores. The result does not depend on it.
    progress
        Show a progress bar, which counts scenarios.

    Returns
    -------
    xarray.Dataset
        ``time``: the time at which the level is reached, on the clock of the start; infinity where it is not.
        ``outcome`` says why: 0 not reached by `until`, 1 reached, 2 diverged before, 3 failed (the drift was not
        finite or max_steps too few), 4 interrupted by Ctrl-C; its attributes name them. ``end`` and ``value``: where
        the run ended, and the quantity there.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    Valid as `solve` is. The quantity is looked at where the solver's steps end: an excursion beyond the level and back
    within one step is not seen. Error: that of the solver in the quantity over its slope at the level. Who starts
    beyond the level has reached it, at the time of the start. Cost: as `solve`, on all cores; compiling takes 1 to 3 s
    once for each structure.
    Reference: Schmid & Murray (2024) arXiv:2409.03749, Fig. 3 (time to 80 % alignment).

    Examples
    --------
    >>> import learndyn as ld
    >>> sigmas = [0.25, 1.0]
    >>> tasks = [ld.GaussianClassification([1.0, 0.0], sigma**2, ld.Supervised()) for sigma in sigmas]
    >>> found = ld.time_to_reach(tasks, [0.0, 1.0], 0.8, until=100, coords={"sigma": sigmas})
    >>> found.time.round(4).values.tolist()
    [3.9197, 2.5447]
    """
    from learndyn.engines.progress import time_bar
    from learndyn.engines.reaching import run_until_reached

    scenarios, starts, levels, single = _members(scenario, start, level)
    name = _quantity(scenarios, quantity)
    until = number(until, "until")
    courses = _courses(scenarios, starts, levels, name, direction, until)
    axes = _axes(coords, len(courses), single)
    rtol, atol = tolerances(rtol, atol)
    threads = None if threads is None else count(threads, "threads")
    with time_bar(progress, 0, len(courses), "scenarios") as advance:
        run_until_reached(
            courses, name, until, rtol=rtol, atol=atol, max_steps=count(max_steps, "max_steps"), threads=threads,
            divergence=DIVERGENCE, lost_positivity=LOST_POSITIVITY, on_progress=advance,
        )  # fmt: skip
    options = {"quantity": "time_to_reach", "of": name, "level": levels if len(set(levels)) > 1 else levels[0]}
    options |= {"until": until, "direction": direction, "rtol": rtol, "atol": atol}
    return _dataset(courses, starts, name, axes, options)


def _members(scenario: Any, start: Any, level: Any) -> tuple[list[Any], list[Any], list[float], bool]:
    """Scenarios, starts and levels, as many of each."""
    given = {
        "scenario": list(scenario) if isinstance(scenario, list | tuple) else None,
        "start": list(start) if _several_starts(start) else None,
        "level": array(level, "level").tolist() if np.ndim(level) else None,
    }
    sizes = {name: len(values) for name, values in given.items() if values is not None}
    size = max(sizes.values(), default=1)
    for name, found in sizes.items():
        if found != size or size == 0:
            raise InputError(
                f"Argument `{name}` must be one for all or a list of {max(size, 1)}, as many as there are of the "
                f"others, but it has {found}. Leave out or repeat some."
            )
    scenarios = [checked_scenario(each) for each in given["scenario"] or [scenario] * size]
    starts = given["start"] or [start] * size
    starts = [each.as_start(begin) for each, begin in zip(scenarios, starts, strict=True)]
    levels = given["level"] or [number(level, "level")] * size
    return scenarios, starts, levels, not sizes


def _several_starts(start: Any) -> bool:
    """A list of starts; a list of numbers is one vector of weights."""
    if isinstance(start, np.ndarray):
        return start.ndim == 2
    return isinstance(start, list | tuple) and not all(np.isscalar(each) for each in start)


def _quantity(scenarios: list[Any], quantity: str | None) -> str:
    """The quantity, the main one of the scenarios where none is named."""
    kinds = {each.kind for each in scenarios}
    if len(kinds) > 1 or not all(hasattr(each, "observable") for each in scenarios):
        raise InputError(
            f"Argument `scenario` must hold scenarios of one kind whose quantities are functions of their state, but "
            f"it holds {', '.join(sorted(kinds))}. Use ld.GaussianClassification or ld.StudentTeacher."
        )
    known = scenarios[0].quantities()
    name = quantity or next((name for name in ("eps_g", "alignment", "loss") if name in known), "alignment")
    # Refused by the scenario itself, before anything runs.
    scenarios[0].observable(name, np)
    return name


def _courses(
    scenarios: list[Any], starts: list[Any], levels: list[float], name: str, direction: Any, until: float
) -> list[Any]:
    from learndyn.engines.reaching import Course

    towards = direction_of(name, direction)
    courses = []
    for scenario, start, level in zip(scenarios, starts, levels, strict=True):
        if until <= start.at:
            raise InputError(
                f"Argument `until` must be later than the start, which is at {start.at:g}, but it is {until:g}. "
                "Give a larger `until`."
            )
        possible_level(level, name)
        state = scenario.initial_state(start)
        rising = towards == "rising"
        if towards is None:
            rising = value_of(scenario, name, state, start.at) < level
        courses.append(Course(scenario, start.at, state, level, rising))
    return courses


def _axes(coords: Mapping[str, Any] | None, members: int, single: bool) -> dict[str, Any]:
    """The dims of the result, with their labels."""
    if coords is None:
        return {} if single else {"member": np.arange(members)}
    if not isinstance(coords, Mapping):
        raise InputError(
            f"Argument `coords` must be a dict of names and values, but it is {type_shown(coords)}. "
            "Write coords={'sigma': sigmas}."
        )
    taken = [name for name in coords if name in ("time", "outcome", "end", "value")]
    if taken:
        raise InputError(
            f"Argument `coords` must have names of its own, but {shown(taken[0])} is a variable. Rename it."
        )
    points = int(np.prod([len(values) for values in coords.values()]))
    if points != members:
        raise InputError(
            f"Argument `coords` must have as many points as there are scenarios, {members}, but it has {points}: "
            f"{' x '.join(str(len(values)) for values in coords.values())}. Give a value for each scenario."
        )
    return {str(name): np.asarray(values) for name, values in coords.items()}


def _dataset(
    courses: list[Any], starts: list[Any], name: str, axes: dict[str, Any], options: dict[str, Any]
) -> xr.Dataset:
    scenario = courses[0].scenario
    shape, dims = tuple(len(values) for values in axes.values()), tuple(axes)
    codes = np.array([OUTCOMES.index(course.outcome) for course in courses], dtype=np.int8)
    ends = np.array([course.end for course in courses])
    values = [value_of(course.scenario, name, course.state, course.end) for course in courses]
    meanings = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    clock = scenario.time.units
    told = {
        "time": (np.where(codes == 1, ends, np.inf), f"time at which {name} reaches its level", clock),
        "outcome": (codes, "what became of it", "1"),
        "end": (ends, "time at which the run ended", clock),
        "value": (np.array(values), f"{name} where the run ended", "1"),
    }
    variables = {
        key: xr.Variable(dims, found.reshape(shape), {"long_name": text, "units": units})
        for key, (found, text, units) in told.items()
    }
    variables["outcome"].attrs |= meanings
    status, message = _verdict(courses, scenario.time_name)
    if status in ("failed", "interrupted"):
        warnings.warn(message, LearndynWarning, stacklevel=3)
    one = starts[0] if all(each == starts[0] for each in starts) else None
    return xr.Dataset(variables, axes, attributes(scenario, one, status=status, message=message, options=options))


def _verdict(courses: list[Any], clock: str) -> tuple[str, str]:
    """Status and sentence of the whole: the gravest of what became of the members."""
    for status in ("interrupted", "failed", "diverged", "not_reached"):
        members = [index for index, course in enumerate(courses) if course.outcome == status]
        if members:
            first = courses[members[0]]
            words = {
                "interrupted": "were interrupted", "failed": "failed",
                "diverged": "diverged first", "not_reached": "did not reach the level",
            }[status]  # fmt: skip
            return status, (
                f"{len(members)} of {len(courses)} scenarios {words}; the first is member {members[0]}, which ended at "
                f"{clock} = {first.end:.6g}. Their `time` is infinite. Run ld.solve "
                "for one of them to see its course."
            )
    return "ok", "The level was reached by all."
