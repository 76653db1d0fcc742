"""Normal probabilities in the tails: identities that no cancellation spoils, SciPy, mpmath, derivatives."""

import jax
import numpy as np
import pytest
from mpmath import mp, mpf, ncdf, npdf, quad
from scipy.special import ndtr, owens_t

from differences import central
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.gaussian.tails import both_below, lower_tail, owen_t

EPS = np.finfo(float).eps
JAX = jax_namespace()


def in_jax(function):
    def evaluated(*arguments):
        with jax.enable_x64(True):
            return np.asarray(jax.jit(lambda *a: function(*a, JAX))(*arguments))

    return evaluated


def in_numpy(function):
    return lambda *arguments: function(*arguments, NUMPY)


def relative(z, terms=30):
    """Some roundings, and those of the exponent z^2."""
    return terms * EPS * (1.0 + z * z)


@pytest.mark.parametrize("where", [in_numpy, in_jax])
def test_one_slope_and_none_are_products(where):
    """Phi_2(z, z) is Phi(z)^2 at k = 1, no correlation, and Phi(z) at k = 0; T(h, 1) is Phi(h) Phi(-h) / 2."""
    z = np.linspace(-18.0, 6.0, 97)
    both, T = where(both_below), where(owen_t)
    assert (np.abs(both(z, 1.0 + 0 * z) / ndtr(z) ** 2 - 1.0) <= relative(z)).all()
    assert (np.abs(both(z, 0 * z) / ndtr(z) - 1.0) <= relative(z)).all()
    assert (np.abs(T(z, 1.0 + 0 * z) / (0.5 * ndtr(z) * ndtr(-z)) - 1.0) <= relative(z)).all()
    assert (T(z, 0 * z) == 0.0).all()
    assert (np.abs(where(lower_tail)(z) / ndtr(z) - 1.0) <= relative(z)).all()


def test_owens_function_of_scipy():
    rng = np.random.default_rng(1)
    h, k = 3.0 * rng.standard_normal(300), rng.uniform(0.0, 1.0, 300)
    found, exact = owen_t(h, k, NUMPY), owens_t(h, k)
    assert (np.abs(found - exact) <= 10 * EPS + relative(h) * exact).all()


@pytest.mark.parametrize(("z", "k"), [(-9.0, 0.4), (-3.0, 0.8), (-0.2, 0.1), (1.5, 0.6)])
def test_mpmath(z, k):
    with mp.workdps(30):
        exact = quad(lambda s: 2 * npdf(s) * ncdf(mpf(k) * s), [z - 30, z - 10, z - 4, z - 2, z - 1, z - 0.3, z])
        T = (ncdf(z) - exact) / 2
    assert abs(both_below(z, k, NUMPY) / exact - 1) <= relative(z)
    assert abs(owen_t(z, k, NUMPY) / T - 1) <= relative(z)


@pytest.mark.parametrize("function", [owen_t, both_below])
def test_derivatives(function):
    rng = np.random.default_rng(2)
    z, k = rng.uniform(-4.0, 3.0, 40), rng.uniform(0.1, 0.9, 40)
    points = np.stack([z, k], axis=-1)

    def slope_at(points, along):
        both = lambda z, k: jax.jvp(lambda z, k: function(z, k, JAX), (z, k), (along[0] + 0 * z, along[1] + 0 * z))  # noqa: E731
        return jax.jit(both)(points[..., 0], points[..., 1])

    with jax.enable_x64(True):
        for along in (np.array([1.0, 0.0]), np.array([0.0, 1.0])):
            _, slope = slope_at(points, along)
            found, error = central(lambda p: function(p[..., 0], p[..., 1], NUMPY), points, along, 0.02, 4 * EPS)
            assert (np.abs(np.asarray(slope) - found) <= error + 4 * EPS).all()
