"""When to stop, how much to decay, and the error over time and aspect: for students of a finite, noisy sample.

Of a direction of eigenvalue lambda eps_g is smallest where exp(-(lambda + gamma) t) is

    q(lambda) = (a sigma^2 - gamma S^2) / (lambda S^2 + L^2 (lambda + gamma)^2 / lambda + a sigma^2)

and so the best time for all lies between the best times of single directions; where gamma >= a sigma^2 / S^2 no
direction ever wants to stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import array, number, shown, type_shown
from learndyn.errors import InputError
from learndyn.results import attributes, labelled
from learndyn.scenarios.finite_sample.scenario import FiniteSample

# Times at which a run is looked at for minima, and by how much each of two later looks narrows the interval.
LOOKS, NARROWER = 400, 33
# The run that is looked at: its first look is at this part of it, its tolerances.
FIRST, RTOL, ATOL = 1e-4, 1e-11, 1e-13
# Beyond, exp(-rate t) has no part in any double.
LONGEST = 1e15
# Relative differences of errors below this are none.
ROUNDING = 1e-13
DECAYS = 61  # weight decays that are tried before the search, over 12 decades
ERRORS = ("eps_g", "test_error", "train_error", "R", "Q")


def optimal_stopping_time(scenario: FiniteSample, start: Any = 0.0, *, until: float | None = None) -> xr.Dataset:
    """When to stop learning so that eps_g is smallest.

        t* = argmin_t eps_g(t),   d eps_g / dt = 0 there

    Parameters
    ----------
    scenario
        An `ld.FiniteSample`.
    start
        An `ld.RandomWeights`, or its length.
    until
        The latest time that counts. None: any time; a deep student needs one.

    Returns
    -------
    xarray.Dataset
        The row of the run at that time: its coordinate ``t``, and ``eps_g``, ``test_error``, ``train_error``, ``R``,
        ``Q``. Where eps_g is smallest at the end, t is `until`, or infinity, and ``attrs["status"]`` is
        ``"at_end"``.

    Raises
    ------
    InputError
        When the scenario is another one, or `until` is missing or not later than the start.

    Notes
    -----
    The root of the derivative: t* is good to 1e-10 of itself for depth 1 and to 1e-7 for deep students. eps_g may have
    several minima; all that are wider than a fiftieth of t are compared. With weight_decay of at least a sigma^2 / S^2
    stopping never helps a student of depth 1. Cost: some 20 ms; for deep students three runs.
    References: Advani, Saxe & Sompolinsky (2020) Neural Networks 132, 428.

    Examples
    --------
    >>> import learndyn as ld
    >>> sample = ld.FiniteSample(aspect=0.5, label_noise=0.5)
    >>> best = ld.optimal_stopping_time(sample)
    >>> round(float(best.t), 4), round(float(best.eps_g), 5), sample.final()["eps_g"]
    (4.0044, 0.09108, 0.125)
    """
    start = _checked(scenario, start, "optimal_stopping_time")
    end = math.inf if until is None else _end(until, start.at)
    states_at, times = _run_to_look_at(scenario, start, end)
    found = _minima(scenario, states_at, times, shallow=scenario.depth == 1)
    if scenario.depth == 1 or math.isfinite(end):
        found.append(end)
    rows = scenario.rows(states_at(np.array(found)))
    best = int(np.argmin(rows["eps_g"]))
    # Where learning has ended up to rounding, chance alone makes minima.
    if found[-1] == end and rows["eps_g"][-1] <= (1.0 + ROUNDING) * rows["eps_g"][best]:
        best = len(found) - 1
    status = "at_end" if found[best] == end else "ok"
    message = "eps_g is smallest at the end." if status == "at_end" else "eps_g is smallest at this time."
    result = labelled(scenario, {name: row[[best]] for name, row in rows.items()}, np.array([found[best]]), None)
    options = {"quantity": "optimal_stopping_time"} | ({} if until is None else {"until": end})
    result.attrs = attributes(scenario, start, status=status, message=message, options=options)
    return result.isel({scenario.time_name: 0})


def optimal_weight_decay(scenario: FiniteSample, start: Any = 0.0, *, until: float | None = None) -> xr.Dataset:
    """The weight decay with the smallest eps_g, at the end of learning or when learning is stopped at a given time.

    At the end of learning, at depth 1, it is gamma* = a sigma^2 / S^2 (`FiniteSample.best_ridge`), which is the best of
    all linear estimators from such a sample; the search here does not use that.

    Parameters
    ----------
    scenario
        An `ld.FiniteSample`; what its weight_decay is does not matter.
    start
        An `ld.RandomWeights`, or its length.
    until
        The time at which eps_g counts. None: the end, t to infinity; a deep student needs a time.

    Returns
    -------
    xarray.Dataset
        ``weight_decay``, and ``eps_g``, ``test_error``, ``train_error``, ``R``, ``Q`` there. ``attrs["status"]`` is
        ``"at_bound"`` where more decay, or less, would do still better; `ld.scenario_of` gives the scenario with the
        best weight decay.

    Raises
    ------
    InputError
        When the scenario is another one, or `until` is missing or not later than the start.

    Notes
    -----
    By Brent's method in ln gamma between the neighbours of the best of 61 values, 1e-6 to 1e6, and of 0: gamma is good
    to about 1e-7 of itself, as a minimum of a function in double precision is. Cost: some 100 evaluations, each 20 us
    at the end and 0.2 ms at a time; of deep students runs.

    Examples
    --------
    >>> import learndyn as ld
    >>> sample = ld.FiniteSample(aspect=0.5, label_noise=0.5)
    >>> best = ld.optimal_weight_decay(sample)
    >>> round(float(best.weight_decay), 5), round(float(best.eps_g), 5)
    (0.125, 0.0877)
    """
    from scipy.optimize import minimize_scalar

    start = _checked(scenario, start, "optimal_weight_decay")
    end = None if until is None else _end(until, start.at)
    if end is None:
        scenario._require_shallow("the end of learning in closed form")

    def errors(decay: float) -> dict[str, float]:
        return _errors_at(scenario.replace(weight_decay=decay), start, end)

    logarithms = np.linspace(-6.0, 6.0, DECAYS) * math.log(10.0)
    tried = [errors(0.0)["eps_g"], *(errors(math.exp(x))["eps_g"] for x in logarithms)]
    place = int(np.argmin(tried)) - 1
    decay = 0.0 if place < 0 else math.exp(logarithms[place])
    if 0 <= place < DECAYS - 1:
        bounds = (logarithms[max(place - 1, 0)], logarithms[place + 1])
        search: Any = minimize_scalar(
            lambda x: errors(math.exp(x))["eps_g"], bounds=bounds, method="bounded", options={"xatol": 1e-9}
        )
        decay = math.exp(search.x) if search.fun < tried[place + 1] else decay
    at_bound = place in (-1, 0, DECAYS - 1)
    message = (
        "eps_g is smallest at an end of what was tried: the best may lie beyond."
        if at_bound
        else "eps_g is smallest at this decay."
    )
    found = {"weight_decay": decay} | errors(decay)
    described = scenario.quantities()
    result = xr.Dataset(
        {
            name: xr.Variable((), value, {"long_name": described[name].description if name in described else name})
            for name, value in found.items()
        }
    )
    options = {"quantity": "optimal_weight_decay"} | ({} if end is None else {"until": end})
    result.attrs = attributes(
        scenario.replace(weight_decay=decay), start,
        status="at_bound" if at_bound else "ok", message=message, options=options,
    )  # fmt: skip
    return result


def error_surface(scenario: FiniteSample, aspects: Any, times: Any, start: Any = 0.0) -> xr.Dataset:
    """Errors over time and aspect: the peak at a = 1 that grows with time, and its absence where learning stops early.

    Parameters
    ----------
    scenario
        An `ld.FiniteSample`; what its aspect is does not matter.
    aspects
        Values of a = n / p, increasing.
    times
        Times, increasing; of a student of depth 1 infinity may be among them, the end of learning.
    start
        An `ld.RandomWeights`, or its length.

    Returns
    -------
    xarray.Dataset
        ``eps_g``, ``test_error``, ``train_error``, ``R`` and ``Q`` with dims (aspect, t).

    Raises
    ------
    InputError
        When the scenario has eigenvalues of its own, or a list is empty or does not increase, or an aspect is not above
        0.

    Examples
    --------
    >>> import learndyn as ld
    >>> surface = ld.error_surface(ld.FiniteSample(1.0, label_noise=0.5), [0.5, 1.0, 2.0], [2.0, 2000.0])
    >>> surface.test_error.round(2).values.tolist()
    [[0.23, 0.25], [0.33, 3.76], [0.45, 0.5]]
    """
    start = _checked(scenario, start, "error_surface")
    if scenario.eigenvalues is not None:
        raise InputError(
            "Argument `scenario` must have the eigenvalues of Marchenko & Pastur's law, which change with the aspect, "
            "but it has its own. Use scenario.replace(eigenvalues=None)."
        )
    aspects, times = _increasing(aspects, "aspects"), _increasing(times, "times", scenario.depth == 1)
    if aspects[0] <= 0.0:
        raise InputError(
            f"Argument `aspects` must hold numbers above 0, but the first is {aspects[0]:g}. Leave the others out."
        )
    if times[0] < start.at:
        raise InputError(
            f"Argument `times` must not begin before the start, at {start.at:g}, but the first is {times[0]:g}. "
            "Leave earlier times out."
        )
    rows = []
    for aspect in aspects:
        member = scenario.replace(aspect=aspect)
        row = member.rows(_states(member, start, times))
        if np.isinf(times[-1]):
            # At a = 1 the limit is infinite, which no quadrature says.
            row = {name: np.append(row[name][:-1], value) for name, value in member.final(start).items()}
        rows.append(row)
    described = scenario.quantities()
    variables = {
        name: xr.Variable(
            ("aspect", "t"),
            np.array([row[name] for row in rows]),
            {"long_name": described[name].description, "units": "1"},
        )
        for name in ERRORS
    }
    coordinates = {
        "aspect": xr.Variable(("aspect",), aspects, {"long_name": "inputs for each example", "units": "1"}),
        "t": xr.Variable(("t",), times, {"long_name": scenario.time.description, "units": "1"}),
    }
    result = xr.Dataset(variables, coordinates)
    result.attrs = attributes(
        scenario, start, status="ok", message="The surface is whole.", options={"quantity": "error_surface"}
    )
    return result


def _checked(scenario: Any, start: Any, verb: str) -> Any:
    if not isinstance(scenario, FiniteSample):
        raise InputError(
            f"Argument `scenario` must be an ld.FiniteSample for ld.{verb}, but it is {type_shown(scenario)}. "
            "Use ld.solve and look for the minimum in its result."
        )
    return scenario.as_start(start)


def _end(until: Any, at: float) -> float:
    end = number(until, "until")
    if end <= at:
        raise InputError(
            f"Argument `until` must be later than the start, which is at {at:g}, but it is {end:g}. "
            "Give a larger `until`."
        )
    return end


def _increasing(values: Any, name: str, endless: bool = False) -> np.ndarray:
    """A list of increasing numbers; where it may be endless, the last of them may be infinity."""
    last = [np.inf] if endless and np.ndim(values) == 1 and len(values) and np.isposinf(values[-1]) else []
    found = array(values[:-1] if last else values, name, hint="Give a list of numbers.")
    if found.ndim != 1 or len(found) + len(last) == 0 or (np.diff(found) <= 0).any():
        raise InputError(
            f"Argument `{name}` must be a list of increasing numbers, but it is {shown(values)}. "
            "Sort them: sorted(set(values))."
        )
    return np.append(found, last)


# Runs.


def _states(scenario: FiniteSample, start: Any, times: np.ndarray) -> np.ndarray:
    """Flat states at these times, increasing, by the closed form or by integration."""
    curve = scenario.closed_form(start)
    if curve is not None:
        return curve(times)
    from learndyn.engines.theory import integrate

    state = scenario.initial_state(start)
    run = integrate(
        scenario.flow(), state, scenario.values(), times, start.at,
        rtol=RTOL, atol=ATOL, limit=1e12 * scenario.scale(state), max_steps=10**6,
    )  # fmt: skip
    if run.status != "ok":
        raise InputError(
            f"The run ended early, at t = {run.end:.6g} ({run.status}). Give an earlier `until`, or a longer start."
        )
    return run.states


def _errors_at(scenario: FiniteSample, start: Any, end: float | None) -> dict[str, float]:
    if end is None:
        return scenario.final(start)
    rows = scenario.rows(_states(scenario, start, np.array([end])))
    return {name: float(row[0]) for name, row in rows.items()}


States = Callable[[np.ndarray], np.ndarray]


def _run_to_look_at(scenario: FiniteSample, start: Any, end: float) -> tuple[States, np.ndarray]:
    """The states at given times, and the times at which to look for minima."""

    def states_at(times: np.ndarray) -> np.ndarray:
        return _states(scenario, start, times)

    if scenario.depth > 1:
        if not math.isfinite(end):
            raise InputError(
                f"Argument `until` must be given for a student of {scenario.depth} layers, whose best time has no "
                "known bound, but it is missing. Write until=100."
            )
        length = end - start.at
        return states_at, start.at + np.geomspace(FIRST * length, length, LOOKS)
    first, last = _between(scenario, start.length)
    last = min(last, end - start.at)
    return states_at, start.at + np.geomspace(min(0.9 * first, 0.5 * last), last, LOOKS)


def _between(scenario: FiniteSample, length: float) -> tuple[float, float]:
    """The earliest and the latest best time of a single direction, at most `LONGEST`."""
    x = scenario.values()["eigenvalues"]
    x = x[x > 0.0]
    S, noise, gamma = scenario.signal**2, scenario.aspect * scenario.label_noise**2, scenario.weight_decay
    drawn = x * S + length**2 * (x + gamma) ** 2 / x + noise
    if noise <= gamma * S or drawn.max() == 0.0:
        return LONGEST, LONGEST
    times = -np.log((noise - gamma * S) / drawn) / (x + gamma)
    # Directions without eigenvalue want no end where decay makes them forget the start.
    last = LONGEST if gamma > 0.0 and length > 0.0 and scenario.aspect > 1.0 else float(times.max())
    return max(float(times.min()), 1.0 / LONGEST), min(1.1 * last, LONGEST)


def _minima(scenario: FiniteSample, states_at: States, times: np.ndarray, *, shallow: bool) -> list[float]:
    """Times at which the derivative of eps_g turns from below to above 0."""
    slopes = scenario.slope(states_at(times))
    found = []
    for place in np.flatnonzero((slopes[:-1] < 0.0) & (slopes[1:] >= 0.0)):
        low, high = float(times[place]), float(times[place + 1])
        found.append(_root(scenario, states_at, low, high) if shallow else _narrowed(scenario, states_at, low, high))
    return found


def _root(scenario: FiniteSample, states_at: States, low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(lambda t: scenario.slope(states_at(np.array([t])))[0], low, high, xtol=1e-300, rtol=1e-13))  # pyright: ignore[reportArgumentType]


def _narrowed(scenario: FiniteSample, states_at: States, low: float, high: float) -> float:
    """The root by two more runs that look closer, then by a straight line."""
    slopes = np.empty(0)
    times = np.array([low, high])
    for _ in range(2):
        times = np.linspace(times[0], times[-1], NARROWER)
        slopes = scenario.slope(states_at(times))
        place = max(int(np.argmax(slopes >= 0.0)), 1)
        times, slopes = times[place - 1 : place + 1], slopes[place - 1 : place + 1]
    return float(times[0] - slopes[0] * (times[1] - times[0]) / (slopes[1] - slopes[0]))
