"""The sums over units of an activation that knows I3 and I4 and no faster way: each average, once, added up."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations.base import Formula


def gradient_sum_of(I3: Formula) -> Formula:
    """sum_q c_q I3(x_i, z_b, z_q), shape (K, n)."""

    def gradient_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
        i, b, q = np.indices((K, n := C.shape[-1], n))
        return xp.product(I3(_covariances(C, i, b, q), xp), c)

    return gradient_sum


def square_sum_of(I4: Formula) -> Formula:
    """sum_pq c_p c_q I4(x_i, x_k, z_p, z_q) for the pairs i <= k of student units, shape (pairs,)."""

    def square_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
        p, q = np.triu_indices(C.shape[-1])
        pairs = np.stack(np.triu_indices(K), axis=-1)
        # The average is the same with p and q exchanged.
        weights = np.where(p == q, 1.0, 2.0) * c[p] * c[q]
        units = [np.broadcast_to(part, (len(pairs), len(p))) for part in (pairs[:, :1], pairs[:, 1:], p, q)]
        return (I4(_covariances(C, *units), xp) * weights).sum(-1)

    return square_sum


def _covariances(C: Any, *units: np.ndarray) -> Any:
    """The covariance of each set of units, (..., len(units), len(units))."""
    sets = np.stack(units, axis=-1)
    return C[sets[..., :, None], sets[..., None, :]]
