"""Rows of `make bench` for the flow of a perceptron: many inputs with full covariances, and many scenarios."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import ndtr

import learndyn as ld
from solve import seconds
from table import Row, show

U = np.sqrt(np.pi / 8.0)
CONVERGED = 30.0  # units of time; the drift is then below 1e-8 of that at the start


def images(n: int) -> ld.GaussianClassification:
    """Two classes with the means and the falling spectra of images: different full covariances, lambda = 1."""
    rng = np.random.default_rng(n)
    falling = 8.0 * np.arange(1.0, n + 1.0) ** -1.2
    pair = tuple(ld.Covariance.spectrum(falling * rng.uniform(0.5, 1.5, n), seed=seed).dense(n) for seed in (1, 2))
    means = rng.standard_normal((2, n)) * 4.0 / np.sqrt(n)
    return ld.GaussianClassification(means, pair, ld.Supervised(), weight_decay=1.0)


def by_hand(task: ld.GaussianClassification) -> Any:
    """Equation (15) in NumPy, as one would write it."""
    means, covariances = task.means.values, [each.dense(task.n) for each in task.covariances]
    covariances *= 3 - len(covariances)

    def drift(t: float, w: np.ndarray) -> np.ndarray:
        total = -task.weight_decay * w
        for y, mean, covariance in zip((1.0, -1.0), means, covariances, strict=True):
            u = covariance @ w
            V = 1.0 + U * U * (w @ u)
            z = y * U * (mean @ w) / np.sqrt(V)
            total += 0.5 * (y * mean * ndtr(-z) - U * u * np.exp(-z * z / 2.0) / np.sqrt(2.0 * np.pi * V))
        return total

    return drift


def flow_rows(n: int, target: str) -> list[Row]:
    """The mean flow to convergence, beside SciPy's Runge-Kutta of the same order and tolerances on NumPy."""
    task, start = images(n), ld.GaussianWeights.random(n, seed=1)
    clock = time.perf_counter()
    found = ld.solve(task, start, CONVERGED, save_at=[CONVERGED])
    first = time.perf_counter() - clock
    drift, w0 = by_hand(task), start.mean.values
    peer = solve_ivp(drift, (0.0, CONVERGED), w0, "RK45", [CONVERGED], rtol=1e-8, atol=1e-10)
    assert np.abs(drift(0.0, found.w.values[-1])).max() < 1e-8 * np.abs(drift(0.0, w0)).max()
    assert np.allclose(found.w.values[-1], peer.y[:, -1], atol=1e-7)
    own = seconds(lambda: ld.solve(task, start, CONVERGED, save_at=[CONVERGED]), 5)
    other = seconds(lambda: solve_ivp(drift, (0.0, CONVERGED), w0, "RK45", [CONVERGED], rtol=1e-8, atol=1e-10), 5)
    return [
        Row(f"mean flow to convergence, n = {n}, two full covariances", own, "s", target=target),
        Row("  the same by SciPy's RK45 and NumPy", other, "s", "the mean flow", other / own),
        Row("  first call, with the compilation", first, "s"),
    ]


def grid_rows() -> list[Row]:
    """Times to 80 % alignment for 200 levels of noise in one call, beside one SciPy run with an event for each."""
    sigmas, mu, w0 = np.linspace(0.05, 3.0, 200), np.array([1.0, 0.0]), np.array([0.0, 1.0])
    tasks = [ld.GaussianClassification(mu, sigma**2, ld.Supervised()) for sigma in sigmas]

    def aligned(t: float, w: np.ndarray) -> float:
        return float(w[0] / np.sqrt(w @ w)) - 0.8

    aligned.terminal = True  # type: ignore[attr-defined]

    def one_by_one(every: int) -> list[float]:
        runs = [
            solve_ivp(by_hand(task), (0.0, 100.0), w0, "RK45", events=aligned, rtol=1e-8, atol=1e-10)
            for task in tasks[::every]
        ]
        return [float(run.t_events[0][0]) for run in runs]

    def grid() -> Any:
        return ld.time_to_reach(tasks, w0, 0.8, until=100.0, coords={"sigma": sigmas}, progress=False)

    assert np.allclose(grid().time.values[::20], one_by_one(20), rtol=1e-6)
    own, other = seconds(grid, 5), seconds(lambda: one_by_one(10), 3) * 10
    return [
        Row("time to 80 % alignment, 200 levels of noise in one call", own, "s"),
        Row("  one after another by SciPy's RK45 with an event", other, "s", "the one call", other / own),
    ]


def rows() -> list[Row]:
    """All rows of this file."""
    return [*flow_rows(784, "<= 2 s"), *flow_rows(1440, "<= 10 s"), *grid_rows()]


if __name__ == "__main__":
    show(rows())
