"""Averages <g1'(a) g2'(b) g3(c) g4(d)> without biases, each unit a sum of x, |x| and (noisy) signs (`units`).

A derivative of a noisy sign is a Gaussian factor: it tilts the covariance of the rest (`tilted`). What remains are
products of signs s_i = sign(z_i) and of z_c, z_d, and z -> -z leaves those with an even number of factors. For unit
variances, with A = asin r, rbar = sqrt(1 - r^2), Q = <s_a s_b s_c s_d>, and what is given taken as zero,

    <s_i s_j> = 2/pi A_ij                        Q = 16 P4 - 1 - 2/pi sum_ij A_ij
    <z_c s_i> = sqrt(2/pi) r_ci                  <z_c s_i s_j s_k> = sqrt(2/pi) 2/pi sum_i r_ci A_jk|i
    <z_c z_d s_i s_j> = 2/pi [r_cd A_ij + N_ij]
    <z_c z_d s_a s_b s_c s_d> = r_cd Q + 2/pi sum_ij N_ij 2/pi A_kl|ij

by integration by parts, with N_ij(c, d) of `orthant_moments` (rbar_cd for the pair c, d itself, r_jd rbar_jc for j, c).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import pi, sqrt
from typing import Any

import numpy as np

from learndyn.activations.averages.units import Unit
from learndyn.gaussian.correlations import correlations
from learndyn.gaussian.orthant import COMPLEMENT, PAIRS, orthant_4
from learndyn.gaussian.orthant_moments import mixed_product
from learndyn.gaussian.orthant_with_means import CORNERS, angles_given_one

TWO_OVER_PI = 2.0 / pi
SQRT_2_OVER_PI = sqrt(TWO_OVER_PI)


def tilted(C: Any, m: Any, place: int, noise: float, xp: Any) -> tuple[Any, Any, Any]:
    """C and m under the weight <2 delta(z_place + m_place + n)>, and the integral of that; n has the variance `noise`.

    m is None where there are no biases.
    """
    variance = C[..., place, place] + noise
    column = C[..., :, place]
    scaled = column / variance[..., None]
    factor = SQRT_2_OVER_PI / xp.sqrt(variance)
    rest = C - scaled[..., :, None] * column[..., None, :]
    if m is None:
        return rest, None, factor
    bias = m[..., place]
    return rest, m - scaled * bias[..., None], factor * xp.exp(-0.5 * bias * bias / variance)


def average(units: tuple[Unit, ...], C: Any, xp: Any) -> Any:
    """<g1'(a) g2'(b) g3(c) g4(d)> for C of shape (rows, 4, 4); JAX only."""
    factor = 1.0
    for place in (0, 1):
        if units[place].sign:
            C, _, weight = tilted(C, None, place, units[place].noise, xp)
            factor = factor * units[place].sign * weight
    noise = np.array([0.0, 0.0, units[2].noise, units[3].noise])
    moments = _SignMoments(C + np.diag(noise), xp)
    total = 0.0 * C[..., 0, 0]
    for coefficient, signs, variables in _terms(units):
        total = total + coefficient * moments(signs, variables)
    return factor * total


def _terms(units: tuple[Unit, ...]) -> Iterator[tuple[float, tuple[int, ...], tuple[int, ...]]]:
    """(coefficient, the i of factors s_i, the j of factors z_j) of all products that are even."""
    slots = []
    for place, unit in enumerate(units):
        if place < 2:
            # The weight of a noisy sign is done: its factor is 1.
            slots.append([(1.0, 0, 0)] if unit.sign else [(unit.linear, 0, 0), (unit.modulus, 1, 0)])
        else:
            slots.append([(unit.constant, 0, 0), (unit.linear, 0, 1), (unit.modulus, 1, 1), (unit.sign, 1, 0)])
    for factors in product(*([slot for slot in choices if slot[0]] for choices in slots)):
        signs = tuple(i for i, factor in enumerate(factors) if factor[1])
        variables = tuple(i for i, factor in enumerate(factors) if factor[2])
        if (len(signs) + len(variables)) % 2 == 0:
            yield float(np.prod([factor[0] for factor in factors])), signs, variables


class _SignMoments:
    """<prod_S s_i prod_Z z_j> for a covariance."""

    def __init__(self, C: Any, xp: Any) -> None:
        self.xp = xp
        self.r, self.rbar, self.arc, self.scale = correlations(C, xp)
        self._parts: Any = None
        self._angles: Any = None

    def __call__(self, signs: tuple[int, ...], variables: tuple[int, ...]) -> Any:
        value = {0: self._no_variable, 1: self._one_variable, 2: self._two_variables}[len(variables)](signs, variables)
        for j in variables:
            value = value * self.scale[..., j]
        return value

    def _no_variable(self, signs: tuple[int, ...], _: tuple[int, ...]) -> Any:
        if not signs:
            return 1.0
        return TWO_OVER_PI * self.arc[..., signs[0], signs[1]] if len(signs) == 2 else self._four_signs()

    def _one_variable(self, signs: tuple[int, ...], variables: tuple[int, ...]) -> Any:
        (c,) = variables
        if len(signs) == 1:
            return SQRT_2_OVER_PI * self.r[..., c, signs[0]]
        if self._angles is None:
            self._angles = angles_given_one(self._pairs())
        i, j, k = signs
        corners = ((i, j, k), (j, i, k), (k, i, j))
        total = sum(self.r[..., c, corner[0]] * self._angles[CORNERS.index(corner)] for corner in corners)
        return SQRT_2_OVER_PI * TWO_OVER_PI * total

    def _two_variables(self, signs: tuple[int, ...], variables: tuple[int, ...]) -> Any:
        c, d = variables
        r_cd = self.r[..., c, d]
        if not signs:
            return r_cd
        if len(signs) == 2:
            i, j = signs
            return TWO_OVER_PI * (r_cd * self.arc[..., i, j] + self._border(i, j))
        parts = self._orthants()
        borders = (self._border(i, j) * (4.0 * parts[1 + COMPLEMENT[n]] - 1.0) for n, (i, j) in enumerate(PAIRS))
        return r_cd * self._four_signs() + TWO_OVER_PI * sum(borders)

    def _border(self, i: int, j: int) -> Any:
        """N_ij(c, d) for c = 2, d = 3."""
        r, rbar = self.r, self.rbar
        if i < 2 <= j:
            return r[..., i, 5 - j] * rbar[..., i, j]
        if i >= 2:
            return rbar[..., 2, 3]
        return mixed_product(r[..., i, j], r[..., i, 2], r[..., i, 3], r[..., j, 2], r[..., j, 3])

    def _four_signs(self) -> Any:
        return 16.0 * self._orthants()[0] - 1.0 - TWO_OVER_PI * sum(self.arc[..., i, j] for i, j in PAIRS)

    def _orthants(self) -> Any:
        """P4 and the six pi_ij of `learndyn.gaussian.orthant`."""
        if self._parts is None:
            self._parts = orthant_4(self._pairs())
        return self._parts

    def _pairs(self) -> Any:
        return self.xp.stack([self.r[..., i, j] for i, j in PAIRS])
