"""Inputs with a structure: Gaussian with a few distinct eigenvalues of the covariance, or with a mean of order one.

xi = sum_l sqrt(lambda_l) xi_l,   xi_l standard normal in a subspace of dimension share_l N
xi = mu + standard normal,        |mu|^2 of order one
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from learndyn.arguments import array, count, number, shown
from learndyn.errors import InputError


@dataclass(frozen=True)
class Inputs:
    """The distribution of the inputs.

    Parameters
    ----------
    eigenvalues
        Distinct eigenvalues lambda_l of the input covariance, above 0.
    shares
        The share of the N dimensions that each has; they add up to 1. Equal when not given.
    mean_length
        |mu|, the length of the mean of the inputs (0: none); for isotropic inputs of variance 1 only.
    mean_overlap
        The overlaps e_n = B_n . mu of the teacher's vectors with the mean, one a unit or one for all.

    Raises
    ------
    InputError
        When shares do not add up to 1, or a mean is asked for with several eigenvalues.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Inputs(eigenvalues=[0.5, 2.0], shares=[0.75, 0.25]).mean_variance
    0.875
    """

    eigenvalues: tuple[float, ...] | Any = (1.0,)
    shares: tuple[float, ...] | Any = None
    mean_length: float = 0.0
    mean_overlap: tuple[float, ...] | Any = 0.0

    def __post_init__(self) -> None:
        values = np.atleast_1d(array(self.eigenvalues, "eigenvalues"))
        if values.ndim != 1 or not (values > 0.0).all():
            raise InputError(
                f"Argument `eigenvalues` must be a list of numbers above 0, but it is {shown(self.eigenvalues)}. "
                "Write eigenvalues=[1, 0.5]."
            )
        shares = np.full(len(values), 1.0 / len(values)) if self.shares is None else array(self.shares, "shares")
        shares = np.atleast_1d(shares)
        if shares.shape != values.shape or not (shares > 0.0).all() or abs(shares.sum() - 1.0) > 1e-9:
            raise InputError(
                f"Argument `shares` must be {len(values)} numbers above 0 that add up to 1, one for each eigenvalue, "
                f"but it is {shown(self.shares)}. Divide them by their sum."
            )
        length = number(self.mean_length, "mean_length", minimum=0.0)
        if length > 0.0 and values.tolist() != [1.0]:
            raise InputError(
                "Argument `mean_length` is for inputs of variance 1 in all directions, but `eigenvalues` is "
                f"{shown(self.eigenvalues)}. Leave out one of them."
            )
        overlap = array(self.mean_overlap, "mean_overlap")
        object.__setattr__(self, "eigenvalues", tuple(values.tolist()))
        object.__setattr__(self, "shares", tuple(shares.tolist()))
        object.__setattr__(self, "mean_length", length)
        object.__setattr__(self, "mean_overlap", float(overlap) if overlap.ndim == 0 else tuple(overlap.tolist()))

    @classmethod
    def power_law(cls, exponent: float, N: int, bins: int = 8) -> Inputs:
        """A power-law spectrum lambda_j ~ j^-(1 + exponent), j = 1 ... N, with mean 1, in geometric bins of j.

        Each bin has the mean of its eigenvalues: the input's variance in each bin is exact, `binning_error` says by how
        much the eigenvalues within a bin differ.

        Parameters
        ----------
        exponent
            Above -1; 0 is lambda_j ~ 1 / j.
        N
            Number of eigenvalues.
        bins
            Number of distinct eigenvalues that are kept, at most N.

        Examples
        --------
        >>> import learndyn as ld
        >>> inputs = ld.Inputs.power_law(0.5, N=1000, bins=4)
        >>> round(inputs.mean_variance, 12), len(inputs.eigenvalues)
        (1.0, 4)
        """
        N, edges = count(N, "N", 2), _edges(count(N, "N", 2), count(bins, "bins"))
        values = np.arange(1, N + 1) ** -(1.0 + number(exponent, "exponent", above=-1.0))
        values *= N / values.sum()
        parts = [values[a:b] for a, b in pairwise(edges)]
        return cls([part.mean() for part in parts], [len(part) / N for part in parts])

    @staticmethod
    def binning_error(exponent: float, N: int, bins: int = 8) -> float:
        """Largest relative deviation of an eigenvalue from the mean of its bin, over the bins of `power_law`."""
        values, edges = np.arange(1, N + 1) ** -(1.0 + exponent), _edges(N, bins)
        parts = [values[a:b] for a, b in pairwise(edges)]
        return float(max(np.abs(part / part.mean() - 1.0).max() for part in parts))

    @property
    def mean_variance(self) -> float:
        """trace of the covariance over N."""
        return float(np.dot(self.eigenvalues, self.shares))

    @property
    def plain(self) -> bool:
        """Whether these are the standard inputs."""
        return self.eigenvalues == (1.0,) and self.mean_length == 0.0


def _edges(N: int, bins: int) -> np.ndarray:
    """Edges of geometric bins of 0 ... N, none of them empty."""
    if bins > N:
        raise InputError(f"Argument `bins` must be at most N = {N}, but it is {bins}. Use fewer bins, or a larger N.")
    edges = np.unique(np.rint(np.geomspace(1, N + 1, bins + 1)).astype(int) - 1)
    while len(edges) < bins + 1:  # small bins at the head have coincided: split the widest
        gap = int(np.argmax(np.diff(edges)))
        edges = np.insert(edges, gap + 1, (edges[gap] + edges[gap + 1]) // 2)
    return edges
