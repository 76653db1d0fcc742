"""Branches of fixed points: folds and crossings against closed forms and vectors, and what ends a branch."""

import numpy as np
import pytest

import learndyn as ld
from reference_data import inputs_and_outputs


def perceptron(activation, eta=0.5, **options):
    return ld.StudentTeacher(ld.Student(1, activation), ld.Teacher(1, activation), learning_rate=eta, **options)


@pytest.fixture(scope="module")
def imperfect():
    """The second fixed point of the ReLU perceptron, from eta = 2.1 up, around the fold and back to eta = 2.1."""
    return ld.continue_fixed_point(perceptron("relu"), "learning_rate", (2.1, 2.3), start=ld.Start(Q=1.15, R=0.98))


def test_the_saddle_node_of_the_relu_perceptron(imperfect):
    _, expected = inputs_and_outputs("perceptron-018")
    assert imperfect.event_kind.values.tolist() == ["fold"]
    # p is quadratic in the arclength at a fold, so that it is known to rounding; the place to its root.
    assert imperfect.event_learning_rate.item() == pytest.approx(expected["eta_sn"], abs=1e-8)
    assert imperfect.event_R.item() == pytest.approx(expected["R"], abs=1e-5)
    assert imperfect.event_Q.item() == pytest.approx(expected["Q"], abs=1e-4)


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.15])
def test_folds_under_noise_are_found(noise):
    # Newton's method hovers above rounding at some points near these folds: one that is lost must not pass for none.
    branch = ld.continue_fixed_point(
        perceptron("relu", label_noise=noise), "learning_rate", (0.5, 2.3), start=ld.Start(Q=1 + noise, R=1.0)
    )
    assert branch.event_kind.values.tolist() == ["fold"]
    # p is a parabola in Q there: through the three highest points, off by the cubic term of steps of 0.05 and less.
    top = int(branch.learning_rate.values.argmax())
    Q, eta = branch.Q.values.ravel()[top - 1 : top + 2], branch.learning_rate.values[top - 1 : top + 2]
    a, b, c = np.polyfit(Q - Q[1], eta, 2)
    assert branch.event_learning_rate.item() == pytest.approx(c - b * b / (4 * a), abs=1e-4)
    assert branch.event_learning_rate.item() >= eta[1]


def test_the_branch_comes_back_to_the_partner(imperfect):
    assert imperfect.learning_rate.values[[0, -1]].tolist() == pytest.approx([2.1, 2.1], abs=1e-12)
    assert imperfect.Q.values.ravel()[[0, -1]].tolist() == pytest.approx([1.15479641, 37.458], abs=5e-4)
    assert imperfect.kind.values[[0, -1]].tolist() == ["attractive", "saddle with 1 unstable direction"]
    assert imperfect.attrs["status"] == "ok"
    # One unstable direction more on the far side of the fold, nowhere else.
    assert np.count_nonzero(np.diff(imperfect.unstable.values)) == 1
    assert float(imperfect.residual.max()) < 1e-12


def test_the_perfect_solution_loses_its_stability_at_two():
    branch = ld.continue_fixed_point(perceptron("relu"), "learning_rate", (0.1, 3.0))
    assert branch.event_kind.values.tolist() == ["crossing"]
    assert branch.event_learning_rate.item() == pytest.approx(2.0, abs=1e-8)
    eta = branch.learning_rate.values
    expected = np.sort(np.stack([-eta / 2, eta * (eta - 2) / 2]), axis=0)[::-1].T
    np.testing.assert_allclose(branch.eigenvalues.values, expected, atol=1e-9)


def test_a_branch_that_comes_to_the_edge_ends_there():
    """Down from eta = 2.1 the second point meets the perfect solution at eta = 2, where derivatives are one-sided."""
    branch = ld.continue_fixed_point(perceptron("relu"), "learning_rate", (2.1, 1.5), start=ld.Start(Q=1.15, R=0.98))
    assert branch.attrs["status"] == "edge"
    assert branch.learning_rate.values[-1] == pytest.approx(2.0, abs=1e-3)


def test_decay_shrinks_the_linear_perceptron_as_it_must():
    """dR = eta (1 - R - lambda R), so that R = 1 / (1 + lambda): another parameter, in closed form."""
    scenario = perceptron("linear", eta=0.1, weight_decay=0.1)
    branch = ld.continue_fixed_point(scenario, "weight_decay", (0.1, 2.0), start=ld.Start(Q=0.9, R=0.9))
    np.testing.assert_allclose(branch.R.values.ravel(), 1 / (1 + branch.weight_decay.values), atol=1e-10)
    assert branch.attrs["status"] == "ok"
    assert branch.sizes["event"] == 0


def test_eps_g_follows_a_parameter_that_it_depends_on():
    """Under dropout eps_g is that of p w: the value at each point is that of the scenario with its own p."""
    scenario = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=0.2, dropout_keep=0.9)
    start = ld.solve(scenario, ld.Start(Q=np.eye(2), R=0.9 * np.eye(2)), until=400).isel(alpha=-1)
    branch = ld.continue_fixed_point(scenario, "dropout_keep", (0.9, 0.95), start=start)
    for place in (0, -1):
        row = branch.isel(point=place)
        changed = scenario.replace(dropout_keep=float(row.dropout_keep))
        again = ld.solve(changed, row, until=1e-3, save_at=[0])
        assert float(again.eps_g[0]) == pytest.approx(float(row.eps_g), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("learning_rat", (0.1, 1.0)), "Did you mean 'learning_rate'"),
        (("learning_rate", (1.0, 1.0)), "`range` must be two different numbers"),
        (("learning_rate", (-1.0, 1.0)), "`range` must be two different numbers"),
        (("label_noise", (0.0, 1.0)), "`parameter`"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words):
    with pytest.raises(ld.InputError, match=words):
        ld.continue_fixed_point(perceptron("relu"), *arguments)


def test_a_student_that_cannot_equal_its_teacher_needs_a_start():
    scenario = ld.StudentTeacher(ld.Student(1, "erf"), ld.Teacher(2, "erf"), learning_rate=0.1)
    with pytest.raises(ld.InputError, match="`start` must be given"):
        ld.continue_fixed_point(scenario, "learning_rate", (0.1, 1.0))
