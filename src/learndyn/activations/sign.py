"""The sign g(x) = -1, 0 or 1, the binary unit of the perceptron: for teachers, since g' is zero."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation

JUMPS = ((0.0, 2.0),)


def g(x: Any, xp: Any) -> Any:
    """g(x) = 1 for x > 0, -1 for x < 0, 0 between."""
    return xp.sign(x)


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = 0 almost everywhere."""
    return 0.0 * x


ACTIVATION = Activation.from_module("sign", "sign(x)", globals())
