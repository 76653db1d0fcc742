"""Averages of one unit whose function is linear between its breaks: no quadrature is needed.

Products of at most two of its values or slopes are quadratic between the breaks. Where such a function p changes at
kappa by dV in value, dS in slope and dC in second derivative, and is p_0 to the left of all breaks,

    <p(mu + l n)> = <p_0> + sum_kappa [ dV Phi + dS (x Phi + l phi) + dC / 2 ((x^2 + l^2) Phi + x l phi) ]

with x = mu - kappa, and the normal density phi and distribution Phi at x / l.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import pi, sqrt
from typing import Any

import numpy as np

from learndyn.activations.averages.quadrature_traits import traits
from learndyn.activations.base import Activation

Polynomial = np.polynomial.Polynomial
# Phi(t) is 0 or 1 beyond.
FAR = 40.0


def linear_pieces(activation: Activation) -> list[np.ndarray] | None:
    """(intercept, slope) between the breaks, from left to right; None where the function is not linear there."""
    ends = [-np.inf, *traits(activation).breaks, np.inf]
    pieces = []
    for low, high in pairwise(ends):
        low, high = (low, high) if np.isfinite([low, high]).all() else _finite(low, high)
        x = low + (high - low) * (np.arange(16) + 0.5) / 16
        g, dg = activation.g(x), np.broadcast_to(activation.dg(x), x.shape)
        slope = dg.mean()
        intercept = (g - slope * x).mean()
        size = 1e-14 * (1.0 + np.abs(g).max())
        if np.ptp(dg) > size or np.abs(g - intercept - slope * x).max() > size:
            return None
        pieces.append(np.array([intercept, slope]))
    return pieces


def _finite(low: float, high: float) -> tuple[float, float]:
    if np.isfinite(low):
        return low, low + 30.0
    return (high - 30.0, high) if np.isfinite(high) else (-30.0, 30.0)


def piecewise_moments(activation: Activation, student: bool) -> Callable[..., list[list[Any]]] | None:
    """``moments(mean, deviation, xp)`` = [a][b]: <g'^a g^b>; None for functions that are not linear in pieces."""
    pieces = linear_pieces(activation)
    if pieces is None:
        return None
    breaks = traits(activation).breaks
    powers = [
        [[Polynomial([piece[1]]) ** a * Polynomial(piece) ** b for piece in pieces] for b in range(3)]
        for a in range(3 if student else 1)
    ]

    def moments(mean: Any, deviation: Any, xp: Any) -> list[list[Any]]:
        steps = []
        for kappa in breaks:
            x = mean - kappa
            # The clip serves the functions of t alone: x = l t may be finite where l is 0.
            t = xp.clip(x / xp.maximum(deviation, 1e-150), -FAR, FAR)
            Phi, phi = 0.5 * (1.0 + xp.erf(t / sqrt(2.0))), deviation * xp.exp(-0.5 * t * t) / sqrt(2.0 * pi)
            steps.append((Phi, x * Phi + phi, 0.5 * ((x * x + deviation**2) * Phi + x * phi)))
        return [[_average(part, breaks, mean, deviation, steps) for part in row] for row in powers]

    return moments


def _average(parts: list[Any], breaks: tuple[float, ...], mean: Any, deviation: Any, steps: list[Any]) -> Any:
    zeroth, first, second = np.pad(parts[0].coef, (0, 3 - len(parts[0].coef)))
    total = zeroth + first * mean + second * (mean * mean + deviation**2)
    for kappa, left, right, step in zip(breaks, parts[:-1], parts[1:], steps, strict=True):
        change = right - left
        for order, term in enumerate(step):
            size = float(change.deriv(order)(kappa)) if order else float(change(kappa))
            if size != 0.0:
                total = total + size * term
    return total
