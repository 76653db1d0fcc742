"""Rows of `make bench` for learning from a finite sample: curves, the best time to stop, and drawn samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import quad

import learndyn as ld
from solve import seconds
from table import Row, show

SAMPLE = ld.FiniteSample(aspect=0.9, label_noise=0.5)
TIMES = np.linspace(0.0, 100.0, 1000)


def by_hand(t: float, a: float = 0.9, noise: float = 0.5) -> float:
    """eps_g by SciPy's adaptive quadrature over the density, as one would write it."""
    low, high = (1.0 - np.sqrt(a)) ** 2, (1.0 + np.sqrt(a)) ** 2

    def integrand(x: float) -> float:
        density = np.sqrt(max((high - x) * (x - low), 0.0)) / (2.0 * np.pi * a * x)
        return density * (np.exp(-2.0 * x * t) + noise**2 * a * np.expm1(-x * t) ** 2 / x)

    return 0.5 * quad(integrand, low, high, epsabs=1e-10, epsrel=1e-10, limit=200)[0]


def curve() -> Any:
    return ld.solve(SAMPLE, 0.0, until=100.0, save_at=TIMES)


def curve_rows() -> list[Row]:
    """One curve of a thousand times, beside an adaptive quadrature for each of them."""
    found = curve().eps_g.values
    assert np.allclose(found[::100], [by_hand(t) for t in TIMES[::100]], atol=1e-8)
    own, other = seconds(curve, 20), seconds(lambda: [by_hand(t) for t in TIMES[::20]], 3) * 20
    return [
        Row("errors of a finite sample, a = 0.9, 1000 times", own, "s", target="<= 50 ms"),
        Row("  eps_g alone by SciPy's quad", other, "s", "the curve", other / own),
    ]


def surface_rows() -> list[Row]:
    """A picture's worth of errors, the best time, the best decay, and what a deep student costs."""
    aspects, times = np.geomspace(0.1, 10.0, 101), np.geomspace(0.1, 1000.0, 200)
    deep = SAMPLE.replace(depth=2)
    ld.solve(deep, 0.01, until=50.0)
    return [
        Row("errors over 101 aspects x 200 times", seconds(lambda: ld.error_surface(SAMPLE, aspects, times), 3), "s"),
        Row("best time to stop", seconds(lambda: ld.optimal_stopping_time(SAMPLE), 10), "s"),
        Row("best weight decay", seconds(lambda: ld.optimal_weight_decay(SAMPLE), 10), "s"),
        Row("two layers from a small start to t = 50", seconds(lambda: ld.solve(deep, 0.01, until=50.0), 5), "s"),
    ]


def simulation_rows() -> list[Row]:
    """Gradient descent on a drawn sample, beside the products of a matrix and a vector that it cannot do without."""
    sample, n, steps = SAMPLE.replace(aspect=0.5), 400, 1000
    A, w = np.eye(n), np.ones(n)

    def floor() -> None:
        for _ in range(steps):
            A @ w

    def descend() -> Any:
        return ld.simulate(sample, 0.1, until=steps * 0.01, N=n, seed=1, save_at=2, threads=1)

    own, least = seconds(descend, 5), seconds(floor, 5)
    return [Row("1000 steps on a drawn sample, n = 400, p = 800", own, "s", "its products alone", own / least)]


def rows() -> list[Row]:
    """All rows of this file."""
    return [*curve_rows(), *surface_rows(), *simulation_rows()]


if __name__ == "__main__":
    show(rows())
