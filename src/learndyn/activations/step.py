"""The step g(x) = theta(x), 0 or 1, one half at 0: for teachers, since g' is zero."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation

JUMPS = ((0.0, 1.0),)


def g(x: Any, xp: Any) -> Any:
    """g(x) = 1 for x > 0, 0 for x < 0, 1/2 between."""
    return xp.where(x > 0.0, 1.0, xp.where(x < 0.0, 0.0, 0.5))


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = 0 almost everywhere."""
    return 0.0 * x


ACTIVATION = Activation.from_module("step", "theta(x)", globals())
