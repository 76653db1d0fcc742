"""Averages of the logistic function phi(h) = 1 / (1 + exp(-h)) over h ~ N(m, v), by quadrature.

All that is averaged is a polynomial P(phi). Since phi' = phi (1 - phi), so is each of its derivatives,

    dP/dh = phi (1 - phi) dP/dphi,

and the derivatives of an average are averages, d/dm <P> = <dP/dh> and d/dv = (1/2) d^2/dm^2: exact, also at v = 0.
Polynomials that are 0 at phi = 0 and phi = 1 fall like exp(-|h|) and are averaged by the trapezoidal rule
(`window`). For <phi> and <phi^2> that rule takes the difference from the shifted error function, whose averages have
closed forms.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import comb
from typing import Any

import numpy as np

from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.classification.rules import shifted_erf
from learndyn.scenarios.classification.rules.window import window_average

# Coefficients of 1, phi, phi^2, ...
Polynomial = tuple[int, ...]
MEAN, SQUARE = (0, 1), (0, 0, 1)
PRODUCT = (0, 1, -1)  # phi phibar
SKEW = (0, -1, 3, -2)  # phi phibar (2 phi - 1)
WITH_SLOPE = (0, 0, 1, -1)  # phi phi'
SQUARE_WITH_SLOPE = (0, 0, 0, 0, 1, -2, 1)  # phi^2 phi'^2


def phi(h: Any, xp: Any) -> Any:
    """The activation itself, accurate in both tails."""
    e = xp.exp(-xp.abs(h))
    return xp.where(h < 0.0, e, 1.0) / (1.0 + e)


def log_phi(h: Any) -> Any:
    """log phi(h), NumPy; also where phi(h) itself would be 0."""
    return np.minimum(h, 0.0) - np.log1p(np.exp(-np.abs(h)))


def mean(m: Any, v: Any, xp: Any) -> Any:
    """<phi>."""
    return _average(MEAN, m, v, xp)


def square(m: Any, v: Any, xp: Any) -> Any:
    """<phi^2>."""
    return _average(SQUARE, m, v, xp)


def product(m: Any, v: Any, xp: Any) -> Any:
    """<phi phibar>."""
    return _average(PRODUCT, m, v, xp)


def skew(m: Any, v: Any, xp: Any) -> Any:
    """<phi phibar (phi - phibar)>."""
    return _average(SKEW, m, v, xp)


def with_slope(m: Any, v: Any, xp: Any) -> Any:
    """<phi phi'>."""
    return _average(WITH_SLOPE, m, v, xp)


def square_with_slope(m: Any, v: Any, xp: Any) -> Any:
    """<phi^2 phi'^2>."""
    return _average(SQUARE_WITH_SLOPE, m, v, xp)


def _average(P: Polynomial, m: Any, v: Any, xp: Any) -> Any:
    return _values((P,), m, v, NUMPY)[0] if xp is NUMPY else _traced()((P,), *xp.broadcast_arrays(m, v))[0]


def _values(polynomials: tuple[Polynomial, ...], m: Any, v: Any, xp: Any) -> Any:
    """<P> of several polynomials, which share their nodes; (polynomials, ...)."""

    def integrands(h: Any) -> Any:
        e = xp.exp(-xp.abs(h))
        small = e / (1.0 + e)
        found = [_evaluate(P, h < 0.0, small, xp) for P in polynomials]
        near = shifted_erf.phi(h, xp) if any(P in NEAR for P in polynomials) else None
        pairs = zip(polynomials, found, strict=True)
        return xp.stack([value - NEAR[P](near) if P in NEAR else value for P, value in pairs])

    total = window_average(integrands, m, v, xp)
    closed = {MEAN: shifted_erf.mean, SQUARE: shifted_erf.square}
    pairs = zip(polynomials, total, strict=True)
    return xp.stack([each + closed[P](m, v, xp) if P in closed else each for P, each in pairs])


# What is taken from the integrand, as a function of the other activation, because its average is known.
NEAR = {MEAN: lambda near: near, SQUARE: lambda near: near * near}


def _evaluate(P: Polynomial, below: Any, small: Any, xp: Any) -> Any:
    """P(phi(h)), to full relative accuracy in both tails: a polynomial of phi below h = 0, of phibar above."""
    total = 0.0
    for if_below, if_above in zip(reversed(P), reversed(reflected(P)), strict=True):
        total = total * small + xp.where(below, float(if_below), float(if_above))
    return total


@lru_cache(maxsize=256)
def reflected(P: Polynomial) -> Polynomial:
    """The coefficients of P(1 - x) in powers of x, exactly."""
    found = [0] * len(P)
    for degree, coefficient in enumerate(P):
        for power in range(degree + 1):
            found[power] += coefficient * comb(degree, power) * (-1) ** power
    return tuple(found)


@lru_cache(maxsize=256)
def derivative(P: Polynomial) -> Polynomial:
    """The coefficients of dP/dh = phi (1 - phi) dP/dphi."""
    found = [0] * (len(P) + 1)
    for degree, coefficient in enumerate(P):
        found[degree] += degree * coefficient
        found[degree + 1] -= degree * coefficient
    return tuple(found)


@cache
def _traced() -> Any:
    """Averages of several polynomials in JAX.

    The slope of one is another average at the same m and v: all that a derivative needs come from one call, so that
    derivatives of high order stay small programs.
    """
    from functools import partial

    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    xp = jax_namespace()

    @partial(jax.custom_jvp, nondiff_argnums=(0,))
    def averages(polynomials: tuple[Polynomial, ...], m: Any, v: Any) -> Any:
        return _values(polynomials, m, v, xp)

    @averages.defjvp
    def _(polynomials: tuple[Polynomial, ...], primals: Any, tangents: Any) -> Any:
        slopes = tuple(derivative(P) for P in polynomials)
        curvatures = tuple(derivative(P) for P in slopes)
        wanted = tuple(dict.fromkeys((*polynomials, *slopes, *curvatures)))
        found = averages(wanted, *primals)

        def of(those: tuple[Polynomial, ...]) -> Any:
            return found[np.array([wanted.index(P) for P in those])]

        along = of(slopes) * tangents[0] + 0.5 * of(curvatures) * tangents[1]
        return of(polynomials), along

    return averages
