"""The verb `phase_diagram`: what becomes of learning at each point of a grid of two parameters.

learned: eps_g(alpha) <= threshold for some alpha <= until;    diverged: the weights grow without bound
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import array, count, did_you_mean, number
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times, tolerances
from learndyn.results import attributes
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.offers import require
from learndyn.verbs.theory import DIVERGENCE, LOST_POSITIVITY, MAX_STEPS

OUTCOMES = ("not_learned", "learned", "diverged", "failed", "interrupted")
# What the engine's words mean here.
MEANING = {"ok": 0, "event": 1, "diverged": 2, "not_finite": 3, "max_steps": 3, "interrupted": 4}
# Where averages are quadratures, how far a run goes is seen at so many times.
LOOKS = 8


def phase_diagram(
    scenario: Any,
    start: Any,
    until: float,
    *,
    x: tuple[str, Any],
    y: tuple[str, Any],
    threshold: float = 1e-3,
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
    rtol, atol, max_steps, progress
        As for `solve`, for each point; the bar counts points.
    threads
        Threads over which the points are spread; ``None``: all cores. The result does not depend on it.

    Returns
    -------
    xarray.Dataset
        With the two parameters as dims, y first: ``outcome`` (0 not learned by the end, 1 learned, 2 diverged, 3
        failed: the drift was not finite or max_steps too few, 4 interrupted by Ctrl-C; also in its attributes),
        ``time`` (the first time at which eps_g is at most the threshold, NaN where it never is) and ``eps_g`` (where
        the run ended: the threshold where learned).

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
    """
    from learndyn.engines.progress import time_bar

    scenario = checked_scenario(scenario)
    axes = {"x": _axis(x, "x"), "y": _axis(y, "y")}
    if axes["x"][0] == axes["y"][0]:
        raise InputError(f"Arguments `x` and `y` must name two parameters, but both name {axes['x'][0]!r}. Change one.")
    threshold, until = number(threshold, "threshold", above=0.0), number(until, "until")
    rtol, atol = tolerances(rtol, atol)
    threads = None if threads is None else count(threads, "threads")
    options = _Options(until, threshold, rtol, atol, count(max_steps, "max_steps"), threads)
    points = _points(scenario, start, *axes["x"], *axes["y"])
    with time_bar(progress, 0, len(points), "points") as advance:
        _run(points, options, advance)
    return _dataset(scenario, start, axes, points, options)


@dataclass(frozen=True)
class _Options:
    until: float
    threshold: float
    rtol: float
    atol: float
    max_steps: int
    threads: int | None


@dataclass
class _Point:
    """One point of the grid, and what came of it."""

    scenario: Any
    at: float
    state: np.ndarray
    reach: float | None
    outcome: int = -1
    eps_g: float = np.nan
    time: float = np.nan


def _axis(value: Any, name: str) -> tuple[str, np.ndarray]:
    """The name of a parameter and its values."""
    if not isinstance(value, tuple | list) or len(value) != 2 or not isinstance(value[0], str):
        raise InputError(
            f"Argument `{name}` must be a name and values, but it is {value!r}. "
            f"Write {name}=('learning_rate', [0.1, 0.2, 0.5])."
        )
    values = array(value[1], name)
    if values.ndim != 1 or len(values) == 0 or (np.diff(values) <= 0.0).any():
        raise InputError(
            f"Argument `{name}` must have a list of increasing values for {value[0]!r}, but it has {value[1]!r}. "
            "Sort them: sorted(set(values))."
        )
    return value[0], values


def _points(
    scenario: Any, start: Any, x_name: str, x_values: np.ndarray, y_name: str, y_values: np.ndarray
) -> list[_Point]:
    """All points, y after y."""
    known = [entry.name for entry in fields(scenario)]
    for name in (x_name, y_name):
        if name not in known and not callable(start):
            raise InputError(
                f"Parameter {name!r} must be an argument of the scenario, or `start` a function of it, but `start` is "
                f"no function, and the arguments are {', '.join(known)}.{did_you_mean(name, known)} "
                f"Write start=lambda {x_name}, {y_name}: ld.Start(...)."
            )
    changed: dict[Any, Any] = {}
    points = []
    for y_value in y_values.tolist():
        for x_value in x_values.tolist():
            pairs = ((x_name, x_value), (y_name, y_value))
            changes = tuple((name, value) for name, value in pairs if name in known)
            if changes not in changed:
                changed[changes] = scenario.replace(**dict(changes))
            here = changed[changes]
            begin = here.as_start(start(x_value, y_value) if callable(start) else start)
            state = here.initial_state(begin)
            points.append(_Point(here, begin.at, state, here.reach(state[None], begin.at)))
    return points


def _run(points: list[_Point], options: _Options, advance: Callable[[float], None] | None) -> None:
    """Integrate all points, those of one structure together; again with finer quadratures what outgrew its own."""
    waiting = list(range(len(points)))
    while waiting:
        groups: dict[Any, list[int]] = {}
        for index in waiting:
            point = points[index]
            flow = point.scenario.flow(reach=point.reach)
            groups.setdefault((flow, point.at), []).append(index)
        waiting = []
        for (flow, at), indices in groups.items():
            done = sum(point.outcome >= 0 for point in points)
            on_progress = None if advance is None else lambda now, done=done, tell=advance: tell(done + now)
            waiting += _run_group(flow, at, [points[index] for index in indices], indices, options, on_progress)


def _run_group(
    flow: Any, at: float, points: list[_Point], indices: list[int], options: _Options, on_progress: Any
) -> list[int]:
    """Integrate points of one flow; the indices of those that must go again."""
    from learndyn.engines.batch import integrate_many

    times = save_times([options.until], at, options.until)
    if points[0].reach is not None:
        times = np.linspace(at, options.until, LOOKS + 1)[1:]
    run = integrate_many(
        flow, np.array([point.state for point in points]), [point.scenario.values() for point in points], times, at,
        rtol=options.rtol, atol=options.atol, max_steps=options.max_steps, threads=options.threads,
        limits=DIVERGENCE * np.array([point.scenario.scale(point.state) for point in points]),
        event=_low_error(points[0].scenario, flow), level=options.threshold, on_progress=on_progress,
    )  # fmt: skip
    again = []
    for member, point in enumerate(points):
        status = str(run.status[member])
        if point.reach is not None and status != "interrupted":
            seen = np.concatenate([run.states[member], run.last[member][None]])
            needed = point.scenario.reach(seen[np.isfinite(seen).all(-1)], at)
            if needed is not None and needed > point.reach:
                point.reach = needed
                again.append(indices[member])
                continue
        point.outcome, point.state = MEANING[status], run.last[member]
        if status == "event":
            point.time = float(run.end[member])
    _note_errors(points, run.end, options)
    return again


def _low_error(scenario: Any, flow: Any) -> Any:
    """The event that eps_g is low."""
    from learndyn.engines.batch_lanes import Event
    from learndyn.gaussian.namespaces import jax_namespace

    require(scenario, "error_function", "phase_diagram")
    error = scenario.error_function(jax_namespace())
    return Event(("eps_g", flow.key), lambda at, state, values: error(state, values, at))


def _note_errors(points: list[_Point], ends: np.ndarray, options: _Options) -> None:
    """eps_g at the end, and which states are none that overlaps can have; points of one scenario together."""
    members: dict[int, list[int]] = {}
    for index, point in enumerate(points):
        if point.outcome >= 0:
            members.setdefault(id(point.scenario), []).append(index)
    for group in members.values():
        scenario = points[group[0]].scenario
        states, times = np.array([points[index].state for index in group]), ends[group]
        errors = np.asarray(scenario.rows(states, times)["eps_g"])
        for index, error in zip(group, errors, strict=True):
            points[index].eps_g = float(error)
        begin, tolerance = 0, max(LOST_POSITIVITY, options.rtol)
        while (begin := begin + scenario.first_impossible(states[begin:], tolerance, times[begin:])) < len(group):
            points[group[begin]].outcome, points[group[begin]].time = OUTCOMES.index("failed"), np.nan
            begin += 1


def _dataset(scenario: Any, start: Any, axes: Any, points: list[_Point], options: _Options) -> xr.Dataset:
    (x_name, x_values), (y_name, y_values) = axes["x"], axes["y"]
    shape, dims = (len(y_values), len(x_values)), (y_name, x_name)
    outcome = np.array([point.outcome for point in points], dtype=np.int8).reshape(shape)
    meanings = {"flag_values": np.arange(len(OUTCOMES), dtype=np.int8), "flag_meanings": " ".join(OUTCOMES)}
    clock = {"long_name": "first time at which eps_g is at most the threshold", "units": scenario.time.units}
    variables = {
        "outcome": xr.Variable(dims, outcome, {"long_name": "what became of learning", **meanings}),
        "time": xr.Variable(dims, np.array([point.time for point in points]).reshape(shape), clock),
        "eps_g": xr.Variable(
            dims,
            np.array([point.eps_g for point in points]).reshape(shape),
            {"long_name": "generalisation error at the end", "units": "1"},
        ),
    }
    status, message = _verdict(outcome)
    if status != "ok":
        warnings.warn(message, LearndynWarning, stacklevel=3)
    named = {"quantity": "phase_diagram", "x": x_name, "y": y_name, "until": options.until}
    named |= {"threshold": options.threshold, "rtol": options.rtol, "atol": options.atol}
    one = None if callable(start) else scenario.as_start(start)
    attrs = attributes(scenario, one, status=status, message=message, options=named)
    return xr.Dataset(variables, {x_name: x_values, y_name: y_values}, attrs)


def _verdict(outcome: np.ndarray) -> tuple[str, str]:
    """Status and sentence of the whole diagram."""
    interrupted, failed = (int((outcome == OUTCOMES.index(name)).sum()) for name in ("interrupted", "failed"))
    if interrupted:
        return "interrupted", f"The diagram was interrupted: {outcome.size - interrupted} of {outcome.size} are done."
    if failed:
        return "failed", (
            f"The run failed at {failed} of {outcome.size} points, where the drift was not finite, the overlaps "
            "stopped being a covariance, or max_steps was too small. ld.solve at one of them says which, and when."
        )
    return "ok", "All points were decided."
