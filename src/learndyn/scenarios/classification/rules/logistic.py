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
    return _value(P, m, v, NUMPY) if xp is NUMPY else _traced()(P, *xp.broadcast_arrays(m, v))


def _value(P: Polynomial, m: Any, v: Any, xp: Any) -> Any:
    if P == MEAN:
        return shifted_erf.mean(m, v, xp) + window_average(lambda h: phi(h, xp) - shifted_erf.phi(h, xp), m, v, xp)
    if P == SQUARE:
        rest = window_average(lambda h: phi(h, xp) ** 2 - shifted_erf.phi(h, xp) ** 2, m, v, xp)
        return shifted_erf.square(m, v, xp) + rest
    return window_average(lambda h: _evaluate(P, h, xp), m, v, xp)


def _evaluate(P: Polynomial, h: Any, xp: Any) -> Any:
    """P(phi(h)), to full relative accuracy in both tails: for h > 0 as a polynomial of phibar."""
    e = xp.exp(-xp.abs(h))
    small = e / (1.0 + e)
    total = 0.0
    for below, above in zip(reversed(P), reversed(reflected(P)), strict=True):
        total = total * small + xp.where(h < 0.0, float(below), float(above))
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
    """<P> in JAX."""
    from functools import partial

    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    xp = jax_namespace()

    @partial(jax.custom_jvp, nondiff_argnums=(0,))
    def average(P: Polynomial, m: Any, v: Any) -> Any:
        return _value(P, m, v, xp)

    @average.defjvp
    def _(P: Polynomial, primals: Any, tangents: Any) -> Any:
        m, v = primals
        slope = derivative(P)
        along = average(slope, m, v) * tangents[0] + 0.5 * average(derivative(slope), m, v) * tangents[1]
        return average(P, m, v), along

    return average
