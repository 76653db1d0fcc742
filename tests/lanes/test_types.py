"""Vectors of lanes in kernels: every operator has the meaning of NumPy's, in each lane by itself."""

import numba
import numpy as np
import pytest

from learndyn.lanes.types import (
    LANES,
    all_lanes,
    as_bits,
    as_numbers,
    copysign,
    get,
    in_lane,
    lane_of,
    load,
    put,
    select,
    store,
    with_lane,
)

A = np.array([1.5, -2.0, 0.0, -0.0, np.inf, np.nan, 3.0, 1e300])
B = np.array([1.5, 4.0, -0.0, 1.0, np.inf, 1.0, np.nan, -1e300])
LEFT = np.array([0, 1, 2**63, 2**64 - 1, 0xF0F0, 77, 2**52, 5], dtype=np.uint64)
RIGHT = np.array([1, 1, 2**63, 1, 0x00FF, 77, 2**40, 6], dtype=np.uint64)


@numba.njit(error_model="numpy")
def arithmetic(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, x + y)
    store(out, 1, x - y)
    store(out, 2, x * y)
    store(out, 3, x / y)
    store(out, 4, -x)
    store(out, 5, copysign(x, y))
    store(out, 6, 2 + x)
    store(out, 7, x - 2.0)
    store(out, 8, 3 * x)
    store(out, 9, 1.0 / x)
    x += y
    x *= 2
    store(out, 10, x)
    store(out, 11, 7)


@numba.njit(error_model="numpy")
def compare(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, select(x > y, 1.0, 0.0))
    store(out, 1, select(x >= y, 1.0, 0.0))
    store(out, 2, select(x < y, 1.0, 0.0))
    store(out, 3, select(x <= y, 1.0, 0.0))
    store(out, 4, select(x == y, 1.0, 0.0))
    store(out, 5, select(x > 0.0, x, 2))
    store(out, 6, select((x > y) | (x < y), 1.0, 0.0))
    store(out, 7, select((x >= y) & (x <= y), 1.0, y))


@numba.njit(error_model="numpy")
def words(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, x + y)
    store(out, 1, x - y)
    store(out, 2, x & y)
    store(out, 3, x | y)
    store(out, 4, x ^ y)
    store(out, 5, x << 12)
    store(out, 6, x >> 12)
    store(out, 7, x + 1)
    store(out, 8, as_bits(select(x == y, 1.0, 0.0)))
    store(out, 9, as_bits(as_numbers(x)))


@numba.njit(error_model="numpy")
def lanes_alone(a, numbers, out):
    x = load(a, 0)
    for lane in range(LANES):
        numbers[lane] = lane_of(x, lane)
        out[lane] = in_lane(x > 1.0, lane)
    put(a, 1, with_lane(x, 2, 9.0))
    put(numbers, 0, get(numbers, 0) + 1.0)
    put(a, 2, get(a, 1) + 1.0)
    return all_lanes(x > 1.0), all_lanes(x == x)


def test_arithmetic():
    out = np.empty((12, LANES))
    arithmetic(A[None], B[None], out)
    with np.errstate(all="ignore"):
        wanted = [
            A + B,
            A - B,
            A * B,
            A / B,
            -A,
            np.copysign(A, B),
            2 + A,
            A - 2,
            3 * A,
            1 / A,
            2 * (A + B),
            np.full(LANES, 7.0),
        ]
    np.testing.assert_array_equal(out, wanted)


def test_comparisons_are_false_for_nan():
    out = np.empty((8, LANES))
    compare(A[None], B[None], out)
    equal = (A >= B) & (A <= B)
    wanted = [A > B, A >= B, A < B, A <= B, A == B, np.where(A > 0, A, 2), (A > B) | (A < B), np.where(equal, 1, B)]
    np.testing.assert_array_equal(out, np.array(wanted, dtype=float))


def test_words():
    out = np.empty((10, LANES), dtype=np.uint64)
    words(LEFT[None], RIGHT[None], out)
    twelve, one = np.uint64(12), np.uint64(1)
    equal = np.where(LEFT == RIGHT, 1.0, 0.0).view(np.uint64)
    wanted = [LEFT + RIGHT, LEFT - RIGHT, LEFT & RIGHT, LEFT | RIGHT, LEFT ^ RIGHT]
    wanted += [LEFT << twelve, LEFT >> twelve, LEFT + one, equal, LEFT]
    np.testing.assert_array_equal(out, wanted)


def test_single_lanes_and_rows():
    a = np.vstack([np.arange(LANES, dtype=float), np.zeros((2, LANES))])
    numbers, above = np.empty(LANES), np.empty(LANES, dtype=bool)
    assert lanes_alone(a, numbers, above) == (False, True)
    wanted = np.arange(LANES, dtype=float)
    np.testing.assert_array_equal(above, wanted > 1.0)
    changed = wanted.copy()
    changed[2] = 9.0
    np.testing.assert_array_equal(a[1], changed)
    np.testing.assert_array_equal(a[2], changed + 1.0)
    wanted[0] += 1.0
    np.testing.assert_array_equal(numbers, wanted)


@pytest.mark.parametrize("value", [get, put])
def test_entries_have_no_meaning_outside_of_kernels(value):
    with pytest.raises(NotImplementedError, match="pure-python"):
        value(*([A, 0] if value is get else [A, 0, 1.0]))
