"""Orthant probabilities and moments of four jointly Gaussian variables with unit variances.

For correlations r (order of the pairs: 01, 02, 03, 12, 13, 23) this gives

    P4        = P(z_0, z_1, z_2, z_3 > 0)
    pi_ij     = P(z_i, z_j > 0 | z_k = z_l = 0), {i, j, k, l} = {0, 1, 2, 3}

accurate on the closed set of positive semidefinite correlations. Near its border the pi_ij depend on the direction
of approach; what is built from them does not, provided that all of them belong to one and the same matrix. They do:
everything is computed from one pivoted Cholesky factor r = L L^T with floored pivots. With m_k the columns of
adj(L) = det(L) L^{-1}, a polynomial in the entries of L, adj(r)_kl = m_k . m_l, so that the angle of Jacobi's identity

    pi_kl = 1/4 + atan2(-adj(r)_kl, sqrt((1 - r_ij^2) det r)) / (2 pi),   sqrt(...) = |m_k x m_l|

is the angle between two vectors, and rounding in m_k is a rounding of column k of L.

P4 follows from Plackett's identity, integrated along r_3j -> t r_3j (3 = last pivot). With c the first three entries
of the last row of L, q = |c|^2, t = sin(psi) / sqrt(q), the vectors become m_k = (cos(psi) a_k, sin(psi) e_k),
a_k = columns of adj(L_3), e_k = last entry / sqrt(q), and

    P4 = P3(0,1,2) / 2 + sum_j asin(r_3j) / (8 pi)
         + 1/(4 pi^2) sum_j int_0^psi_m dpsi rho_j cos(psi) D / u_j
                                        atan2(-(cos^2 a_k.a_l + sin^2 e_k e_l), cos(psi) u_j)

with D = det L_3, u_j^2 = cos^2 D^2 + sin^2 |a_k e_l - a_l e_k|^2, rho_j = r_3j / sqrt(q). In psi the singularities
of the integrand lie on Re psi = 0 and Re psi = pi/2 alone, at any height: both ends need clustered nodes, the inside
none; tanh-sinh nodes in tan(psi/2) do this (no trigonometric function at a node).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.gaussian.jax_functions import angle, arcsine, ratio, root

PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
# Where the complement of pair number p stands in PAIRS: {0,1} <-> {2,3}, {0,2} <-> {1,3}, {0,3} <-> {1,2}.
COMPLEMENT = (5, 4, 3, 2, 1, 0)
TWO_PI = 2.0 * np.pi

PIVOT_FLOOR = 1e-15
# Chosen for the smallest worst case over 100 000 covariances, generic and nearly singular of every kind: against the
# same rule with 600 nodes, 48 nodes reach 3e-9, 56 reach 6e-10, 64 reach 3e-10; generic ones 1e-11 and better.
NODES = 56
HALF_WIDTH = 2.65


def pair_number(i: int, j: int) -> int:
    """Where the pair {i, j} stands in PAIRS."""
    return PAIRS.index((min(i, j), max(i, j)))


def tanh_sinh_nodes(count: int, half_width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes s in (0, 1), their complements 1 - s (without cancellation), and weights."""
    tau = np.linspace(-half_width, half_width, count)
    step = tau[1] - tau[0]
    u = np.pi / 2 * np.sinh(tau)
    s = 1.0 / (1.0 + np.exp(-2 * u))
    complement = 1.0 / (1.0 + np.exp(2 * u))
    weight = step * np.pi * np.cosh(tau) * s * complement
    return s, complement, weight


def _swap(r: list[Any], first: int, second: int, condition: Any) -> list[Any]:
    """Exchange two variables (of the 4) in the list of 6 pairs where the condition holds."""
    relabel = {first: second, second: first}
    swapped = list(r)
    for number, (i, j) in enumerate(PAIRS):
        partner = pair_number(relabel.get(i, i), relabel.get(j, j))
        if partner != number:
            swapped[number] = jnp.where(condition, r[partner], r[number])
    return swapped


def _clip(x: Any, bound: Any) -> Any:
    return jnp.minimum(jnp.maximum(x, -bound), bound)


def _factor(r: list[Any]) -> tuple[list[Any], Any]:
    """Rows of the pivoted Cholesky factor (l10, l11, l20, ...) and the three exchanges that brought the order about.

    Pivoting bounds every entry by the pivot of its column; with Cauchy-Schwarz clips the rows belong to a positive
    semidefinite matrix whatever rounding did to r.
    """
    swap_12 = jnp.abs(r[1]) < jnp.abs(r[0])
    r = _swap(r, 1, 2, swap_12)
    swap_13 = jnp.abs(r[2]) < jnp.abs(r[0])
    r = _swap(r, 1, 3, swap_13)
    l11 = jnp.maximum(jnp.sqrt((1 - r[0]) * (1 + r[0])), PIVOT_FLOOR)

    def column_1(r_0j: Any, r_1j: Any) -> tuple[Any, Any]:
        left = (1 - r_0j) * (1 + r_0j)
        entry = _clip((r_1j - r[0] * r_0j) / l11, jnp.sqrt(left))
        return entry, jnp.maximum(left - entry * entry, 0.0)

    l21, rest_2 = column_1(r[1], r[3])
    l31, rest_3 = column_1(r[2], r[4])
    swap_23 = rest_3 > rest_2
    l20, l30 = jnp.where(swap_23, r[2], r[1]), jnp.where(swap_23, r[1], r[2])
    l21, l31 = jnp.where(swap_23, l31, l21), jnp.where(swap_23, l21, l31)
    rest_2, rest_3 = jnp.where(swap_23, rest_3, rest_2), jnp.where(swap_23, rest_2, rest_3)
    l22 = jnp.maximum(jnp.sqrt(rest_2), PIVOT_FLOOR)
    l32 = _clip((r[5] - l20 * l30 - l21 * l31) / l22, jnp.sqrt(rest_3))
    l33 = jnp.maximum(jnp.sqrt(jnp.maximum(rest_3 - l32 * l32, 0.0)), PIVOT_FLOOR)
    return [r[0], l11, l20, l21, l22, l30, l31, l32, l33], (swap_12, swap_13, swap_23)


def _dot(a: tuple[Any, Any, Any], b: tuple[Any, Any, Any]) -> Any:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _mixed_norm(a: tuple[Any, ...], e: Any, b: tuple[Any, ...], f: Any) -> Any:
    """|a f - b e|, the norm of a three-vector."""
    d = (a[0] * f - b[0] * e, a[1] * f - b[1] * e, a[2] * f - b[2] * e)
    return jnp.sqrt(_dot(d, d))


def _pivoted(r: list[Any]) -> tuple[Any, list[Any], Any]:
    """P4, and for each pair the angle of Jacobi's identity, in the order of the pivots; and the exchanges."""
    (l10, l11, l20, l21, l22, l30, l31, l32, l33), swaps = _factor(r)
    zero = jnp.zeros_like(l10)
    D = l11 * l22
    # Columns of adj(L_3), and the last entries of the columns of adj(L).
    a = ((D, -l10 * l22, l10 * l21 - l20 * l11), (zero, l22, -l21), (zero, zero, l11))
    last = (
        -(l30 * D - l31 * l10 * l22 + l32 * a[0][2]),
        -(l31 * l22 - l32 * l21),
        -l32 * l11,
    )
    dots = {(k, m): _dot(a[k], a[m]) for k, m in ((0, 1), (0, 2), (1, 2))}
    mixed = {(k, m): _mixed_norm(a[k], last[k], a[m], last[m]) for k, m in dots}
    minus_adj, wedge = [], []
    for k, m in PAIRS:
        if m == 3:
            minus_adj.append(-last[k])
            wedge.append(_dot(a[k], a[k]))
        else:
            minus_adj.append(-(l33 * l33 * dots[k, m] + last[k] * last[m]))
            wedge.append((l33 * D) ** 2 + mixed[k, m] ** 2)
    # One call for all pairs: every call is a kernel of its own.
    angles = angle(jnp.stack(minus_adj), l33 * jnp.sqrt(jnp.stack(wedge)))

    sine = jnp.sqrt(l30 * l30 + l31 * l31 + l32 * l32)
    inverse = 1.0 / jnp.maximum(sine, 1e-150)
    r_3 = (l30, l10 * l30 + l11 * l31, l20 * l30 + l21 * l31 + l22 * l32)
    r_in = (l10, l20, l10 * l20 + l11 * l21)
    terms = [
        (r_3[j] * inverse * D, dots[k, m], last[k] * last[m] * inverse * inverse, mixed[k, m] * inverse)
        for j, (k, m) in ((0, (1, 2)), (1, (0, 2)), (2, (0, 1)))
    ]
    integral = _plackett_integral(terms, D, sine, l33)
    # P3 / 2 and the first part of Plackett's integral: the arcsines of all six pairs with one weight.
    arcs = arcsine(jnp.stack(r_in + r_3)).sum(0)
    return 0.0625 + arcs / (4 * TWO_PI) + integral / TWO_PI**2, list(angles), swaps


def _plackett_integral(terms: list[tuple[Any, ...]], D: Any, sine: Any, cosine: Any) -> Any:
    """The integral over psi, summed over j; `sine`, `cosine` are those of its upper end."""
    s, complement, weight = tanh_sinh_nodes(NODES, HALF_WIDTH)
    # x = tan(psi / 2) = x_m s; 1 - x without cancellation where psi_m is near pi / 2.
    x_m = sine / (1 + cosine)
    one_minus_x_m = (cosine + cosine * cosine / (1 + sine)) / (1 + cosine)
    x = x_m[..., None] * s
    one_minus_x = one_minus_x_m[..., None] + x_m[..., None] * complement
    inverse = 1.0 / (1 + x * x)
    cos_psi = one_minus_x * (1 + x) * inverse
    sin_psi = 2 * x * inverse
    cos_2, sin_2 = (cos_psi * cos_psi)[..., None, :], (sin_psi * sin_psi)[..., None, :]
    prefactor, dot, product, mixed = (jnp.stack(t, axis=-1)[..., None] for t in zip(*terms, strict=True))
    D = D[..., None, None]
    u = jnp.sqrt(cos_2 * (D * D) + sin_2 * (mixed * mixed))
    integrand = prefactor * (cos_psi * inverse)[..., None, :] / (u + 1e-300)
    integrand = integrand * angle(-(cos_2 * dot + sin_2 * product), cos_psi[..., None, :] * u)
    return 2 * x_m * (integrand @ weight).sum(-1)


def _restore(values: list[Any], swaps: tuple[Any, Any, Any]) -> list[Any]:
    """Undo the exchanges of the pivoting on a list over pairs."""
    swap_12, swap_13, swap_23 = swaps
    values = _swap(values, 2, 3, swap_23)
    values = _swap(values, 1, 3, swap_13)
    return _swap(values, 1, 2, swap_12)


@jax.custom_jvp
def orthant_4(r: jax.Array) -> jax.Array:
    """P4 and the six pi_ij for correlations of shape (6, ...) in the order of PAIRS; shape (7, ...).

    Absolute error at most 1e-10 on generic correlations. Nearly singular ones are right for correlations that differ
    from the given ones by rounding. The tangent is Plackett's, dP4/dr_ij = pi_kl / (2 pi sqrt(1 - r_ij^2)), and the
    derivative of Jacobi's identity in polynomial minors.
    """
    P4, angles, swaps = _pivoted(list(r))
    return jnp.concatenate([P4[None], 0.25 + jnp.stack(_restore(angles, swaps)) / TWO_PI])


@orthant_4.defjvp
def _orthant_4_jvp(primals: Any, tangents: Any) -> Any:
    (r,), (dr,) = primals, tangents
    parts = orthant_4(r)
    pi = parts[1:]
    bar = root((1 - r) * (1 + r))
    dP4 = sum(pi[COMPLEMENT[p]] * ratio(dr[p], bar[p]) for p in range(6)) / TWO_PI
    _, d_angles = jax.jvp(_jacobi_angles, (r,), (dr,))
    return parts, jnp.concatenate([jnp.asarray(dP4)[None], d_angles / TWO_PI])


def _jacobi_angles(r: jax.Array) -> jax.Array:
    return jnp.stack([angle(*conditional_minors(r, p)) for p in range(6)])


def conditional_minors(r: jax.Array, pair: int) -> tuple[Any, Any]:
    """-adj(r)_ij and sqrt((1 - r_kl^2) det r) in polynomials.

    These are (1 - r_kl^2) times Cov(z_i, z_j | z_k, z_l) and times the root of the determinant of that covariance.
    """
    i, j = PAIRS[pair]
    k, m = PAIRS[COMPLEMENT[pair]]

    def c(p: int, q: int) -> Any:
        return r[pair_number(p, q)]

    D = (1 - c(k, m)) * (1 + c(k, m))

    def scaled(p: int, q: int, value: Any) -> Any:
        inner = c(p, k) * c(q, k) + c(p, m) * c(q, m) - c(k, m) * (c(p, k) * c(q, m) + c(p, m) * c(q, k))
        return value * D - inner

    covariance = scaled(i, j, c(i, j))
    return covariance, root(scaled(i, i, 1.0) * scaled(j, j, 1.0) - covariance * covariance)
