"""The Jacobian of the drift: inside, at the natural start, along a trajectory, and at perfect specialisation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import learndyn as ld
from differences import central, one_sided
from drift_programs import drift_of, jacobian_of, random_state, random_teacher, state_of_weights
from learndyn.scenarios.student_teacher.state import pack
from reference_data import inputs_and_outputs

ACCURACY = 1e-10  # of the moments on generic covariances


def scenario(K, M, activation, learning_rate=0.5, T=None, dynamics="sgd"):
    student, teacher = ld.Student(K, activation), ld.Teacher(M, activation, T)
    return ld.StudentTeacher(student, teacher, learning_rate, dynamics=dynamics)


def check_inside(s, states, h):
    """J v against difference quotients along random directions v, one for each state; h: one step for each."""
    rng = np.random.default_rng(11)
    along = rng.standard_normal(states.shape)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    fine, allowed = central(drift_of(s), states, along, h, ACCURACY)
    product = np.einsum("sij,sj->si", jacobian_of(s)(states), along)
    assert (np.abs(product - fine) <= allowed).all()
    assert np.median(np.abs(fine)) > 1e3 * np.median(allowed)


@pytest.mark.parametrize(("K", "M", "activation"), [(2, 2, "relu"), (2, 2, "erf"), (3, 2, "relu"), (1, 1, "relu")])
def test_jacobian_at_generic_states(K, M, activation):
    rng = np.random.default_rng(K + 10 * M)
    T = random_teacher(M, rng)
    s = scenario(K, M, activation, T=T)
    states = np.array([random_state(K, M, T, rng) for _ in range(16)])
    # A student's own part has length 1 or so: these steps stay well inside.
    check_inside(s, states, np.full(16, 2e-3))


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_jacobian_at_the_natural_start(activation):
    # R = 0 and diagonal Q: every correlation is zero, where autodiff through a factorisation gives NaN.
    states = np.array([pack(np.zeros((2, 2)), np.diag(q)) for q in ([0.2, 0.3], [0.3, 0.3], [1.0, 1.0], [0.05, 2.0])])
    check_inside(scenario(2, 2, activation), states, np.full(4, 2e-3))


def distance_to_the_border(s, states):
    R, Q = (s.order_parameters(states)[name] for name in "RQ")
    # T = 1: the students' part outside the span of the teacher.
    return np.linalg.eigvalsh(Q - R @ np.swapaxes(R, 1, 2))[:, 0]


def test_jacobian_along_a_trajectory_to_perfect_specialisation():
    # The slides' plateau and escape; at the end |J - B| is 1e-5.
    inputs, _ = inputs_and_outputs("plateau-016")
    s = scenario(2, 2, "relu", learning_rate=0.5)
    run = ld.solve(s, ld.Start(inputs["Q0"], inputs["R0"]), until=260, save_at=131, rtol=1e-10, atol=1e-12)
    states = pack(run.R.values, run.Q.values)
    jacobian = jacobian_of(s)(states)
    assert np.isfinite(jacobian).all()
    distance = distance_to_the_border(s, states)
    assert distance[-1] < 1e-7
    far = distance > 1e-3
    assert far.sum() > 30
    check_inside(s, states[far], 0.02 * distance[far])
    # The part outside the span decays first, and the Jacobian approaches one that is not the one at the end. The
    # eigenvalues do; they differ by the order of the deviation, with a factor of order one (10 is generous).
    end = state_of_weights(np.array([[0.0, 1.0], [1.0, 0.0]]))
    spectrum = np.sort_complex(np.linalg.eigvals(jacobian_of(s)(end)))
    deviation = np.abs(states - end).max(1)
    assert deviation[-1] < 1e-5
    near = deviation < 1e-3
    assert near.sum() > 30
    for k in np.flatnonzero(near):
        difference = np.sort_complex(np.linalg.eigvals(jacobian[k])) - spectrum
        assert np.abs(difference).max() <= 10 * deviation[k]


@pytest.mark.parametrize("learning_rate", [0.5, 1.0, 2.1])
def test_perceptron_at_the_perfect_solution(learning_rate):
    # Straat (2018) p. 21; the slide's one-sided derivative [reference: perceptron-009].
    eta = learning_rate
    jacobian = jacobian_of(scenario(1, 1, "relu", eta))(np.ones(2))
    expected = [[-eta / 2, 0], [-eta * (eta - 1), eta * (eta - 2) / 2]]
    np.testing.assert_allclose(jacobian, expected, rtol=0, atol=1e-14)
    if eta == 0.5:
        np.testing.assert_allclose(jacobian, inputs_and_outputs("perceptron-009")[1]["F"], rtol=0, atol=1e-14)


def into_the_interior(J, rng):
    """A direction in which the students J also gain a part of their own, dQ - dJ J^T - J dJ^T positive definite."""
    K, M = J.shape
    dJ, own = rng.standard_normal((K, M)), rng.standard_normal((K, K))
    return pack(dJ, dJ @ J.T + J @ dJ.T + own @ own.T + 0.3 * np.eye(K))


@pytest.mark.parametrize("dynamics", ["sgd", "gradient_flow"])
@pytest.mark.parametrize("activation", ["relu", "erf"])
@pytest.mark.parametrize(
    "J",
    [
        pytest.param([[1.0, 0.0], [0.0, 1.0]], id="specialised"),
        pytest.param([[1.0, 0.0], [0.0, 0.4], [0.0, 0.6]], id="shared"),
    ],
)
def test_jacobian_at_perfect_solutions_is_the_one_sided_derivative(J, activation, dynamics):
    # Two student units that share a teacher unit are perfect for ReLU alone (positive homogeneity), and an ordinary
    # singular point for erf.
    J = np.array(J)
    s = scenario(*J.shape, activation, dynamics=dynamics)
    point, drift = state_of_weights(J), drift_of(s)
    if activation == "relu" or len(J) == 2:
        np.testing.assert_allclose(drift(point), 0.0, rtol=0, atol=1e-10)
    jacobian = jacobian_of(s)(point)
    rng = np.random.default_rng(2)
    for _ in range(6):
        along = into_the_interior(J, rng)
        slope, allowed = one_sided(drift, point, along)
        assert allowed < 1e-4
        assert np.abs(jacobian @ along - slope).max() <= allowed


def test_jacobian_on_the_border():
    # Students within the span of the teacher, not perfect: again one-sided. Its limit along the border is not the
    # Jacobian at the perfect solution, but has its eigenvalues (documented in learndyn.gaussian.namespaces).
    s = scenario(2, 2, "relu", dynamics="gradient_flow")
    drift, rng = drift_of(s), np.random.default_rng(4)
    direction = np.array([[0.3, -0.7], [1.1, 0.4]])
    for size in (0.3, 0.1):
        J = np.eye(2) + size * direction
        jacobian = jacobian_of(s)(state_of_weights(J))
        along = into_the_interior(J, rng)
        slope, allowed = one_sided(drift, state_of_weights(J), along, h=1e-3 * size**2)
        assert allowed < 1e-3
        assert np.abs(jacobian @ along - slope).max() <= allowed
    end, close = (jacobian_of(s)(state_of_weights(np.eye(2) + size * direction)) for size in (0.0, 1e-4))
    # theta(y) at x = 0 is 1/2 from the interior, 0 or 1 along the border: entries differ by 1 / (4 pi) = 0.08 or so.
    assert np.abs(close - end).max() > 0.05
    spectra = [np.sort_complex(np.linalg.eigvals(x)) for x in (end, close)]
    np.testing.assert_allclose(spectra[1], spectra[0], rtol=0, atol=10 * 1e-4)


@given(
    inside=arrays(float, (3, 2), elements=st.sampled_from([0.0, 1.0, -1.0, 0.4, 0.6])),
    outside=arrays(float, (3, 2), elements=st.sampled_from([0.0, 0.0, 1.0, 1e-3, 1e-9])),
)
def test_drift_and_jacobian_are_finite_on_the_closed_set(inside, outside):
    state = pack(inside, inside @ inside.T + outside @ outside.T)
    s = scenario(3, 2, "relu")
    assert np.isfinite(drift_of(s)(state)).all()
    assert np.isfinite(jacobian_of(s)(state)).all()
