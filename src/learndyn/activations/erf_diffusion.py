"""The covariance of one update's increments for erf units: arcsines, and orthant probabilities for the eta^4 term.

Increments are made of delta_i z_a and delta_i delta_k, delta_i = g'(x_i) e, e = sum_p c_p g(z_p). A factor g'(x_t) is
Gaussian and tilts the covariance: s <- s - s_t s_t^T / (1 + s_tt), with a weight sqrt(2 / (pi (1 + s_tt))). Integrating
the z_a by parts under the tilted covariance,

    <z_a z_b e^2> = s_ab <e^2> + 2 sum_rs s_ar s_bs c_r c_s <g'_r g'_s> + 2 sum_r s_ar s_br c_r <g''_r e>
    <z_a e^3>     = 3 sum_r s_ar c_r <g'_r e^2>
    <e^2>         = sum_pq c_p c_q (2 / pi) asin rho_pq,     rho_pq = s_pq / sqrt((1 + s_pp) (1 + s_qq))
    <e^4>         = sum_pqrs c_p c_q c_r c_s [16 P4 - 1 - (2 / pi) (sum of the six arcsines)]

P4 is the orthant probability of the correlations rho_pq, also for coinciding indices: erf(z / sqrt 2) is the mean of
sign(z + n) over a standard normal n, and each factor has its own n.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, product
from math import factorial, pi, prod
from typing import Any

import numpy as np

TWO_OVER_PI = 2.0 / pi
# Beyond so many units the orthant probabilities, some (K n)^4 / 576 of them, cost more than they are worth.
MOST_UNITS = 6
BATCH = 64


@cache
def multisets(n: int, size: int) -> np.ndarray:
    """All sorted index tuples of n units, shape (number, size)."""
    return np.array(list(combinations_with_replacement(range(n), size)))


@cache
def _places(n: int, size: int) -> np.ndarray:
    """Where the multiset of an index tuple, in any order, stands in `multisets`; shape (n, ..., n)."""
    number = {tuple(row): position for position, row in enumerate(multisets(n, size))}
    table = [number[tuple(sorted(index))] for index in product(range(n), repeat=size)]
    return np.array(table).reshape((n,) * size)


def tilted(C: Any, units: np.ndarray, xp: Any) -> tuple[Any, Any]:
    """Covariances (rows, n, n) tilted by g' of the units (rows, number) and the weights (rows,) <prod g'>."""
    rows = np.arange(len(units))
    s = xp.broadcast_to(C, (len(units), *C.shape))
    weight = xp.ones(len(units))
    for unit in units.T:
        column = s[rows, :, unit]
        one_plus = 1.0 + column[rows, unit]
        s = s - column[:, :, None] * column[:, None, :] / one_plus[:, None, None]
        weight = weight * xp.sqrt(TWO_OVER_PI / one_plus)
    return s, weight


def _correlations(s: Any, xp: Any) -> Any:
    """rho_pq; a factor of its own has each unit, so that rho_pp = s_pp / (1 + s_pp)."""
    inverse = 1.0 / xp.sqrt(1.0 + xp.diagonal(s, axis1=-2, axis2=-1))
    return s * inverse[..., :, None] * inverse[..., None, :]


def _second(s: Any, c: np.ndarray, xp: Any) -> Any:
    """<e^2>."""
    return TWO_OVER_PI * (xp.arcsine(_correlations(s, xp)) * (c[:, None] * c)).sum((-2, -1))


def _fourth(s: Any, c: np.ndarray, xp: Any) -> Any:
    """<e^4> for covariances (rows, n, n)."""
    from learndyn.gaussian.orthant import PAIRS, orthant_4

    units = multisets(len(c), 4)
    orders = [24 // prod(factorial(int(k)) for k in np.bincount(row)) for row in units]
    rho = _correlations(s, xp)
    r = xp.stack([rho[:, units[:, i], units[:, j]] for i, j in PAIRS])
    flat = r.reshape(6, -1)

    def probability(pairs: Any) -> Any:
        return orthant_4(pairs)[0]

    P4 = probability(flat) if flat.shape[1] <= BATCH else xp.batched_map(lambda x: probability(x[0]), (flat.T,), BATCH)
    P4 = P4.reshape(r.shape[1:])
    return (16.0 * P4 - 1.0 - TWO_OVER_PI * xp.arcsine(r).sum(0)) @ (np.array(orders) * c[units].prod(1))


def _two_fields(C: Any, c: np.ndarray, K: int, xp: Any) -> Any:
    """<delta_i z_a delta_j z_b> as (i, j, a, b)."""
    s, weight = tilted(C, multisets(K, 2), xp)
    one_plus = 1.0 + xp.diagonal(s, axis1=-2, axis2=-1)
    root = xp.sqrt(one_plus[:, :, None] * one_plus[:, None, :] - s * s)
    slopes = TWO_OVER_PI / root * (c[:, None] * c)
    bend = -TWO_OVER_PI * (s / root * c).sum(-1) / one_plus * c
    value = s * _second(s, c, xp)[:, None, None] + 2.0 * s @ slopes @ s + 2.0 * (s * bend[:, None, :]) @ s
    return (weight[:, None, None] * value)[_places(K, 2)]


def _one_field(C: Any, c: np.ndarray, K: int, xp: Any) -> Any:
    """<delta_i z_a delta_j delta_k> as (i, j, k, a)."""
    units, n = multisets(K, 3), len(c)
    s, _ = tilted(C, units, xp)
    with_r = np.concatenate([np.repeat(units, n, axis=0), np.tile(np.arange(n), len(units))[:, None]], axis=1)
    further, weight = tilted(C, with_r, xp)
    slopes = (weight * _second(further, c, xp)).reshape(len(units), n)
    return 3.0 * (s * (c * slopes)[:, None, :]).sum(-1)[_places(K, 3)]


def _no_field(C: Any, c: np.ndarray, K: int, xp: Any) -> Any:
    """<delta_i delta_j delta_k delta_l> as (i, j, k, l)."""
    s, weight = tilted(C, multisets(K, 4), xp)
    return (weight * _fourth(s, c, xp))[_places(K, 4)]


def second_moments(C: Any, K: int, eta: Any, xp: Any) -> Any:
    """<b b^T>; b = eta share (delta_i z_a + delta_k z_b) + eta^2 square delta_i delta_k.

    For R_in: i = k, a = b = n, share 1/2, square 0. For Q_ik: a = k, b = i, share 1, square 1.
    """
    n = C.shape[-1]
    c = np.concatenate([-np.ones(K), np.ones(n - K)])
    i_R, a_R = (x.reshape(-1) for x in np.mgrid[:K, K:n])
    i_Q, k_Q = np.triu_indices(K)
    units = np.array([np.concatenate([i_R, i_Q]), np.concatenate([i_R, k_Q])])
    fields = np.array([np.concatenate([a_R, k_Q]), np.concatenate([a_R, i_Q])])
    share = np.where(np.arange(units.shape[1]) < len(i_R), 0.5, 1.0)
    squares = np.where(share == 1.0, 1.0, 0.0)
    A, B = _two_fields(C, c, K, xp), _one_field(C, c, K, xp)
    both, mixed = 0.0, 0.0
    for i, a in zip(units, fields, strict=True):
        for j, b in zip(units, fields, strict=True):
            both = both + A[i[:, None], j, a[:, None], b]
        mixed = mixed + B[i[:, None], units[0], units[1], a[:, None]]
    both, mixed = both * (share[:, None] * share), mixed * (share[:, None] * squares)
    i, k = units
    pure = _no_field(C, c, K, xp)[i[:, None], k[:, None], i, k] * (squares[:, None] * squares)
    return eta**2 * both + eta**3 * (mixed + mixed.T) + eta**4 * pure
