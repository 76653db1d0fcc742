"""Families of functions of time with a few numbers c_j, linear in them: u(alpha) = sum_j c_j B_j(alpha).

    "piecewise_constant"   B_j = 1 on the j-th of n equal pieces, else 0
    "piecewise_linear"     B_j: straight lines, 1 at the j-th of n points, 0 at the others
    "spline"               B_j: cubic B-splines with n - 4 equally spaced inner knots

In each the B_j are not negative and sum to one: bounds of the c_j are bounds of u.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from learndyn.engines.fixed_steps import Grid
from learndyn.schedules import PiecewiseConstant, PiecewiseLinear, Schedule

FORMS = {"piecewise_constant": 1, "piecewise_linear": 2, "spline": 4}
# A spline becomes a schedule by straight lines, this many between two of its knots.
LINES = 32
CUBIC = 3


@dataclass(frozen=True)
class Form:
    """A family on [at, until] with `size` numbers."""

    name: str
    at: float
    until: float
    size: int

    @cached_property
    def edges(self) -> np.ndarray:
        """Where the pieces begin and end."""
        pieces = {"piecewise_constant": self.size, "piecewise_linear": self.size - 1, "spline": self.size - CUBIC}
        return np.linspace(self.at, self.until, pieces[self.name] + 1)

    @cached_property
    def places(self) -> np.ndarray:
        """A time for each number, (size,): begins of pieces, points, or where a spline takes most of it."""
        if self.name == "piecewise_constant":
            return self.edges[:-1]
        if self.name == "piecewise_linear":
            return self.edges
        return np.array([self._knots[j + 1 : j + 1 + CUBIC].mean() for j in range(self.size)])

    @cached_property
    def _knots(self) -> np.ndarray:
        return np.concatenate([[self.at] * CUBIC, self.edges, [self.until] * CUBIC])

    def basis(self, times: np.ndarray, sides: np.ndarray | None = None) -> np.ndarray:
        """B_j at times (...), shape (..., size); at a jump on the side of ``sides``, times inside the right pieces."""
        if self.name == "piecewise_constant":
            inside = times if sides is None else sides
            piece = np.clip(np.searchsorted(self.edges, inside, side="right") - 1, 0, self.size - 1)
            return np.eye(self.size)[piece]
        flat = np.clip(times.reshape(-1), self.at, self.until)
        if self.name == "piecewise_linear":
            rows = np.stack([np.interp(flat, self.edges, hat) for hat in np.eye(self.size)], axis=-1)
        else:
            from scipy.interpolate import BSpline

            rows = BSpline.design_matrix(flat, self._knots, CUBIC).toarray()
        return rows.reshape(*times.shape, self.size)

    def on(self, grid: Grid) -> np.ndarray:
        """B_j at all stages of all steps, (steps, stages, size)."""
        return self.basis(grid.times, np.broadcast_to(grid.middles[:, None], grid.times.shape))

    def coarse(self, size: int) -> np.ndarray:
        """Columns (self.size, size) that span a family of fewer numbers within this one; rows sum to 1."""
        if self.name == "piecewise_constant":
            return np.eye(size)[np.arange(self.size) * size // self.size]
        if size == 1:
            return np.ones((self.size, 1))
        points = np.linspace(self.places[0], self.places[-1], size)
        return np.stack([np.interp(self.places, points, hat) for hat in np.eye(size)], axis=-1)

    def schedule(self, numbers: np.ndarray) -> Schedule:
        """As a schedule; of a spline, straight lines through points of it."""
        if self.name == "piecewise_constant":
            return PiecewiseConstant(rates=numbers, times=self.edges[1:-1])
        if self.name == "piecewise_linear":
            return PiecewiseLinear(rates=numbers, times=self.edges)
        times = np.linspace(self.at, self.until, LINES * (len(self.edges) - 1) + 1)
        return PiecewiseLinear(rates=np.maximum(self.basis(times) @ numbers, 0.0), times=times)

    def sampling_error(self, numbers: np.ndarray) -> float:
        """How far the schedule may be off the family: of straight lines h^2 / 8 times the largest second derivative."""
        if self.name != "spline":
            return 0.0
        from scipy.interpolate import BSpline

        # The second derivative is linear between knots: it is largest at one.
        bend = BSpline(self._knots, numbers, CUBIC).derivative(2)(self.edges)
        return float((np.diff(self.edges)[0] / LINES) ** 2 / 8.0 * np.abs(bend).max())

    def fitted(self, schedule: Schedule) -> np.ndarray:
        """Numbers (size,) of this family near a schedule: its values at the places, or in the middles of pieces."""
        middles = 0.5 * (self.edges[:-1] + self.edges[1:])
        return schedule(middles if self.name == "piecewise_constant" else self.places)
