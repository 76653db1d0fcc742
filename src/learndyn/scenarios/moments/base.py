"""What the moment flow asks of a learning rule, and how the moments of its weights lie in a flat state.

    w <- w + eta f(w; x, y, noise),   t = eta times the number of updates:   <f>(w)  and  Cov_L(f) = <f f^T> - <f><f>^T

averaged over all that one update draws, at given weights w.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class MeanUpdate:
    """The mean update of a rule as pure JAX functions of w (n,) and the scenario's values; equal by ``key`` alone.

    ``mean`` gives <f> (n,); jvp differentiates it, twice, and up to four times at order 3. ``covariance`` gives
    Cov_L(f) (n, n), None where it is not known. ``key`` stands for all that changes the computation. ``work`` is how
    many numbers one evaluation of ``mean`` has in memory at once, if many more than n.
    """

    key: Hashable
    mean: Callable[[Any, dict[str, Any]], Any] = field(compare=False)
    covariance: Callable[[Any, dict[str, Any]], Any] | None = field(default=None, compare=False)
    work: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Form:
    """How mean and covariance of n weights lie in a flat state.

        "factor"      m (n), L (n, rank) row by row,  C = L L^T      a point has rank 0
        "matrix"      m (n), C_ij with i <= j row by row
        "cumulants"   m (n), C_ij with i <= j, S_ijk with i <= j <= k

    All methods are NumPy and take leading axes (rows of states).
    """

    n: int
    kind: str = "factor"
    rank: int = 0

    @property
    def length(self) -> int:
        """Length of the flat state."""
        n = self.n
        if self.kind == "factor":
            return n * (1 + self.rank)
        third = n * (n + 1) * (n + 2) // 6 if self.kind == "cumulants" else 0
        return n + n * (n + 1) // 2 + third

    def pack(self, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """The flat state of a Gaussian with this mean (n,) and covariance L L^T, L (n, rank)."""
        if self.kind == "factor":
            return np.concatenate([mean, factor.reshape(-1)])
        covariance = (factor @ factor.T)[np.triu_indices(self.n)]
        # A Gaussian has no third cumulants.
        return np.concatenate([mean, covariance, np.zeros(self.length - self.n - len(covariance))])

    def mean(self, states: np.ndarray) -> np.ndarray:
        """m (..., n)."""
        return states[..., : self.n]

    def factor(self, states: np.ndarray) -> np.ndarray:
        """L (..., n, rank) of the form "factor"."""
        return states[..., self.n :].reshape(*states.shape[:-1], self.n, self.rank)

    def covariance(self, states: np.ndarray) -> np.ndarray:
        """C (..., n, n)."""
        if self.kind == "factor":
            L = self.factor(states)
            return L @ np.swapaxes(L, -1, -2)
        upper = np.zeros((*states.shape[:-1], self.n, self.n))
        i, j = np.triu_indices(self.n)
        upper[..., i, j] = upper[..., j, i] = states[..., self.n : self.n + len(i)]
        return upper

    def variance(self, states: np.ndarray) -> np.ndarray:
        """C_ii (..., n), without the rest of C."""
        if self.kind == "factor":
            return (self.factor(states) ** 2).sum(-1)
        i, j = np.triu_indices(self.n)
        return states[..., self.n + np.flatnonzero(i == j)]

    def third_cumulants(self, states: np.ndarray) -> np.ndarray:
        """S_ijk (..., n, n, n) of the form "cumulants"."""
        return states[..., self.n + self.n * (self.n + 1) // 2 :][..., places(self.n)]


def places(n: int) -> np.ndarray:
    """Where S_ijk lies among those with i <= j <= k, (n, n, n)."""
    chosen = triples(n)
    found = np.zeros((n, n, n), dtype=int)
    found[tuple(chosen.T)] = np.arange(len(chosen))
    return found[tuple(np.sort(np.indices((n, n, n)), axis=0))]


def size(states: Any) -> Any:
    """|w|^2 of the mean and the trace of L L^T: it grows without bound exactly when the weights do."""
    return (states**2).sum(-1)


def triples(n: int) -> np.ndarray:
    """The index triples i <= j <= k, (count, 3), in the order of the state."""
    i, j, k = np.indices((n, n, n)).reshape(3, -1)
    return np.stack([i, j, k], axis=1)[(i <= j) & (j <= k)]
