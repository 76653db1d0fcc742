"""Rules for Gaussian averages of smooth functions, with a number of nodes that is fixed in advance.

The rule of analytic functions is the trapezoid rule on a lattice u = H p within a ball |p| <= R. Its error has two
parts,

    exp(-(R H)^2 / 2)     from the Gaussian beyond the ball,
    exp(-a k)             from the shortest vector k of the dual lattice, a = strip / sigma,

where sigma is the largest standard deviation of a variable and `strip` says how fast its function changes. With a step
of H^3 = STEP f / (R^2 sigma / strip) the two are about equal: it follows the covariance while the number of nodes
stays. In one and two dimensions the lattice is Z^n (k = 2 pi / H, f = 1). In three it is Z^3 and Z^3 + 1/2 together,
whose dual is the densest there is: k = sqrt 2 2 pi / H (f = sqrt 2), at equal accuracy 0.71 times the nodes of Z^3.
Functions with g(-x) = -g(x) need half of the nodes again.

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
# So many nodes are evaluated at once: their values stay in the cache.
AT_ONCE = 16384


class Rule(NamedTuple):
    """Nodes in units of the step, in blocks of equal size; what fills up the last block has weight 0.

    A function of the first coordinate alone, or of two of three, takes few values: `levels` has, for each number of
    leading coordinates, the different points (k, P_k) and the place of each node among them, (blocks, P). Weights: for
    Gauss-Hermite all, else multiplicities, the Gaussian left out.
    """

    levels: tuple[tuple[np.ndarray, np.ndarray], ...]
    weights: np.ndarray  # (blocks, P)
    radius: float  # of the ball that holds all nodes
    constant: float | None  # c in H = c / (sigma / strip)^(1/3); None for Gauss-Hermite
    factor: float  # by which this lattice may be coarser than Z^n


def step(constant: float, steepness: Any, factor: float, xp: Any) -> Any:
    """H = constant / steepness^(1/3), without a derivative; steepness: the largest sigma / strip."""
    H = constant * xp.maximum(steepness, 1e-6) ** (-1.0 / 3.0)
    return fixed(xp.minimum(H, LARGEST_STEP * factor), xp)


def step_constant(radius: int, power: float, factor: float = 1.0) -> float:
    """c in H = c / (sigma / strip)^(1/3), for functions that grow like |u|^power."""
    return (STEP * factor / radius**2) ** (1.0 / 3.0) * (1.0 + WIDER * power)


def power_of(units: tuple[Traits, ...]) -> float:
    """<g' g' g g> of functions that grow like |x|^p grows like |u|^(4 p - 2)."""
    return max(4.0 * max(one.growth for one in units) - 2.0, 0.0)


@cache
def smooth_rule(units: tuple[Traits, ...], dimensions: int, radius: int, odd: bool) -> Rule:
    """The rule in so many dimensions for averages <g' g' g g> of these units.

    `odd`: all units are odd and without biases, so that u and -u contribute alike.
    """
    degrees = [one.degree for one in units if one.degree is not None]
    if len(degrees) == len(units):
        u, w = hermite(units)
        points, weights = _product(u, dimensions), np.prod(_product(w, dimensions), axis=0)
        return _blocks(points, weights, float(u.max()) * sqrt(max(dimensions, 1)), None, 1.0)
    factor = sqrt(2.0) if dimensions == 3 else 1.0
    points, times = _lattice(dimensions, radius, odd)
    return _blocks(points, times, float(radius), step_constant(radius, power_of(units), factor), factor)


def hermite(units: tuple[Traits, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Hermite nodes and weights for polynomial units: all four factors may be functions of one variable."""
    u, w = np.polynomial.hermite_e.hermegauss(2 * max(*(one.degree or 0 for one in units), 1) + 1)
    return u, w / w.sum()


def trapezoid(units: tuple[Traits, ...], radius: int, steepness: Any, xp: Any) -> tuple[Any, Any]:
    """Nodes and weights of one variable, for averages <g' g' g g> of these units."""
    n = np.arange(-radius, radius + 1.0) * step(step_constant(radius, power_of(units)), steepness, 1.0, xp)
    weight = xp.exp(-0.5 * n * n)
    return n, weight / weight.sum()


def _product(line: np.ndarray, dimensions: int) -> np.ndarray:
    """All points of the product of a line with itself, shape (dimensions, P); one point in no dimension."""
    axes = np.meshgrid(*[line] * dimensions, indexing="ij")
    return np.stack([x.reshape(-1) for x in axes]) if dimensions else np.zeros((0, 1))


def _lattice(dimensions: int, radius: int, odd: bool) -> tuple[np.ndarray, np.ndarray]:
    """The lattice points in the ball (dimensions, P) and how often each counts."""
    found, counts = [], []
    for shift in (0.0, 0.5) if dimensions == 3 else (0.0,):
        points = _product(np.arange(-radius - 1, radius + 1) + shift, dimensions)
        points = points[:, (points**2).sum(0) <= radius**2]
        times = np.ones(points.shape[1])
        if odd and dimensions:
            sign = _first_sign(points)
            points, times = points[:, sign >= 0], np.where(sign > 0, 2.0, 1.0)[sign >= 0]
        found.append(points)
        counts.append(times)
    return np.concatenate(found, axis=1), np.concatenate(counts)


def _first_sign(points: np.ndarray) -> np.ndarray:
    """The sign of the first coordinate that is not zero: of a point and its opposite one is positive."""
    signs = np.sign(points)
    return signs[np.argmax(signs != 0, axis=0), np.arange(points.shape[1])]


def _blocks(points: np.ndarray, weights: np.ndarray, radius: float, constant: float | None, factor: float) -> Rule:
    blocks = -(-points.shape[1] // AT_ONCE)
    size = -(-points.shape[1] // blocks)
    filled = blocks * size - points.shape[1]
    levels = []
    for k in range(1, len(points) + 1):
        different, places = np.unique(points[:k], axis=1, return_inverse=True)
        levels.append((different, np.pad(places.reshape(-1), (0, filled)).reshape(blocks, size)))
    return Rule(tuple(levels), np.pad(weights, (0, filled)).reshape(blocks, size), radius, constant, factor)
