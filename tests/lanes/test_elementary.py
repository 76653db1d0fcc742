"""exp x - 1, tanh, logarithms, sine, cosine of lanes against mpmath: the errors promised, and the ends."""

import math

import mpmath
import numpy as np
import pytest

from lane_kernels import elementwise, on_numbers
from learndyn.lanes import elementary

POINTS = 2000
NAMES = ("expm1", "tanh", "log", "log1p", "sin", "cos")
FUNCTIONS = {name: elementwise(getattr(elementary, name)) for name in NAMES}
ALONE = {name: on_numbers(getattr(elementary, name)) for name in ("expm1", "tanh")}
PROMISED = {"expm1": 1.2, "tanh": 1.5, "log": 0.7, "log1p": 1.3, "sin": 1.4, "cos": 1.4}


def spread(low, high, count=POINTS):
    """Random numbers between two borders, and the borders."""
    return np.concatenate([[low, high], np.random.default_rng(4).uniform(low, high, count)])


def small(low=-700.0):
    """Small numbers of both signs."""
    x = np.exp(spread(low, 0.0))
    return np.concatenate([x, -x])


def near_zeros(shift):
    """Where the sine (shift 0) or the cosine (1/2) nearly vanishes."""
    return (np.round(spread(-3e5, 3e5)) + shift) * math.pi


CASES = {
    "expm1 everywhere": ("expm1", spread(-40.0, 709.0)),
    "expm1 of small numbers": ("expm1", small()),
    "expm1 where its error is largest": ("expm1", spread(-1.1, 1.1, 5 * POINTS)),
    "tanh everywhere": ("tanh", spread(-25.0, 25.0)),
    "tanh of small numbers": ("tanh", small()),
    "tanh where its error is largest": ("tanh", spread(-1.0, 1.0, 5 * POINTS)),
    "log everywhere": ("log", np.exp(spread(-708.0, 709.0))),
    "log of the smallest numbers": ("log", np.exp(spread(-744.0, -708.5))),
    "log near 1": ("log", 1.0 + 0.5 * small(-36.0)),
    "log1p of large numbers": ("log1p", np.exp(spread(0.0, 709.0))),
    "log1p of small numbers": ("log1p", 0.999 * small()),
    "log1p where its error is largest": ("log1p", spread(-0.7, 1.5, 5 * POINTS)),
    "sin": ("sin", spread(-10.0, 10.0)),
    "sin of large numbers": ("sin", spread(-1e6, 1e6)),
    "sin of small numbers": ("sin", small()),
    "sin near its zeros": ("sin", near_zeros(0.0)),
    "cos": ("cos", spread(-10.0, 10.0)),
    "cos of large numbers": ("cos", spread(-1e6, 1e6)),
    "cos near its zeros": ("cos", near_zeros(0.5)),
}


def errors(values, x, exact):
    """Relative errors in units of 2^-52."""
    pairs = [(value, point) for value, point in zip(values, x, strict=True) if point != 0.0]
    with mpmath.workdps(40):
        return np.array([float((mpmath.mpf(float(v)) / exact(mpmath.mpf(float(p))) - 1) * 2**52) for v, p in pairs])


@pytest.mark.parametrize("case", CASES)
def test_errors_are_those_promised(case):
    name, x = CASES[case]
    assert np.abs(errors(FUNCTIONS[name](x), x, getattr(mpmath, name))).max() <= PROMISED[name]


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][0] in ALONE])
def test_numbers_alone_have_the_same_promise(case):
    name, x = CASES[case]
    assert np.abs(errors(ALONE[name](x), x, getattr(mpmath, name))).max() <= PROMISED[name]


def test_largest_angles_are_those_of_the_library():
    x = np.array([1e6, -3e7, 1e15, 1e300, 0.3, 1.0, -2.0, 4.0])
    for name in ("sin", "cos"):
        beyond = np.abs(x) >= 1e6
        wanted = [getattr(math, name)(float(point)) for point in x]
        values = FUNCTIONS[name](x)
        np.testing.assert_array_equal(values[beyond], np.array(wanted)[beyond])
        # The other lanes do not notice.
        np.testing.assert_array_equal(values[~beyond], FUNCTIONS[name](x[~beyond]))


INF, NAN = math.inf, math.nan
ENDS = np.array([0.0, -0.0, INF, -INF, NAN, 5e-324, -5e-324, 800.0, -800.0, -1.0])
AT_THE_ENDS = {
    "expm1": [0.0, -0.0, INF, -1.0, NAN, 5e-324, -5e-324, INF, -1.0, math.expm1(-1.0)],
    "tanh": [0.0, -0.0, 1.0, -1.0, NAN, 5e-324, -5e-324, 1.0, -1.0, math.tanh(-1.0)],
    "log": [-INF, -INF, INF, NAN, NAN, math.log(5e-324), NAN, math.log(800.0), NAN, NAN],
    "log1p": [0.0, -0.0, INF, NAN, NAN, 5e-324, -5e-324, math.log(801.0), NAN, -INF],
    "sin": [0.0, -0.0, NAN, NAN, NAN, 5e-324, -5e-324, math.sin(800.0), -math.sin(800.0), -math.sin(1.0)],
    "cos": [1.0, 1.0, NAN, NAN, NAN, 1.0, 1.0, math.cos(800.0), math.cos(800.0), math.cos(1.0)],
}


@pytest.mark.parametrize("name", NAMES)
def test_the_ends(name):
    forms = [FUNCTIONS[name], *([ALONE[name]] if name in ALONE else [])]
    wanted = np.array(AT_THE_ENDS[name])
    for form in forms:
        values = form(ENDS)
        # The error promised and that of libm, 1.
        np.testing.assert_allclose(values, wanted, rtol=(PROMISED[name] + 1) * 2.0**-52, atol=0, equal_nan=True)
        zero = wanted == 0.0
        np.testing.assert_array_equal(np.signbit(values[zero]), np.signbit(wanted[zero]))
