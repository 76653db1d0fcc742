"""The second order of activations without closed forms: each orbit of averages of four units by one quadrature.

    <w e^2> = sum_st n_st G_st,   G_st = <w e_s e_t>,   e_s = g(y_s) - g(x_s)

    w = g_1'^2:      G_11 + 2 (K - 1) G_12 + (K - 1) G_22 + (K - 1) (K - 2) G_23
    w = g_1' g_2':   2 G_11 + 2 G_12 + 4 (K - 2) G_13 + (K - 2) G_33 + (K - 2) (K - 3) G_34

where 1 and 2 may change places in the second line. An average over up to three different units is read from a
quadrature of three, one over four is a quadrature of its own; both are shared by all sets with the same covariance.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from learndyn.activations import activation
from learndyn.activations.averages.selection import STANDARD_REACH
from learndyn.scenarios.site_symmetric.overlaps import covariance, signs
from learndyn.scenarios.site_symmetric.structure import Structure

# The sites (s, t) of each line, from 0, and the coefficients of 1, K, K^2 in n_st.
LINES: tuple[dict[tuple[int, int], tuple[int, int, int]], ...] = (
    {(0, 0): (1, 0, 0), (0, 1): (-2, 2, 0), (1, 1): (-1, 1, 0), (1, 2): (2, -3, 1)},
    {(0, 0): (2, 0, 0), (0, 1): (2, 0, 0), (0, 2): (-8, 4, 0), (2, 2): (-2, 1, 0), (2, 3): (6, -5, 1)},
)
Units = tuple[int, ...]


class Plan(NamedTuple):
    """Which sets of units are integrated over, and how their averages add up."""

    threes: np.ndarray  # (sets, 3)
    fours: np.ndarray  # (sets, 4)
    places: np.ndarray  # (terms,): where each term stands among the averages of all sets
    multiplicities: np.ndarray  # (2, terms, 3): of each line, coefficients of 1, K, K^2


def orbit_sums(structure: Structure, flat: Any, K: Any, xp: Any, finer: float = 1.0) -> Any:
    """<delta_1^2> and <delta_1 delta_2> at a flat state, with ``finer`` times the usual nodes along a line."""
    three, four = _formulas(structure.activation, structure.reach, finer)
    C, plan = covariance(flat, structure.near, structure.sites, xp), make_plan(structure.sites)

    def blocks(sets: np.ndarray) -> Any:
        return C[sets[:, :, None], sets[:, None, :]]

    threes = xp.batched_map(lambda rows: three(rows[0], None, xp).reshape(-1), (blocks(plan.threes),), 1)
    averages = xp.concatenate([threes.reshape(-1), four(blocks(plan.fours), None, xp)])
    one = xp.ones_like(flat[0])
    n = (plan.multiplicities * xp.stack([one, K * one, K * K * one])).sum(-1)
    return (n * averages[plan.places]).sum(-1)


@cache
def _formulas(name: str, reach: float, finer: float) -> tuple[Any, Any]:
    """All averages of three units of which two have derivatives, and <g1' g2' g3 g4>."""
    from learndyn.activations.averages import quadrature

    wider = max(1.0, reach / STANDARD_REACH)
    radii = {n: ceil(wider * radius) for n, radius in quadrature.SETS_RADIUS.items()}

    def nodes(units: tuple[Any, ...]) -> int:
        return ceil(finer * quadrature.default_nodes(units, radii))

    three, four = (activation(name),) * 3, (activation(name),) * 4
    return quadrature.joint_table(three, 2, nodes(three)), quadrature.quadrature_fours(four, nodes(four))


@cache
def make_plan(sites: int) -> Plan:
    """The plan for three or four sites (K = 3 has no fourth); units are x_1, ..., x_m, y_1, ..., y_m."""
    c = signs(sites)
    terms = [
        (line, (0, line, s + sites * a, t + sites * b), np.array(n))
        for line, orbits in enumerate(LINES)
        for (s, t), n in orbits.items()
        for a, b in product((0, 1), repeat=2)
        if max(s, t) < sites
    ]
    four_sets = sorted({_named(units, sites) for _, units, _ in terms if len(set(units)) == 4})
    three_sets = sorted({_three(units, sites) for _, units, _ in terms if len(set(units)) == 3})
    averages = _averages_of(three_sets, sites)
    averages |= {units: 27 * len(three_sets) + number for number, units in enumerate(four_sets)}
    multiplicities = np.zeros((2, len(terms), 3))
    for number, (line, units, n) in enumerate(terms):
        multiplicities[line, number] = c[units[2]] * c[units[3]] * n
    places = [averages[_named(units, sites)] for _, units, _ in terms]
    return Plan(np.array(three_sets), np.array(four_sets), np.array(places), multiplicities)


def _averages_of(three_sets: list[Units], sites: int) -> dict[Units, int]:
    """Where each average stands in the tables of sets (a, b, c): <g_a' g_a' g_p g_q> and <g_a' g_b' g_p g_q>."""
    found: dict[Units, int] = {}
    for number, (a, b, c) in enumerate(three_sets):
        for pair, (i, k) in enumerate(((a, a), (a, b))):
            for place, (p, q) in enumerate(product((a, b, c), repeat=2)):
                found.setdefault(_named((i, k, p, q), sites), 27 * number + 9 * pair + place)
    return found


def _renamed(units: Units, sites: int) -> Units:
    """The units with their sites numbered as they come: all such sets have one covariance."""
    numbers = {site: number for number, site in enumerate(dict.fromkeys(unit % sites for unit in units))}
    return tuple(numbers[unit % sites] + sites * (unit // sites) for unit in units)


def _named(units: Units, sites: int) -> Units:
    """One name for all (i, k, p, q) with the same average."""
    i, k, p, q = units
    return min(_renamed(order, sites) for order in ((i, k, p, q), (k, i, p, q), (i, k, q, p), (k, i, q, p)))


def _three(units: Units, sites: int) -> Units:
    """One name for the three different units of (i, k, p, q): i first and k, if it is another, second."""
    i, k, *rest = units
    others = tuple(dict.fromkeys(unit for unit in rest if unit not in (i, k)))
    orders = ((i, *others), (i, *others[::-1])) if i == k else ((i, k, *others), (k, i, *others))
    return min(_renamed(order, sites) for order in orders)
