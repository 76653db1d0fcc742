"""Gauss-Legendre rules on panels of a Gaussian variable, split where an integrand is not smooth, or nearly so.

A unit z = mean + a n + b n' is smooth in n after the average over n' ~ N(0, 1); but if its function has a break at
kappa and b is small, it changes within a layer of width b / |a| about n* = (kappa - mean) / a.
The tails of the layer are Gaussian: beyond LAYER widths nothing is left of it, and the panels

    n* - LAYER b / |a|,   n*,   n* + LAYER b / |a|

resolve a layer of any width.
"""

from __future__ import annotations

from itertools import pairwise
from math import pi, sqrt
from typing import Any

import numpy as np

from learndyn.activations.averages.quadrature_factor import fixed

# Where the Gaussian ends, and a layer: 2e-17 and 1e-16 of them are beyond.
END, LAYER = 8.5, 8.5


def split(place: Any, xp: Any) -> Any:
    """A place at which to split, within the ends."""
    return xp.clip(place, -END, END)


def layer(distance: Any, slope: Any, width: Any, xp: Any) -> list[Any]:
    """The places that resolve the layer at n* = distance / slope of width `width` / |slope|."""
    at, reach = xp.ratio(distance, slope), LAYER * xp.ratio(width, xp.abs(slope))
    return [fixed(split(at - reach, xp), xp), split(at, xp), fixed(split(at + reach, xp), xp)]


def panel_rule(places: list[Any], nodes: int, xp: Any) -> tuple[Any, Any]:
    """Nodes and weights, the Gaussian in them, shape (panels * nodes, ...), for places of shape (...).

    There is a panel between each two places; one place is always zero, so that no panel is longer than END.
    """
    x, w = np.polynomial.legendre.leggauss(nodes)
    inside = xp.stack(xp.broadcast_arrays(*places, xp.zeros(())))
    inside = xp.sort(inside, axis=0)
    ends = [xp.full(inside.shape[1:], -END), *inside, xp.full(inside.shape[1:], END)]
    column = (-1,) + (1,) * (inside.ndim - 1)
    points, weights = [], []
    for low, high in pairwise(ends):
        half = 0.5 * (high - low)
        point = low + half * (1.0 + x.reshape(column))
        points.append(point)
        weights.append((half / sqrt(2.0 * pi)) * w.reshape(column) * xp.exp(-0.5 * point * point))
    return xp.concatenate(points), xp.concatenate(weights)
