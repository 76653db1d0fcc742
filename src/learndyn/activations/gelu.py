"""The Gaussian error linear unit g(x) = x Phi(x) of Hendrycks & Gimpel (2016); the averages are by quadrature."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from learndyn.activations.base import Activation

INVERSE_SQRT_2 = 1.0 / sqrt(2.0)
INVERSE_SQRT_2_PI = 1.0 / sqrt(2.0 * pi)


def g(x: Any, xp: Any) -> Any:
    """g(x) = x Phi(x) = x [1 + erf(x / sqrt 2)] / 2; in the left tail, below 1e-15 |x|, to 1e-16 |x|."""
    return 0.5 * x * (1.0 + xp.erf(x * INVERSE_SQRT_2))


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)."""
    return 0.5 * (1.0 + xp.erf(x * INVERSE_SQRT_2)) + INVERSE_SQRT_2_PI * x * xp.exp(-0.5 * x * x)


ACTIVATION = Activation.from_module("gelu", "x Phi(x)", globals())
