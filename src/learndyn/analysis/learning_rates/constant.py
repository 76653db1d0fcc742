"""The verb `optimal_learning_rate`: the constant learning rate that is best by one of three criteria."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis.learning_rates.controls import checked_bounds, checked_controls, with_constants
from learndyn.analysis.learning_rates.problem import Problem
from learndyn.analysis.learning_rates.search import Search, search
from learndyn.arguments import choice, number
from learndyn.errors import InputError
from learndyn.options import save_times, tolerances
from learndyn.results import attributes
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.offers import require

CRITERIA = {
    "error": "generalisation error at the end",
    "time": "time at which the generalisation error falls to the target",
    "rate": "rate of the last decay, per unit of time",
}


def optimal_learning_rate(
    scenario: Any,
    start: Any,
    until: float | None = None,
    *,
    criterion: str = "error",
    target: float | None = None,
    bounds: Any = None,
    rtol: float = 1e-10,
    atol: float = 1e-13,
) -> xr.Dataset:
    """The best constant learning rate, by one of three criteria, which differ.

        "error"   the least eps_g(until)
        "time"    the least alpha with eps_g(alpha) = target
        "rate"    the largest -max Re lambda, lambda the eigenvalues of dF/dz at the point where learning ends

    Each rate that is tried is a run of the theory (N to infinity). "rate" leaves out neutral modes, along which
    nothing moves; a rate whose run ends on a saddle has a negative value there.

    Parameters
    ----------
    scenario
        A scenario with a ``learning_rate``; what it is does not matter.
    start
        An `ld.Start`, or one row of an earlier result.
    until
        "error": the time alpha at which eps_g counts. "time": the longest time that is looked at. "rate": not needed.
    criterion
        ``"error"``, ``"time"`` or ``"rate"``.
    target
        The error to be reached, for "time".
    bounds
        (least, largest) rate to try; without it the search goes on as far as it gets better, up to 1e8.
    rtol, atol
        Tolerances of the runs.

    Returns
    -------
    xarray.Dataset
        ``learning_rate`` and ``value``, scalars; ``tried_value`` (tried): the criterion at each rate that was tried,
        in increasing order, infinite (for "rate": minus infinity) where the run did not get there. The attribute
        ``status`` is ``"ok"`` or ``"at_bound"``; `ld.scenario_of` gives the scenario with the best rate.

    Raises
    ------
    InputError
        One sentence that names the argument; also where no rate meets the criterion.

    Notes
    -----
    Valid for N to infinity. At finite N each run scatters, and large rates do worse: near the perfect solution of the
    linear or the ReLU perceptron an update multiplies <|J - B|^2> by 1 - c eta / N + c eta^2 (N + 2) / (2 N^2) with
    c = 2 or 1, so that the fastest decay is at eta = N / (N + 2) instead of 1.
    Accuracy: eps_g is known to about `rtol`, not relative to itself. A grid finds the best interval, where a minimum
    narrower than a factor of 1.4 can be missed; in it Brent's method places the rate to about the root of the relative
    error of the criterion, 1e-5 with the tolerances above.
    Cost: 30 to 60 runs.
    References: Straat (2018) p. 25, whose 0.83 for the ReLU perceptron none of the criteria gives.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
    >>> best = ld.optimal_learning_rate(perceptron, ld.Start(Q=0.25, R=0.0), until=5)
    >>> round(best.learning_rate.item(), 4), round(best.value.item(), 6)
    (1.1586, 0.036911)
    >>> soon = ld.optimal_learning_rate(perceptron, ld.Start(Q=0.25, R=0.0), 100, criterion="time", target=1e-2)
    >>> round(soon.learning_rate.item(), 3)
    1.109
    """
    scenario = checked_scenario(scenario)
    require(scenario, "error_function", "optimal_learning_rate")
    choice(criterion, "criterion", list(CRITERIA))
    checked_controls(scenario, ("learning_rate",))
    start = scenario.as_start(start)
    rtol, atol = tolerances(rtol, atol)
    limits = checked_bounds(bounds, ("learning_rate",), scenario)["learning_rate"]
    scenario = with_constants(scenario, ("learning_rate",), start.at)
    problem = Problem.of(scenario, start, _end(until, start.at, criterion), ("learning_rate",))
    target = _target(target, criterion, problem)
    found = search(_criterion(problem, criterion, target, rtol, atol), limits)
    if not np.isfinite(found.value):
        raise InputError(_refusal(criterion, problem, target))
    status = "at_bound" if found.at_bound else "ok"
    message = (
        "The best rate lies at the end of what was tried. Give wider bounds to look beyond."
        if found.at_bound
        else "The best rate lies inside."
    )
    options = {"criterion": criterion, "target": target, "until": until, "rtol": rtol, "atol": atol}
    return _dataset(found, criterion).assign_attrs(
        attributes(
            scenario.replace(learning_rate=found.best), start, status=status, message=message,
            options={"quantity": "optimal_learning_rate", **options},
        ),
        criterion=criterion,
    )  # fmt: skip


def _end(until: float | None, at: float, criterion: str) -> float:
    if until is not None:
        return float(save_times(None, at, until)[-1])
    if criterion != "rate":
        meaning = "the time at which eps_g counts" if criterion == "error" else "the longest time to look at"
        raise InputError(
            f'Argument `until` must be given for criterion="{criterion}", but it is None: it is {meaning}. '
            "Write until=100."
        )
    return np.inf


def _target(target: Any, criterion: str, problem: Problem) -> float | None:
    if criterion != "time":
        if target is not None:
            raise InputError(
                f'Argument `target` goes with criterion="time", but the criterion is "{criterion}". Leave it out.'
            )
        return None
    target = number(target, "target", above=0.0)
    first = float(problem.errors(problem.state[None], problem.start.at, {})[0])
    if target >= first:
        raise InputError(
            f"Argument `target` must be below eps_g of the start, {first:.4g}, but it is {target:g}. Ask for less."
        )
    return target


def _criterion(problem: Problem, criterion: str, target: float | None, rtol: float, atol: float) -> Any:
    """What is to be small, as a function of the rate."""
    from learndyn.analysis.learning_rates.criteria import decay_rate, time_to

    if target is not None:
        return partial(time_to, problem, target=target, rtol=rtol, atol=atol)
    if criterion == "rate":
        return lambda rate: -decay_rate(problem, rate, rtol=rtol, atol=atol)
    return lambda rate: problem.final_error({"learning_rate": rate}, rtol=rtol, atol=atol)


def _refusal(criterion: str, problem: Problem, target: float | None) -> str:
    if criterion == "time":
        return (
            f"Argument `target` must be an error that some learning rate reaches by `until` = {problem.until:g}, but "
            f"none that was tried reaches {target:g}. Ask for a larger target or a later end."
        )
    if criterion == "rate":
        return (
            "Argument `start` must be one from which learning comes to an end, but it diverges or does not settle with "
            "every learning rate that was tried. Use another start or other bounds."
        )
    return (
        f"Argument `start` must let learning run to `until` = {problem.until:g}, but it diverges with every learning "
        "rate that was tried. Use a smaller start, or bounds with smaller rates."
    )


def _dataset(found: Search, criterion: str) -> xr.Dataset:
    tried = sorted(found.tried)
    sign = -1.0 if criterion == "rate" else 1.0
    text = {"long_name": CRITERIA[criterion]}
    values = sign * np.array([found.tried[rate] for rate in tried])
    return xr.Dataset(
        {
            "learning_rate": ((), found.best, {"long_name": "best constant learning rate"}),
            "value": ((), sign * found.value, text),
            "tried_value": (("tried",), values, text),
        },
        {"tried": (("tried",), tried, {"long_name": "learning rates that were tried"})},
    )
