"""The moments <g'^a g^b> of one unit x = mean + deviation n, n ~ N(0, 1), at many means and one deviation.

They are smooth functions of the mean alone. At a few means they are summed directly; at many they are tabulated on a
grid and interpolated by polynomials of degree DEGREE through the neighbouring values, which costs as little for a slow
activation as for a fast one. With INTERVALS intervals over 2 Z the error for a function with poles at distance a is

    about 900 (2 Z / (a INTERVALS))^10 :    1e-12 of tanh' for Z = 10, nine standard deviations of one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from learndyn.activations.averages.quadrature_factor import fixed
from learndyn.activations.averages.quadrature_nodes import powers
from learndyn.activations.averages.quadrature_rules import hermite, trapezoid
from learndyn.activations.averages.quadrature_traits import Traits, traits
from learndyn.activations.base import Activation

DEGREE = 9
INTERVALS = 512
# Nodes on each side of zero.
RADIUS = 28
Moments = Callable[[Any], list[list[Any]]]


def exponents(student: bool) -> list[tuple[int, int]]:
    """(a, b) of the moments <g'^a g^b> that are needed, without (0, 0)."""
    return [(a, b) for a in range(3 if student else 1) for b in range(3) if a or b]


def direct_moments(last: Activation, student: bool, units: tuple[Traits, ...], deviation: Any, xp: Any) -> Moments:
    """``moments(mean)`` = [a][b]: <g'^a g^b> for means of shape (P,), summed over nodes at each of them."""
    nodes, weight = _nodes(last, units, deviation, xp)

    def moments(mean: Any) -> list[list[Any]]:
        return _arranged([weight @ part for part in _powers(last, student, mean + deviation * nodes[:, None], xp)])

    return moments


def tabulated_moments(last: Activation, student: bool, centre: Any, reach: Any, deviation: Any, xp: Any) -> Moments:
    """``moments(mean)`` as by `direct_moments`, for means of any shape within centre +- reach."""
    nodes, weight = _nodes(last, (traits(last),), deviation, xp)
    width = fixed(xp.maximum(2.0 * reach, 1e-3) / INTERVALS, xp)
    first = fixed(centre, xp) - 0.5 * INTERVALS * width
    # DEGREE // 2 more intervals on either side, so that all have neighbours.
    extra = DEGREE // 2
    grid = first + width * np.arange(-extra, INTERVALS + extra + 1)
    values = xp.stack([weight @ part for part in _powers(last, student, grid + deviation * nodes[:, None], xp)])
    windows = xp.stack([values[:, k : k + INTERVALS] for k in range(DEGREE + 1)])
    table = xp.tensordot(_INTERPOLATION, windows, 1)

    def moments(mean: Any) -> list[list[Any]]:
        t = (mean - first) / width
        place = xp.clip(xp.floor(t), 0, INTERVALS - 1)
        rest, place = t - fixed(place, xp) - 0.5, place.astype(int)
        found = []
        for column in range(values.shape[0]):
            total = table[DEGREE, column][place]
            for power in range(DEGREE - 1, -1, -1):
                total = total * rest + table[power, column][place]
            found.append(total)
        return _arranged(found)

    return moments


def _interpolation() -> np.ndarray:
    """Row p: the coefficient of (t - 1/2)^p from the values at t = -DEGREE // 2 ... DEGREE // 2 + 1."""
    at = np.arange(DEGREE + 1) - DEGREE // 2 - 0.5
    return np.linalg.inv(np.vander(at, increasing=True))


_INTERPOLATION = _interpolation()


def _nodes(last: Activation, units: tuple[Traits, ...], deviation: Any, xp: Any) -> tuple[Any, Any]:
    """Nodes and weights of n, a trapezoid rule; those of Gauss and Hermite if all `units` are polynomials."""
    if all(one.degree is not None for one in units):
        return hermite(units)
    kind = traits(last)
    return trapezoid((kind,), RADIUS, deviation / kind.strip_4, xp)


def _powers(last: Activation, student: bool, x: Any, xp: Any) -> list[Any]:
    value = last.functions["g"](x, xp)
    slope = last.functions["dg"](x, xp) if student else None
    return [powers(slope, a, value, b) for a, b in exponents(student)]


def _arranged(found: list[Any]) -> list[list[Any]]:
    """[a][b] from a flat list that leaves out (0, 0), which is 1."""
    flat = [1.0 + 0.0 * found[0], *found]
    return [flat[first : first + 3] for first in range(0, len(flat), 3)]
