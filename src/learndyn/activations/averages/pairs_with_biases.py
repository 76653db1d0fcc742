"""Averages of two units with biases, each a sum of 1, x, x_+ and (noisy) steps: the bivariate normal distribution.

X1 = u + m1, X2 = v + m2, of variances S1, S2 that include the noise and correlation rho; h = m / sqrt(S);
h21 = (h2 - rho h1) / rbar and h12 are the means given that the other is zero. With phi, Phi, Phi_2 = P(X1, X2 > 0):

    <theta(X1) theta(X2)> = Phi_2                       sigma1 <delta(X1) f(X2)> = phi(h1) <f(X2) | X1 = 0>
    <theta(X1) X2_+> = m2 Phi_2 + sigma2 [phi(h2) Phi(h12) + rho phi(h1) Phi(h21)]
    <X1_+ X2_+> = m1 <theta(X1) X2_+> + s12 Phi_2 + s11 <delta(X1) X2_+>

by integration by parts [Stein 1981]; <X1 f(X2)> = m1 <f> + s12 <f'>. The erf unit is a noisy sign (`units`): its
derivative, a Gaussian factor that tilts the rest, is a noisy delta function.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from learndyn.activations.averages.base import Slopes
from learndyn.activations.averages.units import Unit
from learndyn.gaussian.bivariate import bivariate_cdf, correlation, given
from learndyn.gaussian.normal import cdf, pdf, positive_part, standardised


class _Parts(NamedTuple):
    """A unit in 1, x, x_+ and theta(x + n): |x| = 2 x_+ - x, sign = 2 theta - 1."""

    one: float
    x: float
    positive: float
    step: float


def _parts(unit: Unit) -> _Parts:
    return _Parts(unit.constant - unit.sign, unit.linear - unit.modulus, 2.0 * unit.modulus, 2.0 * unit.sign)


class _Plane(NamedTuple):
    """Two variables: means, standard deviations, their ratio h, and what one is given that the other is zero."""

    m1: Any
    m2: Any
    s12: Any
    sigma1: Any
    sigma2: Any
    h1: Any
    h2: Any
    rho: Any
    rbar: Any
    h21: Any
    h12: Any
    # Mean and standard deviation of X2 given X1 = 0.
    mean: Any
    left: Any


def _plane(first: Unit, second: Unit, s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> _Plane:
    s11, s12, s22, m1, m2 = xp.broadcast_arrays(s11, s12, s22, m1, m2)
    S1, S2 = s11 + first.noise, s22 + second.noise
    sigma1, sigma2 = xp.root(S1), xp.root(S2)
    rho, rbar = correlation(S1, s12, S2, xp)
    h1, h2 = standardised(m1, sigma1, xp), standardised(m2, sigma2, xp)
    h21, h12 = given(h1, h2, rho, rbar, xp), given(h2, h1, rho, rbar, xp)
    # h2 may be held, m2 is not. Where h1 is held, phi(h1) is 0.
    mean = m2 - rho * sigma2 * h1
    return _Plane(m1, m2, s12, sigma1, sigma2, h1, h2, rho, rbar, h21, h12, mean, sigma2 * rbar)


def outputs(first: Unit, second: Unit, s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
    """<g1(u + m1) g2(v + m2)>."""
    p = _plane(first, second, s11, s12, s22, m1, m2, xp)
    a, b = _parts(first), _parts(second)
    total = 0.0 * s12
    if a.one:
        total = total + a.one * _mean(b, p.m2, p.sigma2, p.h2, xp)
    if a.x:
        total = total + a.x * (p.m1 * _mean(b, p.m2, p.sigma2, p.h2, xp) + s12 * _slope(b, p.sigma2, p.h2, xp))
    if a.step:
        total = total + a.step * _on_half_plane(b, p, xp)
    if a.positive:
        # <X1_+ f> = m1 <theta f> + s11 <delta f> + s12 <theta f'>; no noise, so that s11 = sigma1^2.
        at_border = p.sigma1 * pdf(p.h1, xp) * _mean(b, p.mean, p.left, p.h21, xp)
        total = total + a.positive * (p.m1 * _on_half_plane(b, p, xp) + at_border)
        total = total + a.positive * s12 * _slope_on_half_plane(b, p, xp)
    return total


def slopes(first: Unit, second: Unit, s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Slopes:
    """sqrt(s11) <g1'' g2>, <g1' g2'>, <g1' g2>; the first unit's slope must be a function (`Unit.has_slope`)."""
    p = _plane(first, second, s11, s12, s22, m1, m2, xp)
    a, b = _parts(first), _parts(second)
    zero = 0.0 * p.mean
    along, both, plain = zero, zero, zero
    if a.x:
        both = both + a.x * _slope(b, p.sigma2, p.h2, xp)
        plain = plain + a.x * _mean(b, p.m2, p.sigma2, p.h2, xp)
    if a.positive:
        both = both + a.positive * _slope_on_half_plane(b, p, xp)
        plain = plain + a.positive * _on_half_plane(b, p, xp)
        along = along + a.positive * pdf(p.h1, xp) * _mean(b, p.mean, p.left, p.h21, xp)
    if a.step:
        density = a.step * pdf(p.h1, xp) / p.sigma1
        at_border, slope_there = _mean(b, p.mean, p.left, p.h21, xp), _slope(b, p.left, p.h21, xp)
        both = both + density * slope_there
        plain = plain + density * at_border
        # d/dm1 of the above: through the density, and through the mean of X2 given X1 = 0.
        towards = p.h1 * at_border + p.rho * p.sigma2 * slope_there
        along = along - density * (xp.root(s11) / p.sigma1) * towards
    return Slopes(along, both, plain)


def _mean(unit: _Parts, m: Any, sigma: Any, h: Any, xp: Any) -> Any:
    """<f(X)> for X of mean m and standard deviation sigma, h = m / sigma."""
    total = unit.one + unit.x * m
    if unit.positive:
        total = total + unit.positive * positive_part(m, sigma, xp)
    return total + unit.step * cdf(h, xp) if unit.step else total


def _slope(unit: _Parts, sigma: Any, h: Any, xp: Any) -> Any:
    """<f'(X)>."""
    total = unit.x + 0.0 * h
    if unit.positive:
        total = total + unit.positive * cdf(h, xp)
    return total + unit.step * xp.ratio(pdf(h, xp), sigma) if unit.step else total


def _on_half_plane(unit: _Parts, p: _Plane, xp: Any) -> Any:
    """<theta(X1) f(X2)>."""
    total = unit.one * cdf(p.h1, xp)
    if unit.x:
        total = total + unit.x * (p.m2 * cdf(p.h1, xp) + p.rho * p.sigma2 * pdf(p.h1, xp))
    if unit.positive or unit.step:
        phi_2 = bivariate_cdf(p.h1, p.h2, p.rho, p.rbar, xp)
        total = total + (unit.step + unit.positive * p.m2) * phi_2
    if unit.positive:
        border = pdf(p.h2, xp) * cdf(p.h12, xp) + p.rho * pdf(p.h1, xp) * cdf(p.h21, xp)
        total = total + unit.positive * p.sigma2 * border
    return total


def _slope_on_half_plane(unit: _Parts, p: _Plane, xp: Any) -> Any:
    """<theta(X1) f'(X2)>."""
    total = unit.x * cdf(p.h1, xp)
    if unit.positive:
        total = total + unit.positive * bivariate_cdf(p.h1, p.h2, p.rho, p.rbar, xp)
    if unit.step:
        total = total + unit.step * xp.ratio(pdf(p.h2, xp), p.sigma2) * cdf(p.h12, xp)
    return total
