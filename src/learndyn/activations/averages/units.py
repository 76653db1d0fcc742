"""The activations whose averages are orthant moments, as sums of four functions.

    g(x) = constant + linear x + modulus |x| + sign E_n sign(x + n),   n ~ N(0, noise)

A noisy sign is a sigmoid: with noise of variance 1 it is erf(x / sqrt 2). An average of units with noise is one of
units without it whose variances are larger by that of the noise.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class Unit(NamedTuple):
    """The coefficients of an activation, and the variance of the noise within its sign."""

    constant: float = 0.0
    linear: float = 0.0
    modulus: float = 0.0
    sign: float = 0.0
    noise: float = 0.0

    @property
    def has_slope(self) -> bool:
        """Whether g' is a function: a sign without noise has a slope nowhere but at zero."""
        return self.sign == 0.0 or self.noise > 0.0


def leaky(slope: float) -> Unit:
    """x for x > 0, else slope x: (1 + slope) / 2 x + (1 - slope) / 2 |x|."""
    return Unit(linear=(1.0 + slope) / 2.0, modulus=(1.0 - slope) / 2.0)


_UNITS = {
    "linear": Unit(linear=1.0),
    "relu": leaky(0.0),
    "leaky_relu": leaky(0.01),
    "erf": Unit(sign=1.0, noise=1.0),
    "sign": Unit(sign=1.0),
    "step": Unit(constant=0.5, sign=0.5),
}


@cache
def unit(name: str) -> Unit | None:
    """The activation of this name as a `Unit`; None for one that is no such sum.

    Examples
    --------
    >>> from learndyn.activations.averages.units import unit
    >>> unit("leaky_relu(0.2)")
    Unit(constant=0.0, linear=0.6, modulus=0.4, sign=0.0, noise=0.0)
    """
    written = re.fullmatch(r"leaky_relu\(([^()]+)\)", name)
    try:
        return leaky(float(written[1])) if written else _UNITS.get(name)
    except ValueError:
        return None
