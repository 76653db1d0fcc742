"""The modes of a linear task: directions of the inputs and outputs that do not mix.

    E[y x^T] = U S V^T,   E[x x^T] V = V diag(beta)

They exist where the input correlation shares its directions with the right singular vectors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Singular values below this part of the largest are zero, and nearer to one another than it they are equal.
NEGLIGIBLE, EQUAL = 1e-12, 1e-9
# How far E[x x^T] v may be from beta v, as a part of the largest variance.
OFF = 1e-9


class Modes(NamedTuple):
    """U (outputs, m), s (m,) in decreasing order, V (inputs, m), beta (m,)."""

    U: np.ndarray
    s: np.ndarray
    V: np.ndarray
    beta: np.ndarray


def modes_of(correlation: np.ndarray, inputs: np.ndarray) -> Modes | None:
    """The modes with a singular value above 0, of E[y x^T] and E[x x^T] (n, n); None where there are none."""
    U, s, Vt = np.linalg.svd(correlation, full_matrices=False)
    m = int((s > NEGLIGIBLE * s[0]).sum()) if s[0] > 0.0 else 0
    if m == 0:
        return None
    U, s, V = U[:, :m].copy(), s[:m], Vt[:m].T.copy()
    largest = float(np.abs(inputs).max())
    # Equal singular values leave a choice: the one that diagonalises E[x x^T].
    first = 0
    while first < m:
        last = first + 1
        while last < m and s[first] - s[last] <= EQUAL * s[0]:
            last += 1
        block = V[:, first:last].T @ inputs @ V[:, first:last]
        if last - first > 1 and np.abs(block - np.diag(np.diag(block))).max() > NEGLIGIBLE * largest:
            _, turn = np.linalg.eigh(block)
            U[:, first:last], V[:, first:last] = U[:, first:last] @ turn, V[:, first:last] @ turn
        first = last
    image = inputs @ V
    beta = (V * image).sum(0)
    if np.abs(image - V * beta).max() > OFF * largest:
        return None
    return Modes(U, s, V, beta)
