"""Orthant moments <theta(a) theta(b) c theta(c) d theta(d)> of jointly Gaussian variables, in closed form.

Integrating by parts twice, and combining the terms so that no conditional variance is left in a denominator, for
unit variances and rbar = sqrt(1 - r^2),

    I4 = r_cd P4 + 1/(2 pi) [ rbar_cd pi_ab + r_ad rbar_ac pi_bd + r_bd rbar_bc pi_ad
                              + r_ac rbar_ad pi_bc + r_bc rbar_bd pi_ac + N_ab(c, d) pi_cd ]

with pi_ij = P(i, j > 0 | the other two = 0). Its derivatives are lower averages, dI4/dr_ij = <d_i d_j (...)>:

    dI4/dr_cd = P4
    dI4/dr_ac = 1/(2 pi) [ (r_bd - r_ab r_ad)/rbar_ab pi_cd + (r_cd - r_ac r_ad)/rbar_ac pi_bd + rbar_ad pi_bc ]
    dI4/dr_ab = 1/(2 pi rbar_ab^3) [ s pi_cd + w / (2 pi) ],  s, w = `conditional_minors` of (c, d) given a = b = 0

The ratios are bounded by Cauchy-Schwarz, so the tangent is finite wherever a and b are not collinear.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.gaussian.jax_functions import ratio, root, unit
from learndyn.gaussian.orthant import PAIRS, TWO_PI, conditional_minors, orthant_4, pair_number

BATCH = 64


class FourPointTables(NamedTuple):
    """Which sets of four different variables there are, and which (a, b | c, d) are taken from each."""

    sets: tuple[tuple[int, ...], ...]
    # For each row: the number of its set and, in role order ab, ac, ad, bc, bd, cd, the pair within the set.
    row_set: tuple[int, ...]
    row_pairs: tuple[tuple[int, ...], ...]
    # For each row: the variables a, b, c, d.
    rows: tuple[tuple[int, ...], ...]


def four_point_tables(K: int, n: int) -> FourPointTables:
    """All (a < b | c < d) of n variables, different from one another, with a and b among the first K."""
    sets, row_set, row_pairs, rows = [], [], [], []
    for members in combinations(range(n), 4):
        first = [x for x in members if x < K]
        if len(first) < 2:
            continue
        for a, b in combinations(first, 2):
            c, d = (x for x in members if x not in (a, b))
            roles = ((a, b), (a, c), (a, d), (b, c), (b, d), (c, d))
            position = {x: p for p, x in enumerate(members)}
            row_pairs.append(tuple(pair_number(position[p], position[q]) for p, q in roles))
            row_set.append(len(sets))
            rows.append((a, b, c, d))
        sets.append(members)
    return FourPointTables(tuple(sets), tuple(row_set), tuple(row_pairs), tuple(rows))


def mixed_product(r_ab: Any, ac: Any, ad: Any, bc: Any, bd: Any) -> Any:
    """N_ab(c, d) = [r_ac (r_bd - r_ab r_ad) + r_bc (r_ad - r_ab r_bd)] / rbar_ab, finite at r_ab = +-1.

    In sums and differences each product is bounded by Cauchy-Schwarz: |(r_ac +- r_bc)(r_ad +- r_bd)| <= 2 (1 +- r_ab).
    """

    def bounded(product: Any, bound: Any) -> Any:
        return unit(ratio(product, bound))

    plus = bounded((ac + bc) * (ad + bd), 2 * (1 + r_ab))
    minus = bounded((ac - bc) * (ad - bd), 2 * (1 - r_ab))
    return root((1 - r_ab) * (1 + r_ab)) * (plus - minus)


def moment_4(r: Any, parts: Any) -> Any:
    """I4 for unit variances; r = (r_ab, r_ac, r_ad, r_bc, r_bd, r_cd) and parts = (P4, pi_ab, ..., pi_cd)."""
    ab, ac, ad, bc, bd, cd = r
    _, bar_ac, bar_ad, bar_bc, bar_bd, bar_cd = root((1 - r) * (1 + r))
    P4, pi_ab, pi_ac, pi_ad, pi_bc, pi_bd, pi_cd = parts
    bracket = (
        bar_cd * pi_ab
        + ad * bar_ac * pi_bd
        + bd * bar_bc * pi_ad
        + ac * bar_ad * pi_bc
        + bc * bar_bd * pi_ac
        + mixed_product(ab, ac, ad, bc, bd) * pi_cd
    )
    return cd * P4 + bracket / TWO_PI


def _gradient_4(r: Any, parts: Any) -> list[Any]:
    """dI4/dr in the order ab, ac, ad, bc, bd, cd."""
    ab, ac, ad, bc, bd, cd = r
    bar_ab, bar_ac, bar_ad, bar_bc, bar_bd, _ = root((1 - r) * (1 + r))
    P4, _, pi_ac, pi_ad, pi_bc, pi_bd, pi_cd = parts

    def conditional(covariance: Any, bar: Any, bound: Any) -> Any:
        return jnp.clip(ratio(covariance, bar), -bound, bound)

    def one(r_ab: Any, r_ac: Any, r_ad: Any, r_bd: Any, bar_ac: Any, bar_ad: Any, pi_bd: Any, pi_bc: Any) -> Any:
        # d/dr_ac; the other three follow by exchanging a with b and c with d.
        through_b = conditional(r_bd - r_ab * r_ad, bar_ab, bar_ad)
        through_c = conditional(cd - r_ac * r_ad, bar_ac, bar_ad)
        return (through_b * pi_cd + through_c * pi_bd + bar_ad * pi_bc) / TWO_PI

    covariance, root_det = conditional_minors(r, 5)
    d_ab = (covariance * pi_cd + root_det / TWO_PI) / (TWO_PI * jnp.maximum(bar_ab, 1e-8) ** 3)
    return [
        d_ab,
        one(ab, ac, ad, bd, bar_ac, bar_ad, pi_bd, pi_bc),
        one(ab, ad, ac, bc, bar_ad, bar_ac, pi_bc, pi_bd),
        one(ab, bc, bd, ad, bar_bc, bar_bd, pi_ad, pi_ac),
        one(ab, bd, bc, ac, bar_bd, bar_bc, pi_ac, pi_ad),
        P4,
    ]


def _rows(r: jax.Array, tables: FourPointTables) -> tuple[jax.Array, jax.Array]:
    """The correlations (6, rows) and the parts (7, rows) of all rows; each set of four is evaluated once."""
    sets = np.array(tables.sets)
    correlations = jnp.stack([r[sets[:, i], sets[:, j]] for i, j in PAIRS])
    if len(sets) <= BATCH:
        parts = orthant_4(correlations)
    else:
        # In batches: the integrand holds 3 NODES numbers a set, small enough for the cache.
        parts = jax.lax.map(orthant_4, correlations.T, batch_size=BATCH).T
    row_set, row_pairs = np.array(tables.row_set), np.array(tables.row_pairs).T
    if len(sets) == 1 and len(row_set) == 1:
        # K = M = 2: one set, and the roles are the order of the set. A gather would cost as much as the formula.
        return correlations, parts
    return correlations[row_pairs, row_set], jnp.concatenate([parts[0][row_set][None], parts[1:][row_pairs, row_set]])


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def four_point_moments(r: jax.Array, tables: FourPointTables) -> jax.Array:
    """<theta(a) theta(b) c theta(c) d theta(d)> at unit variances for all rows of the tables; r has shape (n, n)."""
    correlations, parts = _rows(r, tables)
    return moment_4(correlations, parts)


@four_point_moments.defjvp
def _four_point_moments_jvp(tables: FourPointTables, primals: Any, tangents: Any) -> Any:
    (r,), (dr,) = primals, tangents
    correlations, parts = _rows(r, tables)
    rows = np.array(tables.rows)
    tangent = sum(
        slope * dr[rows[:, i], rows[:, j]]
        for slope, (i, j) in zip(_gradient_4(correlations, parts), PAIRS, strict=True)
    )
    return moment_4(correlations, parts), tangent
