"""Averages of two units without biases, each a sum of x, |x| and (noisy) signs: arcsines and roots.

With variances s11, s22 that include the noise, sigma = sqrt(s), D = s11 s22 - s12^2, A = asin(s12 / sqrt(s11 s22)),
and c = sqrt(2 / pi), all averages of the four functions that symmetry does not forbid are

    <x y> = s12               <|x| |y|> = c^2 (sqrt(D) + s12 A)       <|x|> = c sigma1
    <x sign(y)> = c s12 / sigma2    <sign(x) sign(y)> = c^2 A

Derivatives meet delta functions: given x = 0, y has the variance D / s11, and then

    2 <delta(x) f(y)> = c / sigma1 <f(y)>         2 <delta'(x) f(y)> = -c s12 / sigma1^3 <f'(y)>

For erf units (noise 1) these are the averages of Saad & Solla (1995), for ReLU units those of Straat (2018), p. 29-32;
the rest follows in the same way.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from learndyn.activations.averages.base import Slopes
from learndyn.activations.averages.units import Unit

C = sqrt(2.0 / pi)


def outputs(first: Unit, second: Unit, s11: Any, s12: Any, s22: Any, xp: Any) -> Any:
    """<g1(u) g2(v)>."""
    S1, S2, root_D, A = _geometry(first, second, s11, s12, s22, xp)
    total = first.linear * second.linear * s12
    if first.modulus and second.modulus:
        total = total + first.modulus * second.modulus * C * C * (root_D + s12 * A)
    if first.sign and second.sign:
        total = total + first.sign * second.sign * C * C * A
    if first.linear and second.sign:
        total = total + first.linear * second.sign * C * xp.ratio(s12, xp.root(S2))
    if first.sign and second.linear:
        total = total + first.sign * second.linear * C * xp.ratio(s12, xp.root(S1))
    if first.constant:
        total = total + first.constant * _mean(second, xp.root(S2))
    if second.constant:
        total = total + second.constant * (_mean(first, xp.root(S1)) - first.constant)
    return total


def slopes(first: Unit, second: Unit, s11: Any, s12: Any, s22: Any, xp: Any) -> Slopes:
    """sqrt(s11) <g1'' g2>, <g1' g2'>, <g1' g2>; the first unit's slope must be a function (`Unit.has_slope`)."""
    S1, S2, root_D, A = _geometry(first, second, s11, s12, s22, xp)
    sigma1, sigma2 = xp.root(S1), xp.root(S2)
    zero = 0.0 * (s11 + s12 + s22)
    along, both, plain = zero, zero, zero
    if first.linear:
        both = both + first.linear * (second.linear + second.sign * C * xp.ratio(1.0, sigma2))
        plain = plain + first.linear * _mean(second, sigma2)
    if first.modulus:
        # The kink of |x| is one of 2 delta(x), and its slope is sign(x).
        both = both + first.modulus * second.modulus * C * C * A
        plain = plain + first.modulus * (second.linear * C * xp.ratio(s12, sigma1) + second.sign * C * C * A)
        along = along + first.modulus * C * _mean(second, xp.ratio(root_D, sigma1))
    if first.sign:
        slope_at_0 = second.linear + second.sign * C * xp.ratio(sigma1, root_D)
        both = both + first.sign * C / sigma1 * slope_at_0
        plain = plain + first.sign * C / sigma1 * _mean(second, root_D / sigma1)
        along = along - first.sign * C * xp.root(s11) * s12 / (S1 * sigma1) * slope_at_0
    return Slopes(along, both, plain)


def _geometry(first: Unit, second: Unit, s11: Any, s12: Any, s22: Any, xp: Any) -> tuple[Any, Any, Any, Any]:
    """Both variances with their noise, sqrt(D), and the angle A."""
    S1, S2 = s11 + first.noise, s22 + second.noise
    root_D = xp.root(S1 * S2 - s12 * s12)
    return S1, S2, root_D, xp.angle(s12, root_D)


def _mean(unit: Unit, sigma: Any) -> Any:
    """<g(u)> for the standard deviation sigma."""
    return unit.constant + unit.modulus * C * sigma
