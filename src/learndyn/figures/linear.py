"""The linear flow around a fixed point of the gradient flow, from differences of `ld.drift`."""

from __future__ import annotations

import numpy as np
import xarray as xr

import learndyn as ld


def _flat(value: xr.Dataset) -> np.ndarray:
    """R row by row, then the upper triangle of Q: the order of the slides, R_11, R_12, R_21, R_22, Q_11, Q_12, Q_22."""
    Q = value.Q.values
    return np.concatenate([value.R.values.reshape(-1), Q[np.triu_indices(len(Q))]])


def _start(flat: np.ndarray, K: int, M: int) -> ld.Start:
    Q = np.zeros((K, K))
    Q[np.triu_indices(K)] = flat[K * M :]
    return ld.Start(Q + np.triu(Q, 1).T, flat[: K * M].reshape(K, M))


def jacobian(scenario: ld.StudentTeacher, R: np.ndarray, Q: np.ndarray, h: float = 1e-4) -> np.ndarray:
    """The derivative of the drift at a point that may lie on the edge of the possible overlaps.

    On the erf plateau the covariance is singular, so that steps along single order parameters leave the set of
    possible overlaps. Steps are therefore taken inwards, along e_k + 2 (sum of the directions Q_ii), and solved for
    the derivatives along e_k; one-sided differences of second order, with an error of the order h^2 = 1e-8.
    """
    K, M = R.shape
    size = K * M + K * (K + 1) // 2
    point = np.concatenate([R.reshape(-1), Q[np.triu_indices(K)]])
    inwards = np.concatenate([np.zeros(K * M), 2.0 * np.eye(K)[np.triu_indices(K)]])
    directions = np.eye(size) + inwards[:, None]
    columns = []
    for direction in directions.T:
        f0, f1, f2 = (_flat(ld.drift(scenario, _start(point + k * h * direction, K, M))) for k in range(3))
        columns.append((4.0 * f1 - f2 - 3.0 * f0) / (2.0 * h))
    return np.array(columns).T @ np.linalg.inv(directions)


def eigensystem(scenario: ld.StudentTeacher, R: np.ndarray, Q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors (columns), in the order of the slides: largest modulus first."""
    values, vectors = np.linalg.eig(jacobian(scenario, R, Q))
    order = np.argsort(-np.abs(values))
    return np.real(values[order]), np.real(vectors[:, order])
