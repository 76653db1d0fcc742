"""The linear unit g(x) = x: the averages are entries of the covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations.base import Activation

COEFFICIENTS = (0.0, 1.0)


def g(x: Any, xp: Any) -> Any:
    """g(x) = x."""
    return 1.0 * x


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = 1."""
    return 0.0 * x + 1.0


def I2(s11: Any, s12: Any, s22: Any, xp: Any) -> Any:
    """<u v> = s12."""
    return 1.0 * s12


def I3(C: Any, xp: Any) -> Any:
    """<v w> = s23."""
    return 1.0 * C[..., 1, 2]


def I4(C: Any, xp: Any) -> Any:
    """<c d> = s34."""
    return 1.0 * C[..., 2, 3]


def gradient_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
    """sum_q c_q <z_b z_q>, the same for every student unit."""
    return xp.broadcast_to(xp.product(c, C), (K, C.shape[-1]))


def square_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
    """sum_pq c_p c_q <z_p z_q>, the same for every pair of student units."""
    return xp.broadcast_to(xp.product(xp.product(c, C), c), (K * (K + 1) // 2,))


def diffusion(C: Any, K: int, eta: Any, xp: Any) -> Any:
    """Cov(b): every b = e w, e = c . z, is a product of two Gaussian variables, so <e e><w w'> + <e w><e w'> (Wick).

    w = eta y_n for R_in, and eta (x_i + x_k) + eta^2 e for Q_ik.
    """
    n = C.shape[-1]
    c, unit = np.concatenate([-np.ones(K), np.ones(n - K)]), np.eye(n)
    i, k = np.triu_indices(K)
    w = eta * np.concatenate([np.tile(unit[K:], (K, 1)), unit[i] + unit[k]])
    w = w + eta**2 * np.concatenate([np.zeros((K * (n - K), 1)), np.ones((len(i), 1))]) * c
    projected = xp.product(w, C)
    along = xp.product(projected, c)
    return xp.product(xp.product(c, C), c) * xp.product(projected, w.T) + along[:, None] * along


ACTIVATION = Activation.from_module("linear", "x", globals())
