"""ld.FiniteSample as data: mistakes, files, results, and what other verbs make of it."""

import pickle

import numpy as np
import pytest

import learndyn as ld
from learndyn.summary import status, table

SAMPLE = ld.FiniteSample(0.5, 1.2, 0.3, weight_decay=0.01, eigenvalues=[0.0, 0.5, 1.5])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"aspect": 0.0}, "Argument `aspect` must be a finite number above 0"),
        ({"aspect": np.nan}, "Argument `aspect` must be a finite number"),
        ({"signal": -1.0}, "Argument `signal` must be a finite number of at least 0"),
        ({"label_noise": -0.1}, "Argument `label_noise` must be"),
        ({"weight_decay": -0.1}, "Argument `weight_decay` must be"),
        ({"depth": 0}, "Argument `depth` must be a whole number of at least 1"),
        ({"learning_rate": 0.0}, "Argument `learning_rate` must be"),
        ({"eigenvalues": []}, "Argument `eigenvalues` must be a list of n numbers"),
        ({"eigenvalues": [1.0, -0.1]}, "none below 0 and not all 0"),
        ({"eigenvalues": [0.0, 0.0]}, "none below 0 and not all 0"),
    ],
)
def test_mistakes(arguments, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.FiniteSample(**({"aspect": 1.0} | arguments))


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ("far", "Argument `start` must be an ld.RandomWeights or its length, but it is a str"),
        (-1.0, "Argument `length` must be a finite number of at least 0"),
        (np.inf, "Argument `length` must be a finite number"),
        (0.0, "would stay at 0 for ever"),
    ],
)
def test_mistakes_of_starts(start, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.solve(ld.FiniteSample(1.0, depth=2), start, until=1)


def test_a_row_is_no_start():
    row = ld.solve(SAMPLE, 0.1, until=1).isel(t=-1)
    with pytest.raises(ld.InputError, match="does not hold what the student has learned of each direction"):
        ld.solve(SAMPLE, row, until=2)


def test_what_it_does_not_have_is_said():
    with pytest.raises(ld.InputError, match="a sample is drawn once and used again"):
        ld.fluctuations(SAMPLE, 0.1, until=1)
    with pytest.raises(ld.InputError, match=r"must be left out for an ld\.FiniteSample"):
        ld.solve(SAMPLE, 0.1, until=1, samples=100)
    with pytest.raises(ld.InputError, match="covers students of depth 1"):
        ld.solve(SAMPLE.replace(depth=2), 0.1, until=1, method="closed_form")
    with pytest.raises(ld.InputError, match="Argument `depth` must be 1 for final"):
        SAMPLE.replace(depth=2).final(0.1)


def test_results_know_their_scenario(tmp_path):
    start = ld.RandomWeights(0.1, at=2.0)
    curve = ld.solve(SAMPLE, start, until=3, save_at=4)
    assert dict(curve.sizes) == {"t": 4}
    assert set(curve.data_vars) == {"eps_g", "test_error", "train_error", "R", "Q"}
    assert ld.scenario_of(curve) == SAMPLE
    assert ld.start_of(curve) == start
    assert ld.load(ld.save(curve, tmp_path / "curve.nc")).identical(curve)
    assert pickle.loads(pickle.dumps(SAMPLE)) == SAMPLE
    assert hash(SAMPLE.replace(aspect=0.5)) == hash(SAMPLE)
    # The clock begins at the start's own time.
    assert np.allclose(curve.eps_g, ld.solve(SAMPLE, 0.1, until=1, save_at=4).eps_g, rtol=1e-14)


@pytest.mark.parametrize("scenario", [SAMPLE, ld.FiniteSample(2.0), ld.FiniteSample(2.0, depth=3, learning_rate=0.1)])
def test_files(scenario, tmp_path):
    simulate = None if scenario is SAMPLE else {"N": 20, "seed": 1, "until": 2.0}
    path = ld.write_scenario_file(
        tmp_path / "sample.toml", scenario, 0.1, solve={"until": 5.0}, simulate=simulate
    )  # fmt: skip
    found = ld.read_scenario_file(path)
    assert (found.scenario, found.start) == (scenario, ld.RandomWeights(0.1))
    assert found.solve == {"until": 5.0}
    assert found.simulate == simulate


def test_the_summary():
    scenario = ld.FiniteSample(0.5, 1.0, 0.5, learning_rate=0.1)
    theory = ld.solve(scenario, 0.1, until=4, save_at=5)
    runs = ld.simulate(scenario, 0.1, until=4, N=20, replicas=3, seed=1, save_at=5)
    assert "eps_g theory" in table(theory, runs)
    assert "3 of 3 replicas at N = 20" in status(runs)
    assert "The run reached its end. (in closed form; " in status(theory)


def test_times_to_reach_an_error():
    """Against the closed form at the time that is found."""
    scenario = ld.FiniteSample(0.5, 1.0, 0.5, eigenvalues=np.linspace(0.2, 2.4, 8))
    time = float(ld.time_to_reach(scenario, 0.0, 0.2, until=20).time)
    assert np.isclose(scenario.rows(scenario.closed_form(0.0)(np.array([time])))["eps_g"][0], 0.2, atol=1e-7)


def test_the_drift():
    """dA/dt = -(lambda + gamma) A, dC/dt = lambda at the start."""
    drift = ld.drift(SAMPLE, 0.5)
    assert np.allclose(drift.A, -0.5 * (np.array([0.0, 0.5, 1.5]) + 0.01))
    assert np.allclose(drift.C, [0.0, 0.5, 1.5])
