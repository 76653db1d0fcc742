"""Orthant probabilities of four Gaussian variables with means: along h -> t h, where every layer lies at t = 0.

For unit variances, correlations r and means h, with everything that is given taken as zero,

    P4 = P(z_0, z_1, z_2, z_3 > 0),   P3_i = P(the others > 0 | z_i),   Phi2_ij = P(the others > 0 | z_i, z_j)

The means t h move on a ray: what is given stays the same, and the conditional means grow with t. Hence

    dP4/dt = sum_i h_i phi(t h_i) P3_i(t)                      h_i    of z_i
    dP3_i/dt = sum_j k_ij phi(t k_ij) Phi2_ij(t)               k_ij   of z_j given z_i
    dPhi2_ij/dt = sum_k u_ijk phi(t u_ijk) Phi(t v_l)          u_ijk  of z_k given z_i, z_j;  v_l of z_l given the rest

(each mean in its own standard deviation), and at t = 0 all are angles [`orthant`]. The integrands are Gaussians times
error functions in t, of whatever width 1/k: a layer is at t = 0 and nowhere else, also for nearly or exactly singular
covariances. Panels of Gauss-Legendre nodes that shrink geometrically towards t = 0 resolve it.

Near the border of the positive semidefinite correlations P3 and Phi2 depend on the direction of approach; what is built
from them (`moments_with_means`) does not, provided that all of them belong to one matrix. All are computed from the
rows l_i of one pivoted Cholesky factor, r_ij = l_i.l_j, and the point p with l_i.p = h_i:

    k_ij = (h_j - r_ij h_i) / |l_i ^ l_j|
    u_ijk = *(l_i ^ l_j ^ l_k).*(l_i ^ l_j ^ p) / (|l_i ^ l_j| |l_i ^ l_j ^ l_k|)
    v_l = *(l_i ^ l_j ^ l_k).p / |l_i ^ l_j ^ l_k|

with the exterior product ^ and * for the vector that is orthogonal to three. Averages move by no more than the entries
of the factor do: a pivot at the level of rounding is set to PIVOT, which shifts a moment by less than 1e-10.
"""

from __future__ import annotations

from itertools import combinations, permutations
from math import pi
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.gaussian.jax_functions import JAX, angle, root
from learndyn.gaussian.normal import cdf, pdf
from learndyn.gaussian.orthant import PAIRS, _swap, orthant_4, pair_number

TWO_PI = 2.0 * pi
# Pivots whose squares are rounding belong to variables that the others determine.
ROUNDING, PIVOT = 4 * float(np.finfo(float).eps), 1e-10
# Layers are as narrow as PIVOT over the difference of two means; the first panel ends at 5^-17 = 1e-12. A product of
# three layers of any widths (4000 triples from 1e-11 to 10) is integrated to 2e-11.
PANELS, RATIO, NODES = 18, 5.0, 16
# So many rows at a time: their integrands stay in the cache.
BATCH = 16


def _parity(*order: int) -> int:
    return -1 if sum(a > b for a, b in combinations(order, 2)) % 2 else 1


# Pairs i < j in the order of PAIRS, and the two others of each pair; ordered pairs (i, j); the three others of each.
I, J = np.array(PAIRS).T
OTHERS = np.array([[k for k in range(4) if k not in pair] for pair in PAIRS])
FROM, TO = np.array(list(permutations(range(4), 2))).T
NUMBER = np.array([pair_number(i, j) for i, j in zip(FROM, TO, strict=True)])
FORWARD = np.flatnonzero(FROM < TO)
TRIPLES = np.array([[i for i in range(4) if i != n] for n in range(4)])
# x = orthogonal(a ^ b, c) has the components x_n = sum of SIGN (a ^ b)_PART c_REST over the three others of n.
PART = np.array([[pair_number(i, j), pair_number(i, k), pair_number(j, k)] for i, j, k in TRIPLES])
REST = TRIPLES[:, ::-1]
SIGN = np.array([[s * (-1.0) ** (n + 1) for s in (1, -1, 1)] for n in range(4)])[..., None]
# The normal of three rows in order, turned towards the fourth.
TURN = np.array([_parity(*TRIPLES[n], n) for n in range(4)])[:, None]
# For each pair (i, j) and each k of OTHERS: the sign of *(l_i ^ l_j ^ l_k) beside the normal of the three in order.
AFTER = np.array([[_parity(*PAIRS[n], k) for k in OTHERS[n]] for n in range(6)])[..., None]
# For each i the pairs (j, k) of others: the numbers of (i, j) and (i, k), the sign of their product, what is left out.
CORNERS = [(i, int(j), int(k)) for i in range(4) for j, k in combinations(TRIPLES[i], 2)]
LEFT, RIGHT, BETWEEN = (np.array([pair_number(c[m], c[n]) for c in CORNERS]) for m, n in ((0, 1), (0, 2), (1, 2)))
MIRROR = np.array([(1 if i < j else -1) * (1 if i < k else -1) for i, j, k in CORNERS])[:, None]
OMITTED = np.array([6 - sum(c) for c in CORNERS])


class Parts(NamedTuple):
    """What moments are made of; pairs stand in the order of PAIRS, and the two others of a pair in that of OTHERS."""

    P4: Any
    P3: Any  # (4, rows)
    Phi2: Any  # (6, rows)
    u: Any  # (6, 2, rows): for the pair i, j the mean of either other, k
    v: Any  # (4, rows)
    bar: Any  # (6, rows): standard deviation of z_j given z_i
    left: Any  # (6, 2, rows): standard deviation of z_k given z_i, z_j
    partial: Any  # (6, rows): correlation of both others given z_i, z_j
    density: Any  # (6, rows): exp(-(h_i^2 + k_ij^2) / 2) / (2 pi)


def orthant_parts(r: Any, h: Any) -> Parts:
    """`Parts` for correlations (6, rows) in the order of PAIRS and means (4, rows), in batches of rows."""
    if r.shape[1] <= BATCH:
        return _parts(r, h)
    moved = jax.lax.map(lambda row: _parts(row[0][:, None], row[1][:, None]), (r.T, h.T), batch_size=BATCH)
    return Parts(*(jnp.moveaxis(x[..., 0], 0, -1) for x in moved))


def _parts(r: Any, h: Any) -> Parts:
    l, p, det, turned = _factor(list(r), list(h))
    wedge = _wedges(l)
    bar = _length(wedge)
    normals = _normals(wedge, l)
    lengths = _length(normals)
    k = _given_one(h, (l[I] * l[J]).sum(1), bar)
    # The means given two, along what is orthogonal to both; the last ones, along the normals.
    towards = _orthogonal(wedge, jnp.broadcast_to(p, wedge[:, :4].shape))
    after = AFTER[..., None] * normals[OTHERS[:, ::-1]]
    length = lengths[OTHERS[:, ::-1]]
    u = (after * towards[:, None]).sum(2) / (bar[:, None] * length)
    v = (normals * p).sum(1) / lengths * (turned * TURN)
    cosine = (after[:, 0] * after[:, 1]).sum(1)
    start_2 = 0.25 + angle(cosine, det * bar) / TWO_PI
    angles = _angles_from(wedge, lengths)
    start_3 = 0.125 + angles.reshape(4, 3, -1).sum(1) / (2 * TWO_PI)
    P4, P3, Phi2 = _along_the_ray(h, k, u, v, start_2, start_3)
    density = jnp.exp(-0.5 * (h[I] ** 2 + k[FORWARD] ** 2)) / TWO_PI
    partial = cosine / (length[:, 0] * length[:, 1])
    return Parts(orthant_4(r)[0] + P4, P3, Phi2, u, v, bar, length / bar[:, None], partial, density)


def _angles_from(wedge: Any, lengths: Any) -> Any:
    return angle(MIRROR * (wedge[LEFT] * wedge[RIGHT]).sum(1), lengths[OMITTED])


@jax.custom_jvp
def angles_given_one(r: jax.Array) -> jax.Array:
    """asin of the partial correlation of z_j and z_k given z_i, for (i, j, k) in the order of CORNERS; (12, rows).

    Correlations are of shape (6, rows). Where angles depend on the direction of approach, all belong to one matrix.
    """
    l = _factor(list(r), list(0.0 * r[:4]))[0]
    wedge = _wedges(l)
    return _angles_from(wedge, _length(_normals(wedge, l)))


@angles_given_one.defjvp
def _angles_given_one_jvp(primals: Any, tangents: Any) -> Any:
    return angles_given_one(primals[0]), jax.jvp(_angles_in_polynomials, primals, tangents)[1]


def _angles_in_polynomials(r: jax.Array) -> jax.Array:
    first, second, between = r[LEFT], r[RIGHT], r[BETWEEN]
    determinant = 1 - first**2 - second**2 - between**2 + 2 * first * second * between
    return angle(between - first * second, root(determinant))


def _wedges(l: Any) -> Any:
    """l_i ^ l_j for the pairs of rows, in the order of PAIRS in both."""
    return l[I][:, I] * l[J][:, J] - l[I][:, J] * l[J][:, I]


def _normals(wedge: Any, l: Any) -> Any:
    """*(l_i ^ l_j ^ l_k) of the three others of each row."""
    return _orthogonal(wedge[PART[:, 0]], l[TRIPLES[:, 2]])


def _length(x: Any) -> Any:
    return jnp.sqrt((x * x).sum(1))


def _orthogonal(wedge: Any, c: Any) -> Any:
    """The vectors x (n, 4, rows) with x.d = det(a, b, c, d), for wedge = a ^ b (n, 6, rows) and c (n, 4, rows)."""
    return (SIGN * wedge[:, PART] * c[:, REST]).sum(2)


def _given_one(h: Any, r: Any, bar: Any) -> Any:
    """k_ij = (h_j - r_ij h_i) / |l_i ^ l_j|; of means that are nearly equal the difference is taken first."""
    r, bar, first, second = r[NUMBER], bar[NUMBER], h[FROM], h[TO]
    sign = jnp.where(r < 0.0, -1.0, 1.0)
    return (second - sign * first) / bar + sign * first * (bar / (1.0 + jnp.abs(r)))


def _factor(r: list[Any], h: list[Any]) -> tuple[Any, Any, Any, Any]:
    """Rows l (4, 4, rows) with l_i.l_j = r_ij, p with l_i.p = h_i, the product of the pivots, and the sign of det(l).

    Cholesky's method with the largest pivot first, entries held to Cauchy-Schwarz; then the rows in the given order.
    """
    r = [jnp.where(1.0 - jnp.abs(x) <= ROUNDING / 2, jnp.sign(x), x) for x in r]
    swap_12 = jnp.abs(r[1]) < jnp.abs(r[0])
    r, h = _swap(r, 1, 2, swap_12), _exchange_rows(h, 1, 2, swap_12)
    swap_13 = jnp.abs(r[2]) < jnp.abs(r[0])
    r, h = _swap(r, 1, 3, swap_13), _exchange_rows(h, 1, 3, swap_13)
    rest = [(1 - x) * (1 + x) for x in r[:3]]
    l11, (l21, l31), left = _column(rest[0], r[3:5], [r[0] * r[1], r[0] * r[2]], rest[1:])
    swap_23 = left[1] > left[0]
    r, h = _swap(r, 2, 3, swap_23), _exchange_rows(h, 2, 3, swap_23)
    l21, l31 = jnp.where(swap_23, l31, l21), jnp.where(swap_23, l21, l31)
    left = [jnp.where(swap_23, left[1], left[0]), jnp.where(swap_23, left[0], left[1])]
    l22, (l32,), left = _column(left[0], r[5:], [r[1] * r[2] + l21 * l31], left[1:])
    l33, _, _ = _column(left[0], [], [], [])
    zero, one = jnp.zeros_like(l11), jnp.ones_like(l11)
    rows = [[one, zero, zero, zero], [r[0], l11, zero, zero], [r[1], l21, l22, zero], [r[2], l31, l32, l33]]
    p = []
    for row, mean in zip(rows, h, strict=True):
        n = len(p)
        p.append((mean - sum(x * y for x, y in zip(row[:n], p, strict=True))) / row[n])
    stacked = [jnp.stack(row) for row in rows]
    for i, j, swapped in ((2, 3, swap_23), (1, 3, swap_13), (1, 2, swap_12)):
        stacked = _exchange_rows(stacked, i, j, swapped)
    odd = swap_12 ^ swap_13 ^ swap_23
    return jnp.stack(stacked), jnp.stack(p), l11 * l22 * l33, jnp.where(odd, -1.0, 1.0)


def _column(square: Any, r: list[Any], done: list[Any], left: list[Any]) -> tuple[Any, list[Any], list[Any]]:
    """A pivot from its square, the entries below it, and what it leaves of the variances there: of a copy, nothing."""
    determined = square <= ROUNDING
    pivot = jnp.where(determined, PIVOT, jnp.sqrt(jnp.where(determined, 1.0, square)))
    below, after = [], []
    for x, product, variance in zip(r, done, left, strict=True):
        bound = jnp.sqrt(jnp.maximum(variance, 0.0))
        held = jnp.where(determined, 0.0, jnp.clip((x - product) / pivot, -bound, bound))
        below.append(held)
        after.append(jnp.where(jnp.abs(x) == 1.0, 0.0, variance - held * held))
    return pivot, below, after


def _exchange_rows(rows: list[Any], first: int, second: int, condition: Any) -> list[Any]:
    swapped = list(rows)
    swapped[first] = jnp.where(condition, rows[second], rows[first])
    swapped[second] = jnp.where(condition, rows[first], rows[second])
    return swapped


def _panels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes (panels, nodes), their weights, and the matrix that integrates from the start of a panel, for width 2."""
    edges = np.concatenate([[0.0], RATIO ** np.arange(1 - PANELS, 1.0)])
    half = np.diff(edges)[:, None] / 2
    x, w = np.polynomial.legendre.leggauss(NODES)
    legendre = np.polynomial.legendre
    integrals = [legendre.legval(x, legendre.legint(row, lbnd=-1)) for row in np.eye(NODES)]
    matrix = np.array(integrals).T @ np.linalg.inv(legendre.legvander(x, NODES - 1))
    return edges[:-1, None] + half * (1 + x), half * w, half[:, :, None] * matrix


def _along_the_ray(h: Any, k: Any, u: Any, v: Any, start_2: Any, start_3: Any) -> tuple[Any, Any, Any]:
    """P4 less that of zero means, P3 and Phi2 at t = 1."""
    t, weight, inner = _panels()

    def at_nodes(x: Any) -> Any:
        return x[..., None, None] * t

    growth = u[..., None, None] * pdf(at_nodes(u), JAX) * cdf(at_nodes(v), JAX)[OTHERS[:, ::-1]]
    growth = growth.sum(1)
    panel = (growth * weight).sum(-1)
    before = start_2[..., None] + jnp.cumsum(panel, axis=-1) - panel
    Phi2 = before[..., None] + jnp.einsum("qrpn,pmn->qrpm", growth, inner)
    slopes = k[..., None, None] * pdf(at_nodes(k), JAX) * Phi2[NUMBER]
    slopes = slopes.reshape(4, 3, *slopes.shape[1:]).sum(1) * weight
    end = cdf(h, JAX)
    # The integral over dP3_i/dt' at t' < t is exchanged with that over t.
    P4 = start_3 * (end - 0.5) + (slopes * (end[..., None, None] - cdf(at_nodes(h), JAX))).sum((-2, -1))
    return P4.sum(0), start_3 + slopes.sum((-2, -1)), start_2 + panel.sum(-1)
