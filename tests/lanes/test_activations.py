"""Activations on lanes: the values that they have on numbers, for all that the namespace `xp` offers."""

import numba
import numpy as np
import pytest

from learndyn.activations import Activation, activation
from learndyn.activations.compiled import SCALARS, ActivationTag, dg, g
from learndyn.lanes.types import LANES, get, put

ULP = 2.0**-52
# -0.0 and 0.0, both signs, small and large, NaN.
POINTS = np.concatenate(
    [
        [-30.0, -3.0, -1.0, -0.5, -1e-9, -0.0, 0.0, 1e-9, 0.25, 0.5, 1.0, 2.0, 3.0, 30.0, np.nan, 1e-300],
        np.random.default_rng(3).uniform(-6, 6, 112),
    ]
)


@numba.njit(error_model="numpy")
def evaluate(tag, x, values, slopes):
    """On numbers for arrays of one axis, on lanes for rows of LANES."""
    for i in range(x.shape[0]):
        put(values, i, g(tag, get(x, i)))
        put(slopes, i, dg(tag, get(x, i)))


def on_numbers_and_on_lanes(act, points=POINTS):
    results = []
    for shape in ((points.size,), (-1, LANES)):
        x = points.reshape(shape)
        values, slopes = np.empty_like(x), np.empty_like(x)
        evaluate(ActivationTag(act), x, values, slopes)
        results.append(np.array([values.ravel(), slopes.ravel()]))
    return results


# Errors of functions of lanes (promised in learndyn.lanes) and of libm (1), with those of a few products, in units of
# 2^-52; the absolute one, where 1 + erf cancels, times |x| <= 30.
@pytest.mark.parametrize(
    ("name", "units", "absolute"),
    [
        ("erf", 3.0, 0.0),
        ("relu", 0.0, 0.0),
        ("linear", 0.0, 0.0),
        ("tanh", 8.0, 0.0),
        ("logistic", 8.0, 0.0),
        ("silu", 10.0, 2.0),  # its derivative has a zero
        ("softplus", 8.0, 0.0),
        ("gelu", 6.0, 90.0),
        ("sine", 2.5, 0.0),
        ("step", 0.0, 0.0),
        ("sign", 0.0, 0.0),
        ("leaky_relu", 0.0, 0.0),
        ("polynomial(1, 2, 0, 0.5)", 0.0, 40 * 30.0**3),
    ],
)
def test_activations_have_the_same_values(name, units, absolute):
    numbers, lanes = on_numbers_and_on_lanes(activation(name))
    np.testing.assert_allclose(lanes, numbers, rtol=units * ULP, atol=absolute * ULP, equal_nan=True)
    # (No number is none of x > 0, x < 0 and between.)
    assert np.isnan(numbers[0, POINTS != POINTS]).all() or name == "step"


# One function of `xp` after another, as activations of their own.
FUNCTIONS = {
    # Errors of both forms, as promised: libm's is 1.
    "erf": (lambda x, xp: xp.erf(x), 3.0),
    "exp": (lambda x, xp: xp.exp(x), 2.5),
    "expm1": (lambda x, xp: xp.expm1(x), 2.4),
    "tanh": (lambda x, xp: xp.tanh(x), 3.0),
    "sin": (lambda x, xp: xp.sin(x), 2.4),
    "cos": (lambda x, xp: xp.cos(x), 2.4),
    "sqrt": (lambda x, xp: xp.sqrt(abs(x)), 0.0),
    "log": (lambda x, xp: xp.log(abs(x) + 1e-3), 1.7),
    "log1p": (lambda x, xp: xp.log1p(abs(x)), 2.3),
    "abs": (lambda x, xp: xp.abs(x), 0.0),
    "sign": (lambda x, xp: xp.sign(x), 0.0),
    "maximum": (lambda x, xp: xp.maximum(x, 0.5) + xp.maximum(-1, x) + xp.maximum(x, -x), 0.0),
    "minimum": (lambda x, xp: xp.minimum(x, 0.5) + xp.minimum(-1, x) + xp.minimum(x, -x), 0.0),
    # Squarings and one product round up to 1/2 each, 3 times for x^5; numbers take the library's power, good to 1.
    "powers": (lambda x, xp: xp.where(x != 1.0, x**2, x**5), 4.0),
    "negative power": (lambda x, xp: xp.where(abs(x) > 0.1, x, 1.0) ** -3, 4.0),
    "any power": (lambda x, xp: abs(x) ** 2.5, 0.0),
    "masks": (lambda x, xp: (x > 0.5) * x + xp.where(~(x > -1.0), +x, 0.0) * (x < 3.0), 0.0),
    "where": (lambda x, xp: xp.where(x > 0.5, 2 * x, xp.where(x <= -0.5, -1, xp.pi)), 0.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_same_values(name):
    function, units = FUNCTIONS[name]
    numbers, lanes = on_numbers_and_on_lanes(Activation(f"only {name}", "", {"g": function, "dg": function}))
    np.testing.assert_allclose(lanes, numbers, rtol=units * ULP, atol=0, equal_nan=True)


def one_by_one(x, xp):
    """What has no form for lanes is evaluated lane by lane by the same function: no operations beside it."""
    return xp.where(x < 0, xp.sinh(x), xp.where(x < 1, xp.cosh(x), xp.arctan(x)))


def test_what_has_no_form_for_lanes_has_the_same_bits():
    points = POINTS[np.isfinite(POINTS)]
    points = points[: points.size // LANES * LANES]
    act = Activation("one by one", "", {"g": one_by_one, "dg": one_by_one})
    numbers, lanes = on_numbers_and_on_lanes(act, points)
    np.testing.assert_array_equal(lanes, numbers)


def made_up(x, xp):
    """All of it together, with branches of numbers and of lanes."""
    soft = xp.log1p(xp.exp(-xp.abs(x))) + xp.maximum(x, 0.0)
    wave = xp.sin(x) * xp.cos(x) + xp.tanh(x / 2) * xp.erf(x) - xp.minimum(x, 1.0) * xp.sign(x)
    root = xp.sqrt(xp.abs(x)) + xp.log(xp.abs(x) + xp.pi) + xp.expm1(-xp.abs(x))
    return xp.where(x > -1.0, soft + wave, root)


def test_a_made_up_activation_has_the_same_values():
    """Each of up to ten terms is at most 30 and carries 3 units; products and sums may round once or twice."""
    numbers, lanes = on_numbers_and_on_lanes(Activation("made up", "", {"g": made_up, "dg": made_up}))
    np.testing.assert_allclose(lanes, numbers, rtol=0, atol=10 * 30 * 4 * ULP, equal_nan=True)
    assert np.isnan(lanes[0, POINTS != POINTS]).all()


@numba.njit
def pi_of_the_namespace():
    return SCALARS.pi


def test_pi():
    assert pi_of_the_namespace() == np.pi
