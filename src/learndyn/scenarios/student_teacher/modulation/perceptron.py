"""Rosenblatt's perceptron and the AdaTron: one unit that learns from the sign of another, on mistakes alone.

    perceptron: F = (tau - sigma) / 2 = tau theta(-x y),      AdaTron: F = -x theta(-x y)

for sigma = sign x, tau = sign y. With the angle phi of J and B, cos phi = R / sqrt(Q T), [Biehl & Riegler 1994,
Kinouchi & Caticha 1992],

    perceptron: <F y> = sqrt(T / 2 pi) (1 - cos phi),  <F x> = -sqrt(Q / 2 pi) (1 - cos phi),  <F^2> = phi / pi
    AdaTron:    <F y> = sqrt(Q T) (sin phi - phi cos phi) / pi,   <F x> = -<F^2>,
                <F^2> = Q (phi - sin phi cos phi) / pi
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from learndyn.scenarios.student_teacher.structure import Structure


class SignMoments:
    """Averages of the modulation at one state."""

    def __init__(self, structure: Structure, units: Any, values: dict[str, Any], xp: Any) -> None:
        C = units.C
        self._s, self._C, self._values, self._xp = structure, C, values, xp
        x, y = xp.root(C[0, 0]), xp.root(C[1, 1])
        sine = xp.root(C[0, 0] * C[1, 1] - C[0, 1] ** 2)
        product = x * y
        cosine, sine = xp.ratio(C[0, 1], product), xp.ratio(sine, product)
        phi = pi / 2.0 - xp.angle(cosine, sine)
        if structure.rule == "perceptron":
            common = (1.0 - cosine) / sqrt(2.0 * pi)
            self._on_x, self._on_y, self._square = -x * common, y * common, phi / pi
        else:
            self._square = C[0, 0] * (phi - sine * cosine) / pi
            self._on_x, self._on_y = -self._square, product * (sine - phi * cosine) / pi

    def on_units(self) -> Any:
        """(<F x>, <F y>)."""
        return self._xp.stack([self._on_x, self._on_y])[None]

    def on(self, targets: Any) -> Any:
        """<F t> of what lies in the plane of x and y: t = a x + b y, with (a, b) from its covariances."""
        C, xp = self._C, self._xp
        determinant = C[0, 0] * C[1, 1] - C[0, 1] ** 2
        a = xp.ratio(C[1, 1] * targets[0] - C[0, 1] * targets[1], determinant)
        b = xp.ratio(C[0, 0] * targets[1] - C[0, 1] * targets[0], determinant)
        return (a * self._on_x + b * self._on_y)[None]

    def mean(self) -> Any:
        """0, by symmetry."""
        return np.zeros(1)

    def square(self) -> Any:
        """<F^2>, over the size of a minibatch."""
        if self._s.dynamics != "sgd":
            return None
        square = self._square / self._values["batch_size"] if self._s.batched else self._square
        return square[None]
