"""The data of a page are those of the result: numbers, names, plateaus, endings; and what does not fit is refused."""

import base64
import json

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from learndyn.html import payload as module
from learndyn.html.members import panels_of
from learndyn.html.payload import payload, refuse_too_large
from learndyn.html.symbols import plain


def made(result, simulation=None, **options):
    return payload(result, simulation, **{"title": None, "spectrum": False, **options})


def numbers(data, key="values"):
    curves = sum(len(panel["curves"]) for panel in data["panels"])
    times = len(data["time"]["times"])
    return np.frombuffer(base64.b64decode(data[key]), dtype="<f4").reshape(-1, curves, times)


def test_the_numbers_are_those_of_the_run(theory):
    data = made(theory)
    assert data["time"]["times"] == theory.alpha.values.tolist()
    expected = np.stack([theory[name].values.reshape(21) for name in ("eps_g", "R", "Q")])
    np.testing.assert_array_equal(numbers(data)[0], expected.astype("<f4"))
    assert [plain(panel["axis"]) for panel in data["panels"]] == ["ε_g", "R", "Q"]
    assert data["sliders"] == []
    assert data["errors"] is None
    assert data["members"] == [{"status": "ok", "message": theory.attrs["message"], "plateaus": []}]


def test_replicas_are_averaged(runs):
    data = made(runs)
    np.testing.assert_array_equal(numbers(data)[0, 0], runs.eps_g.mean("replica").values.astype("<f4"))
    error = ld.mean_and_error(runs).eps_g_error.values
    np.testing.assert_allclose(numbers(data, "errors")[0, 0], error, rtol=1e-6)  # float32
    assert data["engine"] == "simulation, N = 50, mean of 3 replicas with its standard error"


def test_one_replica_has_no_error(runs):
    data = made(runs.sel(replica=[0]))
    assert data["errors"] is None
    assert data["engine"] == "simulation, N = 50"


def test_several_sizes_are_a_slider(runs):
    both = xr.concat([runs, 2 * runs.assign_attrs(runs.attrs)], dim="N").assign_coords(N=[20, 40], alpha=runs.alpha)
    data = made(both.assign_attrs(runs.attrs))
    assert data["sliders"][0] == {"name": "N", "symbol": [], "texts": [[["20", ""]], [["40", ""]]], "words": False}
    once = runs.eps_g.mean("replica").values
    np.testing.assert_array_equal(numbers(data)[:, 0], np.stack([once, 2 * once]).astype("<f4"))
    assert data["engine"] == "simulation, mean of 3 replicas with its standard error"


def test_a_sweep_has_a_slider_for_each_dim(sweep):
    data = made(sweep)
    assert [(each["name"], plain(each["symbol"])) for each in data["sliders"]] == [("learning rate", "η"), ("X", "")]
    assert [plain(text) for text in data["sliders"][1]["texts"]] == ["0.01", "10^−6", "0.9"]
    names = [plain(curve["name"]) for panel in data["panels"] for curve in panel["curves"]]
    assert names == ["ε_g", "R_11", "R_12", "R_21", "R_22", "Q_11", "Q_12", "Q_22"]
    member = sweep.isel({"learning_rate": 1, "start.X": 0})
    expected = [member.eps_g, member.R[:, 0, 0], member.R[:, 0, 1], member.R[:, 1, 0], member.R[:, 1, 1]]
    expected += [member.Q[:, 0, 0], member.Q[:, 0, 1], member.Q[:, 1, 1]]
    np.testing.assert_array_equal(numbers(data)[3], np.stack(expected).astype("<f4"))
    assert [each["status"] for each in data["members"]] == ["ok", "ok", "refused"] * 2
    assert "Argument `R` of the start must satisfy" in data["members"][2]["message"]
    assert np.isnan(numbers(data)[2]).all()


def test_plateaus_have_their_spectrum(sweep):
    data = made(sweep, spectrum=True)
    member = sweep.isel({"learning_rate": 1, "start.X": 1})
    (mark,) = data["members"][4]["plateaus"]
    # The same found from the public verbs, with the run by itself.
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)
    alone = ld.solve(scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-6), until=400, save_at=201)
    expected = ld.plateaus(alone)
    # Both runs are right to rtol, 1e-8 of what they are, and the exit shifts by ln(1 + 1e-8 / X) growth times at most.
    assert [mark[name] for name in ("entry", "exit", "height")] == pytest.approx(
        [float(expected[name][0]) for name in ("entry", "exit", "height")], rel=1e-2
    )
    point = ld.find_fixed_point(scenario, member.sel(alpha=100).drop_vars(["learning_rate", "start.X"]))
    assert mark["kind"] == point.attrs["kind"] == "saddle with 1 unstable direction"
    assert mark["modes"] == 7
    np.testing.assert_allclose([real for real, _ in mark["eigenvalues"]], point.eigenvalues[:6], rtol=1e-6, atol=1e-9)
    assert plain(mark["direction"]) == point.direction.values[0].replace("-", "−")


def test_a_fixed_point_elsewhere_is_not_told(theory, monkeypatch):
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5)
    curve = ld.solve(scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-6), until=600, save_at=201)
    solution = ld.find_fixed_point(scenario, ld.Start(Q=[[1, 0], [0, 1]], R=[[1, 0], [0, 1]]))
    monkeypatch.setattr("learndyn.analysis.fixed_points.find_fixed_point", lambda *_: solution)
    (mark,) = made(curve, spectrum=True)["members"][0]["plateaus"]
    assert set(mark) == {"entry", "exit", "height", "left"}


def test_parameters_along_one_dim_are_one_slider(theory):
    along = {"learning_rate": ("member", [0.5, 1e-5]), "label_noise": ("member", [0.0, 0.25])}
    dims = {"member": 2, "activation": 2}
    status = xr.DataArray(np.zeros((2, 2), "i1"), dims=list(dims))
    options = {"quantity": "sweep", "engine": "solve", "until": 10.0}
    options["over"] = {"learning_rate": "member", "label_noise": "member", "activation": "activation"}
    swept = theory.expand_dims(dims).assign_coords(along | {"activation": ["erf", "relu"]})
    swept["status"] = status.assign_attrs(flag_values="[0]", flag_meanings="ok")
    swept["message"] = status.astype(str)
    data = made(swept.assign_attrs(options=json.dumps(options)))
    first, second = data["sliders"]
    assert [plain(text) for text in first["texts"]] == ["η = 0.5, s = 0", "η = 10^−5, s = 0.25"]
    assert (first["name"], first["words"]) == ("member", False)
    assert ([plain(text) for text in second["texts"]], second["words"]) == (["erf", "relu"], True)


def test_units_that_a_member_has_not_are_nan():
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(1), learning_rate=0.5)
    near = ld.StartRecipe(ld.Start.near_symmetric, Q=0.2, X=1e-3)
    data = made(ld.sweep(scenario, near, {"K": [1, 2]}, until=100, save_at=51), spectrum=True)
    values = numbers(data)
    assert np.isfinite(values).all(axis=2).tolist()[0] == [True, True, False, True, False, False]
    assert np.isfinite(values[1]).all()


def test_a_simulation_beside_theory(theory, runs):
    overlay = made(theory, runs)["overlay"]
    assert overlay["times"] == runs.alpha.values.tolist()
    values = np.frombuffer(base64.b64decode(overlay["values"]), "<f4").reshape(3, -1)
    np.testing.assert_array_equal(values[0], runs.eps_g.mean("replica").values.astype("<f4"))


def test_what_panels_there_are():
    along = {"u": ("t", "mode"), "loss": ("t",), "w": ("t", "layer", "mode"), "T": ("teacher",), "R_error": ("t",)}
    assert panels_of(along, {"mode": 3}) == (("loss",), ("u",))
    assert panels_of(along, {"mode": 9}) == (("loss",),)
    assert panels_of({"mine": ("t",)}, {}) == (("mine",),)
    both = {"accuracy": ("t",), "alignment": ("t",), "test_accuracy": ("t",)}
    assert panels_of(both, {}) == (("alignment",), ("accuracy", "test_accuracy"))
    assert panels_of(both, {}, ("test_accuracy",)) == (("test_accuracy", "accuracy"), ("alignment",))


# What cannot be shown.


def refusal(*arguments, **options):
    with pytest.raises(ld.InputError) as caught:
        made(*arguments, **options)
    return str(caught.value)


def test_what_is_no_run_is_refused(theory, runs, sweep):
    assert refusal(3).startswith("Argument `result` must be a result of ld.solve, ld.simulate or ld.sweep, but it is a")
    point = ld.find_fixed_point(ld.scenario_of(theory), theory.isel(alpha=-1))
    assert "but it is a fixed point." in refusal(point)
    assert "at least 2 times" in refusal(theory.isel(alpha=[-1]))
    assert "must have a variable that changes with time" in refusal(theory[["T"]].assign_coords(alpha=theory.alpha))
    assert "must be a single run" in refusal(sweep, runs)
    assert "must be a result of ld.simulate, but it is theory" in refusal(theory, theory)
    assert "must have the units of `result`" in refusal(sweep.isel({"learning_rate": 0, "start.X": 0}), runs)


def test_what_is_too_large_is_refused_with_what_would_do(theory, monkeypatch):
    refuse_too_large(100, 201, 8)
    with pytest.raises(ld.InputError, match=r"at most 25 MB, but 10000 runs x 8 curves x 201 times take 86 MB\."):
        refuse_too_large(10_000, 201, 8)
    with pytest.raises(ld.InputError, match=r"at most 58 times \(--points 58") as caught:
        refuse_too_large(10_000, 201, 8)
    refuse_too_large(10_000, int(str(caught.value).split("--points ")[1].split(",")[0]), 8)
    # 25e6 bytes / (16/3 bytes x 8 x 201)
    with pytest.raises(ld.InputError, match=r"at most 2915 runs"):
        refuse_too_large(10**6, 201, 8)
    monkeypatch.setattr(module, "LARGEST", 100)
    assert "--points" not in refusal(theory)
