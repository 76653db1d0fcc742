"""Gradient descent on an objective that every replica draws once, as data for the engine that simulates it.

    w <- w - eta d objective / dw,   t = at + eta * steps

w are all weights of a network as one flat array. A replica draws its own objective, a sample say, and its own start.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Objective(Protocol):
    """One replica's objective, with what it takes to descend and to look; it holds no weights."""

    start: np.ndarray  # flat weights at the start

    def descend(self, weights: np.ndarray, steps: int) -> np.ndarray:
        """The weights after so many steps, a new array; as many steps in two calls give the same bits."""
        ...

    def measure(self, weights: np.ndarray) -> dict[str, float]:
        """The observables by name."""
        ...


class DrawnDescent(Protocol):
    """What is repeated; it knows no engine."""

    names: tuple[str, ...]  # of the observables
    learning_rate: float
    scale: float  # |w|^2 that is natural for all weights; learning has diverged far beyond it

    def draw(self, N: int, rng: np.random.Generator) -> Objective:
        """The objective and the start of a replica with N inputs."""
        ...

    def cost(self, N: int) -> float:
        """Seconds that a step takes, roughly; refuses an N that is too small."""
        ...
