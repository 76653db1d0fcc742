"""Gauss-Legendre rules on panels of a Gaussian variable, split where an integrand is not smooth, or nearly so.

A unit z = mean + a n + b n' is smooth in n after the average over n' ~ N(0, 1); but if its function has a break at
kappa and b is small, it changes within a layer of width b / |a| about n* = (kappa - mean) / a.
The tails of the layer are Gaussian: beyond some 8 widths nothing is left of it, and panels that end at

    n* - 8 b / |a|,   n*,   n* + 8 b / |a|

resolve a layer of any width.
"""

from __future__ import annotations

from itertools import pairwise
from math import pi, sqrt
from typing import Any, NamedTuple

import numpy as np

from learndyn.activations.averages.quadrature_factor import fixed, moved

# Places closer than this have met.
MEETING = 1e-9


class Layer(NamedTuple):
    """Where a layer begins, where it is, and where it ends."""

    before: Any
    centre: Any
    after: Any


def reach_of(nodes: int) -> float:
    """Where the Gaussian, and a layer, are taken to end: as far as so many nodes in a panel can follow them.

    20 nodes integrate a Gaussian over 8.5 of its standard deviations to 1e-10; 2e-17 of it is beyond.
    """
    return min(8.5, 2.2 + nodes / 3.2)


class Panels:
    """Panels with a number of nodes in each, of one Gaussian variable n."""

    def __init__(self, nodes: int, xp: Any) -> None:
        self.x, self.w = np.polynomial.legendre.leggauss(nodes)
        self.end, self.xp = reach_of(nodes), xp

    def split(self, place: Any) -> Any:
        """A place at which to split, within the ends."""
        return self.xp.clip(place, -self.end, self.end)

    def layer(self, distance: Any, slope: Any, width: Any) -> Layer:
        """The places that resolve the layer at n* = distance / slope of width `width` / |slope|; without slope none."""
        xp = self.xp
        at, reach = xp.ratio(distance, slope), self.end * xp.ratio(width, xp.abs(slope))
        at = xp.where(slope == 0.0, self.end, at)
        return Layer(fixed(self.split(at - reach), xp), self.split(at), fixed(self.split(at + reach), xp))

    def rule(self, own: list[Any], layers: list[Layer], like: Any, *, zero: bool = True) -> tuple[Any, Any]:
        """Nodes and weights, the Gaussian in them, shape (panels * nodes, ...), for places of the shape of `like`.

        `own`: where the unit that n is the own variable of breaks, in ascending order. There is a panel between each
        two places; `zero` adds the place 0, so that no panel is longer than half of all.
        """
        xp = self.xp
        places = list(own)
        for before, centre, after in layers:
            places += [self._following(before, own), self._avoiding(centre, own), self._following(after, own)]
        if zero:
            places.append(self._following(0.0 * like, own))
        inside = xp.sort(xp.stack(xp.broadcast_arrays(*places)), axis=0)
        ends = [xp.full(inside.shape[1:], -self.end), *inside, xp.full(inside.shape[1:], self.end)]
        column = (-1,) + (1,) * (inside.ndim - 1)
        points, weights = [], []
        for low, high in pairwise(ends):
            half = 0.5 * (high - low)
            point = low + half * (1.0 + self.x.reshape(column))
            points.append(point)
            weights.append((half / sqrt(2.0 * pi)) * self.w.reshape(column) * xp.exp(-0.5 * point * point))
        return xp.concatenate(points), xp.concatenate(weights)

    def _following(self, place: Any, own: list[Any]) -> Any:
        """The place with the derivative of the nearest break, if there is any.

        Where nothing breaks a place may move as it likes. Where it meets a break the panel between them is empty, and
        stays so only if both move together: its one node would see the mean of both sides.
        """
        if not own:
            return place
        return moved(self._nearest(place, own), place, self.xp)

    def _avoiding(self, place: Any, own: list[Any]) -> Any:
        """The place as it moves, unless it meets a break; a layer without width breaks there."""
        if not own:
            return place
        near = self.xp.abs(place - self._nearest(place, own)) < MEETING
        return self.xp.where(near, self._following(place, own), place)

    def _nearest(self, place: Any, own: list[Any]) -> Any:
        nearest = own[0]
        for other in own[1:]:
            nearest = self.xp.where(self.xp.abs(other - place) < self.xp.abs(nearest - place), other, nearest)
        return nearest
