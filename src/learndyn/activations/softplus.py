"""The smooth rectifier g(x) = log(1 + exp x); the averages are by quadrature."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation
from learndyn.activations.logistic import decay
from learndyn.activations.logistic import g as logistic


def g(x: Any, xp: Any) -> Any:
    """g(x) = max(x, 0) + log(1 + exp(-|x|)): nothing overflows, and the left tail is exp x."""
    return xp.where(x < 0.0, 0.0, x) + xp.log1p(decay(x, xp))


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = 1 / (1 + exp(-x))."""
    return logistic(x, xp)


ACTIVATION = Activation.from_module("softplus", "log(1 + exp x)", globals())
