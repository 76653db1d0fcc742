"""The namespaces that a formula computes with: the same text runs in NumPy and in JAX.

Beyond the array functions of NumPy, a namespace offers

    erf(x)        the error function
    unit(x)       x clipped to [-1, 1]; its derivative is 1 everywhere
    root(x)       sqrt(max(x, 0)); its derivative at x <= 0 is 0
    angle(s, c)   atan2(s, c) for c >= 0, and 0 at (0, 0); its derivative at (0, 0) is 0
    arcsine(x)    asin(x), x clipped to [-1, 1]; its derivative at +-1 is 0
    ratio(a, b)   a / b, and 0 where b = 0
    product(A, B) the matrix product of arrays with one or two axes
    batched_map(f, arrays, size)   f over the first axis of all arrays, `size` of them at once
    stop_gradient(x)   x, as a constant for derivatives

With D = s11 s22 - s12^2 the arcsine of a correlation is angle(s12, root(D)): exact at correlations of +-1 and defined
for zero variances. In the averages of a drift the singular parts cancel at a perfectly specialised student (units that
share a teacher unit included), and the derivative there is the one-sided derivative into the interior: along every
direction in which the students gain a part P outside the span of the teacher, dQ - dR R^T - R dR^T positive definite
at T = 1. For two and more ReLU units the drift is not continuously differentiable there as a function on the closed
set: what P does to the overlaps within the span is of second order, and depends on how large P is beside the deviation
within. A trajectory whose P decays first approaches another Jacobian, but with the same eigenvalues: P decays on its
own, so that the Jacobian is block triangular and only the block that couples P to the rest is not unique.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


class _Numpy:
    """NumPy with the extra functions; concrete float64 arrays."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def erf(x: Any) -> Any:
        from scipy.special import erf

        return erf(x)

    @staticmethod
    def unit(x: Any) -> Any:
        return np.clip(x, -1.0, 1.0)

    @staticmethod
    def root(x: Any) -> Any:
        return np.sqrt(np.maximum(x, 0.0))

    @staticmethod
    def angle(s: Any, c: Any) -> Any:
        return np.arctan2(s, c)

    @staticmethod
    def arcsine(x: Any) -> Any:
        return np.arcsin(np.clip(x, -1.0, 1.0))

    @staticmethod
    def ratio(a: Any, b: Any) -> Any:
        return np.where(b == 0.0, 0.0, a / np.where(b == 0.0, 1.0, b))

    @staticmethod
    def product(A: Any, B: Any) -> Any:
        return A @ B

    @staticmethod
    def batched_map(function: Any, arrays: Any, size: int) -> Any:
        return np.array([function(row) for row in zip(*arrays, strict=True)])

    @staticmethod
    def stop_gradient(x: Any) -> Any:
        return x


NUMPY = _Numpy()


@cache
def jax_namespace() -> Any:
    """JAX's NumPy with the extra functions (imports jax; enter float64 outside)."""
    from learndyn.gaussian import jax_functions

    return jax_functions.JAX


# Arrays are padded to whole lanes, so that one program serves them all, whatever their length.
LANES = 64


def in_float64(function: Any, rows: np.ndarray) -> np.ndarray:
    """``function(rows, xp)`` in JAX, compiled, with float64 whatever the user's JAX flags; one number for each row."""
    import jax

    padded = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % LANES, axis=0)])
    with jax.enable_x64(True):
        program = _compiled(function)
        values = [np.asarray(program(lanes)) for lanes in padded.reshape(-1, LANES, *rows.shape[1:])]
    return np.concatenate([np.empty(0), *values])[: len(rows)]


@cache
def _compiled(function: Any) -> Any:
    import jax

    return jax.jit(lambda rows: function(rows, jax_namespace()))
