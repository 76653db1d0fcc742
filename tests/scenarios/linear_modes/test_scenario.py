"""The modes as a scenario: what it says of itself, files, rows as starts, its flow, and what it refuses."""

import pickle
from dataclasses import fields

import jax
import numpy as np
import pytest

import learndyn as ld
from learndyn.results import main_curve
from learndyn.scenario_file import scenario_text
from learndyn.scenario_keys import SCENARIOS, STARTS_OF
from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain, start_from_plain, start_to_plain

# Every option is on; two layers out of balance have no closed form then.
FULL = ld.LinearModes(
    [2.0, 0.7], [1.1, 0.4], weight_decay=0.2, dropout_keep=0.8, input_noise=0.3, least_loss=0.1, time_scale=1.5
)
START = ld.ModeStart([0.05, -0.1], [0.3, -0.2], at=1.0)


def written(w):
    """Half the mean squared error and what is descended, from the definition, for strengths (layers, modes)."""
    u, s, beta = w.prod(0), np.array([2.0, 0.7]), np.array([1.1, 0.4])
    # Outputs y = (s / beta) x of a mode, x of variance beta; the mask d keeps the path with p = 0.8, noise on x.
    clean = beta * (u - s / beta) ** 2
    shown = 0.8 * (clean + 0.3**2 * u**2) + 0.2 * s**2 / beta
    return 0.1 + clean.sum() / 2, 0.1 + shown.sum() / 2 + 0.2 / 2 * (w**2).sum()


@pytest.fixture(scope="module")
def run():
    return ld.solve(FULL, START, 4.0, save_at=[1.0, 2.0, 4.0])


def test_rows(run):
    assert main_curve(run) == "loss"
    assert run.w.dims == ("t", "layer", "mode")
    assert run.mode.values.tolist() == [1, 2]
    w = run.w.values
    np.testing.assert_allclose(w[0], FULL.initial_state(START).reshape(2, 2), rtol=1e-15)
    np.testing.assert_allclose(run.u.values[0], [0.05, -0.1], rtol=1e-14)
    np.testing.assert_allclose(run.imbalance.values[0], [0.3, -0.2], rtol=1e-14)
    for row in range(3):
        np.testing.assert_allclose([run.loss[row], run.objective[row]], written(w[row]), rtol=1e-13)


def test_the_flow_descends_the_objective():
    # Derivatives by a complex step of 1e-30, which nothing is lost in: the objective is a polynomial.
    w, slope = FULL.initial_state(START), ld.drift(FULL, START).w.values.ravel()
    for place in range(4):
        moved = (w + 1e-30j * np.eye(4)[place]).reshape(2, 2)
        np.testing.assert_allclose(-1.5 * slope[place], written(moved)[1].imag / 1e-30, rtol=1e-13)


def test_imbalance_decays_at_twice_the_rate_of_the_weights(run):
    factor = np.exp(-2 * 0.2 * 3.0 / 1.5)
    np.testing.assert_allclose(run.imbalance.values[2], factor * run.imbalance.values[0], rtol=1e-6)


def test_integration_of_balanced_modes_is_the_closed_form():
    closed = ld.solve(FULL, 0.05, 6.0, save_at=7)
    integrated = ld.solve(FULL, 0.05, 6.0, save_at=7, method="ode", rtol=1e-11, atol=1e-13)
    assert ('"method"' in closed.options, '"method"' in integrated.options) == (True, False)
    np.testing.assert_allclose(integrated.w, closed.w, rtol=0, atol=1e-9)


def test_a_row_is_a_start(run):
    row = run.sel(t=2.0)
    start = FULL.as_start(row)
    assert start.at == 2.0
    again = ld.solve(FULL, row, 4.0, save_at=[4.0])
    np.testing.assert_allclose(again.w[-1], run.w[-1], rtol=0, atol=1e-7)
    with pytest.raises(ld.InputError, match="must be one row of a result, but w has the dims"):
        FULL.as_start(run)


def test_observables_are_those_of_rows(run):
    states = run.w.values.reshape(3, 4)
    for name in ("loss", "objective"):
        np.testing.assert_array_equal(FULL.observable(name, np)(states, FULL.values()), run[name])
    np.testing.assert_array_equal(FULL.observable("u_2", np)(states, FULL.values()), run.u[:, 1])
    with pytest.raises(ld.InputError, match='must be "loss", "objective" or "u_1" to "u_2", but it is \'u_3\''):
        FULL.observable("u_3", np)


def test_the_generic_time_is_the_closed_one():
    modes = ld.LinearModes([2.0, 0.7], [1.1, 0.4])
    start = ld.ModeStart([0.05, 0.1], [0.3, -0.2], at=1.0)
    found = ld.time_to_reach(modes, start, 0.8, "u_2", until=50.0, rtol=1e-10, atol=1e-12)
    # The error of the solver in u, 1e-8 at most, over du/dt.
    assert float(found.time) == pytest.approx(1.0 + modes.time_to(start, 0.8)[1], abs=1e-7)
    assert float(found.value) == pytest.approx(0.8, abs=1e-7)
    assert found.attrs["status"] == "ok"


def test_a_fixed_point_is_the_end():
    modes = ld.LinearModes([2.0, 0.7], [1.1, 0.4])
    point = ld.find_fixed_point(modes, ld.ModeStart([1.5, 1.5]))
    np.testing.assert_allclose(point.u, [2.0 / 1.1, 0.7 / 0.4], rtol=1e-9)
    assert point.u.dims == ("own_mode",)
    assert modes.as_start(point).strengths.shape == (2, 2)


def test_kernel_growth():
    modes = ld.LinearModes([1.0, 2.0, 1.0], 0.5)
    start = ld.ModeStart([0.1, -0.2, 0.0], [0.3, -4.0, 0.0])
    ends = modes.closed_form(start)(np.array([0.0, 1e3])).reshape(2, 2, 3)
    expected = (ends**2).sum(1)[1, :2] / (ends**2).sum(1)[0, :2]
    np.testing.assert_allclose(modes.kernel_growth(start), [*expected, np.inf], rtol=1e-12)
    with pytest.raises(
        ld.InputError, match="two layers and no weight_decay for the growth of the kernel, but it has 3"
    ):
        ld.LinearModes(1.0, depth=3).kernel_growth(0.1)


# Files.


@pytest.mark.parametrize("scenario", [FULL, ld.LinearModes(1.0), ld.LinearModes(np.arange(1.0, 300.0), depth=3)])
def test_the_plain_form_comes_back(scenario):
    assert scenario_from_plain(scenario_to_plain(scenario)) == scenario == pickle.loads(pickle.dumps(scenario))
    assert hash(scenario_from_plain(scenario_to_plain(scenario))) == hash(scenario)


@pytest.mark.parametrize("start", [START, ld.ModeStart(0.1), ld.ModeStart(strengths=[[0.1, 0.2], [0.3, 0.4]])])
def test_starts_come_back(start, tmp_path):
    assert start_from_plain(start_to_plain(start)) == start
    path = tmp_path / "modes.toml"
    path.write_text(scenario_text(FULL, start, solve={"until": 5, "method": "ode"}))
    case = ld.read_scenario_file(path)
    assert (case.scenario, case.start, case.solve) == (FULL, start, {"until": 5, "method": "ode"})


def test_files_know_all_fields():
    assert set(SCENARIOS["linear_modes"]) == {f.name for f in fields(FULL)} | {"kind"}
    assert set(STARTS_OF["linear_modes"]) == {f.name for f in fields(START)} | {"kind"}


def test_no_compilation_for_other_numbers():
    # The program's name has the number of layers alone in it: all numbers are arguments.
    assert FULL.flow() is ld.LinearModes([0.1, 0.2], time_scale=3.0).flow()
    assert FULL.flow() != ld.LinearModes([0.1, 0.2], depth=3).flow()


# Refused.


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"s": [1.0, -0.5]}, "`s` must hold singular values of at least 0, but its smallest is -0.5"),
        ({"s": [[1.0]]}, "`s` must be a number or a list of singular values, but it has shape"),
        ({"s": [1.0, np.nan]}, "`s` must be finite, but it contains NaN or infinity"),
        ({"s": [1.0, 0.5], "beta": [1.0, 0.0]}, "`beta` must be above 0 for every mode with s above 0"),
        ({"s": 1.0, "beta": [1.0, 1.0]}, "`beta` must be a number or have 1 numbers, one for each mode"),
        ({"s": 1.0, "dropout_keep": 1.5}, "`dropout_keep` must be a probability above 0 and at most 1, but it is 1.5"),
        ({"s": 1.0, "depth": 0}, "`depth` must be a whole number of at least 1, but it is 0"),
        ({"s": 1.0, "weight_decay": -1.0}, "`weight_decay` must be a finite number of at least 0"),
        ({"s": 1.0, "time_scale": 0.0}, "`time_scale` must be a finite number above 0"),
    ],
)
def test_scenarios_that_are_refused(options, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.LinearModes(**options)


def test_starts_that_are_refused():
    refused = {
        "`u` of ld.ModeStart must be given, or `strengths`, and not both, but neither is": lambda: ld.ModeStart(),
        "and not both, but both are": lambda: ld.ModeStart(0.1, strengths=[[1.0], [1.0]]),
        "`imbalance` must be left out beside": lambda: ld.ModeStart(imbalance=1.0, strengths=[[1.0], [1.0]]),
        "`strengths` must have shape .layers, modes.": lambda: ld.ModeStart(strengths=[1.0]),
        "`u` must be a number for all modes, or one for each": lambda: ld.ModeStart([[0.1]]),
        "`u` must be finite": lambda: ld.ModeStart(np.nan),
        "`u` must be a number or have 2 numbers": lambda: FULL.as_start([0.1, 0.1, 0.1]),
        "`strengths` must have shape .2, 2., the layers": lambda: FULL.as_start(ld.ModeStart(strengths=[[1.0], [1.0]])),
        "`imbalance` must be 0 for 3 layers": lambda: FULL.replace(depth=3).as_start(START),
        "`start` must be an ld.ModeStart, the strengths u or one row": lambda: FULL.as_start("here"),
        "`samples` must be left out for an ld.LinearModes": lambda: ld.solve(FULL, 0.1, 1.0, samples=100),
    }
    for sentence, call in refused.items():
        with pytest.raises(ld.InputError, match=sentence):
            call()


def test_times_of_strengths_are_checked():
    modes, late = ld.LinearModes([1.0, 2.0]), ld.ModeStart(0.1, at=1.0)
    with pytest.raises(ld.InputError, match="`at` must hold no time before the start, which is at 1, but its smallest"):
        modes.strengths(late, [0.5, 2.0])
    with pytest.raises(ld.InputError, match="`at` must be finite"):
        modes.strengths(late, [2.0, np.nan])
    np.testing.assert_allclose(modes.strengths(late, [1.0]), [[0.1, 0.1]], rtol=1e-15)


def test_where_there_is_no_closed_form():
    for scenario, start in ((FULL, START), (FULL.replace(depth=3), 0.1)):
        assert scenario.closed_form(start) is None
        with pytest.raises(ld.InputError, match=r"is not covered\. Use ld\.solve, which integrates the flow"):
            scenario.strengths(start, [1.0])
        with pytest.raises(ld.InputError, match=r"is not covered\. Use ld\.time_to_reach"):
            scenario.time_to(start, 0.5)
        with pytest.raises(
            ld.InputError, match='`method` must be "ode" or None for this start, but it is "closed_form"'
        ):
            ld.solve(scenario, start, 2.0, method="closed_form")
    perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    with pytest.raises(ld.InputError, match=r'closed_form", which an ld\.StudentTeacher does not have'):
        ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), 1.0, method="closed_form")
    with pytest.raises(ld.InputError, match='`method` must be "closed_form" or "ode", but it is \'exact\''):
        ld.solve(FULL, START, 2.0, method="exact")


def test_flow_size_is_the_squared_length():
    with jax.enable_x64(True):
        assert float(FULL.flow().size(np.array([1.0, 2.0]))) == 5.0
