"""The overlaps of sites that are all alike: as matrices, as a covariance of a few sites, and its eigenvalues.

    R_in = R delta_in + S (1 - delta_in),   Q_ik = Q delta_ik + C (1 - delta_ik),   T = 1

A matrix a delta + b (1 - delta) of K sites has the eigenvalues a + (K - 1) b, once, for the vector of ones, and a - b,
K - 1 times. The covariance [[Q, R], [R^T, 1]] falls into one 2 x 2 block for each.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


def unpack(flat: Any, near: int) -> tuple[Any, Any, Any, Any]:
    """R, S, Q, C of flat states (..., 4), or (..., 2) of a single unit, for which S and C are 0."""
    parts = [flat[..., place] for place in range(2 * near)]
    return (
        (parts[0], parts[1], parts[2], parts[3]) if near == 2 else (parts[0], 0.0 * parts[0], parts[1], 0.0 * parts[1])
    )


def matrix(same: float, other: float, K: int) -> np.ndarray:
    """``same`` on the diagonal, ``other`` beside it; shape (K, K)."""
    found = np.full((K, K), float(other))
    np.fill_diagonal(found, same)
    return found


@cache
def _places(sites: int) -> np.ndarray:
    """Where each entry of the covariance stands among (R, S, Q, C, 1, 0)."""
    Q, R, T = (np.where(np.eye(sites, dtype=bool), *pair) for pair in ((2, 3), (0, 1), (4, 5)))
    return np.block([[Q, R], [R, T]])


def covariance(flat: Any, near: int, sites: int, xp: Any) -> Any:
    """Covariance of (x_1, ..., x_m, y_1, ..., y_m) for m ``sites``, shape (..., 2 m, 2 m)."""
    R, S, Q, C = unpack(flat, near)
    return xp.stack([R, S, Q, C, xp.ones_like(R), xp.zeros_like(R)], axis=-1)[..., _places(sites)]


def signs(sites: int) -> np.ndarray:
    """c of (x_1, ..., x_m, y_1, ..., y_m): the error is the sum of c g over all units."""
    return np.repeat([-1.0, 1.0], sites)


def blocks(flat: np.ndarray, near: int, K: int) -> np.ndarray:
    """(a, b) of the blocks [[a, b], [b, 1]] of the vector of ones and of the other modes, shape (..., near, 2)."""
    R, S, Q, C = unpack(flat, near)
    found = [np.stack([Q + (K - 1) * C, R + (K - 1) * S], axis=-1)]
    if near == 2:
        found.append(np.stack([Q - C, R - S], axis=-1))
    return np.stack(found, axis=-2)


def is_possible(flat: np.ndarray, near: int, K: int, tolerance: float) -> np.ndarray:
    """Whether the covariance is positive semidefinite, up to a tolerance relative to Q + 1; shape (...).

    The first block adds up K overlaps, and their errors.
    """
    a, b = np.moveaxis(blocks(flat, near, K), -1, 0)
    smallest = 0.5 * (a + 1.0) - np.hypot(0.5 * (a - 1.0), b)
    slack = tolerance * (unpack(flat, near)[2] + 1.0)[..., None] * np.array([K, 1.0])[:near]
    return (smallest >= -slack).all(-1)
