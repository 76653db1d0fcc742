"""Random numbers in lanes: one SFC64 stream a lane, normals by Box and Muller, chi-square by Marsaglia and Tsang.

The integers of a lane are those of ``numpy.random.SFC64`` with the same state; all lanes advance together. A pair of
normals takes two integers and no rejection,

    sqrt(-2 ln u) (cos phi, sin phi),   u in (0, 1], phi in [0, 2 pi) uniform                [Box & Muller 1958]

with u of 52 bits (normals up to 8.5). A chi-square number of nu >= 2 degrees of freedom is twice a gamma number of
shape nu / 2: d v with d = nu / 2 - 1/3, v = (1 + x / sqrt(9 d))^3, x normal, kept when

    ln u < x^2 / 2 + d (1 - v + ln v)                                                  [Marsaglia & Tsang 2000]

A cheap bound decides nearly always; where it does not, that lane alone is settled by plain arithmetic, with further
integers from a second stream of its own. So what a lane draws never depends on the others, and the first stream gives
every draw the same number of integers.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from learndyn.lanes.functions import ONE, log_of_normal, reciprocal_root, sine_cosine
from learndyn.lanes.types import (
    LANES,
    absolute,
    all_lanes,
    as_bits,
    as_numbers,
    in_lane,
    lane_of,
    load,
    select,
    store,
    with_lane,
)

SIGN = 0x8000000000000000
HALF_PI = 0.5 * math.pi
# numba makes an unsigned and a signed integer a float.
ONE_WORD, THREE, ELEVEN, TWENTY_FOUR, FORTY = (np.uint64(n) for n in (1, 3, 11, 24, 40))

_inlined = njit(error_model="numpy", forceinline=True, fastmath=False)
_compile = njit(error_model="numpy", fastmath=False)


@_inlined
def next_bits(a, b, c, counter):
    """64 random bits in each lane and the state after them: SFC64 (Doty-Humphrey)."""
    bits = a + b + counter
    return bits, b ^ (b >> 11), c + (c << 3), ((c << 24) | (c >> 40)) + bits, counter + 1


@_inlined
def uniform(bits):
    """Uniform numbers in (0, 1]."""
    return 2.0 - as_numbers((bits >> 12) | ONE)


@_inlined
def normal_pair(first, second):
    """Two independent standard normals from two times 64 bits.

    The angle is uniform in [-pi / 4, pi / 4); two of the bits that it does not use reflect it into the other quarters.
    """
    square = -2.0 * log_of_normal(uniform(first))
    radius = square * reciprocal_root(square)
    sine, cosine = sine_cosine((as_numbers((second >> 12) | ONE) - 1.5) * HALF_PI)
    cosine = as_numbers(as_bits(cosine) ^ ((second << 62) & SIGN))
    straight = (second & 1) == 0
    return radius * select(straight, cosine, sine), radius * select(straight, sine, cosine)


@_inlined
def _surely_kept(x, y, u, slope):
    """A mask of lanes in which x is kept for certain, y = x / sqrt(9 d).

    u < 1 - 0.0331 x^4 is the bound of Marsaglia and Tsang (for y > -1). For |y| <= 1/4 the series of the logarithm
    gives ln(acceptance) >= -3 d y^4 (1/4 + |y| / (5 (1 - |y|))) >= -0.95 d y^4, and exp(-t) >= 1 - t.
    """
    square = x * x
    slope = select(absolute(y) <= 0.25, slope, 0.0331)
    return (y > -1.0) & (u < 1.0 - slope * (square * square))


@_inlined
def _rule(freedom):
    """d, 1 / sqrt(9 d) and the slope of `_surely_kept` for two degrees of freedom or more."""
    d = 0.5 * max(freedom, 2) - 1.0 / 3.0
    return d, 1.0 / math.sqrt(9.0 * d), min(0.0331, 0.95 / (81.0 * d))


@_inlined
def _chi_square(state, alone, size, freedom, rule, x, bits):
    """Chi-square numbers from normals x and 64 bits each; ``state``, ``alone`` and ``size`` as in `_settled`."""
    if freedom < 2:
        return x * x if freedom == 1 else 0.0 * x
    d, scale, slope = rule
    u = uniform(bits)
    y = x * scale
    kept = _surely_kept(x, y, u, slope)
    if not all_lanes(kept):
        y = _settled(state, alone, size, kept, x, u, d, scale) * scale
    v = 1.0 + y
    return (2.0 * d) * (v * v * v)


@_compile
def draw(state, pairs, place, freedom, out):
    """Draw normals, and one chi-square number, in each lane, as often as ``out`` has entries.

    Parameters
    ----------
    state
        Of the streams, (8, LANES) uint64: four words of the first stream of a lane lie in a column above four of its
        second. Advanced.
    pairs
        Pairs of normals in one draw.
    place
        The place among the 2 pairs numbers at which the chi-square number stands; its normal is used up.
    freedom
        Degrees of freedom; without any the number is 0.
    out
        (draws, 2 pairs, LANES).
    """
    a, b, c, counter = load(state, 0), load(state, 1), load(state, 2), load(state, 3)
    rule = _rule(freedom)
    for index in range(out.shape[0]):
        row = index * 2 * pairs
        for pair in range(pairs):
            first, a, b, c, counter = next_bits(a, b, c, counter)
            second, a, b, c, counter = next_bits(a, b, c, counter)
            x, y = normal_pair(first, second)
            store(out, row + 2 * pair, x)
            store(out, row + 2 * pair + 1, y)
        bits = a
        if freedom >= 2:
            bits, a, b, c, counter = next_bits(a, b, c, counter)
        store(out, row + place, _chi_square(state, False, LANES, freedom, rule, load(out, row + place), bits))
    store(state, 0, a)
    store(state, 1, b)
    store(state, 2, c)
    store(state, 3, counter)


@_compile
def draw_alone(state, pairs, place, freedom, out, bits, numbers):
    """As `draw`, for one replica: the lanes are draws, one after another, and the numbers the same to the last bit.

    ``state`` is (8, 1), ``out`` (draws, 2 pairs); ``bits`` (2 pairs + 1, LANES), uint64, and ``numbers``
    (2 pairs, LANES) are working space.
    """
    a, b, c, counter = state[0, 0], state[1, 0], state[2, 0], state[3, 0]
    rule = _rule(freedom)
    words = 2 * pairs + (1 if freedom >= 2 else 0)
    for start in range(0, out.shape[0], LANES):
        size = min(LANES, out.shape[0] - start)
        for lane in range(size):
            for word in range(words):
                bits[word, lane], a, b, c, counter = _next(a, b, c, counter)
        for pair in range(pairs):
            x, y = normal_pair(load(bits, 2 * pair), load(bits, 2 * pair + 1))
            store(numbers, 2 * pair, x)
            store(numbers, 2 * pair + 1, y)
        chi = _chi_square(state, True, size, freedom, rule, load(numbers, place), load(bits, words - 1))
        store(numbers, place, chi)
        for lane in range(size):
            for word in range(2 * pairs):
                out[start + lane, word] = numbers[word, lane]
    state[0, 0], state[1, 0], state[2, 0], state[3, 0] = a, b, c, counter


# ---- One lane alone


@_inlined
def _next(a, b, c, counter):
    """64 random bits and the state after them, see `next_bits`."""
    bits = a + b + counter
    return bits, b ^ (b >> ELEVEN), c + (c << THREE), ((c << TWENTY_FOUR) | (c >> FORTY)) + bits, counter + ONE_WORD


@_compile
def _next_word(state, lane):
    """The next 64 random bits of a lane's second stream."""
    bits, state[4, lane], state[5, lane], state[6, lane], state[7, lane] = _next(
        state[4, lane], state[5, lane], state[6, lane], state[7, lane]
    )
    return bits


@_compile
def _next_uniform(state, lane):
    """A uniform number in (0, 1]."""
    return ((_next_word(state, lane) >> ELEVEN) + 1.0) * 2.0**-53


@_compile
def _settle(state, lane, x, u, d, scale):
    """The normal x, if the exact rule keeps it, else the first one after it that is kept."""
    while True:
        v = 1.0 + x * scale
        if v > 0.0:
            v = v * v * v
            if math.log(u) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
                return x
        radius = math.sqrt(-2.0 * math.log(_next_uniform(state, lane)))
        x = radius * math.cos(2.0 * math.pi * _next_uniform(state, lane))
        u = _next_uniform(state, lane)


@_compile
def _settled(state, alone, size, kept, x, u, d, scale):
    """The normals x of the lanes before ``size``, replaced where they are not kept.

    Further bits come from the second stream of each lane; of the first column where the lanes are one replica's draws.
    """
    for lane in range(size):
        if not in_lane(kept, lane):
            column = 0 if alone else lane
            x = with_lane(x, lane, _settle(state, column, lane_of(x, lane), lane_of(u, lane), d, scale))
    return x
