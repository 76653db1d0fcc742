"""The bivariate normal distribution Phi_2(h, k; rho) = P(u < h, v < k), to 1e-15 for every correlation.

By Owen's T function [Owen 1956, Ann. Math. Statist. 27, 1075],

    Phi_2(h, k; rho) = [Phi(h) + Phi(k) - delta] / 2 - T(h, h' / h) - T(k, k' / k),   delta = 1 if h k < 0 else 0
    h' = (k - rho h) / rbar,   k' = (h - rho k) / rbar,   rbar = sqrt(1 - rho^2)
    T(h, a) = 1/(2 pi) int_0^a dx exp(-h^2 (1 + x^2) / 2) / (1 + x^2)

T(h, h'/h) is the probability of a right-angled sector with one leg h and the other h', so that

    T(h, h'/h) + T(h', h/h') = [Phi(h) + Phi(h')] / 2 - Phi(h) Phi(h'),   h, h' >= 0

leaves slopes a <= 1, where the integrand is analytic and Gauss-Legendre quadrature converges fast. rbar is an argument
of its own: nothing cancels at rho = +-1. The derivatives are those of the integral over a quadrant,

    dPhi_2/dh = phi(h) Phi(h'),   dPhi_2/d(asin rho) = exp(-(h^2 + h'^2) / 2) / (2 pi)
"""

from __future__ import annotations

from functools import cache
from math import pi
from typing import Any

import numpy as np

from learndyn.gaussian.namespaces import NUMPY
from learndyn.gaussian.normal import cdf, pdf, standardised

TWO_PI = 2.0 * pi
# For a <= 1 and every h, 12 nodes agree with 80 to 1e-16, 10 nodes to 1e-14.
_POSITIONS, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_NODES, _WEIGHTS = (1.0 + _POSITIONS) / 2.0, _WEIGHTS / (2.0 * TWO_PI)


def correlation(s11: Any, s12: Any, s22: Any, xp: Any) -> tuple[Any, Any]:
    """(rho, rbar) of a covariance [[s11, s12], [s12, s22]]; a variable of zero variance is independent of the other."""
    scale = xp.root(s11 * s22)
    rbar = xp.ratio(xp.root(s11 * s22 - s12 * s12), scale)
    return xp.unit(xp.ratio(s12, scale)), xp.where(scale == 0.0, 1.0, rbar)


def given(h: Any, k: Any, rho: Any, rbar: Any, xp: Any) -> Any:
    """h' = (k - rho h) / rbar: the mean of the second variable, in its standard deviations, where the first is zero.

    Of two numbers that are nearly equal the difference is taken first. At rbar = 0 it is held (`normal.standardised`).
    """
    if h is None:
        return None
    sign = xp.where(rho < 0.0, -1.0, 1.0)
    apart = (k - sign * h) + sign * h * (rbar * rbar / (1.0 + xp.abs(rho)))
    return standardised(apart, rbar, xp)


def bivariate_cdf(h: Any, k: Any, rho: Any, rbar: Any, xp: Any) -> Any:
    """Phi_2(h, k; rho) = P(u < h, v < k) for standard normal u, v of correlation rho.

    Parameters
    ----------
    h, k
        Arrays that broadcast, in [-40, 40]; both ``None`` stand for zeros.
    rho, rbar
        The correlation, in [-1, 1], and sqrt(1 - rho^2).
    xp
        The namespace (`learndyn.gaussian.namespaces`): NumPy or JAX.

    Returns
    -------
    array
        To 1e-15 absolute for the given rbar; differentiable in JAX, finite everywhere. The derivative with respect to
        the angle of (rho, rbar) is 0 at rho = +-1 where that of rbar is.

    Notes
    -----
    Some 30 exponentials, 0.3 us in a batch. Owen (1956), Ann. Math. Statist. 27, 1075, eq. 2.1 and 2.3.

    Examples
    --------
    >>> from learndyn.gaussian.bivariate import bivariate_cdf
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> round(float(bivariate_cdf(0.0, 0.0, 0.5, 0.75**0.5, NUMPY)), 12)  # 1/4 + asin(1/2) / (2 pi)
    0.333333333333
    """
    if h is None:
        return 0.25 + xp.angle(rho, rbar) / TWO_PI
    if xp is NUMPY:
        return _value(h, k, rho, rbar, NUMPY)
    return _traced()(*xp.broadcast_arrays(h, k, rho, rbar))


def density_on_angle(h: Any, k: Any, rho: Any, rbar: Any, xp: Any) -> Any:
    """dPhi_2/d(asin rho) = exp(-(h^2 + h'^2) / 2) / (2 pi): rbar times the density at (h, k)."""
    if h is None:
        return 1.0 / TWO_PI
    other = given(h, k, rho, rbar, xp)
    return xp.exp(-0.5 * (h * h + other * other)) / TWO_PI


def _value(h: Any, k: Any, rho: Any, rbar: Any, xp: Any) -> Any:
    # At h = k = 0 only the direction counts, that of h = k.
    both_zero = (h == 0.0) & (k == 0.0)
    h, k = xp.where(both_zero, 1e-100, h), xp.where(both_zero, 1e-100, k)
    h_given, k_given = given(h, k, rho, rbar, xp), given(k, h, rho, rbar, xp)
    # 0 counts as the limit from above, in h as in delta.
    sign_h, sign_k = xp.where(h < 0.0, -1.0, 1.0), xp.where(k < 0.0, -1.0, 1.0)
    delta = xp.where(sign_h == sign_k, 0.0, 1.0)
    legs = xp.abs(xp.stack([h, k, h_given, k_given]))
    cdfs = cdf(legs, xp)
    sectors = _sector(legs[:2], legs[2:], cdfs[:2], cdfs[2:], xp)
    signs = xp.stack([sign_h * xp.sign(h_given), sign_k * xp.sign(k_given)])
    both = xp.where(h < 0.0, 1.0 - cdfs[0], cdfs[0]) + xp.where(k < 0.0, 1.0 - cdfs[1], cdfs[1])
    return 0.5 * (both - delta) - (signs * sectors).sum(0)


def _sector(leg: Any, other: Any, cdf_leg: Any, cdf_other: Any, xp: Any) -> Any:
    """T(leg, other / leg) for legs that are not negative, with the cdf of both."""
    long, short = xp.maximum(leg, other), xp.minimum(leg, other)
    slope = xp.ratio(short, long)
    square = 1.0 + (slope[..., None] * _NODES) ** 2
    exponent = (-0.5 * long * long)[..., None] * square
    T = slope * ((xp.exp(exponent) / square) @ _WEIGHTS)
    return xp.where(other > leg, 0.5 * (cdf_leg + cdf_other) - cdf_leg * cdf_other - T, T)


@cache
def _traced() -> Any:
    """The function in JAX, with its derivatives."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    xp = jax_namespace()

    @jax.custom_jvp
    def phi_2(h: Any, k: Any, rho: Any, rbar: Any) -> Any:
        return _value(h, k, rho, rbar, xp)

    @phi_2.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        h, k, rho, rbar = primals
        dh, dk, drho, drbar = tangents
        along_h = pdf(h, xp) * cdf(given(h, k, rho, rbar, xp), xp)
        along_k = pdf(k, xp) * cdf(given(k, h, rho, rbar, xp), xp)
        turn = rbar * drho - rho * drbar
        return phi_2(h, k, rho, rbar), along_h * dh + along_k * dk + density_on_angle(h, k, rho, rbar, xp) * turn

    return phi_2
