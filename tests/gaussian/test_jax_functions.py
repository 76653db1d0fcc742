"""The elementwise functions of the namespaces: JAX against NumPy and mpmath, and their derivatives at the ends."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from learndyn.gaussian.namespaces import NUMPY, jax_namespace

# Both ends, the middle, and what lies between on a logarithmic scale.
SMALL = np.concatenate([[0.0], 10.0 ** np.arange(-300.0, 0.0, 7.0), np.linspace(0.01, 1.0, 201)])
EPS = np.finfo(float).eps


def both(name, *arrays):
    """The function in JAX, compiled, and in NumPy."""
    with jax.enable_x64(True):
        compiled = np.asarray(jax.jit(getattr(jax_namespace(), name))(*arrays))
    return compiled, getattr(NUMPY, name)(*arrays)


def test_angle_is_right_to_rounding():
    s = np.concatenate([SMALL, -SMALL, SMALL, -SMALL])
    c = np.concatenate([np.ones(2 * len(SMALL)), SMALL[::-1], SMALL[::-1]])
    compiled, plain = both("angle", s, c)
    exact = np.array([float(mpmath.atan2(y, x)) if (y, x) != (0, 0) else 0.0 for y, x in zip(s, c, strict=True)])
    # The polynomial is right to 5e-17; some eight roundings follow. Where s^2 underflows (below 1e-154) s is as good
    # as zero beside c = 1, which it is here, or the angle of two such numbers, which no correlation is made of.
    usable = np.hypot(s, c) > 1e-150
    assert (np.abs(compiled - exact)[usable] <= 8 * EPS * np.abs(exact)[usable]).all()
    assert (np.abs(plain - exact) <= 2 * EPS * np.abs(exact)).all()
    assert np.isfinite(compiled).all()


def test_arcsine_is_right_to_rounding():
    x = np.concatenate([SMALL, -SMALL, 1 - SMALL, SMALL - 1, [1 + 1e-15, -1 - 1e-15, 1.5, -2.0]])
    compiled, plain = both("arcsine", x)
    exact = np.array([float(mpmath.asin(max(-1.0, min(1.0, float(v))))) for v in x])
    assert (np.abs(compiled - exact) <= 8 * EPS * np.abs(exact)).all()
    assert (np.abs(plain - exact) <= 2 * EPS * np.abs(exact)).all()


def test_root_ratio_and_unit():
    x = np.array([-1.0, -1e-300, 0.0, 1e-300, 0.25, 4.0])
    for value in both("root", x):
        np.testing.assert_array_equal(value, np.sqrt(np.maximum(x, 0.0)))
    for value in both("ratio", np.array([1.0, 0.0, 2.0]), np.array([0.0, 0.0, 4.0])):
        np.testing.assert_array_equal(value, [0.0, 0.0, 0.5])
    for value in both("unit", np.array([-2.0, -1.0, 0.3, 1.0, 1 + 1e-16, 7.0])):
        np.testing.assert_array_equal(value, [-1.0, -1.0, 0.3, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(("m", "k", "n"), [(3, 4, 5), (9, 40, 3)])
def test_product_is_the_matrix_product(m, k, n):
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    for left, right in ((A, B), (A[0], B), (A, B[:, 0]), (A[0], B[:, 0])):
        for value in both("product", left, right):
            # k products of numbers of order one, summed in another order.
            np.testing.assert_allclose(value, left @ right, rtol=0, atol=4 * k * EPS)


def test_derivatives_are_finite_and_defined_at_the_ends():
    functions = jax_namespace()
    with jax.enable_x64(True):
        ends = jnp.array([-1.0, 1.0])
        assert jax.vmap(jax.grad(functions.unit))(ends).tolist() == [1.0, 1.0]
        assert jax.vmap(jax.grad(functions.arcsine))(ends).tolist() == [0.0, 0.0]
        assert jax.vmap(jax.grad(functions.root))(jnp.array([-1.0, 0.0])).tolist() == [0.0, 0.0]
        assert [float(x) for x in jax.grad(functions.angle, (0, 1))(0.0, 0.0)] == [0.0, 0.0]
        assert [float(x) for x in jax.grad(functions.ratio, (0, 1))(1.0, 0.0)] == [0.0, 0.0]
        # Inside, the derivatives of the functions that they are: elementary, to rounding.
        x = jnp.array([-0.9, -0.1, 1e-9, 0.6])
        np.testing.assert_allclose(jax.vmap(jax.grad(functions.arcsine))(x), 1 / np.sqrt(1 - x**2), rtol=8 * EPS)
        slope = jax.vmap(jax.grad(functions.angle, (0, 1)))(x, jnp.full(4, 0.5))
        np.testing.assert_allclose(slope[0], 0.5 / (x**2 + 0.25), rtol=8 * EPS)
        np.testing.assert_allclose(slope[1], -x / (x**2 + 0.25), rtol=8 * EPS)
