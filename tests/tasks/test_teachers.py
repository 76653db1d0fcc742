"""Sequences of teachers: against ld.Switch, against simulations, overlaps that are kept, and what is refused."""

import numpy as np
import pytest

import learndyn as ld

TASK = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5)
START = ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2))
TIMES, COSINE = [20.0, 40.0], 0.6


@pytest.fixture(scope="module")
def theory():
    return ld.solve(ld.TaskSequence([TASK] * 3, TIMES, COSINE), START, 60.0, save_at=4)


def test_a_sequence_is_a_teacher_that_switches(theory):
    # Two ways to write the same equations: three stages with the overlaps of all teachers, and one run whose teacher is
    # a combination of orthogonal references. Errors of 1e-8 a step grow by less than 10 on the way.
    switched = ld.solve(TASK.replace(teacher_drift=ld.Switch(TIMES, COSINE)), START, 60.0, save_at=theory.alpha.values)
    now = theory.eps_g.values[np.arange(theory.sizes["alpha"]), theory.current_task.values]
    within = ~np.isin(theory.alpha.values, TIMES)  # there one tells the old task, the other the new one
    np.testing.assert_allclose(now[within], switched.eps_g.values[within], atol=1e-6)
    np.testing.assert_allclose(theory.Q, switched.Q, atol=1e-6)
    # E_p of Switch: B_1 = c E_0 + s E_1, B_2 = c B_1 + s E_2.
    E = switched.R_reference.values.reshape(-1, 2, 3, 2).swapaxes(1, 2)
    c, s = COSINE, np.sqrt(1 - COSINE**2)
    B = np.stack([E[:, 0], c * E[:, 0] + s * E[:, 1], c * c * E[:, 0] + c * s * E[:, 1] + s * E[:, 2]], axis=1)
    np.testing.assert_allclose(theory.R, B, atol=1e-6)


def test_a_matrix_of_cosines_and_a_start_with_all_overlaps(theory):
    cosines = COSINE ** np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    R = np.concatenate([COSINE**k * 0.1 * np.eye(2) for k in range(3)], axis=1)
    same = ld.solve(ld.TaskSequence([TASK] * 3, TIMES, cosines), ld.Start(START.Q, R), 60.0, save_at=4)
    assert same.eps_g.equals(theory.eps_g)


def test_the_first_task_again_is_known_already():
    # Tasks 0 and 2 are one teacher: measured on either, the student is as good at all times.
    cosines = np.array([[1.0, 0.3, 1.0], [0.3, 1.0, 0.3], [1.0, 0.3, 1.0]])
    sequence = ld.TaskSequence([TASK] * 3, ld.Reached("eps_g", 0.02, at_most=300.0), cosines)
    run = ld.solve(sequence, START, save_at=4)
    np.testing.assert_allclose(run.eps_g.sel(measured_task=0), run.eps_g.sel(measured_task=2), atol=1e-13)
    # The solver's error at the level, in two runs of some 100 steps each.
    np.testing.assert_allclose(np.diagonal(run.eps_g_at_end), 0.02, atol=2e-6)


@pytest.mark.parametrize("method", ["weights", "overlaps"])
def test_simulations_follow_the_theory(theory, method):
    # 20 numbers: a right program fails with probability 20 x 6e-5 = 1e-3, over seeds. Means are off by O(1/N), which
    # at N = 400 is a tenth of a standard deviation, 0.4 standard errors of 16 runs, of the longest.
    sequence = ld.TaskSequence([TASK] * 3, TIMES, COSINE)
    runs = ld.simulate(sequence, START, 60.0, N=400, replicas=16, save_at=4, seed=4, method=method)
    assert dict(runs.eps_g.sizes) == {"replica": 16, "alpha": 13, "measured_task": 3}
    averaged = ld.mean_and_error(runs)
    off = np.abs(averaged.eps_g_at_end - theory.eps_g_at_end) / averaged.eps_g_at_end_error
    assert float(off.max()) < 4
    last = averaged.isel(alpha=[4, 8, 12])
    off = np.abs(last.Q - theory.Q.isel(alpha=[4, 8, 12])) / last.Q_error
    assert float(off.max()) < 4


def test_options_may_differ_from_task_to_task():
    # The others are not learned at all: the student stays where it was.
    slow = TASK.replace(learning_rate=1e-12)
    run = ld.solve(ld.TaskSequence([TASK, slow, slow], 20.0), START, save_at=2)
    np.testing.assert_allclose(run.eps_g_at_end[2], run.eps_g_at_end[0], atol=1e-9)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ld.TaskSequence([TASK, TASK.replace(student=ld.Student(3))], 1.0), "same K, but task 0 has K = 2"),
        (
            lambda: ld.TaskSequence([TASK, TASK.replace(teacher=ld.Teacher(2, T=2 * np.eye(2)))], 1.0),
            "teachers of the same T",
        ),
        (lambda: ld.TaskSequence([TASK, TASK.replace(bias_learning_rate=0.1)], 1.0), "same numbers that learn"),
        (lambda: ld.TaskSequence([TASK.replace(rule=ld.Momentum(0.5))], 1.0), "`rule` of a task must be left out"),
        (
            lambda: ld.TaskSequence([TASK.replace(teacher_drift=ld.Switch([1.0]))], 1.0),
            "`teacher_drift` of a task must be left out",
        ),
        (lambda: ld.TaskSequence([TASK] * 2, 1.0, 1.5), "`overlap` must be a cosine"),
        (lambda: ld.TaskSequence([TASK] * 2, 1.0, np.eye(3)), "`overlap` must be a cosine, or a matrix"),
        (lambda: ld.TaskSequence([TASK] * 2, 1.0, [[1.0, 2.0], [2.0, 1.0]]), "positive semidefinite"),
        (lambda: ld.TaskSequence([TASK] * 2, 1.0, [[2.0, 0.0], [0.0, 1.0]]), "ones on its diagonal"),
        (
            lambda: ld.solve(ld.TaskSequence([TASK] * 2, 1.0), ld.Start(np.eye(2), np.zeros((2, 3)))),
            "`R` of the start must have 2 columns, .* or 4",
        ),
        (lambda: ld.simulate(ld.TaskSequence([TASK] * 2, 1.0), START), "`N` must"),
    ],
)
def test_what_is_refused(make, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        make()
