"""Recorded weight vectors of scenarios whose teacher moves or whose units see parts of the input."""

import numpy as np
import pytest

import learndyn as ld

START = ld.Start([[0.5, 0.0], [0.0, 0.4]], [[0.1, 0.0], [0.0, 0.2]])
OPTIONS = {
    "walk": {"teacher_drift": ld.RandomWalk(0.5)},
    "rotation": {"teacher_drift": ld.Rotation(1.0)},
    "switch": {"teacher_drift": ld.Switch([0.5])},
    "spectrum": {"inputs": ld.Inputs([0.5, 2.0], [0.5, 0.5])},
    "tree": {"connectivity": "tree"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_recorded_vectors_have_the_overlaps_of_the_result(name):
    s = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), 0.5, **OPTIONS[name])
    run = ld.simulate(
        s, START, until=1, N=40, replicas=2, save_at=[0, 1], seed=3, method="weights", record_weights=True
    )
    vector = "reference" if "reference" in run.dims else "teacher"
    R = (run.J * run.B).sum("input").transpose("replica", "alpha", "student", vector)
    wanted = run.R_reference if vector == "reference" else run.R
    if name == "tree":  # vectors of different branches have no overlap, whatever their numbers are
        R = R * np.eye(2)
    np.testing.assert_allclose(R, wanted, rtol=0, atol=1e-13)
