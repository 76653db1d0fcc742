"""Probabilities of the normal distribution with full relative accuracy in the tails, in NumPy or JAX (`xp`).

    Phi(z) = erfc(-z / sqrt 2) / 2
    T(h, k) = 1/(2 pi) int_0^k dx exp(-h^2 (1 + x^2) / 2) / (1 + x^2),   0 <= k <= 1        Owen (1956), eq. 2.1
    Phi_2(z, z) = Phi(z) - 2 T(z, k) = 2 int_0^oo dt pdf(z - t) Phi(k (z - t))              rho = (1 - k^2) / (1 + k^2)

No difference of nearly equal numbers is taken: learning without weight decay lives on probabilities of 1e-15. (To 1e-15
absolute, and for any slope, there is `learndyn.gaussian.bivariate`.) The integrands fall by exp(-39) within the range
that is kept. The derivatives in JAX are the closed ones,

    dT/dh = -pdf(h) [Phi(k h) - 1/2],   dT/dk = exp(-h^2 (1 + k^2) / 2) / (2 pi (1 + k^2)).
"""

from __future__ import annotations

from functools import cache
from math import pi
from typing import Any

import numpy as np

from learndyn.gaussian.namespaces import NUMPY
from learndyn.gaussian.normal import INVERSE_SQRT_2, pdf

# Both integrals against 30 digits: 3e-15 relative with 32 nodes.
_POSITIONS, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NODES, _WEIGHTS = (1.0 + _POSITIONS) / 2.0, _WEIGHTS / 2.0
# exp(-REACH^2 / 2) = 1e-17.
REACH = 8.9


def lower_tail(z: Any, xp: Any) -> Any:
    """Phi(z), relative error some 1e-16 (1 + z^2)."""
    if xp is NUMPY:
        from scipy.special import erfc
    else:
        from jax.scipy.special import erfc
    return 0.5 * erfc(-INVERSE_SQRT_2 * z)


def owen_t(h: Any, k: Any, xp: Any) -> Any:
    """Owen's T function for slopes 0 <= k <= 1.

    Parameters
    ----------
    h, k
        Arrays that broadcast; k in [0, 1].
    xp
        The namespace (`learndyn.gaussian.namespaces`): NumPy or JAX.

    Returns
    -------
    array
        T(h, k), relative error some 1e-15 (1 + h^2); in JAX with derivatives of any order.

    Examples
    --------
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> from learndyn.gaussian.tails import owen_t
    >>> round(float(owen_t(0.0, 1.0, NUMPY)), 12)  # atan(1) / (2 pi)
    0.125
    """
    return _owen(h, k, NUMPY) if xp is NUMPY else _traced()[0](*xp.broadcast_arrays(h, k))


def both_below(z: Any, k: Any, xp: Any) -> Any:
    """P(a < z, b < z) for standard normal a, b of correlation (1 - k^2) / (1 + k^2), 0 <= k <= 1.

    Parameters and accuracy are those of `owen_t`; this is Phi(z) - 2 T(z, k).

    Examples
    --------
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> from learndyn.gaussian.tails import both_below
    >>> round(float(both_below(0.0, 1.0, NUMPY)), 12)  # independent
    0.25
    """
    return _both(z, k, NUMPY) if xp is NUMPY else _traced()[1](*xp.broadcast_arrays(z, k))


def _owen(h: Any, k: Any, xp: Any) -> Any:
    end = xp.minimum(k, REACH / xp.maximum(xp.abs(h), REACH))
    x = end[..., None] * _NODES
    square = xp.asarray(h)[..., None] ** 2
    return end * ((xp.exp(-0.5 * square * (1.0 + x * x)) / (1.0 + x * x)) @ _WEIGHTS) / (2.0 * pi)


def _both(z: Any, k: Any, xp: Any) -> Any:
    """By the second integral for z <= 0; Phi_2(z, z) = Phi_2(-z, -z) + erf(z / sqrt 2) leads there."""
    a = xp.abs(z)
    # a t + t^2 / 2 = REACH^2 / 2 at the end.
    end = REACH**2 / (xp.sqrt(a * a + REACH**2) + a)
    s = a[..., None] + end[..., None] * _NODES
    below = 2.0 * end * ((pdf(s, xp) * lower_tail(-xp.asarray(k)[..., None] * s, xp)) @ _WEIGHTS)
    return below + xp.maximum(xp.erf(INVERSE_SQRT_2 * z), 0.0)


@cache
def _traced() -> Any:
    """Both functions in JAX, with their derivatives."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    xp = jax_namespace()

    def along_slope(h: Any, k: Any) -> Any:
        return xp.exp(-0.5 * h * h * (1.0 + k * k)) / (2.0 * pi * (1.0 + k * k))

    @jax.custom_jvp
    def owen(h: Any, k: Any) -> Any:
        return _owen(h, k, xp)

    @owen.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        h, k = primals
        along_h = -0.5 * pdf(h, xp) * xp.erf(INVERSE_SQRT_2 * k * h)
        return owen(h, k), along_h * tangents[0] + along_slope(h, k) * tangents[1]

    @jax.custom_jvp
    def both(z: Any, k: Any) -> Any:
        return _both(z, k, xp)

    @both.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        z, k = primals
        along_z = 2.0 * pdf(z, xp) * lower_tail(k * z, xp)
        return both(z, k), along_z * tangents[0] - 2.0 * along_slope(z, k) * tangents[1]

    return owen, both
