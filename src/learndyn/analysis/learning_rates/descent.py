"""Descent of ln eps_g in the numbers of the controls, from few numbers to many, by L-BFGS-B with exact gradients.

    minimise ln(eps_g(z(until)) + floor)   over c within bounds,   u = B c

The logarithm makes errors of 0.1 and 10^-6 alike, and does not move the minimum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from learndyn.analysis.learning_rates.controls import KEYS
from learndyn.analysis.learning_rates.forms import Form
from learndyn.analysis.learning_rates.problem import Problem
from learndyn.engines.fixed_steps import Grid, Outcome, final_error, make_grid

# A run that ends nowhere is as bad as this factor of the error at the start, in the logarithm.
HOPELESS = 50.0
# Relative change of the objective below which rounding decides, and how much larger than asked for the gradient may
# then be.
ROUNDING = 1e-14
LOOSE = 100.0


@dataclass
class Objective:
    """ln eps_g at the end, as a function of a table of numbers (controls, size), through fixed steps."""

    problem: Problem
    form: Form
    grid: Grid
    basis: np.ndarray = field(init=False)
    calls: int = 0
    iterations: int = 0

    def __post_init__(self) -> None:
        self.basis = self.form.on(self.grid)

    @classmethod
    def of(cls, problem: Problem, form: Form, largest: float) -> Objective:
        """With steps that end at the edges of the form's pieces and wherever the flow jumps."""
        flow = problem.flow
        knots = [form.edges, [] if flow.knots is None else flow.knots(problem.values())]
        return cls(problem, form, make_grid(problem.start.at, problem.until, np.concatenate(knots), largest))

    def outcome(self, table: np.ndarray) -> Outcome:
        """The run with these numbers, and its derivatives."""
        problem = self.problem
        controls = {KEYS[name]: self.basis @ row for name, row in zip(problem.controls, table, strict=True)}
        self.calls += 1
        return final_error(problem.flow, problem.error, problem.state, problem.values(), controls, self.grid)

    def gradient(self, outcome: Outcome) -> np.ndarray:
        """d eps_g / d table, (controls, size)."""
        rows = [outcome.gradient[KEYS[name]] for name in self.problem.controls]
        return np.stack([np.tensordot(row, self.basis, axes=2) for row in rows])

    def __call__(self, table: np.ndarray) -> tuple[float, np.ndarray]:
        """ln eps_g and its gradient."""
        found = self.outcome(table)
        gradient = self.gradient(found)
        inside = found.error + self.problem.floor
        if not (np.isfinite(inside) and np.isfinite(gradient).all() and inside > 0.0):
            return HOPELESS, np.zeros_like(table)
        return float(np.log(inside)), gradient / inside


@dataclass
class Descent:
    """Where a descent has come to."""

    table: np.ndarray
    value: float
    gradient_norm: float  # largest entry of the gradient within bounds, of ln eps_g by numbers in units of their scale
    iterations: int
    converged: bool
    message: str


def descend(
    objective: Objective,
    table: np.ndarray,
    columns: np.ndarray,
    scale: np.ndarray,
    bounds: list[tuple[float, float]],
    *,
    iterations: int,
    tolerance: float,
) -> Descent:
    """From a table (controls, size) down, within the span of ``columns`` (size, m); one scale and bounds a control."""
    from scipy.optimize import minimize

    shape = (len(table), columns.shape[1])
    low, high = (np.repeat([pair[side] for pair in bounds], shape[1]).reshape(shape) for side in (0, 1))
    first = np.clip(np.linalg.lstsq(columns, table.T, rcond=None)[0].T, low, high)
    limits = [(a, b) for a, b in zip((low / scale).ravel(), (high / scale).ravel(), strict=True)]

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        result, gradient = objective(scale * x.reshape(shape) @ columns.T)
        return result, (scale * gradient @ columns).ravel()

    found: Any = minimize(
        value, (first / scale).ravel(), jac=True, method="L-BFGS-B", bounds=limits,
        options={"maxiter": iterations, "maxfun": 4 * iterations + 50, "maxls": 30, "maxcor": 20,
                 "gtol": tolerance, "ftol": ROUNDING},
    )  # fmt: skip
    objective.iterations += int(found.nit)
    x, gradient = found.x, found.jac
    held = np.clip(x - gradient, [a for a, _ in limits], [b for _, b in limits]) - x
    norm = float(np.abs(held).max())
    return Descent(
        scale * x.reshape(shape) @ columns.T, float(found.fun), norm, int(found.nit),
        bool(found.success) and norm <= LOOSE * tolerance, str(found.message),
    )  # fmt: skip
