"""Gradient descent on drawn samples: n inputs, p = n / a examples, layer by layer, as an engine repeats it.

    X ~ N(0, 1) (n, p),   y = X^T wbar + sigma noise,   |wbar| = S,   |w(0)| = L
    W_l <- W_l - eta (d train / dW_l + gamma W_l)

A deep student has hidden layers of one unit each: layers that are balanced at the start stay single directions, so that
wider ones would do the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learndyn.errors import InputError

if TYPE_CHECKING:
    from learndyn.scenarios.finite_sample.scenario import FiniteSample
    from learndyn.scenarios.finite_sample.start import RandomWeights


@dataclass(frozen=True, eq=False)
class Sample:
    """One drawn sample of n inputs, its rule, and a student that begins."""

    X: np.ndarray  # (n, p)
    y: np.ndarray  # (p,)
    rule: np.ndarray  # wbar, (n,)
    first: np.ndarray  # the first layer at the start, (n,)


@dataclass(frozen=True, eq=False)
class Descent:
    """What is repeated, and what it is drawn from; it knows no engine."""

    scenario: FiniteSample
    start: RandomWeights

    def examples(self, n: int) -> int:
        """p = n / a, to the nearest whole number."""
        p = round(n / self.scenario.aspect)
        if p < 1:
            raise InputError(
                f"Argument `N` must be at least {self.scenario.aspect / 2:.4g}, so that there is an example to every "
                f"{self.scenario.aspect:g} inputs, but it is {n}. Choose a larger N."
            )
        return p

    def draw(self, n: int, rng: np.random.Generator) -> Sample:
        """A sample, a rule of length S and a first layer of length L^(1/D), both in random directions."""
        p, scenario = self.examples(n), self.scenario
        X = rng.standard_normal((n, p))
        rule = _direction(n, rng) * scenario.signal
        y = rule @ X + scenario.label_noise * rng.standard_normal(p)
        return Sample(X, y, rule, _direction(n, rng) * self.start.length ** (1.0 / scenario.depth))

    def curves(self, sample: Sample, steps: np.ndarray) -> dict[str, np.ndarray]:
        """The errors after these numbers of steps, increasing; NaN from where the weights are no longer finite."""
        state = _State(sample, self)
        found = {name: np.full(len(steps), np.nan) for name in ("eps_g", "test_error", "train_error", "R", "Q")}
        with np.errstate(over="ignore", invalid="ignore"):
            for row, step in enumerate(steps):
                state.advance(int(step))
                if not np.isfinite(state.w).all():
                    break
                for name, value in state.errors().items():
                    found[name][row] = value
        return found


class _State:
    """The layers while they learn: the first one z (n,), and the D - 1 units that follow, one number each."""

    def __init__(self, sample: Sample, descent: Descent) -> None:
        self._sample, self._scenario, self._done = sample, descent.scenario, 0
        n, p = sample.X.shape
        self._target = sample.X @ sample.y / p
        # The same gradient, whichever is cheaper to multiply by.
        self._correlation = sample.X @ sample.X.T / p if n < 2 * p else None
        self._z = sample.first.copy()
        self._units = np.full(self._scenario.depth - 1, descent.start.length ** (1.0 / self._scenario.depth))

    @property
    def w(self) -> np.ndarray:
        """The product of all layers."""
        return np.prod(self._units) * self._z

    def advance(self, step: int) -> None:
        """Descend until so many steps are made."""
        eta, gamma = self._scenario.learning_rate, self._scenario.weight_decay
        while self._done < step:
            gradient = self._moment(self.w) - self._target
            along = gradient @ self._z
            # d train / d unit is the product of all other units with `along`.
            others = np.array([np.prod(np.delete(self._units, l)) for l in range(len(self._units))])
            z = self._z - eta * (np.prod(self._units) * gradient + gamma * self._z)
            self._units = self._units - eta * (others * along + gamma * self._units)
            self._z = z
            self._done += 1

    def _moment(self, w: np.ndarray) -> np.ndarray:
        X = self._sample.X
        return X @ (w @ X) / X.shape[1] if self._correlation is None else self._correlation @ w

    def errors(self) -> dict[str, float]:
        """What a result records."""
        sample, w = self._sample, self.w
        away, residual = sample.rule - w, sample.y - w @ sample.X
        eps_g = 0.5 * float(away @ away)
        return {
            "eps_g": eps_g,
            "test_error": eps_g + 0.5 * self._scenario.label_noise**2,
            "train_error": 0.5 * float(residual @ residual) / len(residual),
            "R": float(sample.rule @ w),
            "Q": float(w @ w),
        }


def descent_of(scenario: FiniteSample, start: RandomWeights) -> Descent:
    """The descent of a scenario from a start, refused for a given spectrum."""
    if scenario.eigenvalues is not None:
        raise InputError(
            "Argument `eigenvalues` must be None for ld.simulate, which draws its samples, but it holds those of one "
            "data set. Use scenario.replace(eigenvalues=None)."
        )
    return Descent(scenario, start)


def _direction(n: int, rng: np.random.Generator) -> np.ndarray:
    vector = rng.standard_normal(n)
    return vector / np.linalg.norm(vector)
