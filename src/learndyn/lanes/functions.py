"""Elementary functions of lanes, without branches: exp, log, erf, 1 / sqrt, sine and cosine.

All are polynomials after a reduction of the argument, so that lanes with different arguments take the same
instructions. Largest relative errors in units of 2^-52, measured against 30 digits and held by a test: exp 1.5,
log 0.7, erf 2, the reciprocal root 0.9 (0.7 where products and sums are fused), sine and cosine 0.6.

exp and erf take any argument, NaN and infinities as IEEE 754 has it; but exp is 0 below -708 (where it is 3e-308) and
infinite above 709 (8e307). The others serve their ranges only: log the normal numbers, the reciprocal root these and 0,
sine and cosine |x| <= pi / 4.
"""

from __future__ import annotations

import math
import operator

import numpy as np
from numba import njit, types
from numba.extending import overload

from learndyn.lanes.types import LANES, absolute, as_bits, as_numbers, copysign, is_lanes, lane_of, select, with_lane

# Kernels that may reorder sums hand that leave to what they inline: here it would cancel the reductions of arguments.
_compile = njit(error_model="numpy", forceinline=True, fastmath=False)

LOG2_E = 1.4426950408889634
# ln 2 in two pieces: the first has so few digits that its multiples by exponents are exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Adding it leaves the rounded integer in the last bits of the sum.
ROUNDER = 6755399441055744.0  # 1.5 2^52
# Bits of numbers are unsigned; numba would make an unsigned and a signed integer a float.
EXPONENT_OF_ONE, FRACTION_BITS = np.uint64(1023), np.uint64(52)
MANTISSA = 0x000FFFFFFFFFFFFF
ONE = 0x3FF0000000000000
TWO_TO_52, TWO_TO_52_BITS = 4503599627370496.0, 0x4330000000000000


@_compile
def exp(x):
    """exp x = 2^k exp r with |r| <= ln 2 / 2, and the Taylor series of exp r up to r^13; of lanes or of one number."""
    inside = select(x < -708.0, -708.0, select(x > 709.0, 709.0, x))
    shifted = inside * LOG2_E + ROUNDER
    k = shifted - ROUNDER
    r = (inside - k * LN2_HIGH) - k * LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (1.0 + r) + r2 * (1 / 2 + r * (1 / 6))
    middle = (1 / 24 + r * (1 / 120)) + r2 * (1 / 720 + r * (1 / 5040))
    high = (1 / 40320 + r * (1 / 362880)) + r2 * (1 / 3628800 + r * (1 / 39916800))
    top = 1 / 479001600 + r * (1 / 6227020800)
    series = low + r4 * (middle + r4 * (high + r4 * top))
    power = as_numbers((as_bits(shifted) + EXPONENT_OF_ONE) << FRACTION_BITS)
    return select(x < -708.0, 0.0, select(x > 709.0, math.inf, series * power))


@_compile
def log_of_normal(x):
    """log x of normal numbers x > 0: 2^k m with m in [1 / sqrt 2, sqrt 2) and log m = 2 artanh((m - 1) / (m + 1))."""
    bits = as_bits(x)
    m = as_numbers((bits & MANTISSA) | ONE)
    k = as_numbers((bits >> 52) | TWO_TO_52_BITS) - (TWO_TO_52 + 1023.0)
    large = m > 1.4142135623730951
    m = select(large, 0.5 * m, m)
    k = select(large, k + 1.0, k)
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    z2 = z * z
    # 2 artanh s = 2 s + s z (L1 + L2 z + ...), where 2 s = f - s f; |s| <= 0.1716.
    even = L1 + z2 * (L3 + z2 * (L5 + z2 * (L7 + z2 * L9)))
    odd = L2 + z2 * (L4 + z2 * (L6 + z2 * L8))
    half_square = 0.5 * f * f
    tail = s * (half_square + z * (even + z * odd))
    return k * LN2_HIGH - ((half_square - (tail + k * LN2_LOW)) - f)


# 2 (artanh s / s - 1) / s^2 in powers of z = s^2; the next term is below 1e-16 of the logarithm.
L1, L2, L3, L4, L5, L6, L7, L8, L9 = (2.0 / (2 * n + 1) for n in range(1, 10))

# erf(x) / x in powers of x^2 for |x| < 1, and exp(x^2) erfc(x) in powers of (x - 3) / (x + 3) for 1 <= x <= 6:
# Chebyshev series of degree 12 and 15, computed with 60 digits (tests/data/make_lane_coefficients.py).
# fmt: off
ERF = (
    1.1283791670955126, -0.3761263890318375, 0.11283791670954882, -0.026866170645077334, 0.005223977624823223,
    -0.0008548326981129666, 0.00012055331122299266, -1.4925595519506043e-05, 1.6461004480962034e-06,
    -1.6350354461959655e-07, 1.4660051998394848e-08, -1.1373902296430911e-09, 5.958930743134941e-11,
)
ERFCX = (
    0.17900115118138996, -0.3262335600430372, 0.24560380171233484, -0.15011593650077798, 0.07166583719747689,
    -0.02439249931897869, 0.004269136356764373, 0.0007077464683795443, -0.0005970624913315528, 4.5254324753444315e-05,
    6.406272093668428e-05, -1.2845673357286076e-05, -8.00928960121368e-06, 2.0134932881269957e-06,
    1.2742568627764978e-06, 2.2748538034632206e-09,
)
E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12 = ERF
C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15 = ERFCX
# fmt: on


def erf(x):
    """erf x, of lanes or of one number, for |x| < 1 a polynomial, beyond 1 - exp(-x^2) [exp(x^2) erfc x]."""
    raise NotImplementedError("only inside numba kernels")


@overload(erf)
def _erf(x):
    return (lambda x: _erf_of_lanes(x)) if is_lanes(x) else (lambda x: _erf_of_one(x))


@_compile
def _small_erf(x, t):
    """erf x for t = x^2 <= 1."""
    t2 = t * t
    t4 = t2 * t2
    low = (E0 + t * E1) + t2 * (E2 + t * E3)
    middle = (E4 + t * E5) + t2 * (E6 + t * E7)
    high = (E8 + t * E9) + t2 * (E10 + t * E11) + t4 * E12
    return x * (low + t4 * (middle + t4 * high))


@_compile
def _erf_of_lanes(x):
    t = x * x
    a = absolute(x)
    a = select(a > 6.0, 6.0, a)  # erf 6 = 1 - 2e-17
    s = (a - 3.0) / (a + 3.0)
    s2 = s * s
    s4 = s2 * s2
    low = ((C0 + s * C1) + s2 * (C2 + s * C3)) + s4 * ((C4 + s * C5) + s2 * (C6 + s * C7))
    high = ((C8 + s * C9) + s2 * (C10 + s * C11)) + s4 * ((C12 + s * C13) + s2 * (C14 + s * C15))
    large = copysign(1.0 - (low + (s4 * s4) * high) * exp(-(a * a)), x)
    return select(t < 1.0, _small_erf(x, t), large)


@_compile
def _erf_of_one(x):
    t = x * x
    return _small_erf(x, t) if t < 1.0 else math.erf(x)


@overload(operator.pow)
def _power(x, exponent):
    """x ** n by repeated squaring; other exponents one lane after another."""
    if not is_lanes(x):
        return None
    if isinstance(exponent, types.Integer):
        return lambda x, exponent: _whole_power(x, exponent)
    return (lambda x, exponent: _any_power(x, exponent)) if isinstance(exponent, types.Float) else None


@_compile
def _whole_power(x, exponent):
    result = select(x == x, 1.0, 1.0)
    factor, left = x, abs(exponent)
    while left > 0:
        if left % 2 == 1:
            result = result * factor
        factor = factor * factor
        left //= 2
    return 1.0 / result if exponent < 0 else result


@_compile
def _any_power(x, exponent):
    for lane in range(LANES):
        x = with_lane(x, lane, lane_of(x, lane) ** exponent)
    return x


def root(x):
    """The square root of lanes, or of one number, x >= 0; in kernels only."""
    raise NotImplementedError("only inside numba kernels")


@overload(root)
def _root(x):
    return (lambda x: x * _reciprocal_root_of_lanes(x)) if is_lanes(x) else (lambda x: math.sqrt(x))


def reciprocal_root(x):
    """1 / sqrt x for x > 0, of lanes or of one number; in kernels only.

    At x = 0 it is finite, so that x reciprocal_root(x) = sqrt x holds there too; NaN stays NaN.
    """
    raise NotImplementedError("only inside numba kernels")


@overload(reciprocal_root)
def _reciprocal_root(x):
    if is_lanes(x):
        return lambda x: _reciprocal_root_of_lanes(x)
    return lambda x: 0.0 if x == 0.0 else 1.0 / math.sqrt(x)


@_compile
def _reciprocal_root_of_lanes(x):
    """A guess from the exponent, and two steps of fourth order."""
    y = as_numbers(0x5FE6EB50C7B537A9 - (as_bits(x) >> 1))
    e = 1.0 - (x * y) * y
    y = y + y * (e * (0.5 + e * (0.375 + e * 0.3125)))
    e = 1.0 - (x * y) * y
    return y + y * (e * (0.5 + e * (0.375 + e * 0.3125)))


@_compile
def sine_cosine(x):
    """Sine and cosine for |x| <= pi / 4, by their Taylor series up to x^17 and x^16."""
    z = x * x
    z2 = z * z
    z4 = z2 * z2
    low = (-1 / 6 + z * (1 / 120)) + z2 * (-1 / 5040 + z * (1 / 362880))
    high = (-1 / 39916800 + z * (1 / 6227020800)) + z2 * (-1 / 1307674368000 + z * (1 / 355687428096000))
    sine = x + x * (z * (low + z4 * high))
    low = (1 / 24 + z * (-1 / 720)) + z2 * (1 / 40320 + z * (-1 / 3628800))
    high = (1 / 479001600 + z * (-1 / 87178291200)) + z2 * (1 / 20922789888000)
    half = 0.5 * z
    whole = 1.0 - half
    # What rounding 1 - z / 2 has lost is added back.
    return sine, whole + (((1.0 - whole) - half) + z2 * (low + z4 * high))
