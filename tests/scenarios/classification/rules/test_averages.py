"""Averages of the activations: against mpmath, in NumPy and in JAX, and the heat equation that they obey."""

import json
from functools import cache, partial

import jax
import numpy as np
import pytest

from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.scenarios.classification.rules.graded import graded_average
from learndyn.scenarios.classification.rules.logistic import derivative, reflected
from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
from learndyn.scenarios.classification.rules.perceptron import Perceptron
from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.sigmoids import ACTIVATIONS, sigmoid
from learndyn.scenarios.classification.rules.squared_error import SquaredError
from learndyn.scenarios.classification.rules.supervised import Supervised
from learndyn.scenarios.classification.rules.window import DEEPEST, NODES, window
from reference_data import DATA

AVERAGES = ["mean", "square", "product", "skew", "with_slope", "square_with_slope"]
# Quadratures leave out exp(-37) = 9e-17 of the largest value times the range, up to some 10; a sum of 160 numbers
# below one rounds by some 1e-16 each, weighted.
ABSOLUTE = 1e-14
# Where the average is above exp(-29) the integrand is followed down to exp(-37) of its largest value (`window`); its
# range may be 20 times the scale on which it varies there. The closed forms lose 1e-16 z^2 to the exponential.
RELATIVE, ABOVE = 1e-13, 1e-12


@cache
def vectors():
    rows = json.loads((DATA / "sigmoid_vectors.json").read_text())["vectors"]
    return {
        (activation, name): np.array([row[2:] for row in rows if row[:2] == [activation, name]]).T
        for activation in ACTIVATIONS
        for name in [*AVERAGES, "cross_entropy"]
    }


@cache
def in_jax(activation):
    functions = [getattr(sigmoid(activation), name) for name in AVERAGES]
    return jax.jit(lambda m, v: [function(m, v, jax_namespace()) for function in functions])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_agree_with_mpmath(activation):
    m, v, _ = vectors()[activation, "mean"]
    assert {0.0, 1e-12, 1e5} <= set(v)
    with jax.enable_x64(True):
        in_both = zip(AVERAGES, in_jax(activation)(m, v), strict=True)
    for name, traced in in_both:
        exact = vectors()[activation, name][2]
        for found in (getattr(sigmoid(activation), name)(m, v, NUMPY), np.asarray(traced)):
            assert np.abs(found - exact).max() <= ABSOLUTE
            if name in ("mean", "product"):  # A of the rules of the source
                tail = exact > ABOVE
                assert (np.abs(found - exact)[tail] <= RELATIVE * exact[tail]).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_cross_entropy(activation):
    m, v, exact = vectors()[activation, "cross_entropy"]
    rule = Supervised()
    for found in (rule.mean_loss(m, v, 1.0, activation, {}), rule.mean_loss(-m, v, -1.0, activation, {})):
        assert (np.abs(found - exact) <= 1e-13 * exact + ABSOLUTE).all()


RULES = [Supervised(), Reinforce(), Perceptron(), SquaredError(), SquaredError(linear=True), PassiveAggressive()]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_mean_losses_are_means_of_losses(rule, activation):
    """By panels that end at the kinks of all losses, h = 0 and +-1."""
    rng = np.random.default_rng(9)
    m, v = 3.0 * rng.standard_normal((2, 40)), 10.0 ** rng.uniform(-6, 4, 40)
    for y in (1.0, -1.0):
        found = rule.mean_loss(m[0], v, y, activation, rule.numbers())
        exact = graded_average(lambda h, y=y: rule.loss(h, y, activation, rule.numbers()), m[0], v)
        size = graded_average(lambda h, y=y: np.abs(rule.loss(h, y, activation, rule.numbers())), m[0], v)
        assert (np.abs(found - exact) <= 1e-13 * (1.0 + size)).all()
        at_zero = rule.mean_loss(m[0], np.zeros(40), y, activation, rule.numbers())
        assert np.abs(at_zero - rule.loss(m[0], y, activation, rule.numbers())).max() <= ABSOLUTE


@pytest.mark.parametrize("activation", ["shifted_erf", "logistic"])
@pytest.mark.parametrize("rule", [Supervised(), Reinforce()], ids=["SL", "RL"])
def test_the_response_to_a_given_input_is_the_mean_at_variance_zero(rule, activation):
    h, y = np.linspace(-30.0, 30.0, 61), np.array([[1.0], [-1.0]])
    wanted = rule.mean_response(h, np.zeros_like(h), y, activation, {}, NUMPY)
    # Two formulas for one number, each with some roundings; tails to their own size.
    np.testing.assert_allclose(rule.response(h, y, activation, {}, NUMPY), wanted, rtol=1e-12)


def test_shapes_broadcast():
    m, v = np.linspace(-1, 1, 3)[:, None], np.array([0.0, 1.0])
    for activation in ACTIVATIONS:
        for rule in RULES:
            found = rule.mean_loss(m, v, 1.0, activation, rule.numbers())
            assert found.shape == (3, 2)
            assert found[2, 1] == pytest.approx(rule.mean_loss(1.0, 1.0, 1.0, activation, rule.numbers()), rel=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_heat_equation(activation):
    """d/dv is half of d^2/dm^2, at v = 0 too: for the averages and what every rule makes of them."""
    xp, rng = jax_namespace(), np.random.default_rng(10)
    m, v, y = rng.standard_normal(12), np.where(np.arange(12) < 4, 0.0, rng.uniform(0, 3, 12)), np.ones(12)
    y[::2] = -1.0
    functions = [partial(getattr(sigmoid(activation), name), xp=xp) for name in AVERAGES]
    for rule in RULES:
        given = {"activation": activation, "numbers": rule.numbers(), "xp": xp}
        functions.append(partial(rule.mean_response, y=y, **given))
        functions.append(partial(rule.square_response, y=y, reward=0.3, **given))

    def sides(m, v):
        one = xp.ones_like(m)
        along_v = [jax.jvp(lambda v, f=f: f(m, v), (v,), (one,))[1] for f in functions]
        slopes = [lambda m, f=f: jax.jvp(lambda m: f(m, v), (m,), (one,))[1] for f in functions]
        return xp.stack(along_v), xp.stack([0.5 * jax.jvp(slope, (m,), (one,))[1] for slope in slopes])

    with jax.enable_x64(True):
        along_v, half_curvature = map(np.asarray, jax.jit(sides)(m, v))
    assert np.isfinite(along_v).all()
    # Rounding of numbers of order one; 1 / v^2 for the step at small v.
    size = 1.0 + 1.0 / np.where(v > 0.0, v, 1.0) ** 2
    assert (np.abs(along_v - half_curvature) <= 1e-13 * size).all()


def test_polynomials():
    P, h = (3, -1, 0, 2, 5), np.linspace(-3, 3, 7)
    p = 1.0 / (1.0 + np.exp(-h))
    assert np.allclose(np.polyval(reflected(P)[::-1], 1 - p), np.polyval(P[::-1], p), rtol=1e-12)
    slope = p * (1 - p) * np.polyval(np.polyder(P[::-1]), p)
    assert np.allclose(np.polyval(derivative(P)[::-1], p), slope, rtol=0, atol=1e-13)


def test_the_window_ends_where_the_integrand_has_fallen():
    rng = np.random.default_rng(11)
    m, v = 8.0 * rng.standard_normal(200), 10.0 ** rng.uniform(-8, 4, 200)
    v[:20] = 0.0
    ends = np.stack(window(m, v, NUMPY))

    def exponent(t):
        return 0.5 * t * t + np.abs(m + np.sqrt(v) * t)

    least = np.min([exponent(t) for t in np.linspace(ends[0], ends[1], 4001)], axis=0)
    kept = least < 29.0
    assert kept.sum() > 150
    for end in ends:
        # The least value is on a grid, which is too large by (step / 2)^2 at most.
        assert np.abs(exponent(end) - least - DEEPEST)[kept].max() <= 0.01
    length = (ends[1] - ends[0]) * np.maximum(np.sqrt(v), 1.0)
    # The distance of nodes that the error estimate of the module takes for granted.
    assert (length / NODES).max() <= 104 / NODES
