"""The passive-aggressive rule's averages, against integrals in polar coordinates and averages of 1 / |x|^2."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learndyn.errors import InputError
from learndyn.scenarios.classification.rules.base import ClassInput
from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
from nonlinear_perceptron import two_classes

RULE = PassiveAggressive(margin=0.7)


def directions(n, count):
    """Unit vectors of the plane or of space, and their weights; the rules converge exponentially."""
    around = 2.0 * np.pi * (np.arange(2 * count) + 0.5) / (2 * count)
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)
    if n == 2:
        return circle, np.full(2 * count, np.pi / count)
    height, weights = np.polynomial.legendre.leggauss(count)
    radius = np.sqrt(1.0 - height**2)
    points = np.concatenate(
        [radius[:, None, None] * circle, np.broadcast_to(height[:, None, None], (count, 2 * count, 1))], 2
    )
    return points.reshape(-1, 3), np.repeat(weights * np.pi / count, 2 * count)


def polar_moments(w, mean, Sigma, y, margin, count):
    """<f> and <f f^T> of one class: f = y max(0, margin - y r e.w) e / r at x = r e, in shells up to the kink."""
    n = len(w)
    e, weights = directions(n, count)
    slope = y * (e @ w)
    # Along e the hinge ends at margin / slope; a Gaussian of these covariances is 0 to 1e-30 beyond 16.
    ends = np.where(slope > margin / 16.0, margin / np.where(slope > margin / 16.0, slope, 1.0), 16.0)
    positions, panel = np.polynomial.legendre.leggauss(2 * count)
    r = 0.5 * ends[:, None] * (1.0 + positions)
    x = r[:, :, None] * e[:, None, :]
    away = x - mean
    density = np.exp(-0.5 * np.einsum("abi,ij,abj->ab", away, np.linalg.inv(Sigma), away))
    density /= np.sqrt((2.0 * np.pi) ** n * np.linalg.det(Sigma))
    measure = weights[:, None] * 0.5 * ends[:, None] * panel * density
    missing = margin - slope[:, None] * r
    first = y * (measure * missing * r ** (n - 2)).sum(1) @ e
    second = (e.T * (measure * missing**2 * r ** (n - 3)).sum(1)) @ e if n > 2 else None
    return first, second


@cache
def problem(n):
    rng = np.random.default_rng(12)
    means, roots = 0.8 * rng.standard_normal((2, n)), 0.5 * rng.standard_normal((2, n, n))
    return means, roots @ roots.transpose(0, 2, 1) + 0.2 * np.eye(n), rng.standard_normal(n)


@cache
def program(moment):
    function = RULE.mean_update if moment == 1 else RULE.second_moment
    return jax.jit(
        lambda w, means, covariances, prior, numbers: function(w, two_classes(means, covariances, prior), "", numbers)
    )


def found(moment, w, means, covariances, prior=0.4):
    with jax.enable_x64(True):
        return np.asarray(program(moment)(w, means, covariances, prior, RULE.numbers()))


@pytest.mark.parametrize("n", [2, 3])
def test_integrals_in_polar_coordinates(n):
    means, covariances, w = problem(n)
    estimates = []
    for count in {2: (150, 200), 3: (36, 44)}[n]:
        parts = [
            polar_moments(w, mean, Sigma, y, RULE.margin, count)
            for y, mean, Sigma in zip((1.0, -1.0), means, covariances, strict=True)
        ]
        estimates.append(
            [0.4 * plus + 0.6 * minus if plus is not None else None for plus, minus in zip(*parts, strict=True)]
        )
    for moment in (1, 2) if n == 3 else (1,):
        coarse, fine = (each[moment - 1] for each in estimates)
        error = np.abs(coarse - fine).max()
        assert error <= 1e-7
        assert np.abs(found(moment, w, means, covariances) - fine).max() <= error + 1e-12


def isotropic(n, variance):
    """Both classes around 0."""

    def given(y):
        return ClassInput(
            y,
            0.5,
            jnp.zeros(n),
            lambda w: variance * w,
            lambda: variance * jnp.eye(n),
            lambda: (jnp.full(n, variance), None),
        )

    return [given(1.0), given(-1.0)]


@pytest.mark.parametrize("n", [3, 100])
def test_the_mean_inverse_square_of_normal_numbers(n):
    """At w = 0 the trace of <f f^T> is margin^2 <1 / |x|^2> = margin^2 / (sigma^2 (n - 2))."""
    with jax.enable_x64(True):
        second = jax.jit(lambda w: RULE.second_moment(w, isotropic(n, 0.3), "", RULE.numbers()))(jnp.zeros(n))
    assert np.trace(np.asarray(second)) == pytest.approx(RULE.margin**2 / (0.3 * (n - 2)), rel=1e-12)


def test_without_input_noise():
    """Of Sigma = 0 nothing is left but the means themselves, on either side of the margin."""
    w = np.array([0.5, -1.0, 0.2])
    means = np.array([[0.3, 0.4, 0.1], [1.0, 2.0, -0.5]])
    m = means @ w
    assert m[0] < RULE.margin
    assert -m[1] > RULE.margin
    f = (RULE.margin - m[0]) * means[0] / (means[0] @ means[0])
    covariances = np.zeros((2, 3, 3))
    # The sum over log s is off by exp(-34) and 160 roundings of the exponent, 34.
    assert np.allclose(found(1, w, means, covariances, 0.5), 0.5 * f, rtol=1e-12, atol=1e-14)
    assert np.allclose(found(2, w, means, covariances, 0.5), 0.5 * np.outer(f, f), rtol=1e-12, atol=1e-14)


def test_what_is_infinite_is_not_a_number():
    with jax.enable_x64(True):
        numbers = RULE.numbers()
        first = jax.jit(lambda w: RULE.mean_update(w, isotropic(1, 0.3), "", numbers))(jnp.ones(1))
        second = jax.jit(lambda w: RULE.second_moment(w, isotropic(2, 0.3), "", numbers))(jnp.ones(2))
    assert np.isnan(np.asarray(first)).all()
    assert np.isnan(np.asarray(second)).all()


def test_what_is_infinite_is_refused():
    inside, outside = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    RULE.require_finite(1, inside, np.ones(3), None)
    RULE.require_finite(2, inside, np.ones(3), None)
    RULE.require_finite(2, outside, np.array([1.0, 0.0, 0.0]), None)
    RULE.require_finite(2, inside, np.zeros(3), None)
    for moment, variances in ((1, [1.0, 0.0, 0.0]), (2, [1.0, 1.0, 0.0])):
        with pytest.raises(InputError, match=r"Argument `rule` must not be .* infinite below") as refusal:
            RULE.require_finite(moment, inside, np.array(variances), None)
        assert "\n" not in str(refusal.value)
    turned = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.raises(InputError, match="mean update"):
        RULE.require_finite(1, outside, np.array([1.0, 0.0, 0.0]), turned)


def test_at_learning_rate_one_an_example_is_on_the_margin():
    from rule_kernels import updates

    rng = np.random.default_rng(13)
    x, y, w = rng.standard_normal((50, 4)), np.where(rng.random(50) < 0.5, 1.0, -1.0), rng.standard_normal(4)
    f, _ = updates(RULE, "logistic", w, x, y, np.zeros(50))
    before, after = y * (x @ w), y * ((w + f) * x).sum(1)
    assert np.allclose(after, np.maximum(before, RULE.margin), rtol=1e-12)
    assert (f[before >= RULE.margin] == 0.0).all()
