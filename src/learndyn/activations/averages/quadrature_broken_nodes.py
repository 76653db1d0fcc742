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
from learndyn.activations.averages.quadrature_last import RADIUS, tabulated_moments
from learndyn.activations.averages.quadrature_namespace import quick
from learndyn.activations.averages.quadrature_nodes import Contribution, Nodes, powers
from learndyn.activations.averages.quadrature_panels import Layer, Panels
from learndyn.activations.averages.quadrature_pieces import piecewise_moments
from learndyn.activations.averages.quadrature_rules import trapezoid
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
    n = len(order)
    exact_last = piecewise_moments(units[-1], students[-1])

    def summed(C: Any, m: Any, contribution: Contribution, xp: Any) -> Any:
        xp = quick(xp)
        variables = _Variables(units, C[np.ix_(order, order)], m is None, nodes, xp)
        W = variables.W
        means = [xp.zeros(()) if m is None else m[unit] for unit in order]
        moments = _last_moments(units[-1], students[-1], exact_last, variables, means)

        def from_first(parts: Any) -> Any:
            u, weight = parts
            given, z = means, []
            for j in range(n - 1):
                if j > 0:
                    u, w = variables.rule(j, given)
                    weight = weight * w
                given = [mean if k < j else mean + W[k][j] * u for k, mean in enumerate(given)]
                z.append(given[j])
            flat = [[_flat(x, weight.shape, xp) for x in row] for row in moments(given)]
            g = [_flat(one.functions["g"](x, xp), weight.shape, xp) for one, x in zip(units, z, strict=False)]
            dg = [
                _flat(one.functions["dg"](x, xp), weight.shape, xp) if student else None
                for one, x, student in zip(units, z, students, strict=False)
            ]
            return contribution(Nodes(weight.reshape(-1), g, dg, flat))

        if n == 1:
            return from_first((None, xp.ones(())))
        return xp.batched_map(from_first, variables.rule(0, means), 1).sum(0)

    return summed


class _Variables:
    """The variables u_j at one covariance, and the rule for each of them given those before it."""

    def __init__(self, units: list[Activation], C: Any, unbiased: bool, nodes: int, xp: Any) -> None:
        kinds = [traits(one) for one in units]
        self.breaks = [one.breaks for one in kinds]
        # A unit of variance zero is the limit of one that has a sign: <theta(x)^2> = 1/2.
        W = rows(C, [not places for places in self.breaks], xp)
        own = [xp.maximum(row[-1], TINY) if places else row[-1] for row, places in zip(W, self.breaks, strict=True)]
        self.W = [[*row[:-1], deviation] for row, deviation in zip(W, own, strict=True)]
        # All places of u_0 are then 0.
        self.central = unbiased and all(place == 0.0 for places in self.breaks for place in places)
        self.panels = Panels(nodes, xp)
        smooth = [k for k, places in enumerate(self.breaks) if not places]
        steepness = [xp.root(C[k, k]) / kinds[k].strip_4 for k in smooth]
        self.smooth = (
            trapezoid(tuple(kinds[k] for k in smooth), RADIUS, xp.stack(steepness).max(), xp) if smooth else None
        )

    def rule(self, j: int, means: list[Any]) -> tuple[Any, Any]:
        """Nodes and weights of u_j, the first axis; means of all units given the variables before it."""
        if not self.breaks[j] and self.smooth is not None:
            column = (-1,) + (1,) * means[j].ndim
            return self.smooth[0].reshape(column), self.smooth[1].reshape(column)
        panels, xp = self.panels, self.panels.xp
        own = [panels.split(xp.ratio(kappa - means[j], self.W[j][j])) for kappa in self.breaks[j]]
        layers = _layers(j, means, self.W, self.breaks, panels)
        return panels.rule(own, layers, means[j], zero=not (self.central and j == 0))

    def reach(self, k: int) -> Any:
        """How far z_k is from its mean at most, u_k left out."""
        xp = self.panels.xp
        total = xp.zeros(())
        for j, a in enumerate(self.W[k][:-1]):
            end = self.panels.end if self.breaks[j] or self.smooth is None else self.smooth[0][-1]
            total = total + xp.abs(a) * end
        return total


def _last_moments(
    last: Activation, student: bool, exact: Any, variables: _Variables, means: list[Any]
) -> Callable[[list[Any]], list[list[Any]]]:
    """``moments(given)`` = [a][b]: <g'^a g^b> of the last unit at the means given: exact, from a table, or summed."""
    n, xp, deviation = len(means), variables.panels.xp, variables.W[-1][-1]
    if exact is not None:
        return lambda given: exact(given[-1], deviation, xp)
    if not variables.breaks[-1]:
        table = tabulated_moments(last, student, means[-1], variables.reach(n - 1), deviation, xp)
        return lambda given: table(given[-1])

    def moments(given: list[Any]) -> list[list[Any]]:
        u, weight = variables.rule(n - 1, given)
        x = given[-1] + deviation * u
        value = last.functions["g"](x, xp)
        slope = last.functions["dg"](x, xp) if student else None
        return [[(weight * powers(slope, a, value, b)).sum(0) for b in range(3)] for a in range(3 if student else 1)]

    return moments


def _flat(x: Any, shape: tuple[int, ...], xp: Any) -> Any:
    return xp.broadcast_to(x, shape).reshape(-1)


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
