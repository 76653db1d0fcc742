"""Averages of the shifted error function phi(h) = Phi(u h) = [1 + erf(sqrt(pi) h / 4)] / 2 over h ~ N(m, v).

With u = sqrt(pi / 8), V = 1 + u^2 v, z = u m / sqrt V, k = 1 / sqrt(1 + 2 u^2 v) and phibar = 1 - phi

    <phi>           = Phi(z)                                       Schmid & Murray (2024), equation (38)
    <phi^2>         = Phi(z) - 2 T(z, k)                           (39)
    <phi phibar>    = 2 T(z, k)
    <phi phi'>      = u V^(-1/2) pdf(z) Phi(k z)                   half the slope of <phi^2>
    <phi^2 phi'^2>  = u^2 k / (2 pi) exp(-(u m k)^2) <phi^2>       the last at m k^2 and v k^2, a Gaussian tilt

and <phi phibar (phi - phibar)> has no closed form, but a closed slope, d/dm = <phi' (6 phi phibar - 1)>, at m / V and
v / V by a tilt.
"""

from __future__ import annotations

from functools import cache
from math import pi, sqrt
from typing import Any

from learndyn.gaussian.namespaces import NUMPY
from learndyn.gaussian.normal import pdf
from learndyn.gaussian.tails import both_below, lower_tail, owen_t
from learndyn.scenarios.classification.rules.window import window_average

U = sqrt(pi / 8.0)


def phi(h: Any, xp: Any) -> Any:
    """The activation itself, accurate in both tails."""
    return lower_tail(U * h, xp)


def log_phi(h: Any) -> Any:
    """log phi(h), NumPy; also where phi(h) itself would be 0."""
    from scipy.special import log_ndtr

    return log_ndtr(U * h)


def mean(m: Any, v: Any, xp: Any) -> Any:
    """<phi>."""
    return lower_tail(U * m / xp.sqrt(1.0 + U * U * v), xp)


def square(m: Any, v: Any, xp: Any) -> Any:
    """<phi^2>."""
    return both_below(*_scaled(m, v, xp), xp)


def product(m: Any, v: Any, xp: Any) -> Any:
    """<phi phibar>."""
    return 2.0 * owen_t(*_scaled(m, v, xp), xp)


def with_slope(m: Any, v: Any, xp: Any) -> Any:
    """<phi phi'>."""
    z, k = _scaled(m, v, xp)
    return U / xp.sqrt(1.0 + U * U * v) * pdf(z, xp) * lower_tail(k * z, xp)


def square_with_slope(m: Any, v: Any, xp: Any) -> Any:
    """<phi^2 phi'^2>."""
    _, k = _scaled(m, v, xp)
    factor = U * U * k / (2.0 * pi) * xp.exp(-((U * m * k) ** 2))
    return factor * square(m * k * k, v * k * k, xp)


def skew(m: Any, v: Any, xp: Any) -> Any:
    """<phi phibar (phi - phibar)>, absolute error below 1e-14."""
    return _skew(m, v, NUMPY) if xp is NUMPY else _traced_skew()(*xp.broadcast_arrays(m, v))


def _scaled(m: Any, v: Any, xp: Any) -> tuple[Any, Any]:
    """z and k."""
    return U * m / xp.sqrt(1.0 + U * U * v), 1.0 / xp.sqrt(1.0 + 2.0 * U * U * v)


def _skew(m: Any, v: Any, xp: Any) -> Any:
    def integrand(h: Any) -> Any:
        p, q = phi(h, xp), phi(-h, xp)
        return p * q * (p - q)

    return window_average(integrand, m, v, xp)


def _skew_slope(m: Any, v: Any, xp: Any) -> Any:
    V = 1.0 + U * U * v
    return U / xp.sqrt(V) * pdf(U * m / xp.sqrt(V), xp) * (6.0 * product(m / V, v / V, xp) - 1.0)


@cache
def _traced_skew() -> Any:
    """`skew` in JAX; the derivative in v is half the second one in m."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    xp = jax_namespace()

    @jax.custom_jvp
    def average(m: Any, v: Any) -> Any:
        return _skew(m, v, xp)

    @average.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        m, v = primals
        slope, curvature = jax.jvp(lambda m: _skew_slope(m, v, xp), (m,), (xp.ones_like(m),))
        return average(m, v), slope * tangents[0] + 0.5 * curvature * tangents[1]

    return average
