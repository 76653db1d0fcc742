"""The triangular factor of a small covariance, C = W W^T, whose derivative stays finite where C is singular.

An average of smooth functions is a smooth function of C, but its factor is not: the pivot is a square root. Quadrature
with symmetric nodes is even in each pivot W_kk, so that

    dE/dd_k = (dE/dW_kk) / (2 W_kk),   d_k = W_kk^2,

has a limit at d_k = 0. With d_k held above 1e-16 the limit is met to rounding / sqrt(d_k) = 1e-8, and the average
itself moves by 1e-16. Averages of kinked functions are not smooth there: for them the pivot is `root`, whose derivative
at 0 is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.gaussian.namespaces import NUMPY

SMALLEST = 1e-16
RELATIVE = 1e-15
# Below this part of its variance a pivot is rounding.
ROUNDING = 8.0 * np.finfo(float).eps


def fixed(x: Any, xp: Any) -> Any:
    """The value, without a derivative."""
    if xp is NUMPY:
        return x
    from jax import lax

    return lax.stop_gradient(x)


def moved(x: Any, target: Any, xp: Any) -> Any:
    """The value of `target` with the derivative of x."""
    return x + fixed(target - x, xp)


def pivot(d: Any, variance: Any, smooth: bool, xp: Any) -> Any:
    """The standard deviation sqrt(d) of what is left of a variance."""
    if smooth:
        return xp.sqrt(moved(d, xp.maximum(d, SMALLEST + RELATIVE * variance), xp))
    return xp.root(xp.where(d > ROUNDING * variance, d, 0.0))


def rows(C: Any, smooth: list[bool], xp: Any) -> list[list[Any]]:
    """The rows of W for C of shape (..., n, n), n small: W[k][j] for j <= k, arrays of shape (...).

    `smooth`: for each unit, whether its function is.
    """
    n = C.shape[-1]
    W: list[list[Any]] = [[] for _ in range(n)]
    left = [C[..., k, k] for k in range(n)]
    for j in range(n):
        deviation = pivot(left[j], C[..., j, j], smooth[j], xp)
        for k in range(j + 1, n):
            rest = C[..., k, j]
            for a, b in zip(W[k], W[j], strict=True):
                rest = rest - a * b
            # No larger than the two variances allow. Beyond it C is not positive, as a step of Newton's method makes it
            # beside a singular one, and the value is that of the nearest C that may be: with the rest itself over a
            # pivot that is held above zero, entries would be large, and d entry / d pivot larger by another 1e8.
            most = fixed(xp.sqrt(xp.maximum(left[j], 0.0) * xp.maximum(left[k], 0.0)), xp)
            entry = xp.ratio(moved(rest, xp.clip(rest, -most, most), xp), deviation)
            left[k] = left[k] - entry * entry
            W[k].append(entry)
        W[j].append(deviation)
    return W
