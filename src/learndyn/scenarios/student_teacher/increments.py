"""What one update adds to the order parameters, to leading order in 1 / N, as a function of standard normals.

    (x, y) = L u,  L L^T = C = [[Q, R], [R^T, T]],  u ~ N(0, I_{K+M}),   delta_i = g'(x_i) (tau - sigma)

    N Delta R_in -> b_R = eta delta_i y_n
    N Delta Q_ik -> b_Q = eta (delta_i x_k + delta_k x_i) + eta^2 delta_i delta_k,   i <= k

The mean <b> is the drift, and the covariance of b is the diffusion matrix of the order parameters: only |xi|^2 = N in
the eta^2 term is an approximation, and its fluctuations are of higher order [Straat 2018, p. 11-13].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.scenarios.student_teacher import state

EPSILON = float(np.finfo(float).eps)


def root_columns(C: Any, xp: Any) -> list[Any]:
    """The columns of a lower triangular L with L L^T = C, for C of shape (..., n, n), singular ones included.

    Cholesky's method column by column on the correlations: a pivot at the level of rounding belongs to a variable that
    the earlier ones determine, and its column is zero. Entries are held to Cauchy-Schwarz, so that the quotient of two
    rounding errors stays small.
    """
    n = C.shape[-1]
    scale = xp.root(xp.diagonal(C, axis1=-2, axis2=-1))
    inverse = xp.ratio(1.0, scale)
    # What is left of the correlations, and of their diagonal (which starts as exactly 1, or 0 for a constant).
    rest = xp.clip(C * inverse[..., :, None] * inverse[..., None, :], -1.0, 1.0)
    left = xp.where(scale > 0.0, 1.0, 0.0)
    columns = []
    for j in range(n):
        pivot = left[..., j, None]
        pivot = xp.where(pivot > n * EPSILON, pivot, 0.0)
        bound = xp.root(left)
        column = xp.ratio(rest[..., :, j], xp.root(pivot))
        column = xp.where(np.arange(n) > j, xp.clip(column, -bound, bound), 0.0)
        column = xp.where(np.arange(n) == j, xp.root(pivot), column)
        columns.append(scale * column)
        rest = rest - column[..., :, None] * column[..., None, :]
        left = left - column * column
    return columns


def make_increments(K: int, M: int, activation: Activation, xp: Any) -> Any:
    """``increments(flat, values, u)``: b of shape (..., state) for normals u (..., K + M), in NumPy or JAX.

    ``flat`` is one state, or an array of states whose leading axes broadcast against those of ``u``; ``values`` are the
    scenario's. The root of C is computed once a state, whatever the number of normals.
    """
    g, dg = activation.functions["g"], activation.functions["dg"]
    places = state.covariance_places(K, M)
    i, k = state.upper(K)

    def increments(flat: Any, values: dict[str, Any], u: Any) -> Any:
        eta = values["learning_rate"]
        T = xp.broadcast_to(values["T"].reshape(-1), (*flat.shape[:-1], M * M))
        C = xp.concatenate([flat, T], axis=-1)[..., places]
        z: Any = sum(column * u[..., j, None] for j, column in enumerate(root_columns(C, xp)))
        x, y = z[..., :K], z[..., K:]
        error = g(y, xp).sum(-1) - g(x, xp).sum(-1)
        delta = dg(x, xp) * error[..., None]
        first, second = delta[..., i], delta[..., k]
        b_R = eta * delta[..., :, None] * y[..., None, :]
        b_Q = eta * (first * x[..., k] + second * x[..., i]) + eta**2 * first * second
        return xp.concatenate([b_R.reshape(*b_R.shape[:-2], K * M), b_Q], axis=-1)

    return increments
