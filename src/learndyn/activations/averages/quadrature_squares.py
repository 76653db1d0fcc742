"""Averages of four smooth units, all those of a set of up to four units by one quadrature.

The units are z_k = m_k + sum_{j <= k} W_kj u_j: the function of the first unit varies along one axis of the nodes, that
of the second along two, and only the last unit needs all of them. Its moments given the others,

    G_ab(u_1 ... u_{n-1}) = <g_n'^a g_n^b>     over u_n,

are all that is summed over the whole grid; e = sum_q c_q g_q enters as e^2 = e'^2 + 2 c_n e' g_n + c_n^2 g_n^2 with e'
the sum over the other units.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from learndyn.activations.averages.quadrature_factor import rows
from learndyn.activations.averages.quadrature_nodes import Contribution, Nodes, powers
from learndyn.activations.averages.quadrature_rules import Rule, smooth_rule, step, weights
from learndyn.activations.averages.quadrature_traits import traits
from learndyn.activations.base import Activation

Function = Callable[..., Any]


def smooth_sum(activations: tuple[Activation, ...], K: int, radius: int) -> Function:
    """``summed(C, m, contribution, xp)`` for smooth units of which the first K are students."""
    kinds = tuple(traits(one) for one in activations)
    all_odd = all(one.odd for one in kinds)
    n = len(activations)

    def summed(C: Any, m: Any, contribution: Contribution, xp: Any) -> Any:
        rule = smooth_rule(kinds, radius, all_odd and m is None)
        W = rows(C, [True] * n, xp)
        H = step(rule, xp.stack([xp.root(C[k, k]) / one.strip_4 for k, one in enumerate(kinds)]).max(), xp)
        outer, inner = weights(rule, H, xp)
        z = []
        for k in range(n):
            mean = 0.0 * outer if m is None else 0.0 * outer + m[k]
            for a, u in zip(W[k][: n - 1], np.moveaxis(rule.outer, 1, 0), strict=False):
                mean = mean + (H * a) * u
            z.append(mean)
        moments = _last_moments(activations[-1], n <= K, rule, inner, z[-1], H * W[-1][-1], xp)
        flat = [x.reshape(-1) for x in z]
        g = [one.functions["g"](x, xp) for one, x in zip(activations[:-1], flat, strict=False)]
        dg = [one.functions["dg"](x, xp) for one, x in zip(activations[: min(K, n - 1)], flat, strict=False)]
        return contribution(Nodes(outer.reshape(-1), g, dg, moments))

    return summed


def _last_moments(last: Activation, student: bool, rule: Rule, inner: Any, z: Any, width: Any, xp: Any) -> list[Any]:
    """[a][b] (P,): <g'^a g^b> of the last unit at z + width u, tile by tile."""
    g, dg = last.functions["g"], last.functions["dg"]
    exponents = [(a, b) for a in range(3 if student else 1) for b in range(3) if a or b]

    def tile(parts: Any) -> Any:
        mean, nodes, weight = parts
        x = mean + (width * nodes)[:, None]
        value, slope = g(x, xp), dg(x, xp) if student else None
        return xp.stack([weight @ powers(slope, a, value, b) for a, b in exponents])

    count = len(rule.outer)
    member = (rule.block == np.arange(count)[:, None]).astype(float)
    found = xp.batched_map(tile, (z[rule.block], rule.inner, inner), 1)
    found = xp.moveaxis((member @ found.reshape(len(rule.block), -1)).reshape(count, len(exponents), -1), 1, 0)
    found = found.reshape(len(exponents), -1)
    whole = xp.repeat(member @ inner.sum(-1), z.shape[-1])
    flat = [whole, *found]
    return [flat[a : a + 3] for a in range(0, len(flat), 3)]


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
