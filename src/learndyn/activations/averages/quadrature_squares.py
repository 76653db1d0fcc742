"""Averages of four smooth units, all those of a set of up to four units by one quadrature.

The units are z_k = m_k + sum_{j <= k} W_kj u_j: the function of the first unit varies along one axis of the nodes, that
of the second along two. Of the last unit only the moments given the others are needed,

    G_ab = <g_n'^a g_n^b>     over u_n at fixed u_1 ... u_{n-1},

functions of one number, the mean of z_n (`quadrature_last`): four units take a lattice in three dimensions. The error
e = sum_q c_q g_q enters as e^2 = e'^2 + 2 c_n e' g_n + c_n^2 g_n^2 with e' the sum over the other units.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from learndyn.activations.averages.quadrature_factor import rows
from learndyn.activations.averages.quadrature_last import INTERVALS, Moments, direct_moments, tabulated_moments
from learndyn.activations.averages.quadrature_namespace import quick
from learndyn.activations.averages.quadrature_nodes import Contribution, Nodes
from learndyn.activations.averages.quadrature_rules import Rule, smooth_rule, step
from learndyn.activations.averages.quadrature_traits import Traits, traits
from learndyn.activations.base import Activation

Function = Callable[..., Any]


def smooth_sum(activations: tuple[Activation, ...], K: int, radius: int) -> Function:
    """``summed(C, m, contribution, xp)`` for smooth units of which the first K are students."""
    kinds = tuple(traits(one) for one in activations)
    all_odd = all(one.odd for one in kinds)
    n = len(activations)

    def summed(C: Any, m: Any, contribution: Contribution, xp: Any) -> Any:
        xp = quick(xp)
        rule = smooth_rule(kinds, n - 1, radius, all_odd and m is None)
        W = rows(C, [True] * n, xp)
        H: Any = 1.0
        if rule.constant is not None:
            steepness = xp.stack([xp.root(C[k, k]) / one.strip_4 for k, one in enumerate(kinds)]).max()
            H = step(rule.constant, steepness, rule.factor, xp)
        means = [0.0 * C[0, 0] if m is None else m[k] for k in range(n)]
        # The functions of each unit but the last, at the different values of its variables.
        values = []
        for k, (points, _) in enumerate(rule.levels):
            z = _variable(means[k], W[k], points, H)
            dg = activations[k].functions["dg"](z, xp) if k < K else None
            values.append((activations[k].functions["g"](z, xp), dg))
        moments = _last_moments(activations[-1], n <= K, kinds, rule, means[-1], W[-1], H, xp)
        weights = _weights(rule, H, xp)

        def block(parts: Any) -> Any:
            weight, mean, *places = parts
            g = [value[place] for (value, _), place in zip(values, places, strict=True)]
            dg = [None if s is None else s[place] for (_, s), place in zip(values, places, strict=True)]
            return contribution(Nodes(weight, g, dg, moments(mean)))

        places = [place for _, place in rule.levels]
        all_points = rule.levels[-1][0] if rule.levels else np.zeros((0, 1))
        mean = _variable(means[-1], W[-1], all_points, H)
        mean = mean[places[-1]] if places else mean[None]
        if len(weights) == 1:
            return block([weights[0], mean[0], *(place[0] for place in places)])
        return xp.batched_map(block, (weights, mean, *map(xp.asarray, places)), 1).sum(0)

    return summed


def _variable(mean: Any, row: list[Any], points: np.ndarray, H: Any) -> Any:
    """z_k = m_k + sum_j W_kj u_j over the leading coordinates, shape (P_k,)."""
    z = mean + np.zeros(points.shape[1])
    for a, u in zip(row, points, strict=False):
        z = z + (H * a) * u
    return z


def _weights(rule: Rule, H: Any, xp: Any) -> Any:
    """The weights of all nodes (blocks, P); together they are 1."""
    if rule.constant is None or not rule.levels:
        return rule.weights
    points, places = rule.levels[-1]
    weight = rule.weights * xp.exp(-0.5 * H * H * (points**2).sum(0))[places]
    return weight / weight.sum()


def _last_moments(
    last: Activation, student: bool, kinds: tuple[Traits, ...], rule: Rule, mean: Any, row: list[Any], H: Any, xp: Any
) -> Moments:
    """Directly where there are few nodes, or polynomials that only then come out exact; else from a table."""
    if rule.constant is None or rule.weights.size <= INTERVALS:
        return direct_moments(last, student, kinds, row[-1], xp)
    reach = rule.radius * H * xp.sqrt(sum(a * a for a in row[:-1]))
    return tabulated_moments(last, student, mean, reach, row[-1], xp)


def square_of(summed: Function, order: list[int], K: int) -> Function:
    """``f(C, m, c, xp)`` = sum_pq c_p c_q <g_i' g_k' g_p g_q> for i <= k, shape (K (K + 1) / 2,)."""
    n, place = len(order), np.argsort(order).tolist()
    pairs = [(place[i], place[k]) for i, k in combinations_with_replacement(range(K), 2)]

    def square(C: Any, m: Any, c: Any, xp: Any) -> Any:
        c = c[np.array(order)]

        def contribution(part: Nodes) -> Any:
            e = sum((c[q] * part.g[q] for q in range(n - 1)), 0.0 * part.weight)
            squares = [b0 * e * e + (2.0 * c[n - 1]) * e * b1 + c[n - 1] ** 2 * b2 for b0, b1, b2 in part.moments]
            return xp.stack([_slopes(part, i, k, n) @ squares[(i == n - 1) + (k == n - 1)] for i, k in pairs])

        return summed(C, m, contribution, xp)

    return square


def table_of(summed: Function, order: list[int], K: int) -> Function:
    """``f(C, m, xp)`` = <g_i' g_k' g_p g_q> for i <= k, shape (K (K + 1) / 2, n, n)."""
    n, place = len(order), np.argsort(order).tolist()
    pairs = [(place[i], place[k]) for i, k in combinations_with_replacement(range(K), 2)]
    outputs = [(place[p], place[q]) for p, q in combinations_with_replacement(range(n), 2)]
    # Pairs by how often the last unit is in them.
    counts = [(i == n - 1) + (k == n - 1) for i, k in pairs]
    back = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
    whole = np.zeros((n, n), dtype=int)
    for number, (p, q) in enumerate(combinations_with_replacement(range(n), 2)):
        whole[p, q] = whole[q, p] = number

    def table(C: Any, m: Any, xp: Any) -> Any:
        def contribution(part: Nodes) -> Any:
            found = []
            for a, row in enumerate(part.moments):
                slopes = [_slopes(part, i, k, n) for (i, k), count in zip(pairs, counts, strict=True) if count == a]
                if slopes:
                    values = [_value(part, p, q, row, n) for p, q in outputs]
                    found.append(xp.stack(slopes) @ xp.stack(values).T)
            return xp.concatenate(found)[back]

        return summed(C, m, contribution, xp)[:, whole]

    return table


def fours_of(summed: Function, order: list[int]) -> Function:
    """``fours(C, m, xp)`` = <g1' g2' g3 g4> for C of shape (..., 4, 4), m of shape (..., 4) or None."""
    a, b, c, d = np.argsort(order).tolist()

    def contribution(part: Nodes) -> Any:
        row = part.moments[(a == 3) + (b == 3)]
        return (_slopes(part, a, b, 4) * _value(part, c, d, row, 4)).sum()

    def fours(C: Any, m: Any, xp: Any) -> Any:
        def one(block: Any) -> Any:
            return summed(block[0], None if m is None else block[1], contribution, xp)

        shape = C.shape[:-2]
        blocks = (C.reshape(-1, 4, 4), *(() if m is None else (xp.broadcast_to(m, (*shape, 4)).reshape(-1, 4),)))
        return xp.batched_map(one, blocks, 1).reshape(shape)

    return fours


def _slopes(part: Nodes, i: int, k: int, n: int) -> Any:
    """The weights times g_i' g_k', of those that are not the last unit."""
    weight = part.weight
    for unit in (i, k):
        if unit < n - 1:
            weight = weight * part.dg[unit]
    return weight


def _value(part: Nodes, p: int, q: int, moments: list[Any], n: int) -> Any:
    """g_p g_q, over the last unit already averaged; an array (P,)."""
    value = moments[(p == n - 1) + (q == n - 1)]
    for unit in (p, q):
        if unit < n - 1:
            value = value * part.g[unit]
    return value
