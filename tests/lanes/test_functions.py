"""Elementary functions of lanes against mpmath: the errors that the module promises, and what happens at the ends."""

import math
import runpy
from pathlib import Path

import mpmath
import numpy as np
import pytest

from lane_kernels import elementwise, on_numbers
from learndyn.lanes import functions

ULP = 2.0**-52
POINTS = 2000
QUARTER = math.pi / 4

FUNCTIONS = {name: elementwise(getattr(functions, name)) for name in ("exp", "log_of_normal", "erf", "reciprocal_root")}
sine_cosine = elementwise(functions.sine_cosine, results=2)
# Functions that one replica alone uses have a form for numbers.
ALONE = {name: on_numbers(getattr(functions, name)) for name in ("exp", "erf", "reciprocal_root", "root")}


def spread(low, high, count=POINTS):
    """Random numbers between two borders, and the borders."""
    return np.concatenate([[low, high], np.random.default_rng(2).uniform(low, high, count)])


def errors(values, x, exact):
    """Relative errors in units of 2^-52."""
    with mpmath.workdps(30):
        wanted = [exact(mpmath.mpf(float(point))) for point in x]
        return np.array([float((mpmath.mpf(float(v)) / w - 1) * 2**52) for v, w in zip(values, wanted, strict=True)])


def reciprocal_root(x):
    return 1 / mpmath.sqrt(x)


# name, points, exact function, promised error
CASES = {
    "exp everywhere": ("exp", spread(-708.0, 709.0), mpmath.exp, 1.5),
    "exp near 0": ("exp", spread(-1.0, 1.0), mpmath.exp, 1.5),
    "log everywhere": ("log_of_normal", np.exp(spread(-708.0, 709.0)), mpmath.log, 0.7),
    "log of uniform numbers": ("log_of_normal", spread(2.0**-52, 1.0 - 2.0**-53), mpmath.log, 0.7),
    "log near 1": ("log_of_normal", 1.0 + np.array([[-0.5], [1.0]]) * np.exp(spread(-36.0, -1.0)), mpmath.log, 0.7),
    "erf everywhere": ("erf", spread(-7.0, 7.0), mpmath.erf, 2.0),
    "erf of small numbers": ("erf", np.exp(spread(-700.0, 0.0)), mpmath.erf, 2.0),
    "erf where its error is largest": ("erf", spread(0.35, 0.7), mpmath.erf, 2.0),
    "erf where its pieces meet": ("erf", 1.0 + spread(-1e-9, 1e-9), mpmath.erf, 2.0),
    "reciprocal root": ("reciprocal_root", np.exp(spread(-708.0, 709.0)), reciprocal_root, 0.9),
    "reciprocal root of an octave": ("reciprocal_root", spread(1.0, 4.0), reciprocal_root, 0.9),
}


@pytest.mark.parametrize("case", CASES)
def test_errors_are_those_promised(case):
    name, x, exact, promised = CASES[case]
    x = np.ravel(x)
    assert np.abs(errors(FUNCTIONS[name](x), x, exact)).max() <= promised


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case][0] in ALONE])
def test_numbers_alone_have_the_same_promise(case):
    name, x, exact, promised = CASES[case]
    assert np.abs(errors(ALONE[name](x), x, exact)).max() <= promised


def test_roots_of_numbers_and_of_lanes():
    x = np.exp(spread(-700.0, 700.0))
    np.testing.assert_array_equal(ALONE["root"](x), np.sqrt(x))
    # The reciprocal root, and a product.
    np.testing.assert_allclose(elementwise(functions.root)(x), np.sqrt(x), rtol=1.4 * ULP, atol=0)
    for root in (ALONE["root"], elementwise(functions.root)):
        assert root([0.0])[0] == 0.0
        assert np.isnan(root([np.nan])[0])


@pytest.mark.parametrize("name", ["exp", "erf"])
def test_the_ends_are_the_same_for_numbers_alone(name):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 709.1, -708.1, 6.5, -7.0, 5e-324, -5e-324])
    on_lanes = FUNCTIONS[name](x)
    np.testing.assert_array_equal(ALONE[name](x), on_lanes)
    np.testing.assert_array_equal(np.signbit(ALONE[name](x))[x == x], np.signbit(on_lanes)[x == x])


def test_sine_and_cosine():
    x = np.concatenate([spread(-QUARTER, QUARTER), np.exp(spread(-700.0, math.log(QUARTER)))])
    sine, cosine = sine_cosine(x)
    assert np.abs(errors(sine, x, mpmath.sin)).max() <= 0.6
    assert np.abs(errors(cosine, x, mpmath.cos)).max() <= 0.6


def test_errors_have_no_preferred_sign_where_they_would_add_up():
    """The reciprocal root scales every rotation of a run: a mean error of its own would grow with the updates.

    Between 1 and 4 the errors have a standard deviation of 0.25 units (rounding to nearest); 20 000 numbers give the
    mean to 0.0018, and 5 standard errors (false alarm 6e-7) are allowed.
    """
    x = spread(1.0, 4.0, 20_000)
    off = errors(FUNCTIONS["reciprocal_root"](x), x, reciprocal_root)
    assert abs(off.mean()) < 5 * off.std() / np.sqrt(x.size)


def test_exp_at_its_ends():
    x = [0.0, -0.0, np.inf, -np.inf, 1e308, -1e308, 709.1, 745.0, -708.1, -745.0, 5e-324]
    wanted = [1.0, 1.0, np.inf, 0.0, np.inf, 0.0, np.inf, np.inf, 0.0, 0.0, 1.0]
    np.testing.assert_array_equal(FUNCTIONS["exp"](x), wanted)
    assert np.isnan(FUNCTIONS["exp"]([np.nan]))


def test_erf_at_its_ends():
    x = [np.inf, -np.inf, 1e308, -1e308, 1e200, 6.0, -6.0, 0.0]
    np.testing.assert_array_equal(FUNCTIONS["erf"](x), [1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 0.0])
    assert np.isnan(FUNCTIONS["erf"]([np.nan]))
    signs = np.signbit(FUNCTIONS["erf"]([-0.0, -5e-324]))
    assert signs.all()


def test_log_of_one_is_zero():
    assert FUNCTIONS["log_of_normal"]([1.0])[0] == 0.0


def test_the_root_of_zero_is_zero_and_nan_stays():
    y = FUNCTIONS["reciprocal_root"]([0.0, -0.0, np.nan])
    assert np.isfinite(y[:2]).all()
    assert 0.0 * y[0] == 0.0
    assert -0.0 * y[1] == 0.0
    assert np.isnan(y[2])


def test_coefficients_are_those_that_the_script_computes():
    script = runpy.run_path(str(Path(__file__).parents[1] / "data" / "make_lane_coefficients.py"))
    assert script["coefficients"]() == (functions.ERF, functions.ERFCX)
