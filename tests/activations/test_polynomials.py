"""Averages of polynomials: against moments counted by hand, and against Gauss-Hermite quadrature, which is exact."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import learndyn as ld
from learndyn.activations.polynomial import horner
from learndyn.activations.polynomial_averages import derivative, polynomial_fours, polynomial_pair
from learndyn.gaussian.namespaces import NUMPY, jax_namespace

# Six nodes integrate products of degree 11 exactly, so that no error is left but rounding: of sums of some 10^3 terms
# that are at most 10^3 times the value in these tests.
NODES = 6
ROUNDING = 1e6 * 2.0**-52


def gauss_hermite(factors, C, m):
    """<prod p_i(z_i + m_i)> on a tensor grid."""
    x, w = np.polynomial.hermite_e.hermegauss(NODES)
    values, vectors = np.linalg.eigh(C)
    grid = np.meshgrid(*[x] * len(C), indexing="ij")
    weights = np.prod(np.meshgrid(*[w / w.sum()] * len(C), indexing="ij"), axis=0)
    z = np.tensordot(vectors * np.sqrt(np.maximum(values, 0.0)), np.array(grid), axes=1)
    return float((weights * np.prod([horner(p, z[i] + m[i]) for i, p in enumerate(factors)], axis=0)).sum())


@pytest.mark.parametrize(
    ("first", "second", "moment"),
    [
        ((0, 1), (0, 1), lambda a, b, c: b),
        ((0, 0, 1), (0, 0, 1), lambda a, b, c: a * c + 2 * b**2),
        ((0, 0, 0, 1), (0, 0, 0, 1), lambda a, b, c: 9 * a * b * c + 6 * b**3),
        ((0, 1), (0, 0, 0, 1), lambda a, b, c: 3 * b * c),
        ((1,), (0, 0, 0, 0, 1), lambda a, b, c: 3 * c**2),
        ((0, -3, 0, 1), (0, -3, 0, 1), lambda a, b, c: 9 * (a - 1) * b * (c - 1) + 6 * b**3),  # Hermite: 3! b^3 at 1
    ],
)
def test_moments_of_two_variables(first, second, moment):
    s11, s12, s22 = np.array([[1.3, 0.4, 0.8], [1.0, -1.0, 1.0], [0.0, 0.0, 2.0]]).T
    outputs, _ = polynomial_pair(first, second)
    np.testing.assert_allclose(outputs(s11, s12, s22, None, None, NUMPY), moment(s11, s12, s22), rtol=1e-14, atol=1e-15)


coefficients = st.lists(st.sampled_from([0.0, 1.0, -0.5, 2.0]), min_size=1, max_size=4).map(tuple)
numbers = st.sampled_from([0.0, 1.0, -1.0, 0.5])


@given(four=st.tuples(*[coefficients] * 4), entries=st.lists(numbers, min_size=12, max_size=12), biased=st.booleans())
def test_fours_are_exact_on_singular_covariances_too(four, entries, biased):
    A = np.array(entries).reshape(4, 3)
    C, m = A @ A.T, np.array([0.5, -1.0, 0.0, 0.25]) * biased
    found = polynomial_fours(four)(C, m if biased else None, NUMPY)
    factors = (derivative(four[0]), derivative(four[1]), four[2], four[3])
    # All terms positive: the size of what may cancel.
    size = gauss_hermite([tuple(np.abs(p)) for p in factors], np.abs(C) + np.diag(np.abs(C).sum(1)), np.abs(m))
    assert found == pytest.approx(gauss_hermite(factors, C, m), abs=ROUNDING * (1 + size))


@pytest.mark.parametrize("m", [(None, None), (0.3, -0.7)])
def test_slopes(m):
    first, second = (0.2, 1.0, -0.5, 0.3), (1.0, 0.0, 0.5)
    C = np.array([[1.4, 0.6], [0.6, 0.9]])
    slopes = polynomial_pair(first, second)[1](C[0, 0], C[0, 1], C[1, 1], *m, NUMPY)
    means = np.zeros(2) if m[0] is None else np.array(m)
    slope, bend = derivative(first), derivative(first, 2)
    assert slopes.along == pytest.approx(np.sqrt(1.4) * gauss_hermite((bend, second), C, means), rel=1e-13)
    assert slopes.both == pytest.approx(gauss_hermite((slope, derivative(second)), C, means), rel=1e-13)
    assert slopes.first == pytest.approx(gauss_hermite((slope, second), C, means), rel=1e-13)


def test_batches_and_derivatives_in_jax():
    """At a covariance of zeros nothing is singular; the derivative is that of the polynomial of the covariance."""
    fours = polynomial_fours(((0.0, 0.0, 1.0),) * 4)  # 4 <a b c^2 d^2>
    C = np.stack([np.zeros((4, 4)), np.eye(4), np.ones((4, 4))])
    with jax.enable_x64(True):
        values = jax.jit(lambda C: fours(C, None, jax_namespace()))(C)
        slopes = jax.jacfwd(lambda C: fours(C, None, jax_namespace()))(np.eye(4))
    np.testing.assert_allclose(values, [0.0, 0.0, 4 * 15.0], atol=1e-13)
    # d/ds_ab of 4 <a b> <c^2> <d^2> at the identity, where s_ab and s_ba are one number.
    assert slopes[0, 1] + slopes[1, 0] == pytest.approx(4.0)
    assert np.isfinite(slopes).all()


def test_linear_units_and_expressions_are_polynomials_too():
    assert ld.activation("linear").coefficients == (0.0, 1.0)
    C = np.array([[1.0, 0.4], [0.4, 2.0]])
    for text in ("polynomial(0, -3, 0, 1)", "x^3 - 3*x", "x*(x^2-3)", "-(3*x-x*x*x)/1"):
        act = ld.activation(text)
        assert act.coefficients == (0.0, -3.0, 0.0, 1.0)
        assert float(act.I2(C)) == pytest.approx(6 * 0.4**3, rel=1e-13)  # s11 = 1
    assert ld.activation("x^2 / (1 + x^2)").coefficients == ()
    assert ld.activation("1e-9*x^10").coefficients == ()  # of too high a degree: left to quadrature


def test_the_highest_degree_has_exact_averages():
    """<x^9 x^9> = 17!! at s = 1, <x^8 x^8 x^9 x^9> 81 = 33!! 81: the sums keep all but three digits."""
    act = ld.activation("polynomial(0,0,0,0,0,0,0,0,0,1)")
    assert float(act.I2(np.ones((2, 2)))) == pytest.approx(float(np.prod(np.arange(1.0, 18.0, 2.0))), rel=1e-13)
    wanted = 81 * float(np.prod(np.arange(1.0, 34.0, 2.0)))
    assert float(act.I4(np.ones((4, 4)))) == pytest.approx(wanted, rel=1e-12)
