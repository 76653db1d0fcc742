"""Gradient descent on drawn samples of n inputs and p = n / a examples, as the engine repeats it.

    X ~ N(0, 1) (n, p),   y = X^T wbar + sigma noise,   |wbar| = S,   |w(0)| = L
    W_l <- W_l - eta (d train / dW_l + gamma W_l),   train = |y - X^T w|^2 / (2 p)

A deep student has hidden layers of one unit each: layers that are balanced at the start stay single directions, and
wider ones do the same. Its flat weights are the first layer z (n,), then the D - 1 numbers of the units.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from learndyn.errors import InputError
from learndyn.scenarios.finite_sample.errors import OBSERVABLES

if TYPE_CHECKING:
    from learndyn.scenarios.finite_sample.scenario import FiniteSample
    from learndyn.scenarios.finite_sample.start import RandomWeights

# Seconds that NumPy takes for a step, and for one product in it.
STEP_SECONDS, PRODUCT_SECONDS = 1e-5, 3e-10


@dataclass(frozen=True, eq=False)
class SampleDescent:
    """What is repeated, and what it is drawn from."""

    scenario: FiniteSample
    length: float

    names = tuple(OBSERVABLES)

    @property
    def learning_rate(self) -> float:
        """Eta."""
        return self.scenario.learning_rate

    @property
    def scale(self) -> float:
        """Squared lengths of start, rule and noise, the last by as much as a nearly square sample magnifies it."""
        return self.length**2 + self.scenario.signal**2 + 1e4 * self.scenario.label_noise**2 + 1.0

    def draw(self, N: int, rng: np.random.Generator) -> DrawnSample:
        """A sample, a rule of length S and a student of length L, both in random directions."""
        scenario, p = self.scenario, examples(N, self.scenario.aspect)
        X = rng.standard_normal((N, p))
        rule = scenario.signal * _direction(N, rng)
        y = rule @ X + scenario.label_noise * rng.standard_normal(p)
        strength = self.length ** (1.0 / scenario.depth)
        start = np.concatenate([strength * _direction(N, rng), np.full(scenario.depth - 1, strength)])
        return DrawnSample(scenario, X, y, rule, start)

    def cost(self, N: int) -> float:
        """Seconds for a step."""
        return STEP_SECONDS + PRODUCT_SECONDS * N * min(N, 2 * examples(N, self.scenario.aspect))


def examples(N: int, aspect: float) -> int:
    """p = N / a to the nearest whole number, refused where there is none."""
    p = round(N / aspect)
    if p < 1:
        raise InputError(
            f"Argument `N` must be large enough for one example to {aspect:g} inputs, but it is {N}. Use at least "
            f"N={int(np.ceil(aspect))}."
        )
    return p


@dataclass(frozen=True, eq=False)
class DrawnSample:
    """One sample, its rule, and where the student starts."""

    scenario: FiniteSample
    X: np.ndarray  # (n, p)
    y: np.ndarray  # (p,)
    rule: np.ndarray  # wbar, (n,)
    start: np.ndarray  # z, then the units, (n + D - 1,)

    @cached_property
    def _target(self) -> np.ndarray:
        return self.X @ self.y / self.y.size

    @cached_property
    def _correlation(self) -> np.ndarray | None:
        """X X^T / p, where it has fewer numbers than X and X^T."""
        n, p = self.X.shape
        return self.X @ self.X.T / p if n < 2 * p else None

    def _gradient(self, w: np.ndarray) -> np.ndarray:
        """d train / dw."""
        found = self.X @ (w @ self.X) / self.y.size if self._correlation is None else self._correlation @ w
        return found - self._target

    def product(self, weights: np.ndarray) -> np.ndarray:
        """The weights w (n,) of the whole student."""
        n = len(self.rule)
        return weights[:n] * np.prod(weights[n:])

    def descend(self, weights: np.ndarray, steps: int) -> np.ndarray:
        """Literal steps in all layers at once."""
        n, eta = len(self.rule), self.scenario.learning_rate
        kept = 1.0 - eta * self.scenario.weight_decay
        for _ in range(steps):
            z, units = weights[:n], weights[n:]
            factor = np.prod(units)
            gradient = self._gradient(factor * z)
            slopes = [factor * gradient]
            if units.size:
                # Of a unit: the product of all the others, times what the first layer gives along the gradient.
                slopes.append(_others(units) * (gradient @ z))
            weights = kept * weights - eta * np.concatenate(slopes)
        return weights

    def measure(self, weights: np.ndarray) -> dict[str, float]:
        """The observables of `ld.solve`."""
        w = self.product(weights)
        away, residual = self.rule - w, self.y - w @ self.X
        eps_g = 0.5 * float(away @ away)
        return {
            "eps_g": eps_g,
            "test_error": eps_g + 0.5 * self.scenario.label_noise**2,
            "train_error": 0.5 * float(residual @ residual) / residual.size,
            "R": float(self.rule @ w),
            "Q": float(w @ w),
        }


def descent_of(scenario: FiniteSample, start: RandomWeights) -> SampleDescent:
    """The descent of a scenario from a start, refused for a given spectrum."""
    if scenario.eigenvalues is not None:
        raise InputError(
            "Argument `eigenvalues` must be None for ld.simulate, which draws its samples, but it holds those of one "
            "data set. Use scenario.replace(eigenvalues=None)."
        )
    return SampleDescent(scenario, start.length)


def _others(units: np.ndarray) -> np.ndarray:
    """For each number the product of all others."""
    before = np.concatenate([[1.0], np.cumprod(units[:-1])])
    after = np.concatenate([np.cumprod(units[:0:-1])[::-1], [1.0]])
    return before * after


def _direction(n: int, rng: np.random.Generator) -> np.ndarray:
    vector = rng.standard_normal(n)
    return vector / np.linalg.norm(vector)
