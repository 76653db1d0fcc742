"""The 1 / N part of the drift: against the linear perceptron's exact rate, and against Monte Carlo and differences."""

import jax
import numpy as np
import pytest
from scipy import stats

import learndyn as ld
from drift_programs import drift_of, random_state, random_teacher
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.size_correction import size_correction
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.increments import root_columns


def correction_at(scenario, flat):
    drift, length_term = scenario.flow().drift, scenario.noise().length_term

    def correction(flat, values):
        return size_correction(drift, length_term, 0.0, flat, drift(0.0, flat, values), values)

    with jax.enable_x64(True):
        return np.asarray(jax.jit(correction)(flat, scenario.values()))


def test_a_drift_that_depends_on_time():
    # z' = z (1 + t): the map z -> z + F / N lags by (dF/dt + F dF/dz) / 2N = (z + z (1 + t)^2) / 2N.
    with jax.enable_x64(True):
        z, t = np.array([2.0, -3.0]), 0.5
        c = size_correction(lambda t, z, _: z * (1 + t), lambda t, z, _: 7.0 + 0.0 * z, t, z, z * (1 + t), {})
    np.testing.assert_allclose(c, 7.0 - 0.5 * (z + z * (1 + t) ** 2), rtol=1e-15)


@pytest.mark.parametrize("eta", [0.3, 1.0, 1.7])
def test_the_linear_perceptron_has_its_exact_rate(eta):
    # E = |J - B|^2 = 1 + Q - 2 R is multiplied by 1 + (eta^2 - 2 eta) / N + 2 eta^2 / N^2 a step, on average, so that
    # N ln(rate) = a + [2 eta^2 - a^2 / 2] / N + ..., a = eta^2 - 2 eta. Its mean closes: no second derivative enters.
    scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), eta)
    R, Q = 0.3, 0.7
    E, a = 1 + Q - 2 * R, eta**2 - 2 * eta
    c = correction_at(scenario, np.array([R, Q]))
    assert c[1] - 2 * c[0] == pytest.approx((2 * eta**2 - a**2 / 2) * E, rel=1e-13)


@pytest.mark.parametrize(("activation", "K", "M"), [("erf", 1, 1), ("relu", 1, 1), ("erf", 2, 1), ("relu", 2, 2)])
def test_both_terms_have_a_second_source(activation, K, M):
    rng = np.random.default_rng([K, M])
    T = random_teacher(M, rng)
    scenario = ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, T), 0.8)
    flat = random_state(K, M, T, rng)
    drift, h = drift_of(scenario), 1e-3
    F = drift(flat)
    along = (8 * (drift(flat + h * F) - drift(flat - h * F)) - drift(flat + 2 * h * F) + drift(flat - 2 * h * F)) / (
        12 * h
    )
    # <(|u|^2 - n) delta_i delta_k> of 20 batches of 20 000 draws.
    z_root = np.stack(root_columns(state.covariance(flat, K, M, T), NUMPY), axis=-1)
    g, dg = scenario.activation.g, scenario.activation.dg
    i, k = state.upper(K)
    batches = []
    for _ in range(20):
        u = rng.standard_normal((20_000, K + M))
        z = u @ z_root.T
        delta = dg(z[:, :K]) * (g(z[:, K:]).sum(1) - g(z[:, :K]).sum(1))[:, None]
        batches.append((((u**2).sum(1) - K - M)[:, None] * delta[:, i] * delta[:, k]).mean(0))
    batches = 0.8**2 * np.array(batches)
    c = correction_at(scenario, flat)
    # Difference quotient of order 4: h^4 / 30 times a fifth derivative of order 10, and 1e-10 / h of the moments.
    np.testing.assert_allclose(c[: K * M], -0.5 * along[: K * M], rtol=0, atol=1e-7)
    score = (batches.mean(0) - (c + 0.5 * along)[K * M :]) / (batches.std(0, ddof=1) / np.sqrt(20))
    # Student's t with 19 degrees; four cases of up to 3 comparisons: 1e-6 for the false alarm of all together.
    assert np.abs(score).max() < stats.t.isf(1e-6 / (2 * 4 * 3), 19)
