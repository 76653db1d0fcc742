"""One weight vector that learns from labelled inputs, as data for the engine that simulates it.

For update mu = 0, 1, ... with an input x and its label y = +1 or -1,

    w <- w + eta (s x - lambda w),   s = `signal`(w . x, x, y, luck)

The input is drawn, N(mu_y, Sigma_y) with y = +1 with a given probability (`GaussianInputs`); or it is a row of a table,
each row once an epoch, in an order that is drawn anew for every epoch (`DataInputs`). ``luck`` is a uniform random
number of its own for every update. The time is t = at + eta mu.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


def signal(step: Any, h: float, x: np.ndarray, y: float, luck: float, memory: np.ndarray) -> float:
    """The factor s of one input, inside a kernel: for steps that register ``@overload(signal)``.

    Parameters
    ----------
    step
        The scenario's update: a NamedTuple with numba-typed fields, whose type decides what is compiled.
    h
        w . x.
    x, y
        The input (n,), not to be written to, and its label, +1.0 or -1.0.
    luck
        Uniform in [0, 1).
    memory
        Numbers that the update carries along, (E,); read and written.
    """
    raise NotImplementedError("only inside numba kernels, for steps that register an overload")


@dataclass(frozen=True, eq=False)
class GaussianInputs:
    """Two Gaussian classes, +1 first: x = mu_y + d_y z + F_y u with z and u standard normal.

    Parameters
    ----------
    means
        mu_y, (2, n).
    prior
        Probability of the class +1.
    scales
        d_y (2, n), multiplied by place; None: without.
    factors
        F_y, (n, r) each, r may differ; one of them stands for both classes; none: without.
    """

    means: np.ndarray
    prior: float
    scales: np.ndarray | None = None
    factors: tuple[np.ndarray, ...] = ()

    @property
    def n(self) -> int:
        """Number of inputs."""
        return self.means.shape[1]

    @property
    def normals(self) -> int:
        """Normals that one input takes."""
        return self.n * (self.scales is not None) + max((factor.shape[1] for factor in self.factors), default=0)


@dataclass(frozen=True, eq=False)
class DataInputs:
    """A table of inputs X (rows, n) with labels y (rows,), +1.0 or -1.0."""

    X: np.ndarray
    y: np.ndarray

    @property
    def n(self) -> int:
        """Number of inputs."""
        return self.X.shape[1]


@dataclass(frozen=True, eq=False)
class SampleProcess:
    """What is repeated, and from where; it knows no engine.

    Parameters
    ----------
    step
        The update: a NamedTuple with an overload of `signal`.
    inputs
        Where inputs and labels come from.
    learning_rate, weight_decay
        eta and lambda.
    start
        The function of a random stream that draws w (n,) of a replica.
    memory
        The numbers that the update carries along, at the start, (E,).
    measure
        The function of weights (rows, n) that gives the observables by name, (rows,) each.
    scale
        |w|^2 that is natural here; learning has diverged far beyond it.
    """

    step: Any
    inputs: GaussianInputs | DataInputs
    learning_rate: float
    weight_decay: float
    start: Callable[[np.random.Generator], np.ndarray]
    memory: np.ndarray
    measure: Callable[[np.ndarray], dict[str, np.ndarray]]
    scale: float
