"""Averages of sine and linear units: the characteristic function of the Gaussian, for any biases.

    <exp(i k.z)> = exp(i k.m - k C k / 2),   z Gaussian of mean m and covariance C

A linear unit z_c in front of it is a derivative, -i d/dk_c: it brings down the factor m_c + i (C k)_c, and two of them
the product of their factors, plus C_cd.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from learndyn.activations.averages.base import Slopes

NAMES = ("sine", "linear")


def outputs(first: str, second: str, s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
    """<g1(u + m1) g2(v + m2)> for two units, at least one of them a sine."""
    m1, m2 = 0.0 if m1 is None else m1, 0.0 if m2 is None else m2
    if first == second:
        return _sine_sine(s11, s12, s22, m1, m2, xp)
    if first == "linear":
        return _damped(s22, xp) * (m1 * xp.sin(m2) + s12 * xp.cos(m2))
    return _damped(s11, xp) * (m2 * xp.sin(m1) + s12 * xp.cos(m1))


def slopes(first: str, second: str, s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Slopes:
    """sqrt(s11) <g1'' g2>, <g1' g2'>, <g1' g2> for two units, at least one of them a sine."""
    m1, m2 = 0.0 if m1 is None else m1, 0.0 if m2 is None else m2
    if first == "linear":
        mean = _damped(s22, xp)
        return Slopes(0.0 * (s11 + s12 + mean), mean * xp.cos(m2) + 0.0 * (s11 + s12), mean * xp.sin(m2) + 0.0 * s11)
    sigma1 = xp.root(s11)
    if second == "linear":
        mean = _damped(s11, xp)
        along = -sigma1 * mean * (m2 * xp.sin(m1) + s12 * xp.cos(m1))
        return Slopes(along, mean * xp.cos(m1) + 0.0 * s12, mean * (m2 * xp.cos(m1) - s12 * xp.sin(m1)))
    # sin'' = -sin; cos(u) sin(v) = sin of u + pi/2 and v, cos cos likewise.
    apart, together = _exponents(s11, s12, s22, xp)
    both = 0.5 * (apart * xp.cos(m1 - m2) + together * xp.cos(m1 + m2))
    plain = 0.5 * (together * xp.sin(m1 + m2) - apart * xp.sin(m1 - m2))
    return Slopes(-sigma1 * _sine_sine(s11, s12, s22, m1, m2, xp), both, plain)


def fours(names: tuple[str, ...]) -> Any:
    """<g1'(a + m_a) g2'(b + m_b) g3(c + m_c) g4(d + m_d)> as a function of (C, m, xp), C (..., 4, 4), m (..., 4).

    Each sine is a sum of two exponentials, cos x = <exp(i k x)> and sin x = <k exp(i k x)> / i over k = +-1; linear
    units have k = 0. Half of the k serve, as k and -k give complex conjugates.
    """
    sines = [name == "sine" for name in names]
    vectors = [k for k in product(*((1.0, -1.0) if sine else (0.0,) for sine in sines)) if next(filter(None, k), 1) > 0]
    linear = [q for q in (2, 3) if not sines[q]]
    # The factors 1/i of sines among the outputs.
    turn = (-1j) ** sum(sines[2:])

    def average(C: Any, m: Any, xp: Any) -> Any:
        total = 0.0
        for k in vectors:
            wave = np.array(k)
            along = (C * wave).sum(-1)
            phase = 0.0 * along[..., 0] if m is None else (m * wave).sum(-1)
            factors = [(0.0 if m is None else m[..., q]) + 1j * along[..., q] for q in linear]
            front = prod(factors) + (C[..., 2, 3] if len(linear) == 2 else 0.0)
            sign = prod(k[q] for q in (2, 3) if sines[q])
            total = total + sign * xp.exp(-0.5 * (along * wave).sum(-1)) * (turn * front * xp.exp(1j * phase)).real
        return total / len(vectors)

    return average


def _damped(s: Any, xp: Any) -> Any:
    return xp.exp(-0.5 * s)


def _exponents(s11: Any, s12: Any, s22: Any, xp: Any) -> tuple[Any, Any]:
    """<cos(u - v)>, <cos(u + v)>."""
    mean = -0.5 * (s11 + s22)
    return xp.exp(mean + s12), xp.exp(mean - s12)


def _sine_sine(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
    """<sin(u + m1) sin(v + m2)> = exp(-(s11 + s22) / 2) [cos m1 cos m2 sinh s12 + sin m1 sin m2 cosh s12]."""
    apart, together = _exponents(s11, s12, s22, xp)
    # sinh of its own where it is small, so that a small overlap keeps its digits.
    small = xp.clip(s12, -1.0, 1.0)
    odd = xp.where(xp.abs(s12) < 1.0, _damped(s11 + s22, xp) * xp.sinh(small), 0.5 * (apart - together))
    return xp.cos(m1) * xp.cos(m2) * odd + xp.sin(m1) * xp.sin(m2) * 0.5 * (apart + together)
