"""Factors of a covariance that may be singular: C = W W^T, with exact zeros where C has no variance left.

A square root by eigenvalues turns rounding of 1e-16 in C into entries of 1e-8. Elimination with the largest pivot first
(LAPACK's dpstrf) does not: a pivot at the level of rounding ends it, and what lies beyond is zero. A student that is
perfect stays so, a duplicated unit has no direction of its own.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_lapack_funcs

(_eliminate,) = get_lapack_funcs(("pstrf",), dtype=np.float64)


def root(C: np.ndarray) -> np.ndarray:
    """W with W W^T = C, shape (n, n); its columns beyond the rank of C are zero.

    Parameters
    ----------
    C
        Symmetric and positive semidefinite up to rounding, shape (n, n).

    Returns
    -------
    numpy.ndarray
        Each entry of W W^T is that of C up to about 1e-15 n sqrt(C_ii C_jj).

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.gaussian.factor import root
    >>> root(np.ones((2, 2))).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    C = np.asarray(C, dtype=float)
    n = len(C)
    # Powers of two scale without rounding: lengths between 0.7 and 1.4, so that one threshold serves all of them.
    _, exponents = np.frexp(np.sqrt(np.maximum(np.diag(C), 0.0)))
    unit = np.ldexp(1.0, exponents)
    factor, pivots, rank, _ = _eliminate(C / np.outer(unit, unit), lower=1, tol=2 * n * np.finfo(float).eps)
    rows = np.tril(factor)
    rows[:, rank:] = 0.0
    W = np.empty((n, n))
    W[pivots - 1] = rows
    return W * unit[:, None]


def triangular(C: np.ndarray) -> np.ndarray:
    """The lower triangular W with W W^T = C and a diagonal that is not negative, shape (n, n).

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.gaussian.factor import triangular
    >>> triangular(np.array([[4.0, 2.0], [2.0, 1.0]])).tolist()
    [[2.0, 0.0], [1.0, 0.0]]
    """
    W = np.asarray(np.linalg.qr(root(C).T, mode="r")).T
    return np.tril(W * np.where(np.diag(W) < 0.0, -1.0, 1.0)) + 0.0  # + 0: no negative zeros
