"""Nodes for up to four units of which some have kinks or jumps: one variable inside the other, each split.

Units with breaks come first, so that smooth ones leave nothing to split. At the variable u_j, given those before it,

    own breaks            z_j = kappa,
    later units           z_k = kappa, a layer of the width that the variables between leave,
    two later units       both in the same place: where they are nearly (anti)parallel given u_j, the places cross

are the ends of panels (`quadrature_panels`). Three later units of one plane, which only matters with biases, are left
to the nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import numpy as np

from learndyn.activations.averages.quadrature_factor import fixed, rows
from learndyn.activations.averages.quadrature_last import tabulated_moments
from learndyn.activations.averages.quadrature_nodes import Contribution, Nodes, powers
from learndyn.activations.averages.quadrature_panels import Layer, Panels
from learndyn.activations.averages.quadrature_pieces import piecewise_moments
from learndyn.activations.averages.quadrature_traits import traits
from learndyn.activations.base import Activation

TINY = 1e-150


def order_of(activations: tuple[Activation, ...]) -> list[int]:
    """The units in the order of integration: those with breaks first."""
    return sorted(range(len(activations)), key=lambda unit: not traits(activations[unit]).breaks)


def broken_sum(activations: tuple[Activation, ...], K: int, nodes: int) -> Callable[..., Any]:
    """``summed(C, m, contribution, xp)``: the sum of a contribution of `Nodes` over all nodes (`quadrature_nodes`)."""
    order = order_of(activations)
    units = [activations[unit] for unit in order]
    students = [unit < K for unit in order]
    breaks = [traits(one).breaks for one in units]
    n = len(order)
    exact_last = piecewise_moments(units[-1], students[-1])

    def summed(C: Any, m: Any, contribution: Contribution, xp: Any) -> Any:
        C = C[np.ix_(order, order)]
        W = rows(C, [not places for places in breaks], xp)
        # A unit of variance zero is the limit of one that has a sign: <theta(x)^2> = 1/2.
        own = [xp.maximum(W[j][j], TINY) if breaks[j] else W[j][j] for j in range(n)]
        W = [[*row[:-1], deviation] for row, deviation in zip(W, own, strict=True)]
        central = m is None and all(place == 0.0 for places in breaks for place in places)
        means = [xp.zeros(()) if m is None else m[unit] for unit in order]

        panels = Panels(nodes, xp)
        last = None
        if not breaks[-1] and exact_last is None:
            reach = panels.end * sum((xp.abs(a) for a in W[-1][:-1]), 0.0 * means[-1])
            last = tabulated_moments(units[-1], students[-1], means[-1], reach, W[-1][-1], xp)

        def rule(j: int, means: list[Any]) -> tuple[Any, Any]:
            own = [panels.split(xp.ratio(kappa - means[j], W[j][j])) for kappa in breaks[j]]
            return panels.rule(
                own, _layers(j, means, W, breaks, panels), means[j], zero=not (central and j == 0 and own)
            )

        def from_first(parts: Any) -> Any:
            u, weight = parts
            given, z = means, []
            for j in range(n - 1):
                if j > 0:
                    u, w = rule(j, given)
                    weight = weight * w
                given = [mean if k < j else mean + W[k][j] * u for k, mean in enumerate(given)]
                z.append(given[j])
            if last is not None:
                moments = last(given[-1])
            elif exact_last is not None:
                moments = exact_last(given[-1], W[-1][-1], xp)
            else:
                u, w = rule(n - 1, given)
                moments = _moments(units[-1], students[-1], given[-1] + W[-1][-1] * u, w, xp)
            shape = weight.shape
            g = [_flat(one.functions["g"](x, xp), shape, xp) for one, x in zip(units, z, strict=False)]
            dg = [
                _flat(one.functions["dg"](x, xp), shape, xp) if student else None
                for one, x, student in zip(units, z, students, strict=False)
            ]
            flat = [[_flat(x, shape, xp) for x in row] for row in moments]
            return contribution(Nodes(weight.reshape(-1), g, dg, flat))

        if n == 1:
            return from_first((None, xp.ones(())))
        return xp.batched_map(from_first, rule(0, means), 1).sum(0)

    return summed


def _flat(x: Any, shape: tuple[int, ...], xp: Any) -> Any:
    return xp.broadcast_to(x, shape).reshape(-1)


def _moments(last: Activation, student: bool, x: Any, weight: Any, xp: Any) -> list[list[Any]]:
    value = last.functions["g"](x, xp)
    slope = last.functions["dg"](x, xp) if student else None
    return [[(weight * powers(slope, a, value, b)).sum(0) for b in range(3)] for a in range(3 if student else 1)]


def _layers(
    j: int, means: list[Any], W: list[list[Any]], breaks: list[tuple[float, ...]], panels: Panels
) -> list[Layer]:
    """The layers of later units in u_j, given the means of all units so far."""
    xp = panels.xp
    later = [k for k in range(j + 1, len(means)) if breaks[k]]
    rest = {k: [W[k][i] for i in range(j + 1, k + 1)] for k in later}
    length = {k: xp.sqrt(sum(a * a for a in rest[k])) for k in later}
    layers = [panels.layer(kappa - means[k], W[k][j], length[k]) for k in later for kappa in breaks[k]]
    for k, l in combinations(later, 2):
        overlap = sum(a * b for a, b in zip(rest[k], rest[l], strict=False))
        cosine = xp.ratio(overlap, length[k] * length[l])
        sign = xp.where(cosine < 0.0, -1.0, 1.0)
        width = xp.root(2.0 - 2.0 * xp.abs(cosine))
        slope = xp.ratio(W[k][j], length[k]) - sign * xp.ratio(W[l][j], length[l])
        for first, second in product(breaks[k], breaks[l]):
            distance = xp.ratio(first - means[k], length[k]) - sign * xp.ratio(second - means[l], length[l])
            layers.append(Layer(*(fixed(place, xp) for place in panels.layer(distance, slope, width))))
    return layers
