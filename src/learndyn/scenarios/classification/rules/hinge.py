"""Averages of step and hinge functions over h ~ N(m, v), in NumPy or JAX, also at v = 0.

    <1(h >= 0)> = Phi(z),   <h_+> = m Phi(z) + sqrt(v) pdf(z),   <h_+^2> = (m^2 + v) Phi(z) + m sqrt(v) pdf(z),

z = m / sqrt v. At v = 0 they are the functions of m themselves, with 1(0 >= 0) = 1, and for m != 0 the derivatives are
the limits for v to 0; at m = v = 0, where step and hinge have none, that of the step is 0.
"""

from __future__ import annotations

from typing import Any

from learndyn.gaussian.normal import pdf, standardised
from learndyn.gaussian.tails import lower_tail


def step(m: Any, v: Any, xp: Any) -> Any:
    """P(h >= 0)."""
    spread, _, z = _scaled(m, v, xp)
    return xp.where(spread, lower_tail(z, xp), xp.where(m >= 0.0, 1.0, 0.0))


def hinge(m: Any, v: Any, xp: Any) -> Any:
    """<max(0, h)>."""
    spread, root, z = _scaled(m, v, xp)
    return xp.where(spread, m * lower_tail(z, xp) + root * pdf(z, xp), xp.maximum(m, 0.0))


def square_hinge(m: Any, v: Any, xp: Any) -> Any:
    """<max(0, h)^2>."""
    spread, root, z = _scaled(m, v, xp)
    inside = (m * m + v) * lower_tail(z, xp) + m * root * pdf(z, xp)
    # At v = 0 the derivative in v is not 0: 1 for m > 0, and 1/2 at m = 0.
    return xp.where(spread, inside, xp.where(m > 0.0, m * m + v, xp.where(m < 0.0, 0.0, 0.5 * v)))


def _scaled(m: Any, v: Any, xp: Any) -> tuple[Any, Any, Any]:
    """Whether v > 0, sqrt v and m / sqrt v; what is not chosen in the end is finite with its derivatives."""
    spread = v > 0.0
    root = xp.sqrt(xp.where(spread, v, 1.0))
    return spread, root, standardised(m, root, xp)
