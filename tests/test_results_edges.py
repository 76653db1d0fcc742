"""Results at their edges: what cannot be saved, loaded, observed or counted, and runs without a row."""

import os
import stat

import numpy as np
import pytest
import xarray as xr

import learndyn as ld


@pytest.fixture(scope="module")
def scenario():
    return ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)


@pytest.fixture(scope="module")
def theory(scenario):
    return ld.solve(scenario, ld.Start(Q=0.25, R=0.0), 2, save_at=5)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX pipes")
def test_saving_leaves_a_pipe_or_a_device_alone(theory, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ld.InputError, match="a device or a pipe"):
        ld.save(theory, pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (None, "it is None"),
        (3, "it is an int"),
        ("eps_g", "it is a DataArray"),
        (xr.Dataset(), "has no attribute `schema`"),
    ],
)
def test_only_results_are_saved(theory, tmp_path, thing, sentence):
    thing = theory[thing] if isinstance(thing, str) else thing
    with pytest.raises(ld.InputError, match=sentence):
        ld.save(thing, tmp_path / "result.nc")
    assert not os.listdir(tmp_path)


def test_a_folder_is_no_result(tmp_path):
    with pytest.raises(ld.InputError, match="is a folder"):
        ld.load(tmp_path)


@pytest.mark.parametrize(
    ("observables", "sentence"),
    [
        ([len], "must be a dict of names and functions, but it is a list"),
        ({"x": lambda d: np.zeros(3)}, r"shape \(5,\), but it returned shape \(3,\)"),
        ({"x": lambda d: 1.0}, r"returned shape \(\)"),
    ],
)
def test_a_bad_observable_is_refused(scenario, observables, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.solve(scenario, ld.Start(Q=0.25, R=0.0), 2, save_at=5, observables=observables)


def test_a_simulation_that_diverges_before_its_first_row_is_an_empty_result(scenario, tmp_path):
    wild = scenario.replace(learning_rate=4.0)
    with pytest.warns(ld.LearndynWarning, match="diverged"):
        runs = ld.simulate(wild, ld.Start(Q=0.25, R=0.0), 200, N=20, replicas=2, save_at=[150, 200], seed=1)
    assert runs.attrs["status"] == "diverged"
    assert dict(runs.R.sizes) == {"replica": 2, "alpha": 0, "student": 1, "teacher": 1}
    assert ld.load(ld.save(runs, tmp_path / "empty.nc")).identical(runs)
    assert ld.mean_and_error(runs).sizes["alpha"] == 0


@pytest.mark.parametrize("until", [0.001, 1e300])
def test_a_simulation_of_no_or_of_uncountably_many_updates_is_refused(scenario, until):
    with pytest.raises(ld.InputError, match="`until` must be one update"):
        ld.simulate(scenario, ld.Start(Q=0.25, R=0.0), until, N=10, seed=1)


def test_another_activation_with_a_known_name_is_refused():
    other = ld.Activation("erf", "max(x, 0)", ld.activation("relu").functions)
    with pytest.raises(ld.InputError, match="another one with the name 'erf'"):
        ld.Student(1, other)
