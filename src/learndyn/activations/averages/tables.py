"""All averages that learning needs of K student and M teacher units, from those of pairs and of fours.

Units are z = (x, y) with covariance C (n, n) and biases m (n,) or None; students come first. Units with the same two
activations are evaluated together, elementwise, so that the program grows with the number of different activations, not
with the number of units.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import numpy as np

from learndyn.activations.averages.base import Slopes
from learndyn.activations.averages.selection import (
    STANDARD_REACH,
    output_formula,
    slope_formula,
    square_sum_of,
    square_table_of,
)
from learndyn.activations.registry import activation

Places = tuple[np.ndarray, np.ndarray]


class Averages:
    """The averages of a network of given activations.

    Parameters
    ----------
    names
        The activation of each unit, students first.
    K
        Number of student units.
    biased
        Whether there are biases (or means of the pre-activations).
    samples
        Number of sample points for the average of four units; None: exact, or by quadrature.
    reach
        Standard deviations up to which a quadrature of four units holds.
    """

    def __init__(
        self, names: tuple[str, ...], K: int, biased: bool, samples: int | None = None, reach: float = STANDARD_REACH
    ) -> None:
        self.names, self.K, self.n, self.biased = names, K, len(names), biased
        self._reach = reach
        single = activation(names[0]) if len(set(names)) == 1 and not biased else None
        parts = {} if single is None else single.functions
        # Sums over all units in closed form, faster than any table.
        self.gradient_sum: Callable[..., Any] | None = parts.get("gradient_sum")
        self._samples = samples

    @cached_property
    def square_sum(self) -> Callable[..., Any]:
        """``f(C, m, c, xp)`` = sum_pq c_p c_q <g_i' g_k' g_p g_q>, i <= k, shape (K (K + 1) / 2,)."""
        return square_sum_of(self.names, self.K, self.biased, self._samples, self._reach)

    def outputs(self, C: Any, m: Any, xp: Any) -> Any:
        """<g_p g_q>, shape (..., n, n)."""
        rows, columns = np.triu_indices(self.n)
        table = np.zeros((self.n, self.n), dtype=int)
        table[rows, columns] = table[columns, rows] = np.arange(len(rows))
        return self._pairs(rows, columns, output_formula, C, m, xp)[0][..., table]

    def outputs_of(self, rows: np.ndarray, columns: np.ndarray, C: Any, m: Any, xp: Any) -> Any:
        """<g_p g_q> for lists of units p and q, shape (..., len(rows))."""
        return self._pairs(rows, columns, output_formula, C, m, xp)[0]

    def slopes(self, C: Any, m: Any, xp: Any) -> Slopes:
        """The slopes of each student unit with each unit, each of shape (..., K, n)."""
        i, q = (index.reshape(-1) for index in np.indices((self.K, self.n)))
        found = self._pairs(i, q, slope_formula, C, m, xp)
        return Slopes(*(part.reshape(*part.shape[:-1], self.K, self.n) for part in found))

    def derivatives(self, C: Any, m: Any, xp: Any) -> Any:
        """<g_i' g_k'> for student units i <= k, shape (..., K (K + 1) / 2)."""
        i, k = np.triu_indices(self.K)
        return self._pairs(i, k, slope_formula, C, m, xp)[Slopes._fields.index("both")]

    def square_table(self, C: Any, m: Any, xp: Any) -> Any:
        """<g_i' g_k' g_p g_q>, shape (K (K + 1) / 2, n, n)."""
        return square_table_of(self.names, self.K, self.biased, self._reach)(C, m, xp)

    def student_moments(self, C: Any, m: Any, xp: Any) -> Any:
        """<g_i' g_k' x_p x_q> for student units, x_p without bias; shape (K (K + 1) / 2, K, K)."""
        K = self.K
        names = (*self.names[:K], *["linear"] * K)
        rows = np.tile(np.arange(K), 2)
        means = None if m is None else xp.concatenate([m[:K], xp.zeros(K)])
        table = square_table_of(names, K, self.biased)(C[rows[:, None], rows], means, xp)
        return table[:, K:, K:]

    def _pairs(self, rows: np.ndarray, columns: np.ndarray, formulas: Any, C: Any, m: Any, xp: Any) -> list[Any]:
        """The results, of shape (..., pairs), of a formula of two activations for a list of pairs of units."""
        s = xp.diagonal(C, axis1=-2, axis2=-1)
        collected, order = [], []
        for first, second, places in self._groups(rows, columns):
            p, q = rows[places], columns[places]
            formula = formulas(first, second, self.biased, self._reach)
            means = (None, None) if m is None else (m[..., p], m[..., q])
            found = formula(s[..., p], C[..., p, q], s[..., q], *means, xp)
            collected.append(found if isinstance(found, tuple) else (found,))
            order.append(places)
        back = np.argsort(np.concatenate(order))
        shape = (*C.shape[:-2],)
        joined = []
        for parts in zip(*collected, strict=True):
            whole = [xp.broadcast_to(x, (*shape, len(places))) for x, places in zip(parts, order, strict=True)]
            joined.append(xp.concatenate(whole, axis=-1)[..., back] if len(whole) > 1 else whole[0])
        return joined

    def _groups(self, rows: np.ndarray, columns: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
        return _groups(self.names, tuple(rows.tolist()), tuple(columns.tolist()))


@cache
def _groups(
    names: tuple[str, ...], rows: tuple[int, ...], columns: tuple[int, ...]
) -> list[tuple[str, str, np.ndarray]]:
    """The places in a list of pairs that have the same two activations."""
    pairs = [(names[p], names[q]) for p, q in zip(rows, columns, strict=True)]
    return [(*pair, np.array([i for i, other in enumerate(pairs) if other == pair])) for pair in dict.fromkeys(pairs)]


@cache
def averages_of(
    names: tuple[str, ...], K: int, biased: bool, samples: int | None = None, reach: float = STANDARD_REACH
) -> Averages:
    """The averages of a network, made once."""
    return Averages(names, K, biased, samples, reach)
