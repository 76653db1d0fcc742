"""The flat state of the theory: R row by row, then the upper triangle of Q row by row.

Each Q_ik once. Evolving both Q_ik and Q_ki lets an antisymmetric, unphysical mode grow at large learning rates.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


@cache
def upper(K: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column numbers of the upper triangle."""
    return np.triu_indices(K)


@cache
def places(K: int) -> np.ndarray:
    """(K, K): where Q_ik stands in the upper triangle."""
    table = np.zeros((K, K), dtype=int)
    rows, columns = upper(K)
    table[rows, columns] = table[columns, rows] = np.arange(len(rows))
    return table


def diagonal(K: int) -> np.ndarray:
    """Where the Q_ii stand in the upper triangle."""
    return np.diagonal(places(K))


@cache
def covariance_places(K: int, M: int) -> np.ndarray:
    """(K+M, K+M): where each entry of [[Q, R], [R^T, T]] stands in the state followed by T row by row."""
    R = np.arange(K * M).reshape(K, M)
    Q = K * M + places(K)
    T = K * M + K * (K + 1) // 2 + np.arange(M * M).reshape(M, M)
    return np.block([[Q, R], [R.T, T]])


def pack(R: Any, Q: Any) -> np.ndarray:
    """Flat states of R (..., K, M) and Q (..., K, K)."""
    R, Q = np.asarray(R, dtype=float), np.asarray(Q, dtype=float)
    rows, columns = upper(Q.shape[-1])
    # The size is written out: with no rows at all (diverged before the first one) NumPy cannot infer it.
    return np.concatenate([R.reshape(*R.shape[:-2], R.shape[-2] * R.shape[-1]), Q[..., rows, columns]], axis=-1)


def unpack(states: np.ndarray, K: int, M: int) -> tuple[np.ndarray, np.ndarray]:
    """R (..., K, M) and Q (..., K, K) of flat states."""
    R = states[..., : K * M].reshape(*states.shape[:-1], K, M)
    return R, states[..., K * M + places(K)]


def covariance(states: Any, K: int, M: int, T: Any) -> np.ndarray:
    """[[Q, R], [R^T, T]] of flat states (..., state)."""
    n = states.shape[-1]
    table = np.empty((*states.shape[:-1], n + M * M))
    table[..., :n], table[..., n:] = states, np.asarray(T).reshape(-1)
    return table.take(covariance_places(K, M), axis=-1)


def squared_length(K: int, M: int, states: Any) -> Any:
    """trace Q: it grows without bound exactly when the weights do."""
    return states[..., K * M + diagonal(K)].sum(-1)
