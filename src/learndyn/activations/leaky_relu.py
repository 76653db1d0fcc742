"""The leaky rectified linear unit g(x) = x for x > 0, slope x below (Maas, Hannun & Ng 2013).

It is the rectifier and a linear unit together, g(x) = (1 - slope) x theta(x) + slope x, so that averages that are known
for those are known for it.
"""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation
from learndyn.activations.naming import named

SLOPE = 0.01


def make(slope: float = SLOPE) -> Activation:
    """The unit with this slope for x < 0, by the name ``leaky_relu(slope)``."""
    at_the_kink = (1.0 + slope) / 2.0

    def g(x: Any, xp: Any) -> Any:
        return xp.where(x > 0.0, x, slope * x)

    def dg(x: Any, xp: Any) -> Any:
        return xp.where(x > 0.0, 1.0, xp.where(x < 0.0, slope, at_the_kink))

    kinks = () if slope == 1.0 else (0.0,)
    return Activation(named("leaky_relu", slope), f"max(x, 0) + {slope:g} min(x, 0)", {"g": g, "dg": dg}, kinks)
