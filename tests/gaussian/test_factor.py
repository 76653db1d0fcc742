"""Factors of covariances: exact to rounding, also where the covariance is singular or its scales differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from learndyn.gaussian.factor import root, triangular

EPS = np.finfo(float).eps


@st.composite
def covariances(draw):
    """Overlaps of up to six vectors of round components: zeros, copies, opposites and scales of 1e-6 are common."""
    n, rank = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    component = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0]), st.floats(-2.0, 2.0, width=16))
    A = draw(arrays(float, (n, rank), elements=component))
    sources = draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
    scales = draw(st.lists(st.sampled_from([0.0, 1.0, -1.0, 1e-6, 1e6]), min_size=n, max_size=n))
    A = A[sources] * np.array(scales)[:, None]
    return A @ A.T


def assert_factor(W, C):
    lengths = np.sqrt(np.diag(C))
    # C itself is rounded; elimination stops at 2 n eps of the length, and each step rounds once or twice.
    assert np.all(np.abs(W @ W.T - C) <= 10 * len(C) ** 2 * EPS * np.outer(lengths, lengths))


@given(C=covariances())
def test_factors_give_the_covariance_back(C):
    W, L = root(C), triangular(C)
    assert_factor(W, C)
    assert_factor(L, C)
    np.testing.assert_array_equal(L, np.tril(L))
    assert np.all(np.diag(L) >= 0.0)


def test_a_generic_factor_is_that_of_cholesky():
    A = np.random.default_rng(4).standard_normal((5, 15))
    C = A @ A.T / 15
    # The condition number of C is below 100.
    np.testing.assert_allclose(triangular(C), np.linalg.cholesky(C), rtol=0, atol=100 * 25 * EPS)


def rank_cases():
    v = np.array([1.0, -2.0, 0.5])
    teacher = np.array([[1.0, 0.0, 0.3], [0.0, 1.0, 0.4], [0.3, 0.4, 0.25]])
    return {
        "zero": (np.zeros((3, 3)), 0),
        "rank one": (np.outer(v, v), 1),
        "one vector that the others span": (teacher, 2),
        "very different lengths": (np.diag([1e-300, 1.0, 1e300]), 3),
        "single": (np.array([[4.0]]), 1),
    }


@pytest.mark.parametrize("name", rank_cases())
def test_columns_beyond_the_rank_are_exactly_zero(name):
    C, rank = rank_cases()[name]
    W = root(C)
    assert_factor(W, C)
    assert np.count_nonzero(W.any(axis=0)) == rank
    assert not W[:, rank:].any()


def test_rounding_leaves_no_direction_of_its_own():
    """A square root by eigenvalues would give copies a distance of 1e-8 where C is rounded in the last digit."""
    third = 1.0 / 3.0
    C = np.array([[third, third, 0.1], [third, np.nextafter(third, 1.0), 0.1], [0.1, 0.1, 0.5]])
    W = root(C)
    assert np.abs(W[0] - W[1]).max() < 4 * EPS
    assert not W[:, 2].any()


def test_perfect_students_have_nothing_beyond_the_teacher():
    T = np.array([[1.0, 0.5], [0.5, 1.0]])
    L = triangular(np.block([[T, T], [T, T]]))  # the teacher first
    np.testing.assert_allclose(L[2:, :2], L[:2, :2], rtol=0, atol=4 * EPS)
    assert np.abs(L[2:, 2:]).max() == 0.0


def test_the_argument_stays_as_it_is():
    C = np.array([[1.0, 0.5], [0.5, 1.0]])
    before = C.copy()
    root(C), triangular(C)
    np.testing.assert_array_equal(C, before)
