"""The labelled result: its schema, what it carries, averages over replicas, saving and loading."""

import json
import os
import stat

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from learndyn import results
from learndyn.scenarios.student_teacher import state

TEACHER = ld.Teacher(3, "relu", T=np.diag([1.0, 2.0, 0.5]))
SCENARIO = ld.StudentTeacher(ld.Student(2, "relu"), TEACHER, learning_rate=0.1, dynamics="gradient_flow")
START = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-3, 0.0, 0.0], [0.0, 1e-3, 0.0]], at=1.0)


@pytest.fixture(scope="module")
def curve():
    return ld.solve(SCENARIO, START, until=21.0, save_at=11)


@pytest.fixture(scope="module")
def runs():
    s = SCENARIO.replace(dynamics="sgd")
    return ld.simulate(s, START, until=3.0, N=20, replicas=4, save_at=3, seed=5)


def test_schema_of_a_theory(curve):
    assert dict(curve.sizes) == {"alpha": 11, "student": 2, "student2": 2, "teacher": 3, "teacher2": 3}
    dims = {name: variable.dims for name, variable in curve.data_vars.items()}
    assert dims == {
        "R": ("alpha", "student", "teacher"),
        "Q": ("alpha", "student", "student2"),
        "T": ("teacher", "teacher2"),
        "eps_g": ("alpha",),
        "length": ("alpha", "student"),
        "cosine": ("alpha", "student", "teacher"),
        "specialisation": ("alpha", "student"),
    }
    assert all(variable.dtype == np.float64 for variable in curve.data_vars.values())
    assert all({"long_name", "units"} <= set(variable.attrs) for variable in curve.data_vars.values())
    assert curve.alpha.attrs["units"] == "updates / N"
    # Units are numbered from 1, as in the papers.
    assert curve.student.values.tolist() == curve.student2.values.tolist() == [1, 2]
    assert curve.teacher.values.tolist() == [1, 2, 3]
    assert curve.R.sel(alpha=1.0, student=2, teacher=2).item() == 1e-3
    np.testing.assert_array_equal(curve.T, np.diag([1.0, 2.0, 0.5]))
    np.testing.assert_array_equal(curve.alpha, np.linspace(1, 21, 11))


def test_schema_of_a_simulation(runs):
    assert dict(runs.sizes) == {"replica": 4, "alpha": 3, "student": 2, "student2": 2, "teacher": 3, "teacher2": 3}
    assert runs.R.dims == ("replica", "alpha", "student", "teacher")
    assert runs["T"].dims == ("teacher", "teacher2")
    assert runs.eps_g.dims == ("replica", "alpha")
    assert runs.attrs["engine"] == "overlaps"
    assert runs.attrs["seed"] == "5"
    assert runs.replica.values.tolist() == [0, 1, 2, 3]


def test_a_result_says_what_it_came_from(curve, runs):
    assert ld.scenario_of(curve) == SCENARIO
    assert ld.start_of(curve) == START
    assert ld.scenario_of(runs) == SCENARIO.replace(dynamics="sgd")
    assert curve.attrs["engine"] == "theory"
    assert (curve.attrs["status"], curve.attrs["message"]) == ("ok", "The run reached its end.")
    options = json.loads(curve.attrs["options"])
    assert {key: options[key] for key in ("until", "rtol", "atol")} == {"until": 21.0, "rtol": 1e-8, "atol": 1e-10}
    assert json.loads(curve.attrs["versions"])["learndyn"] == ld.__version__
    assert {"jax", "numpy", "diffrax", "numba", "xarray"} <= set(json.loads(curve.attrs["versions"]))
    assert set(json.loads(curve.attrs["timings"])) == {"trace", "compile", "run"}
    # Every attribute fits every file format.
    assert all(isinstance(value, str | int) for value in curve.attrs.values())
    bare = curve.drop_attrs()
    with pytest.raises(ld.InputError, match=r"it has no attribute `scenario`\. Arithmetic in xarray drops"):
        ld.scenario_of(bare)
    with pytest.raises(ld.InputError, match="it has no attribute `start`"):
        ld.start_of(bare)
    with pytest.raises(ld.InputError, match="it has no attribute `schema`"):
        ld.save(bare, "bare.nc")


def test_coordinates_are_those_that_xarray_would_make(curve, runs):
    # They are put together without xarray's own indexing, for speed.
    for result in (curve, runs):
        own = xr.Dataset(
            {name: (v.dims, v.values, v.attrs) for name, v in result.data_vars.items()},
            {name: (v.dims, v.values, v.attrs) for name, v in result.coords.items()},
            result.attrs,
        )
        xr.testing.assert_identical(result, own)
        assert set(result.indexes) == set(own.indexes)
        assert all(result.indexes[name].equals(own.indexes[name]) for name in own.indexes)
    # Nothing that is done to one result shows in the next.
    other = ld.solve(SCENARIO, START, until=2.0, save_at=3)
    kept = other.copy(deep=True)
    other["student"] = other["student"] * 10
    other["mine"] = 3.0
    other.R.attrs["units"] = other.alpha.attrs["units"] = other.attrs["status"] = "changed"
    other.Q.values[:] = 7.0
    again = ld.solve(SCENARIO, START, until=2.0, save_at=3)
    xr.testing.assert_identical(again.assign_attrs(timings=""), kept.assign_attrs(timings=""))


def test_user_observables():
    def distance(d):
        return d.Q.sel(student=1, student2=1) - 2 * d.R.sel(student=1, teacher=1) + d["T"].sel(teacher=1, teacher2=1)

    def largest(d):
        return d.cosine.max("teacher").assign_attrs(units="rad")

    observables = {"distance": distance, "twice": lambda d: 2 * d.eps_g.values, "largest": largest}
    run = ld.solve(SCENARIO, START, until=21.0, save_at=11, observables=observables)
    Q, R = run.Q.values, run.R.values
    np.testing.assert_array_equal(run["distance"], Q[:, 0, 0] - 2 * R[:, 0, 0] + 1.0)
    assert run["distance"].dims == run["twice"].dims == ("alpha",)
    np.testing.assert_array_equal(run["twice"], 2 * run.eps_g)
    assert run["largest"].dims == ("alpha", "student")
    assert run["largest"].attrs["units"] == "rad"
    assert run["twice"].attrs == {"long_name": "twice", "units": "1"}
    assert set(run.coords) == {"alpha", "student", "student2", "teacher", "teacher2"}


@pytest.mark.parametrize(
    ("observables", "message"),
    [
        ({"eps_g": lambda d: d.eps_g}, "has the name 'eps_g', which the result already uses. Rename it."),
        ({"student": lambda d: d.eps_g}, "has the name 'student', which the result already uses. Rename it."),
        ({"mine": 3}, "must map names to functions, but 'mine' maps to 3."),
        (
            {"mine": lambda d: d.R.values},
            "Observable 'mine' must return an xarray.DataArray, or an array with dims ('alpha',)",
        ),
    ],
)
def test_bad_observables_are_refused_in_a_sentence(observables, message):
    with pytest.raises(ld.InputError) as caught:
        ld.solve(SCENARIO, START, until=2.0, save_at=2, observables=observables)
    assert message in str(caught.value)


def test_mean_and_error(runs):
    averaged = ld.mean_and_error(runs)
    assert "replica" not in averaged.dims
    np.testing.assert_allclose(averaged.R, runs.R.values.mean(0), rtol=1e-15)
    np.testing.assert_allclose(averaged.R_error, runs.R.values.std(0, ddof=1) / 2, rtol=1e-14)
    assert averaged.eps_g.attrs == runs.eps_g.attrs
    assert averaged.eps_g_error.attrs["long_name"] == "standard error of the mean of eps_g"
    xr.testing.assert_identical(averaged["T"], runs["T"])
    assert "T_error" not in averaged
    assert averaged.attrs == runs.attrs
    # The overlaps at the start are exactly those asked for.
    np.testing.assert_allclose(averaged.R_error.isel(alpha=0), 0.0, atol=1e-14)


def test_mean_and_error_need_replicas(curve, runs):
    with pytest.raises(ld.InputError, match="must have the dim `replica`, but it has none: it is not a simulation"):
        ld.mean_and_error(curve)
    with pytest.raises(ld.InputError, match="must have at least 2 replicas for a standard error, but it has 1"):
        ld.mean_and_error(runs.isel(replica=[0]))


def test_save_and_load_are_inverse(curve, runs, tmp_path):
    observed = ld.solve(SCENARIO, START, until=2.0, save_at=3, observables={"twice": lambda d: 2 * d.eps_g})
    for number, result in enumerate((curve, runs, observed, ld.mean_and_error(runs))):
        path = ld.save(result, tmp_path / f"{number}.nc")
        again = ld.load(str(path))
        xr.testing.assert_identical(again, result)
        assert again.attrs == result.attrs
        assert [type(value) for value in again.attrs.values()] == [type(value) for value in result.attrs.values()]
        for name, variable in result.variables.items():
            assert again[name].dtype == variable.dtype
        assert ld.scenario_of(again) == ld.scenario_of(result)
    # A loaded row is a start like any other.
    row = ld.load(tmp_path / "0.nc").isel(alpha=5)
    assert SCENARIO.as_start(row) == SCENARIO.as_start(curve.isel(alpha=5))


def test_a_run_that_ended_early_is_saved_with_its_status(tmp_path):
    s = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=2.4)
    with pytest.warns(ld.LearndynWarning):
        run = ld.solve(s, ld.Start(Q=0.25, R=0.0), until=100)
    again = ld.load(ld.save(run, tmp_path / "run.nc"))
    xr.testing.assert_identical(again, run)
    assert again.attrs["status"] == "diverged"


def test_a_file_appears_whole_or_not_at_all(curve, tmp_path, monkeypatch):
    path = tmp_path / "curve.nc"
    ld.save(curve, path)
    before = path.read_bytes()

    def fail(self, where, **options):
        with open(where, "wb") as file:
            file.write(b"half of a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    with pytest.raises(KeyboardInterrupt):
        ld.save(curve * 2, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["curve.nc"]
    with pytest.raises(KeyboardInterrupt):
        ld.save(curve, tmp_path / "other.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["curve.nc"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_file_has_the_usual_permissions(curve, tmp_path):
    path = ld.save(curve, tmp_path / "curve.nc")
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_saving_replaces(curve, tmp_path):
    path = tmp_path / "curve.nc"
    path.write_text("something else")
    xr.testing.assert_identical(ld.load(ld.save(curve, path)), curve)
    assert len(list(tmp_path.iterdir())) == 1


def test_bad_paths_are_refused_in_a_sentence(curve, tmp_path):
    for path, named in ((tmp_path / "nowhere" / "curve.nc", "nowhere"), (tmp_path, str(tmp_path))):
        with pytest.raises(ld.InputError) as caught:
            ld.save(curve, path)
        text = str(caught.value)
        assert named in text
        assert text.endswith(".")
        assert "\n" not in text
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ld.InputError, match=r"`result` must be a result of .* but it is a DataArray"):
        ld.save(curve.R, tmp_path / "curve.nc")
    with pytest.raises(ld.InputError, match=r"`path` must be a result file, but .*missing.nc does not exist"):
        ld.load(tmp_path / "missing.nc")


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused_in_a_sentence(curve, tmp_path, kept):
    whole = ld.save(curve, tmp_path / "curve.nc").read_bytes()
    path = tmp_path / "truncated.nc"
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(
        ld.InputError, match=r"truncated.nc cannot be read as a result: it is truncated or no netCDF"
    ) as caught:
        ld.load(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_results_are_refused_in_a_sentence(curve, tmp_path):
    path = tmp_path / "notes.nc"
    path.write_text("not netCDF")
    with pytest.raises(ld.InputError, match="cannot be read as a result"):
        ld.load(path)
    xr.Dataset({"x": ("t", [1.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(
        ld.InputError, match="is netCDF, but no result of learndyn: the attributes `schema`, `scenario`"
    ):
        ld.load(path)
    curve.assign_attrs(schema=results.SCHEMA + 1).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(ld.InputError, match="was written by a newer learndyn"):
        ld.load(path)


def test_flat_states_and_matrices_are_the_same_numbers():
    rng = np.random.default_rng(0)
    R, Q = rng.standard_normal((5, 4, 3, 2)), rng.standard_normal((5, 4, 3, 3))
    Q = Q + np.swapaxes(Q, -1, -2)
    flat = state.pack(R, Q)
    assert flat.shape == (5, 4, 12)
    R2, Q2 = state.unpack(flat, 3, 2)
    np.testing.assert_array_equal(R2, R)
    np.testing.assert_array_equal(Q2, Q)
    T = np.array([[1.0, 0.2], [0.2, 2.0]])
    C = state.covariance(flat, 3, 2, T)
    np.testing.assert_array_equal(C[2, 1], np.block([[Q[2, 1], R[2, 1]], [R[2, 1].T, T]]))
    np.testing.assert_allclose(state.squared_length(3, 2, flat), np.trace(Q, axis1=-2, axis2=-1), rtol=1e-15)
