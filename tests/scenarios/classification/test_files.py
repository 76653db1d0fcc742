"""Results of classification in files and pictures: scenario files, long attributes, tables, and the command line."""

from __future__ import annotations

import numpy as np
import pytest

import learndyn as ld
from command_line import learndyn
from learndyn import results, summary
from learndyn.scenario_file import scenario_text

FILE = """
title = "two classes"
[scenario]
kind = "gaussian_classification"
means = [1.0, 0.0]
covariances = 0.25
rule = {kind = "reinforce", baseline = false}
weight_decay = 0.1
[start]
kind = "gaussian_weights"
mean = [0.0, 1.0]
cov = 0.1
[solve]
until = 2
save_at = 5
"""
TASK = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Reinforce(baseline=False), weight_decay=0.1)
START = ld.GaussianWeights([0.0, 1.0], cov=0.1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "case.toml").write_text(FILE)
    return tmp_path


@pytest.fixture(scope="module")
def curve():
    return ld.solve(TASK, START, 2, save_at=5)


# Scenario files.


def random_matrix(n, seed):
    factor = np.random.default_rng(seed).standard_normal((n, n)) / np.sqrt(n)
    return factor @ factor.T


def test_the_words_of_a_file_are_those_of_python(folder):
    case = ld.read_scenario_file("case.toml")
    assert (case.scenario, case.start) == (TASK, START)
    assert (case.solve, case.simulate) == ({"until": 2, "save_at": 5}, None)


MATRIX = [[1.0, 0.5], [0.5, 1.0]]
FORMS = {
    "number": ("0.25", 0.25),
    "variances": ("[0.25, 0.5]", [0.25, 0.5]),
    "matrix": ("[[1.0, 0.5], [0.5, 1.0]]", MATRIX),
    "table": ("{diagonal = 0.1, factor = [[1.0], [0.0]]}", ld.Covariance.low_rank([[1.0], [0.0]], 0.1)),
    "two": (
        "[{diagonal = 0.1}, {matrix = [[1.0, 0.5], [0.5, 1.0]]}]",
        (ld.Covariance(diagonal=0.1), ld.Covariance(matrix=MATRIX)),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_covariance_has_all_its_forms(folder, form):
    text, value = FORMS[form]
    (folder / "other.toml").write_text(FILE.replace("covariances = 0.25", f"covariances = {text}"))
    assert ld.read_scenario_file("other.toml").scenario == TASK.replace(covariances=value)


@pytest.mark.parametrize("rule", [ld.Supervised(), ld.Reinforce(), ld.Reinforce(baseline=False)])
@pytest.mark.parametrize("n", [2, 30])
def test_a_scenario_is_equal_to_its_own_file(tmp_path, rule, n):
    # 30 x 30 numbers are written as text in base64, bit for bit.
    means = np.random.default_rng(n).standard_normal((2, n))
    task = ld.GaussianClassification(means, (random_matrix(n, 1), 0.5), rule, activation="logistic", prior=0.25)
    start = ld.GaussianWeights(means[0], ld.Covariance.low_rank(means.T), at=1.5)
    path = ld.write_scenario_file(tmp_path / "task.toml", task, start, solve={"until": 3.0})
    again = ld.read_scenario_file(path)
    assert (again.scenario, again.start, again.solve) == (task, start, {"until": 3.0})


def test_all_mistakes_are_told_together(folder):
    text = FILE.replace("means = [1.0, 0.0]", 'means = "mu"').replace("weight_decay = 0.1", "weight_decay = -1")
    text = text.replace("covariances = 0.25", "covariances = [[1.0], [2.0, 3.0]]").replace('"reinforce"', '"reinforc"')
    text = text.replace("mean = [0.0, 1.0]", "mean = 3").replace("until = 2", "until = 2\nN = 5")
    (folder / "bad.toml").write_text(text + "[simulate]\nreplicas = 0\n")
    with pytest.raises(ld.InputError) as caught:
        ld.read_scenario_file("bad.toml")
    lines = str(caught.value).split("\n")
    expected = [
        "[scenario] means must be two rows",
        "[scenario] covariances must be a variance",
        "[scenario] rule must be ",
        "[scenario] weight_decay must be a number of at least 0",
        "[start] mean must be a list of n weights",
        "[solve] N = 5 is an unknown key",
        "[simulate] replicas must be a whole number",
    ]
    assert [line.startswith(f"bad.toml: {begin}") for line, begin in zip(lines, expected, strict=True)] == [True] * 7


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("covariances = 0.25", "covariances = [[1.0, 2.0], [2.0, 1.0]]", "[scenario] covariances must be positive"),
        ("mean = [0.0, 1.0]", "mean = [0.0, 1.0, 2.0]", "[start] start must have 2 weights"),
        ('kind = "gaussian_weights"', 'kind = "random"', '[start] kind must be "gaussian_weights"'),
        ("baseline = false", "basline = false", "[scenario] Key `rule.basline` is unknown"),
        ("means = [1.0, 0.0]\n", "", "[scenario] means is missing"),
    ],
)
def test_a_mistake_has_its_line(folder, old, new, line):
    (folder / "bad.toml").write_text(FILE.replace(old, new))
    with pytest.raises(ld.InputError) as caught:
        ld.read_scenario_file("bad.toml")
    assert str(caught.value).startswith(f"bad.toml: {line}")
    assert "\n" not in str(caught.value)


def test_a_simulation_needs_no_number_of_inputs(folder):
    (folder / "both.toml").write_text(FILE + "[simulate]\nreplicas = 3\nseed = 1\n")
    assert ld.read_scenario_file("both.toml").simulate == {"until": 2, "save_at": 5, "replicas": 3, "seed": 1}


# Long attributes.


def test_a_scenario_of_many_inputs_is_saved_and_prints_in_short(tmp_path):
    n = 200
    means = np.random.default_rng(1).standard_normal((2, n)) / np.sqrt(n)
    task = ld.GaussianClassification(means, (random_matrix(n, 2), random_matrix(n, 3)), "supervised")
    # The labelled result alone: nothing has to be solved.
    result = _result(task, np.random.default_rng(5).standard_normal((2, n)), np.array([0.0, 1.0]))
    assert len(result.attrs["scenario"]) > 2 * 8 * n**2
    assert ld.scenario_of(result) == task
    path = ld.save(result, tmp_path / "r.nc")
    again = ld.load(path)
    assert again.identical(result)
    assert ld.scenario_of(again) == task
    assert set(again.variables) == set(result.variables)
    for text in (repr(again), again._repr_html_(), str(again.attrs)):
        assert len(text) < 100_000
    # An average keeps all of it, a second file too.
    twice = ld.load(ld.save(again.isel(t=[0]), tmp_path / "s.nc"))
    assert ld.scenario_of(twice) == task


def _result(task, states, times):
    start = ld.GaussianWeights(np.zeros(task.n))
    return results.trajectory(
        task, start, times, states, engine="theory", status="ok", message="", options={"steps": 1}, timings={}
    )


def test_a_long_text_is_the_text(tmp_path):
    import copy
    import json
    import pickle

    text = results.LongText('{"key": "' + "x" * 1000 + '"}')
    for other in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert isinstance(other, results.LongText)
        assert other == text
        assert json.loads(other) == {"key": "x" * 1000}
    assert len(str(text)) < 120
    assert "1011 characters" in repr(text)


# Tables, pictures and the command line.


def test_what_a_run_is_about(curve):
    assert results.main_curve(curve) == "alignment"
    assert results.time_of(curve) == "t"
    with pytest.raises(ld.InputError, match="single row"):
        results.time_of(curve.isel(t=0))
    with pytest.raises(ld.InputError, match="with the variable `eps_g`, `alignment`, `w_norm` or `loss`, but it has w"):
        results.main_curve(curve[["w"]])


def test_the_table_shows_the_alignment(curve):
    head, *rows = summary.table(curve).splitlines()
    assert head.split() == ["t", "alignment", "theory"]
    np.testing.assert_allclose([float(row.split()[1]) for row in rows], curve.alignment, rtol=0, atol=1e-6)
    assert "steps of the solver" in summary.status(curve)


def test_a_plateau_of_the_alignment_is_one_of_its_distance_from_one(curve):
    # As in tests/test_summary.py, with 1 - alignment in the place of eps_g.
    times = np.linspace(0, 80, 8001)
    distance = 0.1 * np.exp(0.5 * np.maximum(10 - times, 0) - 0.5 * np.maximum(times - 60, 0))
    said = summary.stand_still(_alignments(curve, times, 1 - distance))
    assert said == "Plateau: 1 - alignment stays within 10% of 0.1 from t = 9.809 to 60.21."
    assert summary.stand_still(_alignments(curve, times, np.linspace(0.0, 1.0, 8001))) is None


def _alignments(curve, times, values):
    import xarray as xr

    return xr.Dataset({"alignment": ("t", values)}, {"t": times}, curve.attrs)


def test_user_observables_have_the_dims_of_the_alignment():
    run = ld.solve(TASK, START, 2, save_at=5, observables={"angle": lambda d: np.arccos(d.alignment.values)})
    np.testing.assert_array_equal(run.angle, np.arccos(run.alignment))
    with pytest.raises(ld.InputError, match=r"with dims \('t',\)"):
        ld.solve(TASK, START, 2, save_at=5, observables={"bad": lambda d: d.w.values})


def test_run_show_and_the_picture(folder, curve):
    done = learndyn("run", "case.toml", "--plot", "p.png", "-o", "r.nc")
    assert "alignment theory" in done.stdout
    assert (folder / "p.png").read_bytes().startswith(b"\x89PNG")
    result = ld.load("r.nc")
    xr_equal = {name: np.array_equal(result[name], curve[name]) for name in curve.data_vars}
    assert all(xr_equal.values()), xr_equal
    shown = learndyn("show", "r.nc").stdout
    assert 'kind = "gaussian_classification"' in shown
    (folder / "shown.toml").write_text(shown[: shown.index("\n\n   ")])
    again = ld.read_scenario_file("shown.toml")
    assert (again.scenario, again.start) == (TASK, START)


def test_show_cuts_lines_of_thousands_of_numbers(folder):
    n = 60
    task = ld.GaussianClassification(np.ones(n), random_matrix(n, 1), "supervised")
    ld.save(_result(task, np.ones((2, n)), np.array([0.0, 1.0])), "r.nc")
    shown = learndyn("show", "r.nc").stdout
    assert max(map(len, shown.splitlines())) < 1500
    assert "characters)" in shown
    assert len(scenario_text(task)) > 8 * n**2


def test_a_long_scenario_is_read_once():
    task = ld.GaussianClassification(np.ones(60), random_matrix(60, 1), "supervised")
    result = _result(task, np.ones((2, 60)), np.array([0.0, 1.0]))
    assert ld.scenario_of(result) is ld.scenario_of(result)


def test_theory_and_simulation_have_the_same_rows(folder):
    # Times in whole updates of eta = 0.03: 0.5 is 16.67 updates.
    text = FILE.replace("cov = 0.1\n", "").replace("weight_decay = 0.1", "weight_decay = 0.1\nlearning_rate = 0.03")
    (folder / "both.toml").write_text(text + "[simulate]\nreplicas = 4\nseed = 1\n")
    done = learndyn("run", "both.toml", "--plot", "p.png", "-o", "r.nc")
    theory, runs = ld.load("r.nc"), ld.load("r-simulation.nc")
    np.testing.assert_allclose(runs.t / 0.03, np.rint(runs.t / 0.03), rtol=0, atol=1e-9)
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()[:1].isdigit() and len(line.split()) == 5]
    matched = [row for row in rows if "-" not in (row[1], row[2])]
    assert len(matched) == len(runs.t) == 5
    for row, time in zip(matched, runs.t.values, strict=True):
        expected = [float(theory.alignment.sel(t=time, method="nearest")), float(runs.alignment.sel(t=time).mean())]
        np.testing.assert_allclose([float(row[1]), float(row[2])], expected, rtol=0, atol=1e-6)
    assert "4 of 4 replicas at learning_rate = 0.03, seed 1" in done.stdout
    shown = learndyn("show", "r-simulation.nc").stdout
    assert "alignment simulation" in shown
    (folder / "shown.toml").write_text(shown[: shown.index("\n\n   ")])
    assert ld.read_scenario_file("shown.toml").simulate["replicas"] == 4


def test_a_large_z_is_explained_by_the_rate(folder):
    import json

    run = ld.load(ld.save(_result(TASK, np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([0.0, 1.0])), "r.nc"))
    spread = 0.5 + 1e-4 * np.random.default_rng(1).standard_normal((50, 2))
    simulated = run.drop_vars([name for name in run.data_vars if name != "alignment"])
    simulated = simulated.assign(alignment=(("replica", "t"), spread)).assign_attrs(
        engine="weights", seed="1", options=json.dumps({"N": 2, "replicas": 50})
    )
    note = summary.note_on_z(run, simulated)
    assert note is not None
    assert "theory is for a learning rate to 0" in note
    assert "learning_rate = 0.001" in note


def test_show_goes_on_without_a_scenario_of_functions(folder):
    rule = ld.UpdateRule(dimension=2, mean=lambda w: -w, name="decay")
    run = ld.solve(rule, [1.0, 2.0], 1, save_at=2)
    ld.save(run.assign_attrs(scenario=run.attrs["scenario"].replace("token", "another")), "r.nc")
    shown = learndyn("show", "r.nc").stdout
    assert "w_norm theory" in shown
    assert shown.startswith("# r.nc\n# ")


def test_a_figure_with_a_folder_in_its_name_has_one(folder):
    learndyn("figure", "schmid2024/3b", "-o", "out", "--format", "png")
    assert (folder / "out" / "schmid2024" / "3b.png").read_bytes().startswith(b"\x89PNG")
