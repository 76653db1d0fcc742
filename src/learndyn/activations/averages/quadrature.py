"""Gaussian averages of any activations by quadrature, for those that have no closed form.

A pair of units takes a grid in two dimensions, up to four units take one quadrature that serves all their averages at
once, and a larger network takes each set of different units on its own. Smooth activations share trapezoid rules on
lattices whose step follows the covariance (`quadrature_rules`). Where functions break, panels end, and the layers that
a break leaves in the variables before are resolved whatever their width (`quadrature_panels`). Nothing has to be known
of an activation but its kinks and jumps: how fast it changes and grows is measured once (`quadrature_traits`). Every
average is finite with its derivative by C, on singular covariances included: exact duplicates, no variance, R = 0.

Accuracy measured: the largest error over random covariances of full and of deficient rank, with biases up to 0.7 and
without, relative to the largest average (at least 1), by the standard deviation sigma of the units:

    sigma                                 1       1.5     2       3       4
    pairs               tanh              1e-15   7e-15   5e-12   9e-09   6e-07
                        GELU, softplus    4e-15   2e-15   1e-13   3e-09   1e-06
    square, 3 units     tanh              7e-15   5e-11   6e-09   1e-06
                        GELU              6e-15   2e-12   1e-09   5e-07
                        softplus          1e-15   3e-15   6e-13   2e-10
    square, 4 units     tanh              5e-13   8e-10   5e-08   4e-06
                        GELU              5e-14   4e-10   4e-08   3e-06
                        softplus          4e-16   7e-13   6e-11   6e-09
    four different      tanh              2e-11   7e-09   2e-07
    units of 5 or more  GELU, softplus    6e-12   4e-09   1e-07

SiLU and the logistic function are no worse than GELU; tanh(s x) at sigma is tanh x at s sigma. Polynomials are
exact to rounding; with other activations beside them averages grow fast with sigma, and the error is relative to that.
ReLU units of standard deviations about 1, in generic states, and in those of a nearly perfect student and of a plateau
down to 1e-9: pairs and three units 1e-14, four units 4e-9; on exactly singular covariances of three units 3e-10.
`error_estimate` and `pair_error_estimate` measure the error at any other place.

Cost on one core, compiled, at K = M = 2: 1.4 ms for the square of four tanh units and up to 2.5 ms for other smooth
ones, 0.2 to 1.5 ms for the slopes; three ReLU units 1.5 ms, two with two tanh units 15 ms, four 150 ms; all averages of
3 + 3 tanh units 20 ms, of 5 + 5 units 240 ms. A program compiles in 1 to 10 s.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from learndyn.activations.averages.quadrature_broken_nodes import broken_sum, order_of
from learndyn.activations.averages.quadrature_broken_pairs import broken_pair
from learndyn.activations.averages.quadrature_pairs import in_batches, smooth_pair
from learndyn.activations.averages.quadrature_rules import WIDER
from learndyn.activations.averages.quadrature_sets import table_of_sets
from learndyn.activations.averages.quadrature_squares import fours_of, smooth_sum, square_of, table_of
from learndyn.activations.averages.quadrature_traits import traits
from learndyn.activations.base import Activation
from learndyn.gaussian.namespaces import NUMPY

__all__ = [
    "error_estimate",
    "joint_square",
    "joint_table",
    "pair_error_estimate",
    "quadrature_fours",
    "quadrature_pair",
    "square_table",
]

Function = Callable[..., Any]

# Radius of the lattice in steps, by the number of variables, for tanh: where one quadrature serves all averages of the
# network, and where there are many sets of units.
JOINT_RADIUS = {1: 56, 2: 56, 3: 40, 4: 22}
SETS_RADIUS = {1: 56, 2: 56, 3: 32, 4: 14}
PAIR_RADIUS = 57
# Nodes in each panel, where an activation has kinks or jumps.
PAIR_NODES = 32
TANH_STRIP_2, TANH_STRIP_4 = 1.11, 0.94
# The same for averages of three units, and of four by the number of units with breaks: the nodes go by its power.
BROKEN_NODES = 28
BROKEN_NODES_4 = {1: 28, 2: 22, 3: 16, 4: 14}
# From one level of accuracy to the next.
FINER = 1.35


def quadrature_pair(first: Activation, second: Activation, nodes: int | None = None) -> tuple[Function, Function]:
    """``(outputs, slopes)`` of a pair of activations, as `learndyn.activations.averages.base` defines them.

    Parameters
    ----------
    first, second
        The activations. The second may jump; the first must have a derivative.
    nodes
        Smooth activations: nodes on each side of zero; others: nodes between two places where the integrand is split.
        None: enough for 1e-8 of the average at standard deviations up to 3.

    Returns
    -------
    tuple
        ``outputs(s11, s12, s22, m1, m2, xp)`` and ``slopes(s11, s12, s22, m1, m2, xp)``.

    Examples
    --------
    >>> from learndyn.activations import activation
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> outputs, slopes = quadrature_pair(activation("erf"), activation("erf"))
    >>> round(float(outputs(1.0, 0.5, 1.0, None, None, NUMPY)), 12)  # 2 / pi asin(1 / 4)
    0.16086124651
    """
    broken = bool(traits(first).breaks or traits(second).breaks)
    outputs, slopes = (broken_pair if broken else smooth_pair)(first, second, nodes or _pair_nodes(first, second))
    return in_batches(outputs), in_batches(slopes)


def joint_square(activations: tuple[Activation, ...], K: int, nodes: int | None = None) -> Function:
    """``f(C, m, c, xp)`` = sum_pq c_p c_q <g_i' g_k' g_p g_q> for i <= k, of up to four units by one quadrature.

    Parameters
    ----------
    activations
        One for each of the n <= 4 units, students first.
    K
        Number of student units.
    nodes
        Smooth activations: nodes on each side of zero, along a line through it; others: nodes between two places where
        the integrand is split. None: see the accuracy stated at the head of this file.

    Returns
    -------
    Callable
        C of shape (n, n), m of shape (n,) or None, c of shape (n,); the value has shape (K (K + 1) / 2,).

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.activations import activation
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> f = joint_square((activation("linear"),) * 2, 1)
    >>> float(f(np.array([[1.0, 0.5], [0.5, 1.0]]), None, np.array([-1.0, 1.0]), NUMPY)[0].round(12))  # <(y - x)^2>
    1.0
    """
    return square_of(*_summed(activations, K, nodes, JOINT_RADIUS), K)


def joint_table(
    activations: tuple[Activation, ...], K: int, nodes: int | None = None, *, radii: dict[int, int] = JOINT_RADIUS
) -> Function:
    """``f(C, m, xp)`` = all <g_i' g_k' g_p g_q> for i <= k, shape (K (K + 1) / 2, n, n): see `joint_square`.

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.activations import activation
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> f = joint_table((activation("linear"),) * 2, 1)
    >>> f(np.array([[1.0, 0.5], [0.5, 1.0]]), None, NUMPY).round(12).tolist()  # <z_p z_q>
    [[[1.0, 0.5], [0.5, 1.0]]]
    """
    return table_of(*_summed(activations, K, nodes, radii), K)


def square_table(activations: tuple[Activation, ...], K: int) -> Function:
    """``f(C, m, xp)`` = all <g_i' g_k' g_p g_q> for i <= k, shape (K (K + 1) / 2, n, n), of a network of any size.

    Each set of different units is evaluated once, in its own dimension.

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.activations import activation
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> f = square_table((activation("linear"),) * 5, 3)
    >>> f(np.eye(5), None, NUMPY)[1].round(12).tolist() == np.eye(5).tolist()
    True
    """
    if len(activations) <= max(JOINT_RADIUS):
        return joint_table(activations, K)
    return table_of_sets(tuple(activations), K, partial(joint_table, radii=SETS_RADIUS))


def quadrature_fours(activations: tuple[Activation, ...], nodes: int | None = None) -> Function:
    """``fours(C, m, xp)`` = <g1'(a + m1) g2'(b + m2) g3(c + m3) g4(d + m4)> for C of shape (..., 4, 4).

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.activations import activation
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> fours = quadrature_fours((activation("linear"),) * 4)
    >>> float(fours(np.full((4, 4), 0.5) + 0.5 * np.eye(4), None, NUMPY).round(12))  # <c d>
    0.5
    """
    return fours_of(*_summed(activations, 2, nodes, JOINT_RADIUS))


def error_estimate(
    activations: tuple[Activation, ...], K: int, C: Any, c: Any, m: Any = None, *, nodes: int | None = None
) -> np.ndarray:
    """What `joint_square` is off by at a covariance: its difference to a rule with 1.35 times the nodes along a line.

    Parameters
    ----------
    activations, K, nodes
        As for `joint_square`.
    C, c, m
        Covariances (..., n, n), coefficients (..., n), and biases (..., n) or None, such as rows of a trajectory.

    Returns
    -------
    numpy.ndarray
        Shape (..., K (K + 1) / 2).

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.activations import activation
    >>> errors = error_estimate((activation("erf"),) * 2, 1, np.eye(2), [-1.0, 1.0])
    >>> bool(errors.max() < 1e-12)
    True
    """
    nodes = nodes or default_nodes(activations, JOINT_RADIUS)
    formulas = [joint_square(activations, K, number) for number in (nodes, ceil(FINER * nodes))]
    C = np.asarray(C, dtype=float)
    n, shape = C.shape[-1], C.shape[:-2]
    rows = C.reshape(-1, n, n)
    cs = np.broadcast_to(c, (*shape, n)).reshape(-1, n)
    ms = None if m is None else np.broadcast_to(m, (*shape, n)).reshape(-1, n)
    values = [
        [f(rows[row], None if ms is None else ms[row], cs[row], NUMPY) for row in range(len(rows))] for f in formulas
    ]
    return np.abs(np.subtract(values[0], values[1])).reshape(*shape, -1)


def pair_error_estimate(
    first: Activation, second: Activation, s11: Any, s12: Any, s22: Any, m1: Any = None, m2: Any = None
) -> np.ndarray:
    """What the averages of `quadrature_pair` are off by at most: their difference to a rule with 1.35 times the nodes.

    Parameters
    ----------
    first, second
        The activations.
    s11, s12, s22, m1, m2
        Covariances and biases, arrays that broadcast.

    Returns
    -------
    numpy.ndarray
        The largest of the differences of outputs and slopes, for each element.

    Examples
    --------
    >>> from learndyn.activations import activation
    >>> bool(pair_error_estimate(activation("erf"), activation("erf"), 1.0, 0.5, 1.0) < 1e-12)
    True
    """
    nodes = _pair_nodes(first, second)
    found = []
    for number in (nodes, ceil(FINER * nodes)):
        outputs, slopes = quadrature_pair(first, second, number)
        found.append([outputs(s11, s12, s22, m1, m2, NUMPY), *slopes(s11, s12, s22, m1, m2, NUMPY)])
    return np.max([np.abs(fine - coarse) for fine, coarse in zip(*found, strict=True)], axis=0)


def _pair_nodes(first: Activation, second: Activation) -> int:
    kinds = traits(first), traits(second)
    if kinds[0].breaks or kinds[1].breaks:
        return PAIR_NODES
    strip = min(one.strip_2 for one in kinds)
    return ceil(PAIR_RADIUS * float(np.clip(TANH_STRIP_2 / strip, 0.6, 1.5)))


def _summed(
    activations: tuple[Activation, ...], K: int, nodes: int | None, radii: dict[int, int]
) -> tuple[Function, list[int]]:
    """The sum over nodes for these units, and their order in it."""
    units = tuple(activations)
    nodes = nodes or default_nodes(units, radii)
    if any(traits(one).breaks for one in units):
        return broken_sum(units, K, nodes), order_of(units)
    return smooth_sum(units, K, nodes), list(range(len(units)))


def default_nodes(activations: tuple[Activation, ...], radii: dict[int, int]) -> int:
    kinks = sum(bool(traits(one).breaks) for one in activations)
    if not kinks:
        return _radius(activations, radii)
    return BROKEN_NODES if len(activations) < 4 else BROKEN_NODES_4[kinks]


def _radius(activations: tuple[Activation, ...], radii: dict[int, int]) -> int:
    """The radius for these units: larger for steeper ones and for polynomials among others, within bounds."""
    kinds = [traits(one) for one in activations]
    steeper = float(np.clip(TANH_STRIP_4 / min(one.strip_4 for one in kinds), 0.75, 1.5))
    power = max(4.0 * max(one.growth for one in kinds) - 2.0, 0.0)
    return ceil(radii[len(activations)] * steeper * (1.0 + WIDER * power))
