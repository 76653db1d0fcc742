"""Times to a level: against independent integrations, the paper's own files, closed forms; what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

import learndyn as ld
from nonlinear_perceptron import vector

RULES = {"SL": ld.Supervised(), "RL": ld.Reinforce()}
PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "learning_times.json").read_text())["published"]
# Steps with a relative error of 1e-10 and an alignment that rises by 0.01 a unit of time or more at the level.
EXACT = {"rtol": 1e-10, "atol": 1e-12, "until": 200.0}


def tasks(rule, name, values):
    """mu = (1, 0), and noise in the two directions; always n variances, so that all share a program."""
    variances = [[s * s, s * s] if name == "sigma" else [1.0 + s, 1.0 - s] for s in values]
    return [ld.GaussianClassification([1.0, 0.0], each, RULES[rule]) for each in variances]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("number", ["026", "027", "031", "032"])
def test_times_are_those_of_an_independent_integration(number, rule):
    inputs, outputs, tolerance = vector(number)
    name = "sigma" if "sigma" in inputs else "eps"
    found = ld.time_to_reach(
        tasks(rule, name, inputs[name]), [0.0, inputs["n0"]], 0.8, coords={name: inputs[name]}, **EXACT
    )
    assert found.time.dims == (name,)
    assert (found.outcome == 1).all()
    np.testing.assert_allclose(found.time, outputs[f"t_{rule}"], atol=tolerance, rtol=0.0)
    # Halving ends at a rounding error of the time.
    np.testing.assert_allclose(found.value, 0.8, atol=1e-13, rtol=0.0)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda p: f"{p['rule']} {list(p)[1]}")
def test_the_papers_own_times_are_these_rounded_up_to_their_grid(published):
    name = "sigma" if "sigma" in published else "eps"
    found = ld.time_to_reach(tasks(published["rule"], name, published[name]), [0.0, 1.0], 0.8, **EXACT)
    late = np.array(published["time"]) - found.time.values
    assert (late > -1e-9).all()
    assert (late < 0.005 + 1e-9).all()


def test_members_stand_for_single_calls_and_mix_structures():
    scenarios = [*tasks("SL", "sigma", [0.3, 1.0]), *tasks("RL", "sigma", [0.3, 1.0])]
    both = ld.time_to_reach(scenarios, [0.0, 1.0], 0.8, until=200.0, coords={"rule": ["SL", "RL"], "sigma": [0.3, 1.0]})
    alone = ld.time_to_reach(scenarios[2], [0.0, 1.0], 0.8, until=200.0)
    assert alone.time.dims == ()
    assert float(both.time.sel(rule="RL", sigma=0.3)) == float(alone.time)
    # An image of the same flow with a clock that begins later.
    later = ld.time_to_reach(scenarios[2], ld.GaussianWeights([0.0, 1.0], at=3.0), 0.8, until=200.0)
    assert float(later.time) == pytest.approx(float(alone.time) + 3.0, abs=1e-12)


def test_a_curve_crosses_the_level_at_the_time():
    task = tasks("SL", "sigma", [1.0])[0]
    found = ld.time_to_reach(task, [0.0, 1.0], 0.8, until=200.0)
    row = ld.solve(task, [0.0, 1.0], 10.0, save_at=[float(found.time)])
    # Two runs of at most 20 steps, each with an error of 1e-8 of a length of at most 1.
    assert float(row.alignment[0]) == pytest.approx(0.8, abs=2 * 20 * 1e-8)


def test_quantities_that_fall():
    # |w| falls from 4, or rises from 1, towards its fixed point near 1.82.
    task = tasks("SL", "sigma", [1.0])[0]
    found = ld.time_to_reach(task, [[4.0, 0.0], [1.0, 0.0]], [3.0, 1.5], "w_norm", until=50.0)
    assert found.outcome.values.tolist() == [1, 1]
    for first, time, level in zip([4.0, 1.0], found.time.values, [3.0, 1.5], strict=True):
        row = ld.solve(task, [first, 0.0], 50.0, save_at=[time])
        # Two runs of at most 20 steps, each with an error of 1e-8 of a length of at most 4.
        assert float(row.w_norm[0]) == pytest.approx(level, abs=2 * 20 * 4e-8)
    # Alignment rises by nature, and is there at once if it starts beyond the level; it can be asked to fall.
    assert float(ld.time_to_reach(task, [2.0, 0.0], 0.8, until=50.0).time) == 0.0
    falling = ld.time_to_reach(task, [2.0, 0.0], 0.8, until=50.0, direction="falling")
    assert falling.time == np.inf
    assert falling.attrs["status"] == "not_reached"


LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
START = ld.Start(Q=0.25, R=0.0)


def test_eps_g_of_a_linear_perceptron_is_a_closed_form():
    # E = 2 eps_g: dE/dalpha = -(2 eta - eta^2) E from 1.25; unstable beyond eta = 2.
    etas = [0.3, 1.0, 1.7, 2.5, 3.5]
    found = ld.time_to_reach([LINEAR.replace(learning_rate=eta) for eta in etas], START, 1e-3, until=30.0)
    g = 2 * np.array(etas[:3]) - np.array(etas[:3]) ** 2
    # As for phase diagrams: an error of 1e-7 in E shifts the time by that over its slope.
    assert (np.abs(found.time[:3] - np.log(1.25 / 2e-3) / g) < 1e-7 / (g * 2e-3)).all()
    assert found.outcome.values.tolist() == [1, 1, 1, 2, 2]
    assert (found.time[3:] == np.inf).all()
    assert (found.end[3:] < 30.0).all()


def test_not_reached_is_infinite_and_says_so(tmp_path):
    found = ld.time_to_reach(LINEAR.replace(learning_rate=0.1), START, [0.3, 1e-9], until=5.0)
    assert found.outcome.values.tolist() == [1, 0]
    assert found.time[1] == np.inf
    assert "member 1, which ended at alpha = 5" in found.attrs["message"]
    assert found.outcome.attrs["flag_meanings"].split()[0] == "not_reached"
    assert ld.load(ld.save(found, tmp_path / "times.nc")).identical(found)


def test_quadratures_grow_with_the_run():
    # tanh has no closed averages, and a fast student outgrows the first quadrature.
    scenario = ld.StudentTeacher(ld.Student(1, "tanh"), ld.Teacher(1, "tanh"), learning_rate=0.5)
    found = ld.time_to_reach(scenario, START, 0.01, until=100.0)
    row = ld.solve(scenario, START, 100.0, save_at=[float(found.time)])
    assert float(row.eps_g[0]) == pytest.approx(0.01, abs=1e-7)


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (([LINEAR, LINEAR], [START] * 3, 0.1), {}, "`scenario` must be one for all or a list of 3"),
        (([], START, 0.1), {}, "`scenario` must be one for all or a list of 1"),
        ((LINEAR, START, 0.1, "alignment"), {}, "`quantity` must be \"eps_g\", but it is 'alignment'"),
        ((LINEAR, START, 0.1), {"direction": "up"}, '`direction` must be "rising" or "falling"'),
        ((LINEAR, START, 0.1), {"until": 0.0}, "`until` must be later than the start"),
        ((LINEAR, START, "low"), {}, "`level` must be a finite number"),
        (
            (LINEAR, START, -1),
            {},
            "`level` must be at least 0, as eps_g always is, but it is -1. Give a level that eps_g",
        ),
        (
            ([LINEAR] * 3, START, 0.1),
            {"coords": {"eta": [1, 2]}},
            "`coords` must have as many points .* 3, but",
        ),
        (([LINEAR] * 2, START, 0.1), {"coords": {"time": [1, 2]}}, "`coords` must have names of its own, but 'time'"),
        (([LINEAR] * 3, START, 0.1), {"coords": [1, 2, 3]}, "`coords` must be a dict"),
        (([LINEAR, *tasks("SL", "sigma", [1.0])], [START, [0.0, 1.0]], 0.1), {}, "scenarios of one kind"),
        ((LINEAR, START, 0.1), {"rtol": 1e-15}, "`rtol` must be at least"),
    ],
)
def test_what_is_refused(arguments, options, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.time_to_reach(*arguments, **{"until": 10.0} | options)


def test_members_whose_values_have_other_shapes_run_apart():
    """One variance, and two of them: one flow, but not one program."""
    shapes = [0.5, [0.5, 0.5], [0.5, 0.2]]
    tasks = [ld.GaussianClassification([1.0, 0.0], each, ld.Supervised()) for each in shapes]
    found = ld.time_to_reach(tasks, [0.0, 1.0], 0.8, until=50)
    alone = [float(ld.time_to_reach(task, [0.0, 1.0], 0.8, until=50).time) for task in tasks]
    assert found.time.values.tolist() == alone
    # The same task in another form; sums in another order.
    np.testing.assert_allclose(found.time[0], found.time[1], rtol=1e-9)
