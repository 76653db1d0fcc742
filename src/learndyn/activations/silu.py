"""The sigmoid-weighted linear unit g(x) = x / (1 + exp(-x)) (Elfwing, Uchibe & Doya 2018); averages by quadrature."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation
from learndyn.activations.logistic import decay
from learndyn.activations.logistic import g as logistic


def g(x: Any, xp: Any) -> Any:
    """g(x) = x s(x) with the logistic function s."""
    return x * logistic(x, xp)


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = s(x) + x s(x) s(-x)."""
    e = decay(x, xp)
    return (xp.where(x < 0.0, e, 1.0) + x * e / (1.0 + e)) / (1.0 + e)


ACTIVATION = Activation.from_module("silu", "x / (1 + exp(-x))", globals())
