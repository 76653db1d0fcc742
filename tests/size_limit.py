"""How the mean of the chain approaches the N to infinity theory: |<z>_N - z_theory| = a N^-p (1 + b / N), p = 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import curve_fit

import learndyn as ld
from law import order_parameters
from learndyn.activations import activation
from learndyn.engines.overlaps import run_overlaps
from learndyn.scenarios.process import bare
from learndyn.scenarios.student_teacher.steps import make_step


@dataclass(frozen=True)
class Limit:
    """A scenario with a large 1 / N term: eta and alpha where learning is fast and its fluctuations matter."""

    activation: str
    eta: float
    alpha: float
    Q: tuple[tuple[float, ...], ...]
    R: tuple[tuple[float, ...], ...]

    @property
    def K(self) -> int:
        return len(self.R)

    @property
    def M(self) -> int:
        return len(self.R[0])

    def __str__(self) -> str:
        return f"{self.activation} K={self.K} M={self.M} eta={self.eta:g} alpha={self.alpha:g}"


LIMITS = {
    "perceptron": Limit("erf", 2.0, 2.0, ((0.25,),), ((0.1,),)),
    "committee": Limit("erf", 2.0, 2.0, ((0.25, 0.1), (0.1, 0.5)), ((0.1,), (0.3,))),
    "relu": Limit("relu", 1.0, 5.0, ((0.25,),), ((0.1,),)),
}


def theory(limit: Limit) -> np.ndarray:
    """The order parameters for N to infinity, (parameters,)."""
    scenario = ld.StudentTeacher(
        ld.Student(limit.K, limit.activation), ld.Teacher(limit.M, limit.activation), limit.eta
    )
    start = ld.Start(limit.Q, limit.R)
    end = ld.solve(scenario, start, limit.alpha, save_at=[limit.alpha], rtol=1e-11, atol=1e-12)
    return order_parameters(end.R.values[None], end.Q.values[None])[0, 0]


def deviations(limit: Limit, sizes: list[int], replicas: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the chain less theory, and its standard error, each (sizes, parameters)."""
    step, exact = make_step(activation(limit.activation), limit.eta), theory(limit)
    C = np.block([[np.array(limit.Q), np.array(limit.R)], [np.array(limit.R).T, np.eye(limit.M)]])
    rows = []
    for N, count in zip(sizes, replicas, strict=True):
        run = run_overlaps(bare(step, C, limit.K), N, np.array([round(limit.alpha * N)]), replicas=count, seed=seed)
        sample = order_parameters(run.R, run.Q)[:, 0]
        rows.append((sample.mean(0) - exact, sample.std(0, ddof=1) / np.sqrt(count)))
    off, error = np.array(rows).swapaxes(0, 1)
    return off, error


def exponent(sizes: list[int], off: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """p and its standard error, from a fit of a N^-p (1 + b / N) to deviations (sizes,) with standard errors."""
    N = np.array(sizes, dtype=float)

    def model(N, a, p, b):
        return a * N**-p * (1.0 + b / N)

    guess = (off[0] * N[0], 1.0, 0.0)
    best, covariance = curve_fit(model, N, off, p0=guess, sigma=error, absolute_sigma=True)
    return float(best[1]), float(np.sqrt(covariance[1, 1]))
