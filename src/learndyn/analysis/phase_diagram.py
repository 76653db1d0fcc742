"""The verb `phase_diagram`: what becomes of learning at each point of a grid of two parameters.

learned: eps_g(alpha) <= threshold for some alpha <= until;    diverged: the weights grow without bound
"""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from learndyn.analysis.phase_refinement import Refinement, halved
from learndyn.analysis.phase_refinement import refine as refined
from learndyn.arguments import array, count, did_you_mean, number, shown
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times, tolerances
from learndyn.results import attributes
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.offers import require
from learndyn.scenarios.reached import value_of
from learndyn.verbs.theory import DIVERGENCE, LOST_POSITIVITY, MAX_STEPS

if TYPE_CHECKING:
    from learndyn.engines.reaching import Course

OUTCOMES = ("not_learned", "learned", "diverged", "failed", "interrupted")
# Words of a run that are others here.
MEANING = {"reached": "learned", "not_reached": "not_learned"}
# Points of the finest grid: some 50 bytes each.
LARGEST = 10_000_000


def phase_diagram(
    scenario: Any,
    start: Any,
    until: float,
    *,
    x: tuple[str, Any],
    y: tuple[str, Any],
    threshold: float = 1e-3,
    refine: int = 0,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = MAX_STEPS,
    threads: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Where learning succeeds: for each point of a grid, whether and when eps_g falls below a threshold.

    Parameters
    ----------
    scenario
        The scenario at one point of the grid, such as an `ld.StudentTeacher`.
    start
        An `ld.Start` for all points, or a function ``start(x_value, y_value)`` that returns one.
    until
        The time alpha at which to give up, later than the start.
    x, y
        The parameters: (name, values), values increasing. A name is an argument of the scenario that is a number, such
        as ``"learning_rate"``, ``"label_noise"`` or ``"weight_decay"``, or any other word if `start` is a function of
        it.
    threshold
        Learned is what reaches this eps_g or less, above 0.
    refine
        How often each interval between two values is halved, 0 or more; with points only where the outcomes beside
        them differ. It takes at least 2 values of each parameter, and at most 10^7 points on the finest grid.
    rtol, atol, max_steps
        As for `solve`, for each point.
    threads
        Threads over which the points are spread; ``None``: all cores. The result does not depend on it.
    progress
        As for `solve`; the bar counts points.

    Returns
    -------
    xarray.Dataset
        With the two parameters as dims, y first: ``outcome`` (0 not learned by the end, 1 learned, 2 diverged, 3
        failed: the drift was not finite or max_steps too few, 4 interrupted by Ctrl-C; also in its attributes),
        ``time`` (the first time at which eps_g is at most the threshold, NaN where it never is) and ``eps_g`` (where
        the run ended: the threshold where learned).

        With ``refine=r`` it is on the finest grid, of (nx - 1) 2^r + 1 by (ny - 1) 2^r + 1 points: the given values,
        and others evenly between them, in the logarithm of a parameter whose given values (three or more) are spaced
        more evenly in it. ``computed`` is true where a point was run; those have the same bits as on the full grid.
        All others lie in a cell with one outcome on its whole rim, which is theirs; their ``time`` and ``eps_g`` are
        interpolated between its corners, linearly along both sides (in the logarithm of the parameter where that was
        halved, and of the value where all four are positive). So there is a time wherever it was learned. ``options``
        in the attributes has ``points``, how many were run, beside ``full_grid``, how many there are.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    Valid for N to infinity, as `solve`. eps_g is looked at where the solver's steps end: a dip below the threshold
    within one step is not seen. The time is exact to the solver's tolerance.
    Cost: 10 000 points of erf K = M = 2 take about 10 s on two cores, ReLU some five times that; the first call for a
    structure compiles for 1 to 5 s.
    Refined, a cell is split in four while outcomes differ on its rim, or while a neighbour is more than one halving
    smaller. The boundary is followed from the cells of the given grid that it is seen in, and is found to within the
    finest spacing; the points grow as its length, c 2^r, instead of 4^r. What fits between the points of the given grid
    can be missed: an island, a strip, a tip that is narrower. Take the given grid finer than what is to be seen.
    What is interpolated is for pictures: times of erf K = M = 2 on a given grid of 13 x 11 are up to 10 % off.
    Ctrl-C keeps what is done: where the outcome is not known it is "interrupted", and the time NaN.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    >>> diagram = ld.phase_diagram(
    ...     scenario,
    ...     lambda rate, length: ld.Start(Q=length, R=0.0),
    ...     until=20,
    ...     x=("learning_rate", [0.01, 1.0, 2.5]),
    ...     y=("length", [0.1, 1.0]),
    ... )
    >>> diagram.outcome.values.tolist()
    [[0, 1, 2], [0, 1, 2]]
    >>> round(float(diagram.time.sel(learning_rate=1.0, length=1.0)), 3)
    6.908
    >>> fine = ld.phase_diagram(
    ...     scenario, ld.Start(Q=1.0, R=0.0), until=20, refine=5,
    ...     x=("learning_rate", [0.1, 0.9, 1.7, 2.5]), y=("label_noise", [0.0, 0.04, 0.08]),
    ... )
    >>> fine.outcome.shape, int(fine.computed.sum()) < fine.outcome.size / 4
    ((65, 97), True)
    """
    scenario = checked_scenario(scenario)
    axes = {"x": _axis(x, "x"), "y": _axis(y, "y")}
    names = [name for name, _ in axes.values()]
    _check_names(scenario, start, names)
    require(scenario, "error_function", "phase_diagram")
    threshold, until = number(threshold, "threshold", above=0.0), number(until, "until")
    rtol, atol = tolerances(rtol, atol)
    options = {"rtol": rtol, "atol": atol, "max_steps": count(max_steps, "max_steps")}
    options["threads"] = None if threads is None else count(threads, "threads")
    refine = count(refine, "refine", 0)
    _check_refinement(axes, refine)
    shape = (len(axes["y"][1]), len(axes["x"][1]))
    axes = {argument: (name, halved(values, refine)) for argument, (name, values) in axes.items()}
    time, eps_g = (np.full([len(axes[argument][1]) for argument in "yx"], np.nan) for _ in range(2))

    def run(places: np.ndarray) -> np.ndarray:
        """The outcomes at these places of the grid; times and errors are noted."""
        pairs = np.stack([axes["x"][1][places[:, 1]], axes["y"][1][places[:, 0]]], axis=1)
        courses = _courses(scenario, start, until, threshold, names, pairs)
        outcomes, *found = _run(courses, until, options, progress)
        time[tuple(places.T)], eps_g[tuple(places.T)] = found
        return outcomes

    found = refined(shape, refine, run, stopped=OUTCOMES.index("interrupted"))
    told = {"until": until, "threshold": threshold, "rtol": rtol, "atol": atol}
    return _dataset(scenario, start, axes, found, time, eps_g, told)


def _run(
    courses: list[Course], until: float, options: dict[str, Any], progress: bool | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run the courses; their outcomes, the times at which they learned, and their last eps_g."""
    from learndyn.engines.progress import time_bar
    from learndyn.engines.reaching import run_until_reached

    with time_bar(progress, 0, len(courses), "points") as advance:
        run_until_reached(
            courses, "eps_g", until, divergence=DIVERGENCE, lost_positivity=LOST_POSITIVITY, on_progress=advance,
            **options,
        )  # fmt: skip
    words = [MEANING.get(course.outcome, course.outcome) for course in courses]
    return (
        np.array([OUTCOMES.index(word) for word in words], dtype=np.int8),
        np.array([course.end if word == "learned" else np.nan for course, word in zip(courses, words, strict=True)]),
        np.array([value_of(course.scenario, "eps_g", course.state, course.end) for course in courses]),
    )


def _axis(value: Any, name: str) -> tuple[str, np.ndarray]:
    """The name of a parameter and its values."""
    if not isinstance(value, tuple | list) or len(value) != 2 or not isinstance(value[0], str):
        raise InputError(
            f"Argument `{name}` must be a name and values, but it is {shown(value)}. "
            f"Write {name}=('learning_rate', [0.1, 0.2, 0.5])."
        )
    values = array(value[1], name)
    if values.ndim != 1 or len(values) == 0 or (np.diff(values) <= 0.0).any():
        raise InputError(
            f"Argument `{name}` must have a list of increasing values for {shown(value[0])}, but it has "
            f"{shown(value[1])}. Sort them: sorted(set(values))."
        )
    return value[0], values


def _check_names(scenario: Any, start: Any, names: list[str]) -> None:
    """Each must be a parameter of the scenario or of the start."""
    if names[0] == names[1]:
        raise InputError(
            f"Arguments `x` and `y` must name two parameters, but both name {shown(names[0])}. Change one."
        )
    known = _parameters(scenario)
    for name in names:
        if name not in known and not callable(start):
            raise InputError(
                f"Parameter {shown(name)} must be an argument of the scenario, or `start` a function of it, but "
                f"`start` is no function, and the arguments are {', '.join(known)}.{did_you_mean(name, known, '')} "
                f"Write start=lambda {names[0]}, {names[1]}: ld.Start(...)."
            )


def _parameters(scenario: Any) -> list[str]:
    return [entry.name for entry in fields(scenario)]


def _check_refinement(axes: dict[str, tuple[str, np.ndarray]], refine: int) -> None:
    """Between two values at least, and no more points than fit into memory."""
    if refine == 0:
        return
    for argument, (name, values) in axes.items():
        if len(values) < 2:
            raise InputError(
                f"Argument `{argument}` must have at least 2 values of {shown(name)} for `refine`, but it has 1. "
                "Add one, or leave out `refine`."
            )
    sizes = [(len(values) - 1) * 2**refine + 1 for _, values in axes.values()]
    if sizes[0] * sizes[1] > LARGEST:
        raise InputError(
            f"Argument `refine` must leave at most {LARGEST:.0e} points on the finest grid, but {refine} makes "
            f"{sizes[0]} x {sizes[1]}. Halve less often, or make the diagram of a part."
        )


def _courses(
    scenario: Any, start: Any, until: float, threshold: float, names: list[str], points: np.ndarray
) -> list[Course]:
    """The runs at points (points, 2), values of the two parameters."""
    from learndyn.engines.reaching import Course

    known = _parameters(scenario)
    changed: dict[Any, Any] = {}
    courses = []
    for pair in points.tolist():
        changes = tuple((name, value) for name, value in zip(names, pair, strict=True) if name in known)
        if changes not in changed:
            changed[changes] = scenario.replace(**dict(changes))
        here = changed[changes]
        begin = here.as_start(start(*pair) if callable(start) else start)
        # Refuses what ends before it begins.
        save_times([until], begin.at, until)
        courses.append(Course(here, begin.at, here.initial_state(begin), threshold, rising=False))
    return courses


def _dataset(
    scenario: Any, start: Any, axes: Any, found: Refinement, time: np.ndarray, eps_g: np.ndarray, options: Any
) -> xr.Dataset:
    (x_name, x_values), (y_name, y_values) = axes["x"], axes["y"]
    dims, outcome = (y_name, x_name), found.filled_outcome()
    meanings = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    clock = {"long_name": "first time at which eps_g is at most the threshold", "units": scenario.time.units}
    error = {"long_name": "generalisation error at the end", "units": "1"}
    variables = {
        "outcome": xr.Variable(dims, outcome, {"long_name": "what became of learning", **meanings}),
        "time": xr.Variable(dims, found.filled(time), clock),
        "eps_g": xr.Variable(dims, found.filled(eps_g), error),
    }
    named = {"quantity": "phase_diagram", "x": x_name, "y": y_name, **options}
    if found.halvings:
        variables["computed"] = xr.Variable(dims, found.computed, {"long_name": "whether this point was run"})
        named |= {"refine": found.halvings, "points": int(found.computed.sum()), "full_grid": outcome.size}
    status, message = _verdict(found.outcome[found.asked], outcome)
    if status != "ok":
        warnings.warn(message, LearndynWarning, stacklevel=3)
    one = None if callable(start) else scenario.as_start(start)
    attrs = attributes(scenario, one, status=status, message=message, options=named)
    return xr.Dataset(variables, {x_name: x_values, y_name: y_values}, attrs)


def _verdict(run: np.ndarray, outcome: np.ndarray) -> tuple[str, str]:
    """Status and sentence of the whole diagram, from the outcomes of the points that were run and those of all."""
    interrupted, failed = (int((run == OUTCOMES.index(name)).sum()) for name in ("interrupted", "failed"))
    if interrupted:
        message = (
            f"The diagram was interrupted: {run.size - interrupted} of {run.size} are done. Run it again for the "
            "others."
        )
        if outcome.size > run.size:
            unknown = int((outcome == OUTCOMES.index("interrupted")).sum())
            message += f" The outcome is not known at {unknown} of the {outcome.size} points of the finest grid."
        return "interrupted", message
    if failed:
        return "failed", (
            f"The run failed at {failed} of {run.size} points, where the drift was not finite, the overlaps "
            "stopped being a covariance, or max_steps was too small. Run ld.solve at one of them to see which, and "
            "when."
        )
    return "ok", "All points were decided."
