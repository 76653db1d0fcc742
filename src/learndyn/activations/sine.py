"""The sine g(x) = sin x; the averages follow from <exp(i k.z)> = exp(-k.C k / 2)."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation


def g(x: Any, xp: Any) -> Any:
    """g(x) = sin x."""
    return xp.sin(x)


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = cos x."""
    return xp.cos(x)


ACTIVATION = Activation.from_module("sine", "sin x", globals())
