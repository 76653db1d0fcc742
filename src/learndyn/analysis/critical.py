"""The verbs `critical_learning_rate` and `largest_learning_rate`: how large a rate still learns.

The first asks whether small deviations from a fixed point decay, the second whether one start gets there in time.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis import points
from learndyn.analysis.continuation import first_event
from learndyn.analysis.fixed_points import solution_of
from learndyn.analysis.linearisation import LocalFlow
from learndyn.arguments import array, number, shown
from learndyn.errors import InputError, LearndynWarning
from learndyn.results import attributes
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.offers import require

# How far up the search goes, and how many rates are tried first.
HIGHEST = 1e4
TRIED = 33
# What passes for learned, relative to eps_g at the start.
LEARNED = 1e-2
REMEDY = "Take the end of a run of ld.solve, or ld.fixed_points."


def critical_learning_rate(scenario: Any, point: Any = None) -> xr.Dataset:
    """The learning rate at which a fixed point loses its stability: the largest Re lambda(eta_c) = 0.

    Parameters
    ----------
    scenario
        Any scenario with a constant learning rate; the search begins at its rate.
    point
        A start near the fixed point at that rate; the perfect solution when not given.

    Returns
    -------
    xarray.Dataset
        ``learning_rate``, the critical one, and the fixed point there as `find_fixed_point` gives it.
        ``attrs["event"]`` says how stability is lost: "crossing", "oscillating crossing", or "fold", where the point
        ceases to exist.

    Raises
    ------
    InputError
        When the point is unstable at small rates as well, or stable up to 10^4 times the scenario's rate; when the
        eta^2 term is dropped; when the rate changes with time.

    Notes
    -----
    The fixed point is followed as the rate grows (`continue_fixed_point`), from the scenario's rate if it is stable
    there, and else from lower ones. ReLU perceptron: eta_c = 2 [Straat (2018) p. 22]. Above it learning need not
    diverge: it may settle at another point.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
    >>> round(float(ld.critical_learning_rate(perceptron).learning_rate), 6)
    2.0
    """
    scenario = checked_scenario(scenario)
    require(scenario, "error_function", "critical_learning_rate")
    eta = _constant_rate(scenario)
    if getattr(scenario, "dynamics", "sgd") == "gradient_flow":
        raise InputError(
            "Argument `scenario` must have dynamics='sgd', but it has 'gradient_flow': without the eta^2 term the "
            "learning rate only sets the unit of time. Use scenario.replace(dynamics='sgd')."
        )
    start = scenario.as_start(point if point is not None else solution_of(scenario, "point", REMEDY))
    for factor in (1.0, 1e-1, 1e-2, 1e-3):
        found = first_event(scenario, "learning_rate", factor * eta, HIGHEST * eta, start)
        if found is not None:
            break
    else:
        raise InputError(
            f"Argument `point` must be attractive or marginal at small learning rates, but it is unstable also at "
            f"{1e-3 * eta:g}: no learning rate makes it stable. Look at it with ld.stability."
        )
    at, kind, state = found
    if kind == "none":
        raise InputError(
            f"Argument `point` stays stable up to a learning rate of {at:.6g}: there is no critical one below. "
            "Follow it with ld.continue_fixed_point to see how."
        )
    changed = scenario.replace(learning_rate=at)
    there = points.point_at(LocalFlow.of(changed, state), state)
    result = points.one(points.labelled(changed, start, [there], {"quantity": "critical learning rate"}))
    label = {"long_name": "critical learning rate", "units": "1"}
    return result.assign(learning_rate=((), at, label)).assign_attrs(event=kind)


def largest_learning_rate(
    scenario: Any,
    start: Any,
    until: float,
    *,
    target: float | None = None,
    bounds: Any = None,
    precision: float = 1e-6,
) -> xr.Dataset:
    """The largest constant learning rate that still learns from this start in this time, by bisection on the flow.

    Parameters
    ----------
    scenario
        Any scenario with a constant learning rate.
    start
        Where learning begins.
    until
        The time alpha by which it must have learned.
    target
        Learned means eps_g <= target at `until`; a hundredth of eps_g at the start when not given.
    bounds
        (lowest, highest) rate to try; from a hundredth to a hundred times the scenario's when not given.
    precision
        Relative precision of the result.

    Returns
    -------
    xarray.Dataset
        ``learning_rate``; and with the dim ``rate`` what was tried: ``tried`` and ``eps_g`` at `until` (infinite where
        learning diverged).

    Raises
    ------
    InputError
        When no rate within the bounds learns, or the highest does.

    Notes
    -----
    33 rates, evenly spaced in their logarithm, are tried first; between the largest that learns and the next above it
    is bisected. Rates that learn need not form one interval. Cost: some 55 calls of `solve`.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
    >>> found = ld.largest_learning_rate(perceptron, ld.Start(Q=0.25, R=0.0), until=500)
    >>> bool(2.0 < found.learning_rate < 2.1)
    True
    """
    scenario = checked_scenario(scenario)
    eta = _constant_rate(scenario)
    start = scenario.as_start(start)
    low, high = array(bounds if bounds is not None else (eta / 100, eta * 100), "bounds", (2,), "Give (low, high).")
    if not 0.0 < low < high:
        raise InputError(
            f"Argument `bounds` must be (low, high) with 0 < low < high, but it is {shown(bounds)}. "
            "Write bounds=(0.1, 2)."
        )
    precision = number(precision, "precision", above=0.0)
    tried: dict[float, float] = {}

    def error(rate: float) -> float:
        if rate not in tried:
            tried[rate] = _error_at_the_end(scenario.replace(learning_rate=rate), start, until)
        return tried[rate]

    if target is None:
        target = LEARNED * _first_error(scenario, start)
    target = number(target, "target", above=0.0)
    rates = np.geomspace(low, high, TRIED)
    learned = [error(float(rate)) <= target for rate in rates]
    if not any(learned):
        raise InputError(
            f"Argument `bounds` holds no rate that learns by `until` = {until:g}: the smallest eps_g is "
            f"{min(tried.values()):.3g}, above the target {target:.3g}. Give more time, other bounds or another target."
        )
    if learned[-1]:
        raise InputError(
            f"Argument `bounds` must reach beyond the rates that learn, but the highest, {high:g}, still does. "
            "Give a higher one."
        )
    last = int(np.flatnonzero(learned)[-1])
    below, above = float(rates[last]), float(rates[last + 1])
    while above - below > precision * above:
        middle = float(np.sqrt(below * above))
        below, above = (middle, above) if error(middle) <= target else (below, middle)
    order = sorted(tried)
    return xr.Dataset(
        {
            "learning_rate": ((), below, {"long_name": "largest learning rate that learns", "units": "1"}),
            "tried": (("rate",), np.array(order), {"long_name": "learning rates that were tried", "units": "1"}),
            "eps_g": (("rate",), np.array([tried[rate] for rate in order]), {"long_name": "eps_g at the end"}),
        },
        attrs=attributes(
            scenario, start, status="ok", message="The largest rate lies between two that were tried.",
            options={"quantity": "largest learning rate", "until": float(until), "target": target},
        ),
    )  # fmt: skip


def _constant_rate(scenario: Any) -> float:
    rate = getattr(scenario, "learning_rate", None)
    if not isinstance(rate, float) or rate <= 0.0:
        raise InputError(
            f"Argument `scenario` must have a constant learning rate above 0, but it has {shown(rate)}. "
            "Use scenario.replace(learning_rate=0.1)."
        )
    return rate


def _first_error(scenario: Any, start: Any) -> float:
    require(scenario, "error_function", "largest_learning_rate")
    return float(scenario.rows(scenario.initial_state(start)[None], np.array([start.at]))["eps_g"][0])


def _error_at_the_end(scenario: Any, start: Any, until: float) -> float:
    """eps_g at `until`; infinite where learning diverges before."""
    from learndyn.verbs.theory import solve

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LearndynWarning)
        run = solve(scenario, start, until, save_at=[until])
    return float(run.eps_g[-1]) if run.attrs["status"] == "ok" else float("inf")
