"""The verb `optimal_schedule`: learning rates, weight decay and dropout as functions of time, best for the end."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis.learning_rates.controls import (
    RATES,
    by_control,
    checked_bounds,
    checked_controls,
    with_constants,
)
from learndyn.analysis.learning_rates.descent import Descent
from learndyn.analysis.learning_rates.forms import FORMS, Form
from learndyn.analysis.learning_rates.optimisation import VERIFY, Optimum, level, optimise, run_table
from learndyn.analysis.learning_rates.problem import Problem
from learndyn.arguments import array, choice, count, number
from learndyn.errors import LearndynWarning
from learndyn.options import save_times
from learndyn.results import trajectory
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.offers import require
from learndyn.schedules import as_schedule, schedule_of


def optimal_schedule(
    scenario: Any,
    start: Any,
    until: float,
    controls: Any = ("learning_rate",),
    *,
    knots: int = 64,
    form: str = "piecewise_constant",
    bounds: Any = None,
    first: Any = None,
    max_iterations: int = 500,
    tolerance: float = 1e-6,
    largest_step: float = 0.25,
    accuracy: float = 1e-6,
) -> xr.Dataset:
    """The controls as functions of time with which eps_g is least at the end.

        minimise eps_g(z(until)),   dz/dalpha = F(z, u(alpha)),   u(alpha) = sum_j c_j B_j(alpha)

    over the numbers c_j of each control u, by quasi-Newton descent with exact gradients (the discrete adjoint of
    Runge-Kutta steps of order 5 that end at the edges of the pieces). It begins at the best constants and at ramps, in
    few numbers first.

    Parameters
    ----------
    scenario
        A scenario; schedules of its controls are not looked at.
    start
        An `ld.Start`, or one row of an earlier result.
    until
        The time alpha at which eps_g counts.
    controls
        Some of ``learning_rate``, ``output_learning_rate``, ``bias_learning_rate``, ``weight_decay``,
        ``output_weight_decay``, ``dropout_keep``: those that are on in the scenario.
    knots
        How many numbers each control has: at least 1 piece, 2 points of lines, 4 numbers of a spline.
    form
        ``"piecewise_constant"``, ``"piecewise_linear"``, or ``"spline"`` (cubic).
    bounds
        (least, largest) value, or a dict of them by control; by default 0 and none, for ``dropout_keep`` 0.05 and 1,
        and for ``output_learning_rate`` and ``bias_learning_rate`` 0 and ten times what the scenario has: for N to
        infinity w and theta do not fluctuate, and the faster they follow, the better.
    first
        A further schedule to begin with: a number, an ``ld.schedules`` schedule, `knots` numbers, or a dict by control.
    max_iterations, tolerance
        The descent ends when no derivative of ln eps_g by a control in units of its best constant is above `tolerance`.
    largest_step
        Largest step in alpha to begin with, above 0.
    accuracy
        Steps are halved until eps_g at the end is within `accuracy`, relative to eps_g, and 1e-11 of the adaptive
        solver's.

    Returns
    -------
    xarray.Dataset
        What `solve` gives with these schedules, at each step of the integration, and ``learning_rate`` (alpha), or what
        the controls are; ``eps_g_constant`` (alpha), the curve of the best constants; ``costate`` (alpha, parameter),
        the derivative of the last eps_g by the state; ``numbers`` (control, knot) = c_j, where ``knot`` is a time, with
        ``gradient`` (control, knot), the derivative of the last eps_g by them, and ``constant`` (control).
        `ld.scenario_of` gives the scenario with the schedules of its rates. Attributes: ``status`` (``"ok"``,
        ``"max_iterations"``, ``"stalled"``), ``gradient_norm``, ``iterations`` of all descents, ``integration_error``
        of the steps in the last eps_g, ``sampling_error`` of the straight lines that stand for a spline.

    Raises
    ------
    InputError
        One sentence that names the argument: no control of that name, one that is off, bounds, an end before the start,
        a start that diverges under all constants.

    Notes
    -----
    A minimum among its neighbours is found; that there is no better one far off is not shown. Where learning rates act
    as F = eta f1 + eta^2 f2, the best one obeys eta = -p f1 / (2 p f2) inside its bounds, p the costate [Pontryagin].
    On a plateau the best schedule gives up error now for a faster escape [Saad & Rattray 1997, Rattray & Saad 1998].
    ``dropout_keep`` at the end scales the student's output, as everywhere. Weight decay and dropout are no schedules of
    a scenario: their values are in the result alone.
    Cost: a gradient takes 3 to 10 runs of `solve`, a schedule some hundred gradients: erf K = M = 2 over alpha = 100
    some 5 s. The first call compiles, 1 to 5 s.

    Examples
    --------
    >>> import learndyn as ld
    >>> linear = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), 0.5, label_noise=0.5)
    >>> best = ld.optimal_schedule(linear, ld.Start(Q=1.0, R=0.0), until=4, knots=8)
    >>> curve = ld.solve(ld.scenario_of(best), ld.Start(Q=1.0, R=0.0), until=4)
    >>> curve.eps_g[-1].item() < best.eps_g_constant[-1].item()
    True
    """
    scenario = checked_scenario(scenario)
    require(scenario, "error_function", "optimal_schedule")
    names = checked_controls(scenario, controls)
    start = scenario.as_start(start)
    scenario = with_constants(scenario, names, start.at)
    limits = checked_bounds(bounds, names, scenario)
    until = float(save_times(None, start.at, until)[-1])
    choice(form, "form", list(FORMS))
    family = Form(form, start.at, until, count(knots, "knots", FORMS[form]))
    problem = Problem.of(scenario, start, until, names)
    found = optimise(
        problem, family, limits, _first(first, problem, family, limits),
        iterations=count(max_iterations, "max_iterations"), tolerance=number(tolerance, "tolerance", above=0.0),
        largest_step=number(largest_step, "largest_step", above=0.0), accuracy=number(accuracy, "accuracy", above=0.0),
    )  # fmt: skip
    return _dataset(problem, family, found)


def _first(first: Any, problem: Problem, form: Form, bounds: dict[str, tuple[float, float]]) -> list[np.ndarray]:
    """The user's beginning as a table; none given: none."""
    if first is None:
        return []
    given = problem.constants() | by_control(first, problem.controls, "first", "0.5")
    rows = []
    for name in problem.controls:
        value = given[name]
        if np.ndim(value):
            row = array(value, "first", (form.size,), "Give one number for each knot.")
        else:
            row = form.fitted(as_schedule(schedule_of(value, "first", zero=True)))
        rows.append(np.clip(row, *bounds[name]))
    return [np.stack(rows)]


def _dataset(problem: Problem, form: Form, found: Optimum) -> xr.Dataset:
    names, run = problem.controls, found.run
    schedules = {name: form.schedule(row) for name, row in zip(names, found.table, strict=True)}
    scheduled = problem.scenario.replace(**{name: schedules[name] for name in names if name in RATES})
    descent, outcome = found.descent, found.objective.outcome(found.table)
    status, message = _verdict(descent)
    if status != "ok":
        warnings.warn(message, LearndynWarning, stacklevel=3)
    options = {"quantity": "optimal_schedule", "until": problem.until, "controls": list(names), "form": form.name}
    result = trajectory(
        scheduled, problem.start, run.times, run.states,
        engine="theory", status=status, message=message, options={**options, "knots": form.size}, timings=run.timings,
    )  # fmt: skip
    result = result.assign(_curves(problem, form, found, run.times)).assign(_numbers(problem, form, found, outcome))
    gains = {"eps_g_final": float(result.eps_g[-1]), "eps_g_final_constant": float(result.eps_g_constant[-1])}
    sampling = max(form.sampling_error(row) for row in found.table)
    return result.assign_attrs(
        iterations=found.objective.iterations,
        evaluations=found.objective.calls, gradient_norm=descent.gradient_norm,
        integration_error=found.integration_error, sampling_error=sampling, largest_step=found.largest_step, **gains,
    )  # fmt: skip


def _verdict(descent: Descent) -> tuple[str, str]:
    """The status of a descent, and a sentence."""
    if descent.converged:
        return "ok", "The schedule is best among its neighbours."
    ended = f"The descent ended after {descent.iterations} iterations with a gradient of {descent.gradient_norm:.2g}"
    if "LIMIT" in descent.message:
        return "max_iterations", f"{ended}. Raise max_iterations, or give the result as `first`."
    return "stalled", f"{ended}, where rounding hides whether a step is better. Raise tolerance, or take it as it is."


def _curves(problem: Problem, form: Form, found: Optimum, times: np.ndarray) -> dict[str, xr.Variable]:
    """What belongs to each time: the controls, eps_g with them, and eps_g with the best constants."""
    lead, basis = (problem.scenario.time_name,), form.basis(times)
    values = {name: basis @ row for name, row in zip(problem.controls, found.table, strict=True)}
    curves = {
        name: xr.Variable(lead, value, {"long_name": f"{name.replace('_', ' ')}, the best at each time"})
        for name, value in values.items()
    }
    eps_g = problem.errors(found.run.states, times, values)
    attrs = {"long_name": problem.scenario.quantities()["eps_g"].description, "units": "1"}
    curves["eps_g"] = xr.Variable(lead, np.maximum(eps_g, 0.0), attrs)
    constant = run_table(problem, form, level(form, found.constants), times, **VERIFY)
    reference = problem.errors(constant.states, constant.times, dict(found.constants))
    curves["eps_g_constant"] = xr.Variable(
        lead, np.maximum(reference, 0.0), {"long_name": "generalisation error with the best constants", "units": "1"}
    )
    return curves


def _numbers(problem: Problem, form: Form, found: Optimum, outcome: Any) -> dict[str, Any]:
    """What belongs to each number of the controls, and the costate."""
    _, rows = np.unique(found.objective.grid.times[:, 0], return_index=True)
    lead = (problem.scenario.time_name, "parameter")
    return {
        "numbers": (("control", "knot"), found.table, {"long_name": "numbers of the controls"}),
        "gradient": (
            ("control", "knot"), found.objective.gradient(outcome), {"long_name": "d eps_g(until) / d numbers"},
        ),
        "constant": (("control",), list(found.constants.values()), {"long_name": "best constants"}),
        "costate": (lead, outcome.costate[rows], {"long_name": "d eps_g(until) / d order parameter"}),
        "control": (("control",), np.array(problem.controls)),
        "knot": (("knot",), form.places, {"long_name": "time of each number"}),
        "parameter": (("parameter",), np.array(problem.scenario.parameter_names())),
    }  # fmt: skip
