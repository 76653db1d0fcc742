"""Derivatives of mean updates in w up to the fourth, along a direction, also where v = w^T Sigma w = 0."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from differences import central
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.classification.rules.base import projections, with_slope
from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.sigmoids import ACTIVATIONS
from learndyn.scenarios.classification.rules.squared_error import SquaredError
from learndyn.scenarios.classification.rules.supervised import Supervised
from nonlinear_perceptron import two_classes

n, ORDERS = 3, 4
# Quadrature and rounding of the averages, of order one, that make a mean update; derivatives of up to 9 orders of phi
# are polynomials in it with coefficients whose sum of sizes is below 1e6.
ACCURACY = 1e-10
CASES = [(Supervised(), "shifted_erf"), (Reinforce(), "shifted_erf"), (Supervised(), "logistic")]
CASES += [(Reinforce(), "logistic"), (SquaredError(), "shifted_erf"), (SquaredError(), "logistic")]


@cache
def problem():
    rng = np.random.default_rng(7)
    means, roots = rng.standard_normal((2, n)), 0.5 * rng.standard_normal((2, n, n))
    return means, roots @ roots.transpose(0, 2, 1), rng.standard_normal(n)


def derivatives(function, along):
    """function, and its first ORDERS derivatives along a direction: stacked, at many w (points, n)."""

    def extended(orders):
        def one_more(w):
            lower, slopes = jax.jvp(orders, (w,), (along,))
            return jnp.concatenate([lower, slopes[-1:]])

        return one_more

    orders = lambda w: function(w)[None]  # noqa: E731
    for _ in range(ORDERS):
        orders = extended(orders)
    return jax.vmap(orders)


@cache
def program(rule, activation):
    _, _, along = problem()

    def at(w, means, covariances):
        classes = two_classes(means, covariances)
        return derivatives(lambda w: rule.mean_update(w, classes, activation, rule.numbers()), along)(w)

    return jax.jit(at)


def evaluated(rule, activation, w, means, covariances):
    """(orders, points, n), of up to 13 points."""
    padded = np.pad(w, [(0, 13 - len(w)), (0, 0)])
    with jax.enable_x64(True):
        return np.asarray(program(rule, activation)(padded, means, covariances))[: len(w)].swapaxes(0, 1)


@pytest.mark.parametrize(("rule", "activation"), CASES, ids=lambda value: str(value))
@pytest.mark.parametrize("length", [1.0, 0.0], ids=["w", "w = 0"])
def test_each_order_is_the_slope_of_the_one_before(rule, activation, length):
    means, covariances, along = problem()
    w = length * np.array([[0.4, -0.9, 0.6]])
    exact = evaluated(rule, activation, w, means, covariances)[:, 0]
    assert np.isfinite(exact).all()
    assert (np.abs(exact[:2]) > 1e-3).any()

    def lower(points):
        return evaluated(rule, activation, points, means, covariances)[:ORDERS]

    found, error = central(lower, w, along, 0.02, ACCURACY)
    assert (np.abs(exact[1:] - found[:, 0]) <= error[:, 0]).all()


@pytest.mark.parametrize(("rule", "activation"), CASES, ids=lambda value: str(value))
def test_without_input_noise(rule, activation):
    """With Sigma = 0 the update is mu_y s(mu_y . w) itself."""
    means, covariances, along = problem()
    w = np.random.default_rng(8).standard_normal((13, n))
    found = evaluated(rule, activation, w, means, 0.0 * covariances)

    def phi(h):
        return jax.nn.sigmoid(h) if activation == "logistic" else jax.scipy.stats.norm.cdf(np.sqrt(np.pi / 8) * h)

    def plain(w):
        total = 0.0
        for y, mean in zip((1.0, -1.0), means, strict=True):
            h = jnp.dot(mean, w)
            response = {
                "supervised": y * phi(-y * h),
                "reinforce": 2.0 * y * phi(h) * phi(-h),
                "squared_error": y * phi(-y * h) * jax.grad(phi)(h),
            }[rule.name]
            total = total + 0.5 * response * mean
        return total

    with jax.enable_x64(True):
        exact = np.asarray(jax.jit(derivatives(plain, along))(w)).swapaxes(0, 1)
    assert np.abs(found - exact).max() <= ACCURACY


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_jacobian_in_closed_form(activation):
    """J = sum_y p_y [A' (mu mu^T + Sigma) + A'' (mu u^T + u mu^T) + A''' u u^T]."""
    rule, xp = Supervised(), jax_namespace()
    means, covariances, _ = problem()
    with jax.enable_x64(True):
        classes = two_classes(means, covariances)
        w = jnp.array([0.4, -0.9, 0.6])
        seen = projections(w, classes)

        def A(m):
            return rule.mean_response(m, seen.v, seen.y, activation, {}, xp)

        (_, first), (_, third) = with_slope(lambda m: with_slope(A, m), seen.m)
        second = with_slope(lambda m: with_slope(A, m)[1], seen.m)[1]
        del third
        J = jax.jacfwd(lambda w: rule.mean_update(w, classes, activation, {}))(w)
        assert first.shape == second.shape == (2,)
        assert J.shape == (n, n)
