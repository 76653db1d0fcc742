"""The hyperbolic tangent g(x) = tanh x; the averages are by quadrature."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation


def g(x: Any, xp: Any) -> Any:
    """g(x) = tanh x."""
    return xp.tanh(x)


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = 1 / cosh^2 x = 4 e / (1 + e)^2, e = exp(-2 |x|): no cancellation where tanh x is near 1."""
    e = xp.exp(2.0 * xp.where(x < 0.0, x, -x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


ACTIVATION = Activation.from_module("tanh", "tanh x", globals())
