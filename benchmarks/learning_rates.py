"""Rows of `make bench` for the best learning rates: gradients through the flow, and how long a schedule takes."""

from __future__ import annotations

import time

import numpy as np

import learndyn as ld
from learndyn.engines.fixed_steps import STAGES, final_error, make_grid
from learndyn.gaussian.namespaces import jax_namespace
from solve import committee, seconds
from table import Row, show

# A constant rate on a plateau, erf K = M = 2.
SCENARIO = committee(2, "erf", 1.0)
START = ld.Start.near_symmetric(SCENARIO, Q=[0.2, 0.3], X=1e-3)
UNTIL, PIECES = 100.0, 200
EDGES = np.linspace(0.0, UNTIL, PIECES + 1)
# Pieces whose derivatives are compared with differences.
COMPARED = (0, 20, 60, 100, 150, 190, 199)


def solved(rates: np.ndarray, rtol: float, atol: float) -> float:
    """eps_g at the end by the adaptive solver."""
    schedule = ld.schedules.PiecewiseConstant(rates=rates, times=EDGES[1:-1])
    scenario = SCENARIO.replace(learning_rate=schedule)
    return ld.solve(scenario, START, UNTIL, save_at=[UNTIL], rtol=rtol, atol=atol).eps_g[-1].item()


def difference(piece: int, h: float = 2e-2) -> float:
    """The fourth-order difference quotient of eps_g at the end by one value of the schedule."""
    at = {k: solved(np.ones(PIECES) + k * h * np.eye(PIECES)[piece], 1e-13, 1e-15) for k in (-2, -1, 1, 2)}
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)


def gradient_rows() -> list[Row]:
    """The gradient in 200 values of a schedule: time against forward solves, error against differences."""
    grid = make_grid(0.0, UNTIL, EDGES[1:-1], 0.25)
    state, values = SCENARIO.initial_state(SCENARIO.as_start(START)), SCENARIO.values()
    flow, error = SCENARIO.flow(), SCENARIO.error_function(jax_namespace())
    piece = np.clip(np.searchsorted(EDGES, grid.middles, side="right") - 1, 0, PIECES - 1)

    def gradient() -> np.ndarray:
        controls = {"learning_rate": np.repeat(np.ones(PIECES)[piece][:, None], STAGES, axis=1)}
        found = final_error(flow, error, state, values, controls, grid)
        return np.bincount(piece, found.gradient["learning_rate"].sum(1), minlength=PIECES)

    found = gradient()
    solved(np.ones(PIECES), 1e-8, 1e-10)
    ours, forward = seconds(gradient, 15), seconds(lambda: solved(np.ones(PIECES), 1e-8, 1e-10), 15)
    constant = seconds(lambda: ld.solve(SCENARIO, START, UNTIL, save_at=[UNTIL]), 15)
    expected = np.array([difference(piece) for piece in COMPARED])
    relative = np.abs(found[list(COMPARED)] / expected - 1.0).max()
    return [
        Row("gradient of eps_g(100) in 200 rates, erf K=M=2", 1e3 * ours, "ms", "ld.solve", ours / forward, "<= 15 x"),
        Row("  against ld.solve with one constant rate", 1e3 * ours, "ms", "ld.solve", ours / constant),
        Row("  largest relative error of 7 of them, on a plateau", relative, target="<= 1e-5"),
    ]


def schedule_rows() -> list[Row]:
    """The best schedule of 64 rates."""

    def best() -> None:
        ld.optimal_schedule(SCENARIO, START, UNTIL, knots=64)

    clock = time.perf_counter()
    best()
    first = time.perf_counter() - clock
    return [
        Row("best schedule, 64 rates, erf K=M=2, alpha 100", seconds(best, 3), "s", target="<= 60 s"),
        Row("  the first one, with the compilation", first, "s"),
    ]


def rows() -> list[Row]:
    """All rows of this file."""
    return gradient_rows() + schedule_rows()


if __name__ == "__main__":
    show(rows())
