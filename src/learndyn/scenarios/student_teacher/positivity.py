"""Which of many matrices are covariances, up to a tolerance: C + tolerance tr(C) has no eigenvalue at or below zero."""

from __future__ import annotations

import numpy as np


def first_impossible(C: np.ndarray, tolerance: float) -> int:
    """Number of leading matrices of (count, n, n) that are covariances."""
    shifted = _shifted(C, tolerance)
    if _have_cholesky(shifted):
        return len(C)
    bad = np.linalg.eigvalsh(shifted)[:, 0] <= 0.0
    return int(np.argmax(bad)) if bad.any() else len(C)


def first_impossible_of_each(C: np.ndarray, tolerance: float) -> np.ndarray:
    """The same for each member of (members, times, n, n); from the first NaN or infinity on there are none."""
    finite = np.logical_and.accumulate(np.isfinite(C).all((-2, -1)), axis=-1)
    found = finite.sum(-1)
    # All at once; only where that fails, each on its own.
    if _have_cholesky(_shifted(C[finite], tolerance)):
        return found
    return np.array([first_impossible(own[:count], tolerance) for own, count in zip(C, found, strict=True)])


def _shifted(C: np.ndarray, tolerance: float) -> np.ndarray:
    """C + tolerance tr(C) of (count, n, n)."""
    shifted, n = np.array(C, order="C"), C.shape[-1]
    diagonal = shifted.reshape(-1, n * n)[:, :: n + 1]
    diagonal += tolerance * (1e-300 + diagonal.sum(-1))[:, None]
    return shifted


def _have_cholesky(matrices: np.ndarray) -> bool:
    """Whether all have a Cholesky decomposition, which is many times as fast as eigenvalues."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        return False
    return True
