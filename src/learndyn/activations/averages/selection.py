"""Which formula serves which activations: a closed form where there is one, quadrature elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from math import ceil
from typing import Any

import numpy as np

from learndyn.activations.averages import closed_forms
from learndyn.activations.polynomial_averages import polynomial_fours, polynomial_pair
from learndyn.activations.registry import activation

# Up to so many units one quadrature serves all averages of four.
JOINT = 4
# Standard deviations up to which a quadrature of four smooth units may be asked to hold, and the one that its default
# number of nodes is for: the nodes grow in proportion.
REACHES = (1.0, 1.5, 2.0, 3.0, 4.5)
STANDARD_REACH = 1.5
# The same for pairs, and the fewest nodes on each side of zero.
PAIR_REACH, FEWEST_NODES = 3.0, 24


def quadrature_nodes(names: tuple[str, ...], radii: dict[int, int], reach: float) -> int | None:
    """Nodes on each side of zero for smooth units of standard deviations up to ``reach``; None: the default."""
    from learndyn.activations.averages.quadrature import default_nodes

    activations = tuple(map(activation, names))
    if reach == STANDARD_REACH or any(one.kinks or one.jumps for one in activations):
        return None
    return ceil(default_nodes(activations, radii) * reach / STANDARD_REACH)


@cache
def output_formula(first: str, second: str, biased: bool, reach: float = STANDARD_REACH) -> Callable[..., Any]:
    """<g1 g2> of two activations, as `outputs` of `averages.base`."""
    known = activation(first).functions.get("I2") if first == second and not biased else None
    if known is not None:
        return lambda s11, s12, s22, m1, m2, xp: known(s11, s12, s22, xp)
    return _pair(first, second, biased, reach)[0]


@cache
def slope_formula(first: str, second: str, biased: bool, reach: float = STANDARD_REACH) -> Callable[..., Any]:
    """The averages of two activations with derivatives of the first one, as `slopes` of `averages.base`."""
    return _pair(first, second, biased, reach)[1]


def _pair(first: str, second: str, biased: bool, reach: float) -> tuple[Any, Any]:
    found = _closed_pair(first, second, biased)
    if found is not None:
        return found
    from learndyn.activations.averages.quadrature import PAIR_RADIUS, default_nodes, quadrature_pair

    units = (activation(first), activation(second))
    if any(one.kinks or one.jumps for one in units):
        return quadrature_pair(*units)
    nodes = default_nodes(units, {2: PAIR_RADIUS}) * reach / PAIR_REACH
    return quadrature_pair(*units, max(FEWEST_NODES, ceil(nodes)))


def _closed_pair(first: str, second: str, biased: bool) -> tuple[Any, Any] | None:
    found = closed_forms.pair(first, second, biased)
    if found is None and _are_polynomials((first, second)):
        found = polynomial_pair(*(activation(name).coefficients for name in (first, second)))
    return found


@cache
def _closed_fours(names: tuple[str, str, str, str], biased: bool) -> Callable[..., Any] | None:
    found = closed_forms.fours(names, biased)
    if found is None and _are_polynomials(names):
        found = polynomial_fours(tuple(activation(name).coefficients for name in names))
    return found


def _are_polynomials(names: tuple[str, ...]) -> bool:
    return all(activation(name).coefficients for name in names)


@cache
def square_sum_of(
    names: tuple[str, ...], K: int, biased: bool, samples: int | None = None, reach: float = STANDARD_REACH
) -> Callable[..., Any]:
    """``f(C, m, c, xp)`` = sum_pq c_p c_q <g_i' g_k' g_p g_q> for student units i <= k."""
    if samples is not None:
        from learndyn.activations.averages.sampled import sampled_square

        sampled = sampled_square(tuple(map(activation, names)), K, samples)
        return lambda C, m, c, xp: sampled(C, m, c, xp)[0]
    closed = known_sum(names, biased)
    if closed is not None:
        return lambda C, m, c, xp: closed(C, c, K, xp)
    if len(names) <= JOINT and not is_closed(names, K, biased):
        from learndyn.activations.averages.quadrature import JOINT_RADIUS, joint_square

        return joint_square(tuple(map(activation, names)), K, quadrature_nodes(names, JOINT_RADIUS, reach))
    table = square_table_of(names, K, biased, reach)

    def square_sum(C: Any, m: Any, c: Any, xp: Any) -> Any:
        return ((table(C, m, xp) * c).sum(-1) * c).sum(-1)

    return square_sum


@cache
def square_table_of(names: tuple[str, ...], K: int, biased: bool, reach: float = STANDARD_REACH) -> Callable[..., Any]:
    """``f(C, m, xp)`` = <g_i' g_k' g_p g_q>, shape (pairs i <= k, n, n)."""
    if is_closed(names, K, biased):
        return _closed_table(names, K, biased)
    if len(names) <= JOINT:
        from learndyn.activations.averages.quadrature import JOINT_RADIUS, joint_table

        return joint_table(tuple(map(activation, names)), K, quadrature_nodes(names, JOINT_RADIUS, reach))
    from learndyn.activations.averages.quadrature import SETS_RADIUS, joint_table, table_of_sets

    radii = {n: ceil(radius * max(1.0, reach / STANDARD_REACH)) for n, radius in SETS_RADIUS.items()}
    return table_of_sets(tuple(map(activation, names)), K, partial(joint_table, radii=radii))


def known_sum(names: tuple[str, ...], biased: bool) -> Callable[..., Any] | None:
    """The sum over all units in closed form, where they have one activation that knows it."""
    return activation(names[0]).functions.get("square_sum") if len(set(names)) == 1 and not biased else None


@cache
def has_closed_pairs(names: tuple[str, ...], K: int, biased: bool) -> bool:
    """Whether no quadrature has a part in the averages of pairs."""
    units = set(names)
    return all(_closed_pair(a, b, biased) is not None for a in units for b in units)


def has_closed_square(names: tuple[str, ...], K: int, biased: bool) -> bool:
    """Whether no quadrature has a part in the averages of four."""
    return known_sum(names, biased) is not None or is_closed(names, K, biased)


@cache
def is_closed(names: tuple[str, ...], K: int, biased: bool) -> bool:
    """Whether all averages of four of these units have closed forms."""
    students, units = set(names[:K]), set(names)
    return all(
        _closed_fours((a, b, p, q), biased) is not None
        for a in students for b in students for p in units for q in units
    )  # fmt: skip


def _closed_table(names: tuple[str, ...], K: int, biased: bool) -> Callable[..., Any]:
    n = len(names)
    i, k = np.triu_indices(K)
    p, q = np.triu_indices(n)
    # Every set (i, k; p <= q), one after another, by the activations of its four units.
    sets = np.array([(a, b, c, d) for a, b in zip(i, k, strict=True) for c, d in zip(p, q, strict=True)])
    kinds = [tuple(names[u] for u in units) for units in sets]
    groups = [(kind, np.array([j for j, o in enumerate(kinds) if o == kind])) for kind in dict.fromkeys(kinds)]
    back = np.argsort(np.concatenate([places for _, places in groups]))
    table = np.zeros((n, n), dtype=int)
    table[p, q] = table[q, p] = np.arange(len(p))

    def square_table(C: Any, m: Any, xp: Any) -> Any:
        found = []
        for kind, places in groups:
            units = sets[places]
            block = C[units[:, :, None], units[:, None, :]]
            formula = _closed_fours(kind, biased)
            assert formula is not None
            found.append(formula(block, None if m is None else m[units], xp))
        whole = xp.concatenate(found)[back] if len(found) > 1 else found[0]
        return whole.reshape(len(i), len(p))[:, table]

    return square_table
