"""The bivariate normal distribution: against vectors made with mpmath by integrating it, identities, derivatives."""

import json

import jax
import numpy as np
import pytest
from scipy.integrate import quad

from differences import central
from learndyn.gaussian.bivariate import bivariate_cdf, correlation, given
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.gaussian.normal import cdf, pdf, positive_part, standardised
from reference_data import DATA

# Some thirty roundings of numbers up to one.
ROUNDING = 30 * np.finfo(float).eps
JAX = jax_namespace()


def vectors():
    h, k, sign, rbar, value = np.array(json.loads((DATA / "bivariate_vectors.json").read_text())["vectors"]).T
    return (h, k, sign * np.sqrt((1 - rbar) * (1 + rbar)), rbar), value


def in_jax(*arguments):
    with jax.enable_x64(True):
        return np.asarray(jax.jit(lambda *a: bivariate_cdf(*a, JAX))(*arguments))


def in_numpy(*arguments):
    return bivariate_cdf(*arguments, NUMPY)


def random_arguments(rng, count):
    theta = rng.uniform(-np.pi / 2, np.pi / 2, count)
    return (*(1.5 * rng.standard_normal((2, count))), np.sin(theta), np.cos(theta))


@pytest.mark.parametrize("function", [in_numpy, in_jax])
def test_agrees_with_mpmath_for_every_correlation(function):
    arguments, value = vectors()
    assert set(arguments[3]) >= {0.0, 1e-12, 1e-8, 1e-4, 0.1, 1.0}
    # A given float rbar fixes the correlation; h and k are exact. What is left is rounding.
    assert np.abs(function(*arguments) - value).max() <= ROUNDING


def test_without_means_it_is_an_arcsine():
    _, _, rho, rbar = random_arguments(np.random.default_rng(1), 100)
    zero = np.zeros(100)
    exact = 0.25 + np.arcsin(rho) / (2 * np.pi)
    assert np.abs(bivariate_cdf(None, None, rho, rbar, NUMPY) - exact).max() <= ROUNDING
    for function in (in_numpy, in_jax):
        assert np.abs(function(zero, zero, rho, rbar) - exact).max() <= ROUNDING


def test_quadrants_add_up():
    h, k, rho, rbar = random_arguments(np.random.default_rng(2), 200)
    for function in (in_numpy, in_jax):
        total = function(h, k, rho, rbar) + function(h, -k, -rho, rbar)
        assert np.abs(total - cdf(h, NUMPY)).max() <= ROUNDING
        assert np.abs(function(h, k, rho, rbar) - function(k, h, rho, rbar)).max() <= ROUNDING
        far = np.full_like(h, 40.0)
        assert np.abs(function(far, k, rho, rbar) - cdf(k, NUMPY)).max() <= ROUNDING
        assert np.abs(function(-far, k, rho, rbar)).max() <= ROUNDING


def test_monte_carlo():
    # 20 comparisons at 4.5 standard errors each: a false alarm in about 1 of 7000 choices of the seed.
    rng = np.random.default_rng(3)
    h, k, rho, rbar = random_arguments(rng, 20)
    u, v = rng.standard_normal((2, 200_000))
    for p, *a in zip(in_numpy(h, k, rho, rbar), h, k, rho, rbar, strict=True):
        mean = np.mean((u < a[0]) & (a[2] * u + a[3] * v < a[1]))
        assert abs(mean - p) <= 4.5 * np.sqrt(p * (1 - p) / 200_000) + 1e-9


def test_derivatives():
    h, k, rho, rbar = random_arguments(np.random.default_rng(4), 60)
    keep = rbar > 0.2  # steps of 0.02 in the angle stay inside
    points = np.array([h, k, np.arctan2(rho, rbar)]).T[keep]
    along = np.random.default_rng(5).standard_normal(points.shape)

    def value(p):
        return in_jax(p[:, 0], p[:, 1], np.sin(p[:, 2]), np.cos(p[:, 2]))

    def of_angle(p):
        return bivariate_cdf(p[0], p[1], JAX.sin(p[2]), JAX.cos(p[2]), JAX)

    with jax.enable_x64(True):
        slope = np.asarray(jax.jit(jax.vmap(jax.grad(of_angle)))(points))
    fine, allowed = central(value, points, along, 0.005, ROUNDING)
    assert (np.abs((slope * along).sum(1) - fine) <= allowed).all()
    assert np.median(np.abs(fine)) > 1e4 * np.median(allowed)


def test_derivatives_are_finite_everywhere():
    arguments, _ = vectors()

    def of_covariance(s):
        rho, rbar = correlation(s[0], s[1], s[2], JAX)
        h, k = standardised(s[3], JAX.root(s[0]), JAX), standardised(s[4], JAX.root(s[2]), JAX)
        return bivariate_cdf(h, k, rho, rbar, JAX) + positive_part(s[4], JAX.root(s[2]), JAX)

    covariances = np.array([
        [s11, s12, s22, m1, m2]
        for s11, s12, s22 in [(1, 0, 1), (1, 1, 1), (4, -2, 1), (0, 0, 1), (0, 0, 0), (1e-30, 0, 1), (2, 0, 0)]
        for m1 in (0.0, 0.5, -2.0) for m2 in (0.0, 1.0)
    ], dtype=float)  # fmt: skip
    with jax.enable_x64(True):
        slopes = jax.jit(jax.vmap(jax.grad(lambda a: bivariate_cdf(*a, JAX))))(np.array(arguments).T)
        assert np.isfinite(slopes).all()
        assert np.isfinite(jax.jit(jax.vmap(jax.grad(of_covariance)))(covariances)).all()
        curvature = jax.jit(jax.vmap(jax.jacfwd(jax.jacfwd(of_covariance))))(covariances[:6])
        assert np.isfinite(curvature).all()


def test_variables_that_are_constant():
    # sigma = 0: u + m > 0 is decided by the sign of m alone, and is 1/2 at m = 0.
    s11, s22 = np.zeros(3), np.ones(3)
    m1, m2 = np.array([2.0, 0.0, -2.0]), np.full(3, 0.4)
    rho, rbar = correlation(s11, 0.0 * s11, s22, NUMPY)
    h, k = standardised(m1, np.sqrt(s11), NUMPY), standardised(m2, np.sqrt(s22), NUMPY)
    exact = np.array([1.0, 0.5, 0.0]) * cdf(0.4, NUMPY)
    assert np.abs(in_numpy(h, k, rho, rbar) - exact).max() <= ROUNDING
    assert np.abs(positive_part(m1, 0.0 * m1, NUMPY) - [2.0, 0.0, 0.0]).max() <= ROUNDING


def test_the_given_mean_has_no_cancellation():
    # h and k a few units of rbar apart: their difference is exact, and so is what is left of the correlation.
    rbar = np.array([1e-3, 1e-6, 1e-9])
    h = np.full(3, 0.75)
    k = h + 2.0**-3 * rbar
    for sign in (1.0, -1.0):
        rho = sign * np.sqrt((1 - rbar) * (1 + rbar))
        exact = sign * ((k - h) / rbar + h * rbar / (1 + np.abs(rho)))
        got = given(h, sign * k, rho, rbar, NUMPY)
        assert np.abs(got - exact).max() <= 4 * np.finfo(float).eps * np.abs(exact).max()


@pytest.mark.parametrize(("m", "sigma"), [(-1.5, 0.7), (0.0, 1.2), (0.8, 0.3), (3.0, 2.0)])
def test_positive_part_is_the_integral(m, sigma):
    integral, error = quad(lambda z: (m + sigma * z) * pdf(z, NUMPY), -m / sigma, 12.0, epsabs=1e-14)
    assert abs(positive_part(m, sigma, NUMPY) - integral) <= error + ROUNDING
    assert abs(positive_part(None, sigma, NUMPY) - sigma / np.sqrt(2 * np.pi)) <= ROUNDING
