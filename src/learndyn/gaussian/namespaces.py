"""The namespaces that a formula computes with: the same text runs in NumPy and in JAX.

Beyond the array functions of NumPy, a namespace offers

    erf(x)        the error function
    root(x)       sqrt(max(x, 0)); its derivative at x <= 0 is 0
    angle(s, c)   atan2(s, c) for c >= 0, and 0 at (0, 0); its derivative at (0, 0) is 0
    arcsine(x)    asin(x), x clipped to [-1, 1]; its derivative at +-1 is 0
    ratio(a, b)   a / b, and 0 where b = 0
    product(A, B) the matrix product of arrays with one or two axes
    batched_map(f, arrays, size)   f over the first axis of all arrays, `size` of them at once

With D = s11 s22 - s12^2 the arcsine of a correlation is angle(s12, root(D)): exact at correlations of +-1 and defined
for zero variances. Its derivative there is the one-sided derivative of every average in which the singular parts
cancel, as they do at a perfectly specialised student.
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


NUMPY = _Numpy()


@cache
def jax_namespace() -> Any:
    """JAX's NumPy with the extra functions (imports jax; enter float64 outside)."""
    from learndyn.gaussian import jax_functions

    return jax_functions.JAX


def in_float64(function: Any, *arrays: Any) -> np.ndarray:
    """Evaluate ``function(*arrays, xp)`` in JAX with float64, whatever the user's JAX flags; gives a NumPy array."""
    import jax

    with jax.enable_x64(True):
        return np.asarray(function(*(jax.numpy.asarray(a) for a in arrays), jax_namespace()))
