"""The flow of a student that fits a finite sample, direction by direction, at any depth.

With balanced layers every layer has the same strength d, the first is d times a direction z with |z| = d, and w =
d^(D-1) z. In the eigenbasis z = A + C (wbar + e), and gradient descent on train_error + (gamma / 2) sum_l |W_l|^2 is

    dA/dt = -(lambda d^(2D-2) + gamma) A
    dC/dt = lambda d^(D-1) - (lambda d^(2D-2) + gamma) C,      d^2 = <A^2 + (S^2 + sigma^2 a / lambda) C^2>

from A = L^(1/D), C = 0. At depth 1, A = L exp(-(lambda + gamma) t), C = lambda (1 - exp(-(lambda + gamma) t)) /
(lambda + gamma).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Flow
from learndyn.scenarios.finite_sample.errors import split, strength


@cache
def make_flow(depth: int, directions: int) -> Flow:
    """The flow at this depth, with so many eigenvalues."""

    def size(states: Any) -> Any:
        """Mean square of A and C."""
        return (states * states).mean(-1)

    # Long vectors, and thousands of steps: worth a slower compilation.
    return Flow(("finite_sample", depth, directions), drift_function(depth, jax_namespace()), size, quick=False)


@cache
def drift_function(depth: int, xp: Any) -> Any:
    """drift(t, state, values)."""

    def drift(t: Any, flat: Any, values: dict[str, Any]) -> Any:
        A, C = split(flat)
        factor = strength(flat, values, depth, xp)
        rate = values["eigenvalues"] * factor**2 + values["weight_decay"]
        return xp.concatenate([-rate * A, values["eigenvalues"] * factor - rate * C], -1)

    return drift


def closed_states(times: np.ndarray, length: float, values: dict[str, np.ndarray]) -> np.ndarray:
    """Flat states (times, 2 k) at depth 1 at these times after the start, infinity among them."""
    eigenvalues = values["eigenvalues"]
    rate = eigenvalues + values["weight_decay"]
    passed = np.where(rate > 0.0, np.asarray(times, dtype=float)[:, None], 0.0) * rate
    share = np.divide(eigenvalues, rate, out=np.zeros_like(rate), where=rate > 0.0)
    return np.concatenate([length * np.exp(-passed), -share * np.expm1(-passed)], axis=-1)
