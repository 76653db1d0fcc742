"""Where a weight vector begins: a Gaussian distribution of weights, or one point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import count, number, type_shown
from learndyn.errors import InputError
from learndyn.scenarios.arrays import FrozenArray, frozen
from learndyn.scenarios.covariance import covariance_of


@dataclass(frozen=True)
class GaussianWeights:
    """The distribution of the weights with which learning begins: p(w, 0) = N(mean, cov).

    Parameters
    ----------
    mean
        n weights.
    cov
        Their covariance: None (all begin at the mean), a variance, n variances, a matrix (n, n), or an
        `ld.Covariance` (low rank).
    at
        The time at which learning begins.

    Raises
    ------
    InputError
        When the covariance is not positive semidefinite or does not have the size of the mean.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.GaussianWeights([0.0, 1.0], cov=0.1)
    GaussianWeights(mean=[0.0, 1.0], cov=Covariance(matrix=None, diagonal=0.1, factor=None), at=0.0)
    """

    kind: ClassVar[str] = "gaussian_weights"

    mean: Any
    cov: Any = None
    at: float = 0.0

    def __post_init__(self) -> None:
        mean = frozen(self.mean, "mean", "Give the n weights.")
        if mean.ndim != 1 or len(mean) == 0:
            raise InputError(
                f"Argument `mean` must be a list of n weights, but it has shape {mean.shape}. "
                "Give one number for each weight."
            )
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "at", number(self.at, "at"))
        if self.cov is None:
            return
        cov = covariance_of(self.cov, "cov")
        if cov.size is not None and cov.size != len(mean):
            raise InputError(
                f"Argument `cov` must be a covariance of {len(mean)} weights, as `mean` has, but it is one of "
                f"{cov.size}. Give a variance, {len(mean)} of them or a matrix."
            )
        object.__setattr__(self, "cov", None if cov.trace(len(mean)) == 0.0 else cov)

    @property
    def n(self) -> int:
        """Number of weights."""
        return len(self.mean)

    @classmethod
    def random(
        cls, n: int, length: float = 1.0, *, orthogonal_to: Any = None, seed: int, cov: Any = None, at: float = 0.0
    ) -> GaussianWeights:
        """A mean of given length in a random direction.

        Parameters
        ----------
        n
            Number of weights.
        length
            |mean|, at least 0.
        orthogonal_to
            A vector (n,) to which the mean is orthogonal, such as the direction to be learned; None: any direction.
        seed
            Of the direction.
        cov, at
            As for `GaussianWeights`.

        Examples
        --------
        >>> import learndyn as ld
        >>> start = ld.GaussianWeights.random(3, seed=1, orthogonal_to=[1.0, 0.0, 0.0])
        >>> start.mean.values.round(12)[0], float((start.mean.values**2).sum().round(12))
        (np.float64(0.0), 1.0)
        """
        n, seed = count(n, "n"), count(seed, "seed", 0)
        length = number(length, "length", minimum=0.0)
        direction = np.random.Generator(np.random.SFC64(seed)).standard_normal(n)
        if orthogonal_to is not None:
            away = frozen(orthogonal_to, "orthogonal_to").values
            if away.shape != (n,) or not away.any() or n < 2:
                raise InputError(
                    f"Argument `orthogonal_to` must be a vector of {n} numbers, not all 0, with n at least 2, but it "
                    f"has shape {away.shape}. Give the direction, such as the difference of the class means."
                )
            away = away / np.linalg.norm(away)
            # Twice: what rounding leaves of the first time is gone after the second.
            for _ in range(2):
                direction -= away * (away @ direction)
        return cls(length * direction / np.linalg.norm(direction), cov, at)

    @classmethod
    def of(cls, start: Any) -> GaussianWeights:
        """A start, a vector of weights, or one row of a result with ``w`` (and ``Cov``, if it was recorded)."""
        if isinstance(start, cls):
            return start
        if all(hasattr(start, name) for name in ("data_vars", "coords", "attrs")) and "w" in start:
            if start["w"].dims != ("input",):
                raise InputError(
                    f"Argument `start` must be one row of a result, but w has the dims {start['w'].dims}. Choose a "
                    "row: result.sel(t=10, method='nearest')."
                )
            if "trace_cov" in start and "Cov" not in start:
                raise InputError(
                    "Argument `start` must hold Cov to go on from, but the result recorded its trace alone. Ask "
                    "ld.moment_flow for record='Cov'."
                )
            cov = start["Cov"].transpose("input", "input2").values if "Cov" in start else None
            return cls(start["w"].values, cov, float(start["t"]) if "t" in start.coords else 0.0)
        if isinstance(start, list | tuple | np.ndarray | FrozenArray):
            return cls(start)
        raise InputError(
            f"Argument `start` must be an ld.GaussianWeights, n weights or one row of a result, but it is "
            f"{type_shown(start)}. Write ld.GaussianWeights(mean=[...])."
        )

    def fitting(self, n: int) -> GaussianWeights:
        """This start, refused unless it has n weights."""
        if self.n != n:
            raise InputError(
                f"Argument `start` must have {n} weights, as many as the scenario has inputs, but it has {self.n}. "
                f"Give a start of {n} weights."
            )
        return self

    def factor(self) -> np.ndarray:
        """L of shape (n, r) with L L^T = cov; r = 0 for a point."""
        return np.empty((self.n, 0)) if self.cov is None else self.cov.root(self.n)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """``count`` weight vectors from the distribution, shape (count, n)."""
        means = np.repeat(self.mean.values[None], count, axis=0)
        return means if self.cov is None else means + self.cov.sample(self.n, count, rng)

    def to_plain(self) -> dict[str, Any]:
        """As a dict of lists."""
        plain: dict[str, Any] = {"mean": self.mean.to_plain(), "at": self.at}
        return plain if self.cov is None else plain | {"cov": self.cov.to_plain()}
