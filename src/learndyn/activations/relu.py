"""The rectified linear unit g(x) = x theta(x)."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from learndyn.activations.base import Activation
from learndyn.gaussian.correlations import correlations
from learndyn.gaussian.quadrant_moments import quadrant_moments

TWO_PI = 2.0 * pi
FOUR_PI = 4.0 * pi
KINKS = (0.0,)


def g(x: Any, xp: Any) -> Any:
    """g(x) = x for x > 0, else 0."""
    return xp.maximum(x, 0.0)


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = theta(x), one half at the kink."""
    return xp.where(x > 0.0, 1.0, xp.where(x < 0.0, 0.0, 0.5))


def I2(s11: Any, s12: Any, s22: Any, xp: Any) -> Any:
    """<u v theta(u) theta(v)> = s12/4 + [sqrt(D) + s12 asin(rho)] / (2 pi), D = s11 s22 - s12^2 [Straat 2018, 32]."""
    root_D = xp.root(s11 * s22 - s12 * s12)
    return 0.25 * s12 + (root_D + s12 * xp.angle(s12, root_D)) / TWO_PI


def I3(C: Any, xp: Any) -> Any:
    """<theta(u) v w theta(w)> = s12 sqrt(D13) / (2 pi s11) + s23 [1/4 + asin(rho13) / (2 pi)]  [Straat 2018, p. 29].

    At s11 = 0 the first term is 0 and theta(u) = 1/2.
    """
    s11, s13 = C[..., 0, 0], C[..., 0, 2]
    root_D = xp.root(s11 * C[..., 2, 2] - s13 * s13)
    first = xp.ratio(C[..., 0, 1], s11) * root_D / TWO_PI
    return first + C[..., 1, 2] * (0.25 + xp.angle(s13, root_D) / TWO_PI)


def I4(C: Any, xp: Any) -> Any:
    """<theta(a) theta(b) c theta(c) d theta(d)>: `learndyn.gaussian.orthant_moments` (exact; JAX only)."""
    from learndyn.gaussian.orthant import PAIRS, orthant_4
    from learndyn.gaussian.orthant_moments import moment_4

    r, _, _, scale = correlations(C, xp)
    pairs = xp.stack([r[..., i, j] for i, j in PAIRS])
    return moment_4(pairs, orthant_4(pairs)) * scale[..., 2] * scale[..., 3]


def gradient_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
    """sum_q c_q I3(x_i, z_b, z_q): a rank-one term and one matrix product."""
    _, rbar, arc, scale = correlations(C, xp)
    along = xp.product(rbar[:K], c * scale) * xp.ratio(1.0, scale[:K]) / TWO_PI
    return C[:K] * along[:, None] + xp.product((0.25 + arc[:K] / TWO_PI) * c, C)


def square_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
    """sum_pq c_p c_q I4(x_i, x_k, z_p, z_q), by the set of different units in {i, k, p, q}.

    Coinciding units need orthant probabilities of three variables at most, which are sums of the arcsines at hand;
    four different units need P4, once for each set of four (JAX only for K >= 2).
    """
    r, rbar, arc, scale = correlations(C, xp)
    weight = c * scale
    same = _one_unit(r, rbar, arc, weight, K, xp)
    i, k = np.triu_indices(K)
    if K == 1:
        return same
    mixed = _two_units(r, rbar, arc, weight, K, xp)
    if C.shape[-1] >= 4:
        from learndyn.gaussian.orthant_moments import four_point_moments, four_point_tables

        tables = four_point_tables(K, C.shape[-1])
        a, b, p, q = np.array(tables.rows).T
        values = 2.0 * weight[p] * weight[q] * four_point_moments(r, tables)
        # A scatter would cost as much as the formula where there is a single row (K = M = 2).
        mixed = mixed.at[a, b].add(values) if len(a) > 1 else mixed + values * _unit_matrix(K, a[0], b[0])
    return xp.where(i == k, same[i], mixed[i, k])


def _one_unit(r: Any, rbar: Any, arc: Any, weight: Any, K: int, xp: Any) -> Any:
    """sum_pq w_p w_q <theta(i) p q theta(p) theta(q)> at unit variances: the diagonal <delta_i^2>.

    The average is r_pq P3(i, p, q) + [rbar_pq + r_iq rbar_ip + r_ip rbar_iq] / (4 pi); with
    P3 = 1/8 + (arc_ip + arc_iq + arc_pq) / (4 pi) the double sum factors into matrix products.
    """
    common = ((r / 8.0 + (r * arc + rbar) / FOUR_PI) * weight[:, None] * weight).sum()
    projected = xp.product(r, weight)
    first = xp.product(arc[:K] * weight, projected) / TWO_PI
    return common + first + projected[:K] * xp.product(rbar[:K], weight) / TWO_PI


def _two_units(r: Any, rbar: Any, arc: Any, weight: Any, K: int, xp: Any) -> Any:
    """The part of <delta_i delta_k>, i != k, in which {i, k, p, q} has at most three members; upper half valid."""
    from learndyn.gaussian.orthant_moments import mixed_product

    n = r.shape[-1]
    S, bar, arcs = r[:K], rbar[:K], arc[:K]
    P3 = 0.125 + (arc[:K, :K, None] + arcs[:, None] + arcs[None]) / FOUR_PI
    r_ik, bar_ik = S[:, :K, None], bar[:, :K, None]
    r_ip, r_kp, bar_ip, bar_kp = S[:, None], S[None], bar[:, None], bar[None]
    # <theta(i) theta(k) p^2 theta(p)>: also right for p = i and p = k.
    both = P3 + (r_ip * bar_ip + r_kp * bar_kp + mixed_product(r_ik, r_ip, r_ip, r_kp, r_kp)) / FOUR_PI
    total = (both * (weight * weight)).sum(-1)
    # <theta(k) i q theta(i) theta(q)> and the same with i, k exchanged.
    from_i = r_ip * P3 + (bar_ip + r_kp * bar_ik + r_ik * bar_kp) / FOUR_PI
    from_k = r_kp * P3 + (bar_kp + r_ip * bar_ik + r_ik * bar_ip) / FOUR_PI
    different = _different(K, n)
    w_i, w_k = weight[:K, None, None], weight[None, :K, None]
    total = total + 2.0 * ((w_i * from_i + w_k * from_k) * different * weight).sum(-1)
    product = r[:K, :K] * (0.25 + arc[:K, :K] / TWO_PI) + rbar[:K, :K] / TWO_PI
    return total + 2.0 * weight[:K, None] * weight[:K] * product


def _different(K: int, n: int) -> np.ndarray:
    """1 where p is neither i nor k, else 0; shape (K, K, n)."""
    is_unit = np.eye(K, n, dtype=bool)
    return (~(is_unit[:, None] | is_unit[None])).astype(float)


def _unit_matrix(K: int, a: int, b: int) -> np.ndarray:
    matrix = np.zeros((K, K))
    matrix[a, b] = 1.0
    return matrix


def diffusion(C: Any, K: int, eta: Any, xp: Any) -> Any:
    """Cov(b) of the perceptron; for more units there is no closed form here (None).

    Where x, y > 0, delta = y - x; where x > 0 > y, delta = -x; else 0: b is a quadratic form in (x, y) on each of two
    quadrants, and the moments of the second are those of the half plane x > 0, half of the plane's, less the first's.
    """
    if C.shape[-1] != 2:
        return None
    r, rbar, arc, scale = correlations(C, xp)
    r, rbar, arc, sx, sy = r[0, 1], rbar[0, 1], arc[0, 1], scale[0], scale[1]
    second, fourth = quadrant_moments(r, rbar, arc)
    half_2 = [0.5, 0.5 * r, 0.5]
    half_4 = [1.5, 1.5 * r, 0.5 + r * r, 1.5 * r, 1.5]
    # Coefficients of x^2, xy, y^2 in (b_R, b_Q), quadrant after quadrant.
    both = ((0.0, -eta, eta), (eta**2 - 2 * eta, 2 * eta - 2 * eta**2, eta**2))
    alone = ((0.0, -eta, 0.0), (eta**2 - 2 * eta, 0.0, 0.0))
    mean, square = 0.0, 0.0
    for forms, m2, m4 in (
        (both, second, fourth),
        (
            alone,
            [h - m for h, m in zip(half_2, second, strict=True)],
            [h - m for h, m in zip(half_4, fourth, strict=True)],
        ),
    ):
        m2 = xp.stack([m * sx ** (2 - q) * sy**q for q, m in enumerate(m2)])
        m4 = xp.stack([m * sx ** (4 - q) * sy**q for q, m in enumerate(m4)])
        b = xp.stack([xp.stack([a + 0.0 * sx for a in form]) for form in forms])
        hankel = m4[np.add.outer(range(3), range(3))]
        mean = mean + b @ m2
        square = square + b @ hankel @ b.T
    return square - mean[:, None] * mean


ACTIVATION = Activation.from_module("relu", "max(x, 0)", globals())
