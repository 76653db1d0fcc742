"""Rules for Gaussian averages of smooth functions in one to four dimensions, with a number of nodes fixed in advance.

The rule of analytic functions is the trapezoid rule on a lattice u = H p within a ball |p| <= R. Its error has two
parts,

    exp(-(R H)^2 / 2)     from the Gaussian beyond the ball,
    exp(-a k)             from the shortest vector k of the dual lattice, a = strip / sigma,

where sigma is the largest standard deviation of a variable and `strip` says how fast its function changes. With a step
of H^3 = STEP f / (R^2 sigma / strip) the two are about equal: it follows the covariance while the number of nodes
stays. The lattice is Z^n for n <= 2 (f = 1); for n = 3, 4 it is Z^n and Z^n + 1/2 together, whose dual is the densest
there is: k = sqrt 2 2 pi / H (f = sqrt 2), half the nodes of Z^4 at equal accuracy. Functions with g(-x) = -g(x) need
half of the nodes again.

Polynomials have the product rule of Gauss and Hermite, which is exact.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from learndyn.activations.averages.quadrature_factor import fixed
from learndyn.activations.averages.quadrature_traits import Traits

# 4 pi makes the two errors equal; `strip` holds powers of k that only coinciding variables meet in full, hence more.
STEP = 16.0
# What grows like |u|^p asks for a wider ball: by this part for each power.
WIDER = 0.025
# The largest step: beyond it the Gaussian itself would be seen (exp(-(2 pi / H)^2 / 2) = 1e-17 on Z^n).
LARGEST_STEP = 0.7
# Nodes are evaluated in tiles of this many outer points times inner ones: a tile fits into the cache.
OUTER, INNER = 1024, 8


class Rule(NamedTuple):
    """Nodes (outer, inner) in units of the step, as blocks of outer points and tiles of them with inner ones.

    An outer point is one of the first n - 1 variables; it has its line of inner points. What fills up whole tiles has
    weight 0. Weights: for Gauss-Hermite all, else multiplicities, the Gaussian left out.
    """

    outer: np.ndarray  # (blocks, n - 1, P)
    outer_weights: np.ndarray  # (blocks, P)
    block: np.ndarray  # (tiles,) the block of each tile
    inner: np.ndarray  # (tiles, L)
    inner_weights: np.ndarray  # (tiles, L)
    constant: float | None  # c in H = c / (sigma / strip)^(1/3); None for Gauss-Hermite


def step(rule: Rule, steepness: Any, xp: Any) -> Any:
    """H, without a derivative; steepness: the largest sigma / strip."""
    if rule.constant is None:
        return 1.0
    most = LARGEST_STEP * (sqrt(2.0) if rule.outer.shape[1] > 1 else 1.0)
    return fixed(xp.minimum(rule.constant * xp.maximum(steepness, 1e-6) ** (-1.0 / 3.0), most), xp)


def weights(rule: Rule, H: Any, xp: Any) -> tuple[Any, Any]:
    """(blocks, P) and (tiles, L): the weight of a node is the product of both, and all together are 1."""
    if rule.constant is None:
        return rule.outer_weights, rule.inner_weights
    outer = rule.outer_weights * xp.exp(-0.5 * H * H * (rule.outer**2).sum(1))
    inner = rule.inner_weights * xp.exp(-0.5 * H * H * rule.inner**2)
    return outer / (outer.sum(-1)[rule.block] * inner.sum(-1)).sum(), inner


def step_constant(radius: int, power: float, f: float) -> float:
    """c in H = c / (sigma / strip)^(1/3), for functions that grow like |u|^power."""
    return (STEP * f / radius**2) ** (1.0 / 3.0) * (1.0 + WIDER * power)


@cache
def smooth_rule(units: tuple[Traits, ...], radius: int, odd: bool) -> Rule:
    """The rule for averages <g' g' g g> of these units in as many dimensions.

    `odd`: all units are odd and without biases, so that u and -u contribute alike.
    """
    n, degrees = len(units), [one.degree for one in units]
    known = [degree for degree in degrees if degree is not None]
    if len(known) == n:
        # All four factors may be functions of one variable.
        return _gauss_hermite(n, 2 * max(*known, 1) + 1)
    # <g' g' g g> of functions that grow like |x|^p grows like |u|^(4 p - 2).
    power = max(4.0 * max(one.growth for one in units) - 2.0, 0.0)
    constant = step_constant(radius, power, sqrt(2.0) if n > 2 else 1.0)
    return _tiled(_lattice(n, radius, odd), constant)


Lines = tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]


def _gauss_hermite(n: int, nodes: int) -> Rule:
    u, w = np.polynomial.hermite_e.hermegauss(nodes)
    w = w / w.sum()
    outer, times = _product(u, n - 1), np.prod(_product(w, n - 1), axis=0)
    return _tiled([(outer, times, [u] * len(times), [w] * len(times))], None)


def _product(line: np.ndarray, dimensions: int) -> np.ndarray:
    """All points of the product of a line with itself, shape (dimensions, P); one point in no dimension."""
    axes = np.meshgrid(*[line] * dimensions, indexing="ij")
    return np.stack([x.reshape(-1) for x in axes]) if dimensions else np.zeros((0, 1))


def _lattice(n: int, radius: int, odd: bool) -> list[Lines]:
    """The lattice points in the ball, as outer points with their lines, for each of its parts, shortest lines first."""
    parts: list[Lines] = []
    for shift in (0.0, 0.5) if n > 2 else (0.0,):
        outer = _product(np.arange(-radius - 1, radius + 1) + shift, n - 1)
        square = (outer**2).sum(0)
        times = np.ones(outer.shape[1])
        if odd and n > 1:
            sign = _first_sign(outer)
            times = np.where(sign > 0, 2.0, np.where(sign < 0, 0.0, 1.0))
        kept = np.flatnonzero((square <= radius**2) & (times > 0))
        kept = kept[np.argsort(-square[kept], kind="stable")]
        reach = np.sqrt(radius**2 - square[kept])
        lines = [np.arange(-np.floor(r + shift), np.floor(r - shift) + 1.0) + shift for r in reach]
        parts.append((outer[:, kept], times[kept], lines, [np.ones(len(line)) for line in lines]))
    return parts


def _first_sign(points: np.ndarray) -> np.ndarray:
    """The sign of the first coordinate that is not zero: of a point and its opposite one is positive."""
    signs = np.sign(points)
    return signs[np.argmax(signs != 0, axis=0), np.arange(points.shape[1])]


def _tiled(parts: list[Lines], constant: float | None) -> Rule:
    """Blocks of outer points; all points of a block take the longest of their lines, in tiles of INNER nodes."""
    size = min(OUTER, max(len(times) for _, times, _, _ in parts))
    outer, outer_weights, block, inner, inner_weights = [], [], [], [], []
    for points, times, lines, line_weights in parts:
        for first in range(0, len(times), size):
            last = min(first + size, len(times))
            filled = size - (last - first)
            outer.append(np.pad(points[:, first:last], ((0, 0), (0, filled))))
            outer_weights.append(np.pad(times[first:last], (0, filled)))
            filled = -len(lines[last - 1]) % INNER
            nodes = np.pad(lines[last - 1], (0, filled)).reshape(-1, INNER)
            inner += list(nodes)
            inner_weights += list(np.pad(line_weights[last - 1], (0, filled)).reshape(-1, INNER))
            block += [len(outer) - 1] * len(nodes)
    arrays = [np.array(part) for part in (outer, outer_weights, block, inner, inner_weights)]
    return Rule(arrays[0], arrays[1], arrays[2], arrays[3], arrays[4], constant)
