"""Eigenvalues and directions of the linearised flow, in an order and a form that two runs share.

J r = lambda r,    l J = lambda l,    l_a . r_b = delta_ab
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

# Relative to the largest modulus: eigenvalues that count as equal, and as zero. A double root of the drift is found to
# the root of its rounding error, 1e-8, and so are the eigenvalues there.
EQUAL = 1e-6
ZERO = 1e-6
# Entries of a direction below this part of its largest one are not named.
NAMED = 1e-3


@dataclass(frozen=True)
class Spectrum:
    """Modes sorted by falling real part; all numbers are real.

    ``rates`` (n,) are the real parts and ``frequencies`` (n,) the imaginary ones. The columns of ``vectors`` (n, n) are
    directions of length 1: eigenvectors, and for a pair of complex ones the real and imaginary part. ``left`` (n, n)
    has rows with left_a . vectors_b = delta_ab; None where J has too few eigenvectors. ``multiplicity`` (n,) counts the
    modes with an equal eigenvalue.
    """

    rates: np.ndarray
    frequencies: np.ndarray
    vectors: np.ndarray
    left: np.ndarray | None
    multiplicity: np.ndarray

    @property
    def zero(self) -> float:
        """Real parts of this size and below count as zero."""
        return ZERO * float(np.hypot(self.rates, self.frequencies).max(initial=0.0))

    @property
    def unstable(self) -> int:
        """How many directions grow."""
        return int((self.rates > self.zero).sum())

    @property
    def marginal(self) -> int:
        """How many directions neither grow nor decay."""
        return int((np.abs(self.rates) <= self.zero).sum())

    @property
    def kind(self) -> str:
        """In words: attractive, marginal, repelling, or a saddle."""
        if self.unstable == 0:
            return "marginal" if self.marginal else "attractive"
        if self.unstable == len(self.rates):
            return "repelling"
        return f"saddle with {self.unstable} unstable direction{'s' if self.unstable > 1 else ''}"

    def directions(self, names: list[str]) -> list[str]:
        """Each direction as a sum of named order parameters, such as '0.5 R_11 - 0.5 R_12'."""
        return [_in_words(vector, names) for vector in self.vectors.T]


def spectrum_of(J: np.ndarray) -> Spectrum:
    """The spectrum of a finite square matrix."""
    found: Any = np.linalg.eig(J)
    values, vectors = np.asarray(found[0], dtype=complex), np.asarray(found[1])
    size = float(np.abs(values).max(initial=0.0))
    values = np.where(np.abs(np.imag(values)) <= EQUAL * size, np.real(values), values)
    order = np.lexsort((-np.imag(values), _clustered(-np.real(values), EQUAL * size)))
    values, vectors = values[order], vectors[:, order]
    multiplicity = (np.abs(values[:, None] - values[None, :]) <= EQUAL * size).sum(1)
    columns = np.zeros(J.shape)
    place = 0
    while place < len(values):
        if np.imag(values[place]) != 0.0:
            columns[:, place : place + 2] = np.stack([np.real(vectors[:, place]), np.imag(vectors[:, place])], axis=1)
            place += 2
            continue
        end = place + int(multiplicity[place])
        columns[:, place:end] = _plain_basis(J, np.real(values[place:end]).mean(), np.real(vectors[:, place:end]))
        place = end
    columns = _signed(columns)
    with np.errstate(divide="ignore"):
        independent = len(J) == 0 or np.linalg.cond(columns) < 1.0 / EQUAL
    left = np.linalg.inv(columns) if independent else None
    return Spectrum(np.real(values), np.imag(values), columns, left, multiplicity)


def _clustered(values: np.ndarray, width: float) -> np.ndarray:
    """The values, those of a chain of near neighbours all replaced by its first, so that rounding orders nothing."""
    order = np.argsort(values, kind="stable")
    found = values.copy()
    for before, after in pairwise(order):
        if values[after] - values[before] <= width:
            found[after] = found[before]
    return found


def _plain_basis(J: np.ndarray, value: float, vectors: np.ndarray) -> np.ndarray:
    """A basis of an eigenspace that does not depend on rounding: each vector alone has a part in one parameter."""
    count = vectors.shape[1]
    if count == 1:
        return vectors
    # Eigenvectors of equal eigenvalues come nearly parallel at times; the null space is well conditioned.
    _, sizes, rows = np.linalg.svd(J - value * np.eye(len(J)))
    if sizes[-count] > 10 * EQUAL * max(1e-300, sizes[0]):
        return vectors  # too few eigenvectors: a Jordan block
    basis = rows[-count:].T
    pivots: list[int] = []
    for _ in range(count):
        rest = basis - basis @ np.linalg.pinv(basis[pivots]) @ basis[pivots] if pivots else basis
        sizes = np.linalg.norm(rest, axis=1)
        # The first of equal ones.
        pivots.append(int(np.argmax(sizes > sizes.max() * (1.0 - 1e-6))))
    return basis @ np.linalg.inv(basis[pivots])


def _signed(columns: np.ndarray) -> np.ndarray:
    """Columns of length 1 whose first large entry is positive."""
    lengths = np.linalg.norm(columns, axis=0)
    columns = columns / np.where(lengths > 0.0, lengths, 1.0)
    for column in columns.T:
        first = int(np.argmax(np.abs(column) > (1.0 - 1e-6) * np.abs(column).max()))
        if column[first] < 0.0:
            column *= -1.0
    return columns


def _in_words(vector: np.ndarray, names: list[str]) -> str:
    largest = np.abs(vector).max(initial=0.0)
    terms = [(x, name) for x, name in zip(vector, names, strict=True) if abs(x) > NAMED * largest]
    words = " ".join(f"{'-' if x < 0 else '+'} {abs(x):.3g} {name}" for x, name in terms)
    return words.removeprefix("+ ").replace("- ", "-", 1) if words.startswith("- ") else words.removeprefix("+ ")
