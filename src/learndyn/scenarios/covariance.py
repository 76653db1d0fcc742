"""Covariances of inputs and of weights in the form that is cheapest to work with.

diagonal   Sigma = diag(d), d one number or n           Sigma w in n operations
low rank   Sigma = diag(d) + F F^T, F of shape (n, r)   2 n r
dense      Sigma any matrix                             n^2
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from learndyn.arguments import array, number, positive_semidefinite, shown, symmetric
from learndyn.errors import InputError
from learndyn.scenarios.arrays import FrozenArray, from_plain, frozen

# Eigenvalues below this fraction of the largest are zero: a factor leaves them out.
NEGLIGIBLE = 1e-14


@dataclass(frozen=True)
class Covariance:
    """A covariance of n numbers: a matrix, or a diagonal plus a part of low rank.

        Sigma = matrix,   or   Sigma = diag(diagonal) + factor factor^T

    Parameters
    ----------
    matrix
        (n, n), positive semidefinite; not together with the others.
    diagonal
        One number, the same variance for each, or n of them; at least 0.
    factor
        (n, r), any r.

    Raises
    ------
    InputError
        When the matrix is not positive semidefinite, a variance is negative, or the shapes do not fit.

    Notes
    -----
    A product with a vector costs n operations for a diagonal, 2 n r with a factor, n^2 for a matrix; a drawn sample as
    much. `ld.GaussianClassification` and `ld.GaussianWeights` take plain numbers, vectors and matrices as well.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Covariance(diagonal=0.1, factor=[[1.0], [2.0]]).dense(2).tolist()
    [[1.1, 2.0], [2.0, 4.1]]
    >>> ld.Covariance.spectrum([4.0, 1.0], vectors=[[0.6, -0.8], [0.8, 0.6]]).dense(2).round(12).tolist()
    [[2.08, 1.44], [1.44, 2.92]]
    """

    matrix: Any = None
    diagonal: Any = None
    factor: Any = None

    def __post_init__(self) -> None:
        if self.matrix is None and self.diagonal is None and self.factor is None:
            raise InputError(
                "Argument `matrix` of ld.Covariance must be given, or `diagonal`, or `factor`, but all are missing. "
                "Write ld.Covariance(diagonal=0.1)."
            )
        if self.matrix is not None:
            if self.diagonal is not None or self.factor is not None:
                raise InputError(
                    "Argument `matrix` of ld.Covariance must stand alone, but `diagonal` or `factor` is given too. "
                    "Add them up: matrix + np.diag(diagonal) + factor @ factor.T."
                )
            object.__setattr__(self, "matrix", _matrix(self.matrix))
            return
        diagonal = _diagonal(0.0 if self.diagonal is None else self.diagonal)
        object.__setattr__(self, "diagonal", diagonal)
        if self.factor is not None:
            object.__setattr__(self, "factor", _factor(self.factor, diagonal))

    @classmethod
    def low_rank(cls, factor: Any, diagonal: Any = 0.0) -> Covariance:
        """diag(diagonal) + factor factor^T, factor of shape (n, r).

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.Covariance.low_rank([[1.0], [0.0]]).dense(2).tolist()
        [[1.0, 0.0], [0.0, 0.0]]
        """
        return cls(diagonal=diagonal, factor=factor)

    @classmethod
    def spectrum(
        cls, eigenvalues: Any, vectors: Any = None, *, rest: float = 0.0, seed: int | None = None
    ) -> Covariance:
        """The covariance of given eigenvalues.

        Parameters
        ----------
        eigenvalues
            r of them, at least 0.
        vectors
            (n, r) orthonormal columns, their eigenvectors. None: the n coordinate axes, or with a `seed` a random
            orthonormal basis.
        rest
            The eigenvalue of all other directions.
        seed
            Draw the eigenvectors, uniformly among all orthonormal bases.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.Covariance.spectrum([2.0, 1.0, 0.5]).dense(3).diagonal().tolist()
        [2.0, 1.0, 0.5]
        """
        values = array(eigenvalues, "eigenvalues")
        if values.ndim != 1 or len(values) == 0 or values.min() < 0.0:
            raise InputError(
                f"Argument `eigenvalues` must be a list of numbers of at least 0, but it is {values}. "
                "Check how they were made: a covariance has no others."
            )
        rest = number(rest, "rest", minimum=0.0)
        if vectors is None:
            if seed is None:
                return cls(diagonal=values)
            normals = np.random.Generator(np.random.SFC64(seed)).standard_normal((len(values), len(values)))
            Q, R = np.linalg.qr(normals)
            vectors = Q * np.sign(np.diag(R))  # uniform among all bases only with this choice of signs
        return _of_eigenvectors(values, array(vectors, "vectors"), rest)

    @property
    def form(self) -> str:
        """ "diagonal", "low_rank" or "dense"."""
        return "dense" if self.matrix is not None else "diagonal" if self.factor is None else "low_rank"

    @property
    def size(self) -> int | None:
        """n; None for one variance, which fits any number."""
        if self.matrix is not None:
            return len(self.matrix)
        if self.factor is not None:
            return len(self.factor)
        return len(self.diagonal) if self.diagonal.ndim else None

    def numbers(self) -> dict[str, np.ndarray]:
        """The arrays that `times` and `dense_of` work with."""
        if self.matrix is not None:
            return {"matrix": self.matrix.values}
        found = {"diagonal": self.diagonal.values}
        return found if self.factor is None else found | {"factor": self.factor.values}

    def dense(self, n: int) -> np.ndarray:
        """The matrix (n, n)."""
        return dense_of(self.numbers(), n, np)

    @cached_property
    def _root(self) -> np.ndarray:
        n = self.size
        assert n is not None
        values, vectors = np.linalg.eigh(self.dense(n))
        kept = values > NEGLIGIBLE * max(values[-1], 0.0)
        return vectors[:, kept] * np.sqrt(values[kept])

    def root(self, n: int) -> np.ndarray:
        """L of shape (n, r) with L L^T = Sigma, r as small as the form allows."""
        if self.form == "diagonal":
            variances = np.broadcast_to(self.diagonal.values, n)
            return np.eye(n)[:, variances > 0.0] * np.sqrt(variances[variances > 0.0])
        if self.form == "low_rank" and not self.diagonal.values.any():
            return self.factor.values
        return self._root

    def sample(self, n: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """``count`` draws of N(0, Sigma), shape (count, n)."""
        if self.form == "dense":
            return rng.standard_normal((count, self._root.shape[1])) @ self._root.T
        drawn = rng.standard_normal((count, n)) * np.sqrt(self.diagonal.values)
        if self.factor is not None:
            drawn += rng.standard_normal((count, self.factor.shape[1])) @ self.factor.values.T
        return drawn

    def trace(self, n: int) -> float:
        """The sum of the variances."""
        if self.form == "dense":
            return float(np.trace(self.matrix.values))
        factor = 0.0 if self.factor is None else float((self.factor.values**2).sum())
        return float(np.broadcast_to(self.diagonal.values, n).sum()) + factor

    def to_plain(self) -> dict[str, Any]:
        """As a dict of lists."""
        if self.matrix is not None:
            return {"matrix": self.matrix.to_plain()}
        found = {"diagonal": self.diagonal.to_plain()}
        return found if self.factor is None else found | {"factor": self.factor.to_plain()}


def times(numbers: Any, w: Any, xp: Any) -> Any:
    """Sigma w for w of shape (..., n); ``numbers`` as `Covariance.numbers` gives them."""
    if "matrix" in numbers:
        # Sigma is symmetric.
        return numbers["matrix"] @ w if w.ndim == 1 else w @ numbers["matrix"]
    product = numbers["diagonal"] * w
    if "factor" in numbers:
        product = product + (w @ numbers["factor"]) @ numbers["factor"].T
    return product


def dense_of(numbers: Any, n: int, xp: Any) -> Any:
    """The matrix (n, n)."""
    if "matrix" in numbers:
        return numbers["matrix"]
    dense = xp.diag(xp.broadcast_to(numbers["diagonal"], (n,)))
    return dense + numbers["factor"] @ numbers["factor"].T if "factor" in numbers else dense


def covariance_of(value: Any, name: str) -> Covariance:
    """A number (a variance), a vector (variances), a matrix, or a `Covariance`."""
    if isinstance(value, Covariance):
        return value
    if isinstance(value, dict):
        value = from_plain(value, name)
    if isinstance(value, dict):
        unknown = set(value) - {"matrix", "diagonal", "factor"}
        if unknown:
            raise InputError(
                f"Argument `{name}` must have the keys matrix, or diagonal and factor, but it has "
                f"{shown(min(unknown))}. Leave it out."
            )
        return Covariance(**value)
    values = array(value, name, hint="Give a variance, n variances, a matrix (n, n) or an ld.Covariance.")
    if values.ndim > 2:
        raise InputError(
            f"Argument `{name}` must be a variance, n variances, a matrix (n, n) or an ld.Covariance, but it has shape "
            f"{values.shape}. Write a pair of matrices as a tuple of two."
        )
    try:
        return Covariance(matrix=values) if values.ndim == 2 else Covariance(diagonal=values)
    except InputError as error:
        # The user knows the argument by another name.
        raise InputError(str(error).replace("`matrix`", f"`{name}`").replace("`diagonal`", f"`{name}`")) from None


def _of_eigenvectors(values: np.ndarray, vectors: np.ndarray, rest: float) -> Covariance:
    if vectors.ndim != 2 or vectors.shape[1] != len(values):
        raise InputError(
            f"Argument `vectors` must have one column for each of {len(values)} eigenvalues, but it has shape "
            f"{vectors.shape}. Give one eigenvector for each eigenvalue, as np.linalg.eigh does."
        )
    off = np.abs(vectors.T @ vectors - np.eye(len(values))).max()
    if off > 1e-8:
        raise InputError(
            f"Argument `vectors` must have orthonormal columns, but they are off by {off:.3g}. Orthonormalise them: "
            "np.linalg.qr(vectors)[0]."
        )
    if 2 * len(values) < len(vectors) and values.min() >= rest:
        return Covariance(diagonal=rest, factor=vectors * np.sqrt(values - rest))
    matrix = (vectors * (values - rest)) @ vectors.T + rest * np.eye(len(vectors))
    return Covariance(matrix=(matrix + matrix.T) / 2)


def _matrix(value: Any) -> FrozenArray:
    if isinstance(value, FrozenArray):
        return value
    matrix = array(from_plain(value, "matrix"), "matrix")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) == 0:
        raise InputError(
            f"Argument `matrix` must be a square matrix (n, n), but it has shape {matrix.shape}. "
            "Give E[x x^T], or use `diagonal` and `factor`."
        )
    matrix = symmetric(matrix, "matrix")
    positive_semidefinite(matrix, "matrix", "Check how it was made: a covariance has no negative eigenvalue.")
    return FrozenArray(matrix)


def _diagonal(value: Any) -> FrozenArray:
    diagonal = frozen(value, "diagonal")
    if diagonal.ndim > 1 or (diagonal.ndim and len(diagonal) == 0) or diagonal.values.min() < 0.0:
        raise InputError(
            f"Argument `diagonal` must be a variance, or n of them, each at least 0, but it is {diagonal}. Give "
            "squares of standard deviations."
        )
    return diagonal


def _factor(value: Any, diagonal: FrozenArray) -> FrozenArray:
    factor = frozen(value, "factor")
    if factor.ndim != 2 or 0 in factor.shape:
        raise InputError(
            f"Argument `factor` must have shape (n, r), but it has shape {factor.shape}. "
            "Give a column for each direction."
        )
    if diagonal.ndim and len(diagonal) != len(factor):
        raise InputError(
            f"Argument `factor` must have as many rows as `diagonal` has numbers, {len(diagonal)}, but it has "
            f"{len(factor)}. Give one row for each input."
        )
    return factor
