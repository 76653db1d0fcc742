"""Elementary functions that activations ask for, on all numbers: exp x - 1, tanh, log, log(1 + x), sine and cosine.

Like those of `learndyn.lanes.functions`, without branches where lanes could part. Largest relative errors in units of
2^-52, measured against 40 digits and held by a test: expm1 1.2, tanh 1.5, log 0.7, log1p 1.3, sine and cosine 1.4 for
|x| < 1e6, beyond which they are the library's, one lane after another. NaN and infinities are as IEEE 754 has them;
expm1 is infinite already above 709 (8e307).

expm1 and tanh take lanes or one number, the others lanes (for numbers there is `math`).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from learndyn.lanes.functions import (
    EXPONENT_OF_ONE,
    FRACTION_BITS,
    LN2_HIGH,
    LN2_LOW,
    LOG2_E,
    ROUNDER,
    log_of_normal,
    sine_cosine,
)
from learndyn.lanes.types import LANES, absolute, all_lanes, as_bits, as_numbers, lane_of, select, with_lane

_compile = njit(error_model="numpy", forceinline=True, fastmath=False)

SIGN = np.uint64(0x8000000000000000)


@_compile
def _expm1_inside(x):
    """exp x - 1 = (2^k - 1) + 2^k (exp r - 1) with |r| <= ln 2 / 2 and the Taylor series of exp r up to r^13."""
    shifted = x * LOG2_E + ROUNDER
    k = shifted - ROUNDER
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    # (exp r - 1 - r) / r^2
    low = (1 / 2 + r * (1 / 6)) + r2 * (1 / 24 + r * (1 / 120))
    middle = (1 / 720 + r * (1 / 5040)) + r2 * (1 / 40320 + r * (1 / 362880))
    high = (1 / 3628800 + r * (1 / 39916800)) + r2 * (1 / 479001600 + r * (1 / 6227020800))
    series = r + r2 * (low + r4 * (middle + r4 * high))
    power = as_numbers((as_bits(shifted) + EXPONENT_OF_ONE) << FRACTION_BITS)
    return (power - 1.0) + power * series


@_compile
def expm1(x):
    """exp x - 1, accurate also near 0; of lanes or of one number."""
    inside = select(x < -40.0, -40.0, select(x > 709.0, 709.0, x))  # exp -40 = 4e-18
    value = select(x > 709.0, math.inf, _expm1_inside(inside))
    return select(x == 0.0, x, value)  # -0 stays


@_compile
def tanh(x):
    """tanh x = E / (E + 2) with E = exp 2|x| - 1, and the sign of x; of lanes or of one number."""
    a = abs(x)
    E = _expm1_inside(2.0 * select(a > 22.0, 22.0, a))  # tanh 22 = 1 - 2e-19
    return as_numbers(as_bits(E / (E + 2.0)) | (as_bits(x) & SIGN))


SMALLEST_NORMAL = 2.0**-1022
TWO_TO_54, LOG_OF_TWO_TO_54 = 2.0**54, 54.0 * math.log(2.0)


@_compile
def log(x):
    """log x of lanes: -inf at 0, NaN below."""
    tiny = x < SMALLEST_NORMAL
    value = log_of_normal(select(tiny, TWO_TO_54 * x, x)) - select(tiny, LOG_OF_TWO_TO_54, 0.0)
    value = select(x < math.inf, value, x)
    return select(x > 0.0, value, select(x == 0.0, -math.inf, math.nan))


@_compile
def log1p(x):
    """log(1 + x) of lanes: with u = 1 + x rounded, log u + (x - (u - 1)) / u."""
    u = 1.0 + x
    value = log_of_normal(u) + (x - (u - 1.0)) / u
    value = select(x < math.inf, value, x)
    return select(x == 0.0, x, select(x > -1.0, value, select(x == -1.0, -math.inf, math.nan)))


TWO_OVER_PI = 2.0 / math.pi
# pi / 2 in three pieces; multiples of the first two by k < 2^20 are exact.
HALF_PI_1, HALF_PI_2, HALF_PI_3 = 1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21
LARGEST_ANGLE = 1e6


@_compile
def _turned(x, quarters):
    """sin(x + quarters pi / 2) for |x| < LARGEST_ANGLE."""
    shifted = x * TWO_OVER_PI + ROUNDER
    k = shifted - ROUNDER
    sine, cosine = sine_cosine(((x - k * HALF_PI_1) - k * HALF_PI_2) - k * HALF_PI_3)
    # The last bits of the shifted number count the quarter turns.
    turns = as_bits(shifted) + quarters
    value = select((turns & 1) == 1, cosine, sine)
    return as_numbers(as_bits(value) ^ ((turns & 2) << 62))


@_compile
def sin(x):
    """The sine of lanes."""
    inside = absolute(x) < LARGEST_ANGLE
    value = select(x == 0.0, x, _turned(x, 0))  # -0 stays
    if all_lanes(inside):
        return value
    for lane in range(LANES):
        x = with_lane(x, lane, math.sin(lane_of(x, lane)))
    return select(inside, value, x)


@_compile
def cos(x):
    """The cosine of lanes."""
    inside = absolute(x) < LARGEST_ANGLE
    value = _turned(x, 1)
    if all_lanes(inside):
        return value
    for lane in range(LANES):
        x = with_lane(x, lane, math.cos(lane_of(x, lane)))
    return select(inside, value, x)
