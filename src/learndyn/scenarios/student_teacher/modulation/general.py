"""Any modulation F_i = f(x_i, sigma, tau), by quadrature over the pre-activations of up to four units.

In coordinates z = L u, L L^T = C, u standard normal: <F_i t> = <F_i u> . (L^-1 <z t>), where a unit that others
determine has no coordinate of its own. The rule is a product of Gauss-Hermite rules; its error is of the order
exp(-d sqrt(4 n)) for n points along an axis and a modulation that is analytic at distances below d from the real axis.
A modulation that jumps at the signs of x and y (one student unit and one teacher unit) is integrated in polar
coordinates of the plane of x and y, between the lines x = 0 and y = 0.
"""

from __future__ import annotations

from functools import cache
from math import pi
from typing import Any

import numpy as np

from learndyn.activations.registry import activation
from learndyn.scenarios.student_teacher.gradient import biases, coefficients
from learndyn.scenarios.student_teacher.increments import root_columns
from learndyn.scenarios.student_teacher.rules import rule_of
from learndyn.scenarios.student_teacher.structure import Structure

# Points along each axis, by the number of units; and most units.
POINTS = {2: 64, 3: 40, 4: 24}
# Points of a sector's angle and of the radius, for modulations with jumps.
ANGLES, RADII = 32, 48


class RuleMoments:
    """Averages of the modulation at one state."""

    def __init__(self, structure: Structure, units: Any, parts: Any, values: dict[str, Any], xp: Any) -> None:
        K, n = structure.K, structure.n
        self._s, self._values, self._xp = structure, values, xp
        columns = root_columns(units.C, xp)
        self._L = xp.stack(columns, axis=-1)
        rule = rule_of(structure.rule)
        u, weight = _sectors(self._L, xp) if rule.kinked else _product_rule(n)
        m = biases(structure, units, parts, values, xp)
        z = xp.product(u, self._L.T)
        means = z if m is None else z + m
        c = coefficients(structure, parts.get("w"), values, xp)
        outputs = [
            c[q] * activation(name).functions["g"](means[:, q], xp) for q, name in enumerate(structure.activations)
        ]
        sigma, tau = -sum(outputs[:K]), sum(outputs[K:])
        F = xp.stack([rule.modulation(means[:, i], sigma, tau, xp) + 0.0 * sigma for i in range(K)])
        self._along = xp.product(F * weight, u)
        self._mean = (F * weight).sum(-1)
        self._square = xp.product(F * weight, F.T)

    def on_units(self) -> Any:
        """<F_i (z_b - <z_b>)>."""
        return self._xp.product(self._along, self._L.T)

    def on(self, targets: Any) -> Any:
        """<F_i t>, through the coordinates of t."""
        xp, rest, coordinates = self._xp, targets, []
        for j in range(self._s.n):
            column = self._L[:, j]
            coordinate = xp.ratio(rest[j], column[j])
            rest = rest - column[:, None] * coordinate
            coordinates.append(coordinate)
        return xp.product(self._along, xp.stack(coordinates))

    def mean(self) -> Any:
        """<F_i>."""
        return self._mean

    def square(self) -> Any:
        """<F_i F_k>, i <= k, over the size of a minibatch."""
        if self._s.dynamics != "sgd":
            return None
        square = self._square[np.triu_indices(self._s.K)]
        return square / self._values["batch_size"] if self._s.batched else square


@cache
def _product_rule(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (points, n) and weights of a product of Gauss-Hermite rules; points of no weight are left out."""
    points, weights = np.polynomial.hermite_e.hermegauss(POINTS[n])
    grid = np.stack(np.meshgrid(*[points] * n, indexing="ij"), axis=-1).reshape(-1, n)
    weight = np.stack(np.meshgrid(*[weights / weights.sum()] * n, indexing="ij")).reshape(n, -1).prod(0)
    kept = weight > 1e-18
    return grid[kept], weight[kept]


def _sectors(L: Any, xp: Any) -> tuple[Any, Any]:
    """Points and weights in the four sectors between the lines x = 0 and y = 0 of the plane of u."""
    angle_points, angle_weights = np.polynomial.legendre.leggauss(ANGLES)
    # Radii: r = sqrt(2 s), s exponential; Gauss-Legendre in r up to 9, beyond which nothing is left.
    radius, radius_weight = np.polynomial.legendre.leggauss(RADII)
    radius, radius_weight = 4.5 * (radius + 1.0), 4.5 * radius_weight
    radius_weight = radius_weight * radius * np.exp(-0.5 * radius**2)
    # x = 0 at pi/2 (u_1 = 0); y = 0 where L_21 cos + L_22 sin = 0.
    zero_y = xp.arctan2(-L[1, 0], L[1, 1])
    lines = xp.sort(xp.stack([xp.asarray(pi / 2.0), xp.mod(zero_y, pi)]))
    starts = xp.concatenate([lines, lines + pi])
    ends = xp.concatenate([lines[1:], lines + pi, lines[:1] + 2.0 * pi])
    middle, half = (starts + ends) / 2.0, (ends - starts) / 2.0
    angles = (middle[:, None] + half[:, None] * angle_points).reshape(-1)
    weight = (half[:, None] * angle_weights).reshape(-1) / (2.0 * pi)
    u = xp.stack([xp.cos(angles), xp.sin(angles)], axis=-1)[:, None, :] * radius[:, None]
    return u.reshape(-1, 2), (weight[:, None] * radius_weight).reshape(-1)
