"""Speed of the perceptron's simulation at n = 784, one core: an update against a NumPy loop, for every form of inputs.

Value and peer were timed in turns in this run; both are medians, of one thread on either side.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, pi, sqrt
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import learndyn as ld
from learndyn.engines.samples import run_samples
from learndyn.scenarios.classification.process import process_of
from simulate import medians
from table import Row, show

N, RANK, ROWS = 784, 20, 5000  # MNIST's pixels; rows of data that lie in no cache
ETA, DECAY, SIGMA = 1e-3, 0.1, 0.5
TARGET = ">= 5 x"

Draw = Callable[[np.random.Generator], tuple[np.ndarray, float]]


def numpy_loop(draw: Draw, updates: int) -> np.ndarray:
    """Logistic regression, with the error function for the sigmoid, as one writes it in NumPy."""
    rng, w = np.random.default_rng(1), np.zeros(N)
    for _ in range(updates):
        x, y = draw(rng)
        s = (1.0 + y) / 2.0 - (1.0 + erf(sqrt(pi) / 4.0 * (w @ x))) / 2.0
        w += ETA * (s * x - DECAY * w)
    return w


def drawn(mean: np.ndarray, noise: Callable[[np.random.Generator], np.ndarray]) -> Draw:
    """Inputs +-mu + noise."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, float]:
        y = 1.0 if rng.random() < 0.5 else -1.0
        return y * mean + noise(rng), y

    return draw


def cases() -> list[tuple[str, Any, Draw, int]]:
    """The scenario, the NumPy loop's input and label, and how many updates are timed."""
    rng = np.random.default_rng(0)
    mean, factor = np.eye(N)[0], rng.standard_normal((N, RANK)) / sqrt(N)
    variances, dense = rng.random(N), rng.standard_normal((N, N)) / sqrt(N)
    roots, matrix = np.sqrt(variances), dense @ dense.T
    L = np.linalg.cholesky(matrix + 1e-9 * np.eye(N))
    y = np.where(np.arange(ROWS) % 2 == 0, 1, -1)
    X = y[:, None] * mean + SIGMA * rng.standard_normal((ROWS, N))

    def gaussian(covariance: Any) -> ld.GaussianClassification:
        return ld.GaussianClassification(mean, covariance, ld.Supervised(), DECAY, learning_rate=ETA)

    def row(rng: np.random.Generator) -> tuple[np.ndarray, float]:
        at = rng.integers(ROWS)
        return X[at], float(y[at])

    low = ld.Covariance(diagonal=SIGMA**2, factor=factor)
    options = {"learning_rate": ETA, "activation": "shifted_erf", "center": "none"}
    data = ld.DataClassification(X, y, ld.Supervised(), DECAY, **options)
    return [
        ("isotropic", gaussian(SIGMA**2), drawn(mean, lambda rng: SIGMA * rng.standard_normal(N)), 20_000),
        ("diagonal", gaussian(variances), drawn(mean, lambda rng: roots * rng.standard_normal(N)), 20_000),
        (
            f"rank {RANK} + diagonal",
            gaussian(low),
            drawn(mean, lambda rng: SIGMA * rng.standard_normal(N) + factor @ rng.standard_normal(RANK)),
            10_000,
        ),
        ("dense", gaussian(matrix), drawn(mean, lambda rng: L @ rng.standard_normal(N)), 2_560),
        ("rows of data", data, row, 50_000),
    ]


def rows() -> list[Row]:
    """All rows; about half a minute."""
    found = []
    with threadpool_limits(limits=1, user_api="blas"):
        for name, scenario, draw, updates in cases():
            process = process_of(scenario, np.zeros(N))
            kernel, loop = medians(
                lambda process=process, updates=updates: run_samples(process, np.array([updates]), threads=1, seed=1),
                lambda draw=draw, updates=updates: numpy_loop(draw, updates // 10),
            )
            value, peer = kernel / updates * 1e6, loop / (updates // 10) * 1e6
            what = f"simulation of a perceptron, n = {N}, {name}: an update"
            found.append(Row(what, value, "us", "a NumPy loop", peer / value, TARGET))
    return found


if __name__ == "__main__":
    show(rows())
