"""What `learndyn show` prints of results that are no runs."""

import numpy as np
import pytest

import learndyn as ld
from command_line import learndyn
from learndyn import findings

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.5)
START = ld.Start(Q=0.25, R=0.0)


def point():
    return ld.find_fixed_point(PERCEPTRON, ld.Start(Q=0.9, R=0.9))


def branch():
    return ld.continue_fixed_point(PERCEPTRON, "learning_rate", (0.5, 2.5))


def points():
    return ld.fixed_points(PERCEPTRON, 3)


def critical():
    return ld.critical_learning_rate(PERCEPTRON)


def largest():
    return ld.largest_learning_rate(PERCEPTRON, START, 40, precision=1e-2)


def diagram():
    return ld.phase_diagram(PERCEPTRON, START, 5, x=("learning_rate", [0.5, 2.5]), y=("label_noise", [0.1, 0.2]))


def plateaus():
    return ld.plateaus(ld.solve(PERCEPTRON, START, until=20))


def sequence(run=ld.solve, **options):
    tasks = [ld.GaussianClassification(mu, 0.25, "supervised", 1.0) for mu in np.eye(3)[:2]]
    return run(ld.TaskSequence(tasks, ld.Reached("alignment", 0.8, at_most=10)), np.eye(3)[2], save_at=5, **options)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (point, ["kind: attractive", "R = [[1.]]", "mode  eigenvalues", "fixed point: ok."]),
        (branch, ["largest eigenvalue", "event_learning_rate", "crossing", "branch: ok."]),
        (points, ["point", "attractive", "fixed points: ok."]),
        (critical, ["learning_rate = 2", "event: crossing"]),
        (largest, ["learning_rate = ", "tried", "largest learning rate: ok."]),
        (diagram, ["Points: ", "not learned", "phase diagram: ok."]),
        (plateaus, ["No plateau.", "plateaus: ok."]),
    ],
)
def test_each_is_told(result, words, tmp_path):
    found = result()
    assert not findings.is_run(found)
    path = ld.save(found, tmp_path / "found.nc")
    shown = learndyn("show", path)
    assert all(word in shown.stdout for word in words), shown.stdout
    assert max(map(len, findings.report(found).split("\n"))) <= findings.WIDTH
    assert "scenario.student" in shown.stdout


@pytest.mark.parametrize("simulated", [False, True])
def test_tasks_are_told_at_their_ends(simulated, tmp_path):
    found = sequence(ld.simulate, replicas=3, seed=1) if simulated else sequence()
    shown = learndyn("show", ld.save(found, tmp_path / "found.nc")).stdout
    head = "alignment_at_end, means over 3 replicas:\n" if simulated else "alignment_at_end:\n"
    table = shown[shown.index(head) + len(head) :].split("\n")
    assert table[0].split() == ["task", "begin", "end", "reached", "on", "task", "0", "on", "task", "1"]
    last = dict(zip(("task", "begin", "end", "reached", "first", "second"), table[2].split(), strict=True))
    ends = found.mean("replica") if simulated else found
    assert float(last["end"]) == pytest.approx(float(ends.end[1]), rel=1e-5)
    for name, task in (("first", 0), ("second", 1)):
        assert float(last[name]) == pytest.approx(float(ends.alignment_at_end[1, task]), rel=1e-5)
    assert "tasks: ok." in shown


def test_a_run_is_a_run():
    assert findings.is_run(ld.solve(PERCEPTRON, START, until=1))
    assert findings.is_run(ld.fluctuations(PERCEPTRON, START, until=1))


def test_long_tables_are_thinned():
    found = ld.continue_fixed_point(PERCEPTRON.replace(learning_rate=0.1), "learning_rate", (0.1, 1.9))
    many = found.isel(point=np.zeros(100, dtype=int))
    lines = findings.report(many).split("\n\n")[0].split("\n")
    assert len(lines) == 1 + findings.ROWS
