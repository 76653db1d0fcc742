"""Where the drift vanishes: unspecialised plateaus, stationary states of the perceptron, and their eigenvalues."""

import numpy as np
import pytest
from scipy.optimize import root

import learndyn as ld
from drift_programs import drift_of, jacobian_of
from learndyn.scenarios.student_teacher.state import pack
from reference_data import entry, inputs_and_outputs

ROUNDING = 1e-14


def scenario(activation, K, eta):
    dynamics = "sgd" if eta else "gradient_flow"
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(K, activation), eta or 1.0, dynamics)


def unspecialised(K, R, Q_ii, Q_ij):
    return pack(np.full((K, K), R), Q_ij + (Q_ii - Q_ij) * np.eye(K))


def eigenvalues(s, state):
    """Of the Jacobian over eta, sorted, largest first."""
    values = np.linalg.eigvals(jacobian_of(s)(state)) / s.learning_rate
    assert np.abs(values.imag).max() < 1e-6
    return np.sort(values.real)[::-1]


@pytest.mark.parametrize("name", ["plateau-001", "plateau-006", "plateau-008", "plateau-009", "plateau-011"])
def test_the_plateau_and_its_eigenvalues_are_those_of_the_reference(name):
    # plateau-001 are the numbers on p. 36 of Straat (2018).
    inputs, outputs = inputs_and_outputs(name)
    K = inputs["K"]
    s = scenario(inputs["act"], K, inputs.get("eta", 0.0))
    Q_ij = outputs.get("Q_ij", outputs.get("Q_12"))
    # Found from a start a per cent away, then compared.
    solution = root(
        drift_of(s), unspecialised(K, outputs["R"], 1.01 * outputs["Q_ii"], 0.99 * Q_ij), jac=jacobian_of(s), tol=1e-14
    )
    assert np.abs(solution.fun).max() < 1e-12
    tolerance = entry(name)["tolerance"]
    np.testing.assert_allclose(
        solution.x, unspecialised(K, outputs["R"], outputs["Q_ii"], Q_ij), rtol=0, atol=tolerance
    )
    wanted = outputs.get("eigenvalues_sorted", outputs.get("eigenvalues_desc_abs"))
    np.testing.assert_allclose(eigenvalues(s, solution.x), sorted(wanted, reverse=True), rtol=0, atol=tolerance)
    assert s.rows(solution.x)["eps_g"] == pytest.approx(outputs["eps_g"], abs=tolerance)


@pytest.mark.parametrize("name", ["plateau-003", "plateau-004"])
def test_the_erf_plateau_is_where_saad_and_solla_found_it(name):
    # Q = 1/(2K-1) for all pairs, R = 1/sqrt(K (2K-1)), eps_g = (K/pi) (pi/6 - K asin(1/(2K))) for eta to 0.
    inputs, outputs = inputs_and_outputs(name)
    K = inputs["K"]
    s, Q, R = scenario("erf", K, 0.0), 1 / (2 * K - 1), 1 / np.sqrt(K * (2 * K - 1))
    state = unspecialised(K, R, Q, Q)
    assert np.abs(drift_of(s)(state)).max() < ROUNDING
    exact = K / np.pi * (np.pi / 6 - K * np.arcsin(1 / (2 * K)))
    assert s.rows(state)["eps_g"] == pytest.approx(exact, abs=ROUNDING)
    assert outputs["eps_g"] == pytest.approx(exact, abs=ROUNDING)


def test_the_erf_spectrum_is_a_rational_multiple():
    # The list on p. 38 of Straat (2018) is another one and is not reproduced. The two zeros are
    # a double eigenvalue: rounding of 1e-16 moves it by up to 1e-8.
    s = scenario("erf", 2, 0.0)
    exact = np.array([1, 0, 0, -9, -14, -15, -30]) * 4 / (5 * np.sqrt(15) * np.pi)
    values = eigenvalues(s, unspecialised(2, 1 / np.sqrt(6), 1 / 3, 1 / 3))
    np.testing.assert_allclose(values, exact, rtol=0, atol=2e-8)
    simple = exact != 0
    np.testing.assert_allclose(values[simple], exact[simple], rtol=0, atol=1e-13)
    # The entries of the reference were made with finite differences.
    for name, key in (("plateau-002", "eigenvalues_desc_abs"), ("site_symmetry-004", "eigenvalues_sorted")):
        tolerance = entry(name)["tolerance"]
        np.testing.assert_allclose(np.sort(entry(name)["outputs"][key])[::-1], exact, rtol=0, atol=tolerance)


def perceptron(eta):
    return ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), eta)


def test_the_perceptron_has_a_second_stationary_state_above_the_critical_rate():
    # At eta = 2.1 the perfect solution is unstable, but learning settles nearby.
    _, outputs = inputs_and_outputs("perceptron-016")
    s = perceptron(2.1)
    solution = root(drift_of(s), [0.98, 1.15], jac=jacobian_of(s), tol=1e-14)
    np.testing.assert_allclose(solution.x, [outputs["R"], outputs["Q"]], rtol=0, atol=1e-7)
    assert s.rows(solution.x)["eps_g"] == pytest.approx(outputs["eps_g"], abs=1e-7)
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(jacobian_of(s)(solution.x))), [-1.0103, -0.0452], atol=5e-5)
    assert np.linalg.eigvals(jacobian_of(s)(np.ones(2))).max() > 0.1


def test_the_second_stationary_state_ends_in_a_saddle_node():
    # Drift and determinant vanish together at eta = 2.24650; the reference gives ten digits or more of the point.
    _, outputs = inputs_and_outputs("perceptron-018")

    def equations(z):
        s = perceptron(z[2])
        return [*drift_of(s)(z[:2]), np.linalg.det(jacobian_of(s)(z[:2]))]

    solution = root(equations, [0.8, 2.8, 2.24], tol=1e-12)
    assert solution.success
    wanted = [outputs["R"], outputs["Q"], outputs["eta_sn"]]
    np.testing.assert_allclose(solution.x, wanted, rtol=0, atol=entry("perceptron-018")["tolerance"])
