"""The verb `greedy_schedule`: at each moment the learning rate that lowers eps_g fastest.

d eps_g/dalpha = c + eta a + eta^2 b,   a = grad eps_g . f1,   b = grad eps_g . f2,   F = f0 + eta f1 + eta^2 f2
eta = -a / (2 b) where b > 0
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from learndyn.analysis.learning_rates.controls import checked_bounds, checked_controls, with_constants
from learndyn.analysis.learning_rates.problem import Problem
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times, tolerances
from learndyn.results import trajectory
from learndyn.scenarios.base import Flow, checked_scenario
from learndyn.scenarios.offers import require
from learndyn.verbs.theory import LOST_POSITIVITY, verdict

# Without bounds: the largest rate, over the first one.
LARGEST = 100.0
# A drift is quadratic in the learning rate if its value at another one agrees with the parabola to this.
QUADRATIC = 1e-9


def greedy_schedule(
    scenario: Any,
    start: Any,
    until: float,
    *,
    bounds: Any = None,
    save_at: Any = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
) -> xr.Dataset:
    """The learning rate that lowers eps_g fastest at each moment, and the curve that comes of it.

        d eps_g/dalpha = c + eta a + eta^2 b,   eta(alpha) = -a / (2 b), within bounds

    with a and b from the state of the moment: a rate as feedback. It asks nothing about the future: where learning has
    one path (the linear perceptron) it is the best one, near it for other perceptrons. On a plateau it tends to zero
    and stays there; `optimal_schedule` does not.

    Parameters
    ----------
    scenario
        A scenario whose drift is a polynomial of degree two in ``learning_rate``; the rate it has is not looked at.
    start
        An `ld.Start`, or one row of an earlier result.
    until
        The time alpha at which to end.
    bounds
        (least, largest) rate; by default 0 and a hundred times the first rate.
    save_at, rtol, atol
        As for `solve`.

    Returns
    -------
    xarray.Dataset
        What `solve` gives, and ``learning_rate``, ``slope`` = a, ``curvature`` = b (alpha). Where b is not above 0
        there is no minimum, and the rate is the better bound: a `LearndynWarning` says so, and the status is
        ``"no_minimum"``.

    Raises
    ------
    InputError
        One sentence that names the argument; also where eps_g is not a parabola in the learning rate, as for
        ``dynamics="gradient_flow"``.

    Notes
    -----
    Accuracy: a and b are differences of nearly equal numbers where eps_g is small; below about 1e-12 the rate is noise,
    within its bounds.
    References: Straat (2018), last slide; Saad & Rattray (1997) Phys. Rev. Lett. 79, 2578.

    Examples
    --------
    With label noise of variance s^2, a linear perceptron wants eta = E / (E + s^2), E = |J - B|^2:

    >>> import learndyn as ld
    >>> linear = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), 0.5, label_noise=0.5)
    >>> curve = ld.greedy_schedule(linear, ld.Start(Q=1.0, R=0.0), until=40)
    >>> round(curve.learning_rate[0].item(), 6)
    0.888889
    >>> end = curve.isel(alpha=-1)
    >>> round((2 * end.eps_g / (2 * end.eps_g + 0.25) - end.learning_rate).item(), 9)
    0.0
    """
    scenario = checked_scenario(scenario)
    require(scenario, "error_function", "greedy_schedule")
    checked_controls(scenario, ("learning_rate",))
    start = scenario.as_start(start)
    rtol, atol = tolerances(rtol, atol)
    times = save_times(save_at, start.at, until)
    scenario = with_constants(scenario, ("learning_rate",), start.at)
    problem = Problem.of(scenario, start, float(times[-1]), ("learning_rate",))
    low, high = _limits(problem, bounds)
    run = problem.run_flow(
        lambda flow: greedy_flow(flow, problem.error, scenario), {"bounds": np.array([low, high])}, times, rtol, atol
    )
    status, message, rows = verdict(scenario, run, max(LOST_POSITIVITY, rtol))
    a, b, _ = _local(problem, run.times[:rows], run.states[:rows]).T
    rates = _best(np, a, b, low, high)
    if status == "ok" and (b <= 0.0).any():
        status, at = "no_minimum", run.times[int(np.argmax(b <= 0.0))]
        message = (
            f"The decrease of eps_g has no largest value at {scenario.time_name} = {at:.6g}, where its curvature in "
            f"the learning rate is not above 0: the rate is then one of the bounds, {low:g} and {high:g}. Compare with "
            "ld.optimal_schedule."
        )
    if status != "ok":
        warnings.warn(message, LearndynWarning, stacklevel=2)
    result = trajectory(
        scenario, start, run.times[:rows], run.states[:rows], engine="theory", status=status, message=message,
        options={"quantity": "greedy_schedule", "until": problem.until, "rtol": rtol, "atol": atol},
        timings=run.timings,
    )  # fmt: skip
    lead = (scenario.time_name,)
    return result.assign(
        learning_rate=(lead, rates, {"long_name": "learning rate that lowers eps_g fastest"}),
        slope=(lead, a, {"long_name": "part of d eps_g / d alpha that goes with eta"}),
        curvature=(lead, b, {"long_name": "part of d eps_g / d alpha that goes with eta^2"}),
    )


def _limits(problem: Problem, bounds: Any) -> tuple[float, float]:
    """The bounds, after a look at the start."""
    low, high = checked_bounds(bounds, ("learning_rate",), problem.scenario)["learning_rate"]
    a, b, off = _local(problem, np.array([problem.start.at]), problem.state[None])[0]
    if not (np.isfinite([a, b]).all() and abs(b) > QUADRATIC * abs(a) and off <= QUADRATIC):
        raise InputError(
            "Argument `scenario` must have an eps_g whose decrease is a parabola in the learning rate, but it is none "
            'at this start: with the rule "gradient" and dynamics="sgd" it is one. Use optimal_schedule.'
        )
    if np.isfinite(high):
        return low, high
    if b <= 0.0:
        raise InputError(
            "Argument `bounds` must be given for this start, but it is missing: no learning rate is best, since eps_g "
            "falls the faster, the larger it is. Write bounds=(0, 5)."
        )
    first = -a / (2.0 * b)
    return low, max(LARGEST * abs(first), 10.0 * low, 1e-6)


def _best(xp: Any, a: Any, b: Any, low: Any, high: Any) -> Any:
    """The rate within bounds at which eta a + eta^2 b is least."""
    inside = xp.clip(-0.5 * a / xp.where(b > 0.0, b, 1.0), low, high)
    end = xp.where(high * a + high**2 * b < low * a + low**2 * b, high, low)
    return xp.where(b > 0.0, inside, end)


_flows: dict[Any, Flow] = {}


def greedy_flow(flow: Flow, error: Callable[..., Any], scenario: Any) -> Flow:
    """The flow with the greedy rate, between ``values["bounds"]``."""
    key = (scenario.kind, flow)
    if key not in _flows:

        def drift(alpha: Any, state: Any, values: dict[str, Any]) -> Any:
            f0, f1, f2 = parts(flow, alpha, state, values)
            gradient = jax.grad(error)(state, values, alpha)
            low, high = values["bounds"]
            eta = _best(jnp, gradient @ f1, gradient @ f2, low, high)
            return f0 + eta * f1 + eta**2 * f2

        _flows[key] = replace(flow, key=(flow.key, "greedy"), drift=drift)
    return _flows[key]


def parts(flow: Flow, alpha: Any, state: Any, values: dict[str, Any]) -> tuple[Any, Any, Any]:
    """f0, f1, f2 by derivatives in the learning rate at 0: averages do not depend on it and are taken once."""

    def at(eta: Any) -> Any:
        return flow.drift(alpha, state, {**values, "learning_rate": eta})

    def slope(eta: Any) -> Any:
        return jax.jvp(at, (eta,), (jnp.ones_like(eta),))[1]

    zero = jnp.zeros_like(values["learning_rate"])
    f1, twice_f2 = jax.jvp(slope, (zero,), (jnp.ones_like(zero),))
    return at(zero), f1, 0.5 * twice_f2


_programs: dict[Any, Any] = {}


def _local(problem: Problem, times: np.ndarray, states: np.ndarray) -> np.ndarray:
    """a, b, and how far the drift at twice the learning rate is off the parabola, relative to it; rows of (rows, 3)."""
    flow, error = problem.flow, problem.error
    key = (problem.scenario.kind, flow)
    with jax.enable_x64(True):
        if key not in _programs:

            def look(time: Any, state: Any, values: Any) -> Any:
                f0, f1, f2 = parts(flow, time, state, values)
                gradient = jax.grad(error)(state, values, time)
                eta = 2.0 * values["learning_rate"]
                there = flow.drift(time, state, {**values, "learning_rate": eta})
                off = jnp.abs(f0 + eta * f1 + eta**2 * f2 - there).max() / jnp.abs(there).max()
                return jnp.stack([gradient @ f1, gradient @ f2, off])

            _programs[key] = jax.jit(look)
        values = {name: jnp.asarray(value) for name, value in problem.values().items()}
        return np.array([_programs[key](time, state, values) for time, state in zip(times, states, strict=True)])
