"""Pages of rows of data: no row is on them, and what a reader wants to know first comes first."""

import base64
import html
import re

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from learndyn.html.payload import payload
from learndyn.html.python_call import python_call
from learndyn.html.symbols import plain

RNG = np.random.default_rng(3)
ROWS = RNG.standard_normal((50, 8))
LABELS = np.where(ROWS[:, 0] + 0.5 * RNG.standard_normal(50) > 0, 1, -1)
# The first table is kept as text in base64, the second as a list.
TASK = ld.DataClassification(
    ROWS[:40], LABELS[:40], ld.Supervised(), 0.1, learning_rate=0.01, test=(ROWS[40:], LABELS[40:])
)
START = ld.GaussianWeights(np.linspace(0.1, 0.2, 8))
OVER = {
    "learning_rate": xr.DataArray([0.01, 0.1], dims="member"),
    "weight_decay": xr.DataArray([0.1, 0.2], dims="member"),
}


@pytest.fixture(scope="module")
def sweep():
    return ld.sweep(TASK, START, OVER, until=1, engine="simulate", save_at=6, replicas=2)


@pytest.fixture(scope="module")
def run():
    return ld.simulate(TASK, START, until=1, save_at=6, seed=1)


def shown(result):
    return payload(result, None, title=None, spectrum=False)


def computed_again(text):
    """What the Python of a page gives, with the rows in the place of what stands for them."""
    rows = {"X": TASK.X, "y": TASK.y, "X_test": TASK.test[0], "y_test": TASK.test[1]}
    for name, array in rows.items():
        shape = " x ".join(map(str, array.shape))
        text, count = re.subn(rf"^{name} = <{shape}, sha256 {array.digest[:12]}>$", "", text, flags=re.MULTILINE)
        assert count == 1
    found = {name: array.values for name, array in rows.items()}
    exec(text, found)
    return found["result"]


@pytest.mark.parametrize("which", ["sweep", "run"])
def test_no_row_is_on_the_page_and_its_python_computes_it_again(which, request, tmp_path):
    result = request.getfixturevalue(which)
    file = ld.export_html(result, tmp_path / "page.html", equations=which == "run")
    text = file.read_text(encoding="utf-8")
    numbers = {f"{abs(each):.6g}" for rows in (ROWS, TASK.X.values, TASK.test[0].values) for each in rows.ravel()}
    assert not [number for number in numbers if number in text]
    for rows in (TASK.X, TASK.test[0]):
        assert base64.b64encode(rows.values.tobytes()).decode()[:60] not in text
    assert "float64" not in text
    (call,) = re.findall(r"<summary>Python</summary>\n<pre>(.*?)</pre>", text, re.DOTALL)
    again = computed_again(html.unescape(call))
    assert again.drop_attrs(deep=False).identical(result.drop_attrs(deep=False))


def test_rows_that_no_result_keeps_are_told_by_their_digest(run, monkeypatch):
    monkeypatch.setattr("learndyn.scenarios.classification.data.STORED", 1)
    large = ld.simulate(TASK.replace(learning_rate=0.02), START, until=1, save_at=6, seed=1)
    data = shown(large)
    assert f"X = <40 x 8, sha256 {TASK.X.digest[:12]}>" in data["scenario"]
    assert data["engine"] == "simulation, learning rate 0.02"


def test_a_rate_that_is_a_function_is_told_in_python():
    scenario = ld.StudentTeacher(
        ld.Student(1), ld.Teacher(1), learning_rate=ld.schedules.Schedule.of(lambda alpha, xp: 0.5 + 0.0 * alpha)
    )
    curve = ld.solve(scenario, ld.Start(Q=0.25, R=0.0), until=2, save_at=3)
    data = shown(curve)
    assert data["source"] == "Python"
    assert "learning_rate=<a function>" in data["scenario"]
    assert "result = ld.solve(scenario, start, until=2.0, rtol=1e-08, atol=1e-10, save_at=3)" in data["scenario"]


def test_what_is_swept_is_not_said_beside_its_slider(sweep, run):
    assert shown(sweep)["engine"] == "simulation, mean of 2 replicas with its standard error"
    assert shown(run)["engine"] == "simulation, learning rate 0.01"
    assert "learning_rate=" not in python_call(sweep)


def test_the_accuracy_on_rows_held_out_comes_first(sweep, run):
    for result in (sweep[["test_accuracy", "accuracy", "w_norm", "status", "message"]], run):
        first, *others = shown(result)["panels"]
        assert [plain(curve["name"]) for curve in first["curves"]] == ["test accuracy", "accuracy"]
        assert "accuracy" not in {plain(curve["name"]) for panel in others for curve in panel["curves"]}
    assert [plain(panel["axis"]) for panel in shown(run)["panels"]] == ["test accuracy, accuracy", "alignment", "|w|"]
    alone = shown(run.drop_vars("test_accuracy"))["panels"]
    assert plain(alone[0]["axis"]) == "accuracy"
