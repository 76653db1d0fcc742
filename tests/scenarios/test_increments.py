"""Single updates as functions of normals: their mean is the drift, also where the covariance is singular."""

import jax
import numpy as np
import pytest
from scipy import stats

import learndyn as ld
from drift_programs import random_state, random_teacher
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.increments import make_increments, root_columns

EPS = np.finfo(float).eps
SHAPES = [("erf", 1, 1), ("relu", 1, 1), ("linear", 2, 1), ("relu", 2, 2), ("erf", 3, 2)]


def scenario_and_state(activation, K, M, eta=0.7):
    rng = np.random.default_rng([K, M])
    T = random_teacher(M, rng)
    scenario = ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, T), eta)
    return scenario, random_state(K, M, T, rng), rng


@pytest.mark.parametrize(("activation", "K", "M"), SHAPES)
def test_the_mean_of_the_increments_is_the_drift(activation, K, M):
    scenario, flat, rng = scenario_and_state(activation, K, M)
    increments = make_increments(scenario.K, scenario.M, scenario.activation, NUMPY)
    batches = np.array(
        [increments(flat, scenario.values(), rng.standard_normal((20_000, K + M))).mean(0) for _ in range(20)]
    )
    R, Q = state.unpack(flat, K, M)
    drift = ld.drift(scenario, ld.Start(Q, R))
    wanted = state.pack(drift.R.values, drift.Q.values)
    z = (batches.mean(0) - wanted) / (batches.std(0, ddof=1) / np.sqrt(20))
    # Student's t with 19 degrees; five cases of up to 12 comparisons: 1e-6 for the false alarm of all together.
    assert np.abs(z).max() < stats.t.isf(1e-6 / (2 * 5 * 12), 19)


def test_one_increment_by_hand():
    # Triangular C: x = 2 u_1, y = 0.6 u_1 + 0.8 u_2.
    scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), 0.5)
    b = make_increments(scenario.K, scenario.M, scenario.activation, NUMPY)(
        np.array([1.2, 4.0]), scenario.values(), np.array([[1.0, 2.0], [-1.0, 2.0]])
    )
    delta = 2.2 - 2.0
    np.testing.assert_allclose(b, [[0.5 * delta * 2.2, delta * 2.0 + 0.25 * delta**2], [0, 0]], rtol=0, atol=8 * EPS)


@pytest.mark.parametrize(("activation", "K", "M"), SHAPES)
def test_jax_and_batches_of_states_agree(activation, K, M):
    scenario, flat, rng = scenario_and_state(activation, K, M)
    u = rng.standard_normal((7, K + M))
    plain = make_increments(scenario.K, scenario.M, scenario.activation, NUMPY)
    one = plain(flat, scenario.values(), u)
    states = np.repeat(flat[None], 7, axis=0)
    # The same operations in another order: rounding of sums of a few products.
    np.testing.assert_allclose(plain(states, scenario.values(), u), one, rtol=0, atol=100 * EPS * np.abs(one).max())
    with jax.enable_x64(True):
        program = jax.jit(make_increments(scenario.K, scenario.M, scenario.activation, jax_namespace()))
        np.testing.assert_allclose(
            program(flat, scenario.values(), u), one, rtol=0, atol=1000 * EPS * np.abs(one).max()
        )


def test_the_root_of_a_regular_covariance():
    rng = np.random.default_rng(3)
    A = rng.standard_normal((5, 4, 6))
    C = A @ np.swapaxes(A, -1, -2)
    L = np.stack(root_columns(C, NUMPY), axis=-1)
    np.testing.assert_allclose(L, np.linalg.cholesky(C), rtol=0, atol=1e-12)


def test_roots_of_singular_covariances():
    rng = np.random.default_rng(4)
    for rank in (1, 2, 3):
        for _ in range(200):
            A = rng.standard_normal((5, rank)) * 10.0 ** rng.integers(-3, 4, (5, 1))
            A[rng.integers(5)] = A[rng.integers(5)]
            A[rng.integers(5)] *= rng.integers(2)
            C = A @ A.T
            L = np.stack(root_columns(C, NUMPY), axis=-1)
            scale = np.maximum(np.sqrt(np.diagonal(C)), 1e-100)
            # Eliminating a variable multiplies the rounding of its row, n eps, by coefficients of regression on it.
            unit = A / scale[:, None]
            slopes = [np.abs(unit @ np.linalg.pinv(unit[:j], rcond=1e-6)).max() for j in range(1, 5)]
            error = np.abs(L @ L.T - C) / np.outer(scale, scale)
            assert error.max() <= 4 * 5 * EPS * (1 + max(slopes)) ** 2
            assert np.isfinite(L).all()


@pytest.mark.parametrize("activation", ["erf", "relu", "linear"])
def test_a_perfect_student_stands_still(activation):
    T = np.array([[1.0, 0.3], [0.3, 2.0]])
    scenario = ld.StudentTeacher(ld.Student(2, activation), ld.Teacher(2, activation, T), 1.0)
    u = np.random.default_rng(5).standard_normal((100, 4))
    b = make_increments(scenario.K, scenario.M, scenario.activation, NUMPY)(state.pack(T, T), scenario.values(), u)
    # Errors of rounding in z of order 10, times z.
    assert np.abs(b).max() <= 1000 * EPS
