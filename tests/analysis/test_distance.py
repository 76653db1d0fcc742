"""The distance to a point as an observable."""

import numpy as np
import pytest

import learndyn as ld

TASK = ld.GaussianClassification([1.0, 0.0], 1.0, ld.Supervised(), 0.1)
PERCEPTRON = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)


def test_distance_of_weights_and_of_overlaps():
    point = ld.find_fixed_point(TASK, [1.0, 0.0])
    curve = ld.solve(TASK, [0.0, 1.0], until=2, save_at=3, observables={"distance": ld.distance_to(point)})
    np.testing.assert_allclose(curve.distance, np.linalg.norm(curve.w.values - point.w.values, axis=1), rtol=1e-14)
    start = ld.Start(Q=0.25, R=0.1)
    overlaps = ld.solve(PERCEPTRON, start, until=1, save_at=3)
    found = ld.distance_to(overlaps.isel(alpha=0))(overlaps)
    wanted = np.hypot(overlaps.R.values.ravel() - 0.1, overlaps.Q.values.ravel() - 0.25)
    np.testing.assert_allclose(found, wanted, atol=1e-15)
    assert found.dims == ("alpha",)


def test_what_is_no_point_is_refused():
    curve = ld.solve(TASK, [0.0, 1.0], until=2, save_at=3)
    with pytest.raises(ld.InputError, match="must be a fixed point or a row"):
        ld.distance_to([1.0, 0.0])
    with pytest.raises(ld.InputError, match="must be a single point with w"):
        ld.distance_to(curve)(curve.isel(t=0))
    with pytest.raises(ld.InputError, match="must hold `R`"):
        ld.distance_to(curve.isel(t=0))(ld.solve(PERCEPTRON, ld.Start(Q=0.25, R=0.1), until=1, save_at=3))
