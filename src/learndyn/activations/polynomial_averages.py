"""Gaussian averages of products of polynomials, exact: Wick's theorem summed up.

    <p_1(z_1 + m_1) ... p_n(z_n + m_n)> = exp(1/2 sum_ij s_ij d_i d_j)  p_1 ... p_n   at (m_1, ..., m_n)

The diagonal terms smooth each polynomial on its own, P_i = exp(s_ii d^2 / 2) p_i; what is left is a finite sum over the
numbers n_ij of pairings between two different variables,

    sum over all n_ij   prod_{i<j} s_ij^n_ij / n_ij!   prod_i P_i^(n_i)(m_i),     n_i = sum_j n_ij,

a polynomial of the covariance: nothing is singular anywhere, and derivatives need no care. Signatures are those of
`learndyn.activations.averages.base`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from learndyn.activations.averages.base import Slopes

Coefficients = tuple[float, ...]


def trimmed(c: Coefficients) -> Coefficients:
    """Without zeros at the end; at least the constant."""
    last = max((k for k, a in enumerate(c) if a != 0.0), default=0)
    return c[: last + 1]


def derivative(c: Coefficients, times: int = 1) -> Coefficients:
    """The coefficients of a derivative."""
    for _ in range(times):
        c = tuple(k * a for k, a in enumerate(c))[1:] or (0.0,)
    return c


def polynomial_pair(first: Coefficients, second: Coefficients) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(outputs, slopes) of two polynomials."""

    def average(p: Coefficients, q: Coefficients, s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
        return _average((p, q), [s11, s22], {(0, 1): s12}, [m1, m2], xp)

    def outputs(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
        return average(first, second, s11, s12, s22, m1, m2, xp)

    def slopes(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Slopes:
        slope, bend = derivative(first), derivative(first, 2)
        along = average(bend, second, s11, s12, s22, m1, m2, xp)
        both = average(slope, derivative(second), s11, s12, s22, m1, m2, xp)
        return Slopes(xp.root(s11) * along, both, average(slope, second, s11, s12, s22, m1, m2, xp))

    return outputs, slopes


def polynomial_fours(four: tuple[Coefficients, ...]) -> Callable[..., Any]:
    """``fours(C, m, xp)`` of four polynomials."""
    a, b, c, d = four
    factors = (derivative(a), derivative(b), c, d)

    def fours(C: Any, m: Any, xp: Any) -> Any:
        variances = [C[..., i, i] for i in range(4)]
        covariances = {(i, j): C[..., i, j] for i, j in combinations(range(4), 2)}
        return _average(factors, variances, covariances, [None] * 4 if m is None else [m[..., i] for i in range(4)], xp)

    return fours


def _average(
    factors: tuple[Coefficients, ...],
    variances: list[Any],
    covariances: dict[tuple[int, int], Any],
    m: list[Any],
    xp: Any,
) -> Any:
    """The sum over the pairings: rows of the table are terms, gathered from the powers and derivatives they share."""
    factors = tuple(trimmed(p) for p in factors)
    degrees = tuple(len(p) - 1 for p in factors)
    pairings = _pairings(degrees)
    total: Any = 1.0
    for i, p in enumerate(factors):
        orders = sum(pairings[:, place] for place, pair in enumerate(_pairs(len(factors))) if i in pair)
        total = total * _smoothed(p, variances[i], m[i], xp)[..., orders]
    for place, pair in enumerate(_pairs(len(factors))):
        most = min(degrees[i] for i in pair)
        total = total * _powers(covariances[pair], most, xp)[..., pairings[:, place]]
    return total.sum(-1)


def _pairs(n: int) -> list[tuple[int, int]]:
    return list(combinations(range(n), 2))


@cache
def _pairings(degrees: tuple[int, ...]) -> np.ndarray:
    """All numbers n_ij of pairings between different variables, at most `degrees` of each; shape (terms, pairs)."""
    rows = [((), degrees)]
    for i, j in _pairs(len(degrees)):
        rows = [
            ((*row, n), tuple(d - n * (k in (i, j)) for k, d in enumerate(left)))
            for row, left in rows
            for n in range(min(left[i], left[j]) + 1)
        ]
    return np.array([row for row, _ in rows])


def _smoothed(p: Coefficients, s: Any, m: Any, xp: Any) -> Any:
    """The derivatives of order 0, 1, ... of exp(s d^2 / 2) p at m, along a new last axis."""
    n = len(p)
    # Entry k of the Taylor series at m, times k!: the derivative of p there.
    if m is None:
        taylor = [factorial(k) * a + 0.0 * s for k, a in enumerate(p)]
    else:
        powers = _powers(m, n - 1, xp)
        taylor = [
            sum(factorial(j) * p[j] * powers[..., j - k] for j in range(k, n)) + 0.0 * s for k in range(n)
        ]  # fmt: skip
    heat = _powers(0.5 * s, (n - 1) // 2, xp)
    return xp.stack(
        [sum(heat[..., a] * taylor[k + 2 * a] for a in range((n - 1 - k) // 2 + 1)) for k in range(n)], axis=-1
    )


def _powers(x: Any, most: int, xp: Any) -> Any:
    """x^n / n! for n = 0, ..., most, along a new last axis."""
    powers = [xp.ones_like(x)]
    for n in range(1, most + 1):
        powers.append(powers[-1] * x / n)
    return xp.stack(powers, axis=-1)
