"""The elementwise functions of `namespaces` in JAX: fast on vectors and differentiable on the closed domain."""

from __future__ import annotations

from math import pi
from typing import Any

import jax
import jax.numpy as jnp

# atan(x) = x P(x^2) / Q(x^2) on |x| <= 1, rational interpolation at the Chebyshev points of [0, 1] in x^2;
# relative error 5e-17 before rounding. jnp.arctan2 costs 12 ns on a CPU core, this 2 to 3.
_P = (
    1.0,
    2.481724209061851,
    2.2349154765019423,
    0.888660069119356,
    0.1508585490078647,
    0.00867132230283124,
    7.270489172902097e-05,
)
_Q = (
    1.0,
    2.8150575423951674,
    2.9732679906346715,
    1.4595950336848558,
    0.33377659546456573,
    0.030888667775341615,
    0.0007553339999876821,
)


def _horner(coefficients: tuple[float, ...], z: Any) -> Any:
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * z + coefficient
    return total


def ratio(a: Any, b: Any) -> Any:
    """a / b, and 0 where b = 0."""
    return jnp.where(b == 0.0, 0.0, a / jnp.where(b == 0.0, 1.0, b))


@jax.custom_jvp
def angle(s: Any, c: Any) -> Any:
    """atan2(s, c) for c >= 0, in [-pi/2, pi/2]; 0 at the origin.

    The half angle has tangent s / (c + sqrt(s^2 + c^2)), which lies in [-1, 1]: no branch, one polynomial range.
    """
    x = s / (c + jnp.sqrt(s * s + c * c) + 1e-300)
    z = x * x
    return 2.0 * x * (_horner(_P, z) / _horner(_Q, z))


@angle.defjvp
def _angle_jvp(primals: Any, tangents: Any) -> Any:
    s, c = primals
    ds, dc = tangents
    square = s * s + c * c
    return angle(s, c), ratio(c * ds - s * dc, square)


# asin(x) = x + x z S(z), z = x^2, on |x| <= 1/2: polynomial interpolation at the Chebyshev points of [0, 1/4] in z;
# relative error 6e-18 before rounding. There is no division in it, which costs as much as ten coefficients.
_S = (
    0.16666666666666669,
    0.07499999999998433,
    0.04464285714635543,
    0.030381944138531247,
    0.02237217294214989,
    0.017352392720869973,
    0.013971212973552933,
    0.011479177415184906,
    0.01032281435018578,
    0.005457506718640358,
    0.01740087944269402,
    -0.014851887071247204,
    0.028757851367421566,
)


@jax.custom_jvp
def arcsine(x: Any) -> Any:
    """asin(x) for |x| <= 1 (clipped); its derivative at +-1 is 0. Half the cost of `angle`.

    Beyond 1/2 it is pi/2 - 2 asin(sqrt((1 - x) / 2)): one polynomial, no branch.
    """
    size = jnp.minimum(jnp.abs(x), 1.0)
    far = size > 0.5
    z = jnp.where(far, 0.5 * (1.0 - size), size * size)
    s = jnp.where(far, jnp.sqrt(z), size)
    found = s + s * (z * _horner(_S, z))
    return jnp.copysign(jnp.where(far, 0.5 * pi - 2.0 * found, found), x)


@arcsine.defjvp
def _arcsine_jvp(primals: Any, tangents: Any) -> Any:
    (x,) = primals
    cosine = root((1.0 - x) * (1.0 + x))
    return arcsine(x), ratio(tangents[0], cosine)


@jax.custom_jvp
def unit(x: Any) -> Any:
    """x clipped to [-1, 1]; the derivative is 1 also at and beyond the ends, where that of jnp.clip is 1/2 and 0."""
    return jnp.clip(x, -1.0, 1.0)


@unit.defjvp
def _unit_jvp(primals: Any, tangents: Any) -> Any:
    return unit(primals[0]), tangents[0]


@jax.custom_jvp
def root(x: Any) -> Any:
    """sqrt(max(x, 0)); the derivative at x <= 0 is 0."""
    return jnp.sqrt(jnp.maximum(x, 0.0))


@root.defjvp
def _root_jvp(primals: Any, tangents: Any) -> Any:
    value = root(primals[0])
    return value, ratio(0.5 * tangents[0], value)


# Up to this many columns a matrix product is written as a sum.
SMALL = 16


def product(A: Any, B: Any) -> Any:
    """The matrix product of arrays with at most two axes; a small one is written as a sum, which XLA fuses.

    A matrix product is a call of its own on a CPU: for a handful of units it costs more than all the arithmetic.
    """
    if max(A.shape[-1], B.shape[-1]) > SMALL:
        return A @ B
    if B.ndim == 1:
        return (A * B).sum(-1)
    return (A[..., :, None] * B).sum(-2)


def batched_map(function: Any, arrays: Any, size: int) -> Any:
    """The function over the first axis of all arrays, `size` of them vectorised at a time."""
    return jax.lax.map(function, arrays, batch_size=size)


class _Jax:
    """JAX's NumPy with the extra functions."""

    erf = staticmethod(jax.scipy.special.erf)
    angle = staticmethod(angle)
    arcsine = staticmethod(arcsine)
    unit = staticmethod(unit)
    root = staticmethod(root)
    ratio = staticmethod(ratio)
    product = staticmethod(product)
    batched_map = staticmethod(batched_map)
    stop_gradient = staticmethod(jax.lax.stop_gradient)

    def __getattr__(self, name: str) -> Any:
        return getattr(jnp, name)


JAX = _Jax()
