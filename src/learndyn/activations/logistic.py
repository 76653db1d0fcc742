"""The logistic function g(x) = 1 / (1 + exp(-x)); the averages are by quadrature."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation


def decay(x: Any, xp: Any) -> Any:
    """exp(-|x|): what the tails are made of. (The branch at 0 is that of `g`, so that derivatives hold there too.)"""
    return xp.exp(xp.where(x < 0.0, x, -x))


def g(x: Any, xp: Any) -> Any:
    """g(x) = 1 / (1 + exp(-x)), for x < 0 as e / (1 + e), e = exp x: accurate in both tails."""
    e = decay(x, xp)
    return xp.where(x < 0.0, e, 1.0) / (1.0 + e)


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = g(x) g(-x) = e / (1 + e)^2, e = exp(-|x|)."""
    e = decay(x, xp)
    return e / ((1.0 + e) * (1.0 + e))


ACTIVATION = Activation.from_module("logistic", "1 / (1 + exp(-x))", globals())
