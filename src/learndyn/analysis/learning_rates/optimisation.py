"""The way to the best controls: the best constants, then few numbers from several beginnings, then all of them.

Steps of fixed length stand for the flow; where they are off the adaptive solver by too much, they are halved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from learndyn.analysis.learning_rates.controls import RATES
from learndyn.analysis.learning_rates.descent import Descent, Objective, descend
from learndyn.analysis.learning_rates.forms import Form
from learndyn.analysis.learning_rates.problem import Problem, refuse_failure
from learndyn.analysis.learning_rates.search import search
from learndyn.engines.theory import Integration
from learndyn.errors import InputError

# How many numbers come before all of them, and how long the descent in them is.
COARSE = 8
COARSE_ITERATIONS = 40
# Beginnings beside the best constants: these, from the begin to the end, times the rates.
RAMPS = ((2.0, 0.5), (0.5, 1.5))
# Tolerances of the runs that search the best constants, and of those that tell how exact the fixed steps are.
SEARCH = {"rtol": 1e-10, "atol": 1e-13}
VERIFY = {"rtol": 1e-12, "atol": 1e-15}
# What the runs that verify may be off by in eps_g, for order parameters of order one.
NEGLIGIBLE = 1e-11
# The shortest steps, as a part of the whole.
SMALLEST_PART = 1e-5


@dataclass
class Optimum:
    """The best table of numbers (controls, size), the best constants, and what it took."""

    table: np.ndarray
    constants: dict[str, float]
    objective: Objective
    descent: Descent
    run: Integration  # of the adaptive solver, with the schedules
    integration_error: float  # of the fixed steps in eps_g at the end
    largest_step: float


def optimise(
    problem: Problem,
    form: Form,
    bounds: dict[str, tuple[float, float]],
    first: list[np.ndarray],
    *,
    iterations: int,
    tolerance: float,
    largest_step: float,
    accuracy: float,
) -> Optimum:
    """The best numbers of the form; ``first``: further tables to begin with."""
    times = Objective.of(problem, form, largest_step).grid.begins
    constants = best_constants(problem, form, bounds, times)
    table = level(form, constants)
    limits = [bounds[name] for name in problem.controls]
    scale = np.array([[constants[name] or 1.0] for name in problem.controls])
    down = partial(descend, scale=scale, bounds=limits)
    objective, *_ = _exact_enough(problem, form, table, largest_step, accuracy)
    if len(problem.controls) > 1:
        table = down(objective, table, form.coarse(1), iterations=iterations, tolerance=tolerance).table
        constants = dict(zip(problem.controls, table[:, 0].tolist(), strict=True))
    table = _begin(problem, objective, table, first, down, tolerance)
    while True:
        found = down(objective, table, np.eye(form.size), iterations=iterations, tolerance=tolerance)
        step = float(objective.grid.lengths.max())
        better, run, error = _exact_enough(problem, form, found.table, step, accuracy)
        if better.grid.lengths.max() >= step:
            return Optimum(found.table, constants, objective, found, run, error, step)
        better.calls, better.iterations = better.calls + objective.calls, objective.iterations
        table, objective = found.table, better


def level(form: Form, constants: dict[str, float]) -> np.ndarray:
    """The table of constants."""
    return np.stack([np.full(form.size, value) for value in constants.values()])


def run_table(problem: Problem, form: Form, table: np.ndarray, times: np.ndarray, **tolerances: float) -> Integration:
    """The run of the adaptive solver with the schedules of a table."""
    controls = {name: form.schedule(row) for name, row in zip(problem.controls, table, strict=True)}
    return problem.run_schedules(controls, times, **tolerances)


def best_constants(
    problem: Problem, form: Form, bounds: dict[str, tuple[float, float]], times: np.ndarray
) -> dict[str, float]:
    """The best constant of each control in turn, the others as they are: rates first."""
    constants = {name: float(np.clip(value, *bounds[name])) for name, value in problem.constants().items()}

    def error(changed: dict[str, float]) -> float:
        # As schedules, and with all times: one program serves these runs and those that follow.
        run = run_table(problem, form, level(form, changed), times, **SEARCH)
        return float(problem.errors(run.states[-1:], run.times[-1:], changed)[0]) if run.status == "ok" else np.inf

    for name in sorted(problem.controls, key=lambda name: name not in RATES):
        found = search(lambda value, name=name: error({**constants, name: value}), bounds[name], accuracy=1e-4)
        if np.isfinite(found.value):
            constants[name] = found.best
    if not np.isfinite(error(constants)):
        raise InputError(
            f"Argument `start` must let learning run to `until` = {problem.until:g}, but it diverges with every "
            "constant control that was tried. Use a smaller start, or bounds with smaller rates."
        )
    return constants


def _exact_enough(
    problem: Problem, form: Form, table: np.ndarray, largest: float, accuracy: float
) -> tuple[Objective, Integration, float]:
    """Steps with which eps_g at the end is exact enough for these numbers; the exact run; what is left of error."""
    objective = Objective.of(problem, form, largest)
    run = run_table(problem, form, table, objective.grid.begins, **VERIFY)
    refuse_failure(problem, run)
    at_end = dict(zip(problem.controls, table @ form.basis(np.array(problem.until)), strict=True))
    exact = float(problem.errors(run.states[-1:], run.times[-1:], at_end)[0])
    allowed = accuracy * abs(exact) + NEGLIGIBLE
    error = abs(objective.outcome(table).error - exact)
    while not error <= allowed:
        step = 0.5 * float(objective.grid.lengths.max())
        if step < SMALLEST_PART * (problem.until - problem.start.at):
            raise InputError(
                f"Argument `accuracy` must be within reach, but steps of {2.0 * step:.2g} still leave an error of "
                f"{error:.2g} in eps_g = {exact:.4g} at the end. Ask for a larger accuracy, or smaller bounds."
            )
        objective = Objective.of(problem, form, step)
        error = abs(objective.outcome(table).error - exact)
    return objective, run, error


def _begin(
    problem: Problem,
    objective: Objective,
    table: np.ndarray,
    first: list[np.ndarray],
    down: Callable[..., Descent],
    tolerance: float,
) -> np.ndarray:
    """The best of several descents in few numbers, and of the given tables as they are."""
    form, size = objective.form, min(COARSE, objective.form.size)
    rates = np.array([[name in RATES] for name in problem.controls])
    beginnings = [table]
    for begin, end in RAMPS:
        factor = np.linspace(begin, end, form.size)
        beginnings.append(np.where(rates, table * factor, table))
    descents = [
        down(objective, one, form.coarse(size), iterations=COARSE_ITERATIONS, tolerance=tolerance) for one in beginnings
    ]
    found = [(descent.value, descent.table) for descent in descents]
    found += [(objective(one)[0], one) for one in first]
    return min(found, key=lambda pair: pair[0])[1]
