"""The parts of the 2019 figures: the frame of the weight vectors in R^3, and what is read off runs on a plateau."""

from __future__ import annotations

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures import simulations
from learndyn.figures.straat2019 import escape_times, gap, in_frame_of_start, renamed_as_theory


def test_the_frame_keeps_lengths_and_overlaps():
    runs = simulations.read("perceptron-n3-weights")
    paths = in_frame_of_start(runs)
    R, Q = (runs[name].squeeze(drop=True).transpose("replica", "alpha").values for name in ("R", "Q"))
    # Rounding of 3 x 3 products.
    np.testing.assert_allclose(paths[..., 2], R, rtol=0, atol=1e-14)
    np.testing.assert_allclose((paths**2).sum(-1), Q, rtol=0, atol=1e-14)
    np.testing.assert_allclose(paths[:, 0], np.tile([np.sqrt(0.2), 0, 0], (len(paths), 1)), rtol=0, atol=1e-14)


def test_the_frame_does_not_see_a_rotation_of_space():
    runs = simulations.read("perceptron-n3-weights")
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    turn *= np.linalg.det(turn)  # a rotation, not a reflection
    turned = runs.assign(J=(runs.J.dims, runs.J.values @ turn), B=(runs.B.dims, runs.B.values @ turn))
    np.testing.assert_allclose(in_frame_of_start(turned), in_frame_of_start(runs), rtol=0, atol=1e-14)


def specialising(gaps):
    """Runs (replica, alpha) whose R_11 - R_12 = R_22 - R_21 is given, at alpha = 0, 1, ...."""
    half = np.array(gaps)[..., None, None] / 2
    R = 0.5 + half * np.array([[1.0, -1.0], [-1.0, 1.0]])
    Q = np.tile([[0.3, 0.1], [0.1, 0.7]], (*np.shape(gaps), 1, 1))
    dims = ("replica", "alpha", "student")
    coords = {"alpha": np.arange(float(np.shape(gaps)[1])), "student": [1, 2], "student2": [1, 2], "teacher": [1, 2]}
    return xr.Dataset({"R": ((*dims, "teacher"), R), "Q": ((*dims, "student2"), Q)}, coords)


def test_gap_and_the_time_to_leave():
    gaps = [[0.0, 0.2, 0.6, 1.0], [0.0, -0.4, -0.8, -1.0], [0.0, 0.1, 0.2, 0.3]]
    runs = specialising(gaps)
    np.testing.assert_allclose(gap(runs).transpose("replica", "alpha"), gaps, rtol=0, atol=1e-15)
    np.testing.assert_allclose(escape_times(runs), [1.75, 1.25, np.inf], rtol=1e-14)


def test_units_are_renamed_where_the_first_takes_the_second():
    runs = specialising([[0.0, 0.9], [0.0, -0.9]])
    renamed = renamed_as_theory(runs)
    assert renamed.swapped.values.tolist() == [False, True]
    assert (gap(renamed).isel(alpha=-1) > 0.89).all()
    xr.testing.assert_equal(renamed.R.sel(replica=0), runs.R.sel(replica=0))
    assert renamed.Q.sel(replica=1, student=1, student2=1).values.tolist() == [0.7, 0.7]
    assert renamed.Q.sel(replica=1, student=2, student2=2).values.tolist() == [0.3, 0.3]
    np.testing.assert_array_equal(renamed.Q.sel(student=1, student2=2), runs.Q.sel(student=2, student2=1))


def test_renaming_keeps_what_a_result_knows_about_itself():
    runs = renamed_as_theory(simulations.read("relu-k2-m2-n10000"))
    assert ld.scenario_of(runs).K == 2
    assert ld.start_of(runs) == ld.Start(Q=0.2 * np.eye(2), R=1e-3 * np.eye(2))
