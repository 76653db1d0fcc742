"""The scenario of alike sites: its start, its results, its files, and what it refuses."""

import pickle
from dataclasses import fields

import numpy as np
import pytest

import learndyn as ld
from alike_sites import numbers, of_full, random_start, start_of
from learndyn.scenario_keys import SCENARIOS, STARTS_OF
from learndyn.scenarios.base import Scenario

SCENARIO = ld.SiteSymmetric(3, "erf", 0.5)
START = ld.SymmetricStart(R=1e-3, S=0.0, Q=0.25, C=0.0)
NAMES = ("R", "S", "Q", "C")


# Runs.


@pytest.fixture(scope="module")
def curve():
    return ld.solve(SCENARIO, START, until=400, save_at=21)


def test_the_run_is_that_of_the_full_system(curve):
    full = ld.solve(SCENARIO.full(), START.full(3), until=400, save_at=21)
    # Both with rtol 1e-8; errors grow with the deviation from the plateau, a thousandfold from R = 1e-3 on.
    for name, other in (("R", full.R[:, 0, 0]), ("S", full.R[:, 0, 1]), ("Q", full.Q[:, 0, 0]), ("C", full.Q[:, 0, 1])):
        np.testing.assert_allclose(curve[name], other, rtol=0, atol=1e-5)
    np.testing.assert_allclose(curve.eps_g, full.eps_g, rtol=0, atol=1e-5)
    assert curve.R[-1] > 0.9


def test_the_observables_are_those_of_the_full_system():
    # Two units have one other teacher unit, three have two: that is what specialisation tells apart.
    for K in (1, 2, 3):
        s, rng = ld.SiteSymmetric(K, "erf", 0.5), np.random.default_rng(K)
        for start in (random_start(K, rng), start_of(-0.6, 0.4, 0.3, 0.1, K)):
            full = s.full()
            wanted = full.rows(full.initial_state(full.as_start(start.full(K))))
            found = s.rows(s.initial_state(start))
            assert found["length"] == pytest.approx(wanted["length"][0], abs=1e-14)
            assert found["own_cosine"] == pytest.approx(wanted["cosine"][0, 0], abs=1e-14)
            assert found["specialisation"] == pytest.approx(wanted["specialisation"][0], abs=1e-14)
            if K > 1:
                assert found["other_cosine"] == pytest.approx(wanted["cosine"][0, 1], abs=1e-14)


def test_schema_of_a_result(curve):
    assert dict(curve.sizes) == {"alpha": 21}
    assert set(curve.data_vars) == {*NAMES, "eps_g", "length", "own_cosine", "other_cosine", "specialisation"}
    assert all(variable.dims == ("alpha",) for variable in curve.data_vars.values())
    assert SCENARIO.parameter_names() == list(NAMES)
    assert isinstance(SCENARIO, Scenario)


def test_a_row_is_a_start(curve):
    row = curve.isel(alpha=10)
    assert SCENARIO.as_start(row).at == 200.0
    rest = ld.solve(SCENARIO, row, until=400, save_at=[400])
    np.testing.assert_allclose(numbers(rest.isel(alpha=0)), numbers(curve.isel(alpha=-1)), rtol=0, atol=1e-5)
    with pytest.raises(ld.InputError, match="still has the dim `alpha`"):
        SCENARIO.as_start(curve)
    full = ld.solve(SCENARIO.full(), START.full(3), until=10, save_at=[10])
    found = ld.SymmetricStart.of(full.isel(alpha=0))
    np.testing.assert_allclose(found.numbers(), of_full(full.isel(alpha=0)), rtol=1e-9)
    assert found.at == 10.0


def test_a_thousand_units_leave_their_plateau():
    # From an R that is a thousandth above the other overlaps; rates are of the order of 1 / K.
    s = ld.SiteSymmetric(1000, "relu", 1e-3, "gradient_flow")
    curve = ld.solve(s, START, until=1e5, save_at=11)
    assert curve.attrs["status"] == "ok"
    assert curve.specialisation[0] < 0.01
    assert curve.specialisation[-1] > 0.99
    # All numbers of units, from four on, share one program.
    assert s.flow() is ld.SiteSymmetric(4, "relu", 0.3, "gradient_flow").flow()


def test_schedules_and_divergence():
    drop = ld.schedules.PiecewiseConstant(rates=[0.5, 0.1], times=[10])
    s = ld.SiteSymmetric(3, "erf", drop)
    whole = ld.solve(s, START, until=20, save_at=[10, 20])
    first = ld.solve(SCENARIO, START, until=10, save_at=[10])
    second = ld.solve(SCENARIO.replace(learning_rate=0.1), first.isel(alpha=0), until=20, save_at=[20])
    # rtol 1e-8 over some hundred steps
    np.testing.assert_allclose(numbers(whole.isel(alpha=0)), numbers(first.isel(alpha=0)), rtol=0, atol=1e-6)
    np.testing.assert_allclose(numbers(whole.isel(alpha=1)), numbers(second.isel(alpha=0)), rtol=0, atol=1e-6)
    with pytest.warns(ld.LearndynWarning, match="Learning diverged"):
        assert ld.solve(ld.SiteSymmetric(3, "linear", 3.0), START, until=100).attrs["status"] == "diverged"


def test_a_single_unit_has_two_order_parameters():
    s = ld.SiteSymmetric(1, "erf", 0.5)
    curve = ld.solve(s, ld.SymmetricStart(R=0.1, S=0.0, Q=0.25, C=0.0), until=20, save_at=[10, 20])
    assert "S" not in curve
    assert "C" not in curve
    full = ld.solve(s.full(), ld.Start(Q=0.25, R=0.1), until=20, save_at=[20])
    np.testing.assert_allclose(numbers(curve.isel(alpha=1)), of_full(full.isel(alpha=0)), rtol=0, atol=1e-6)
    assert s.as_start(curve.isel(alpha=0)).S == 0.0
    with pytest.raises(ld.InputError, match=r"must be 0 for a single unit.* 0\.1 and 0"):
        s.as_start(ld.SymmetricStart(0.1, 0.1, 0.5, 0.0))


# Files.


def test_results_and_files_give_it_back(curve, tmp_path):
    path = ld.save(curve, tmp_path / "curve.nc")
    loaded = ld.load(path)
    assert loaded.identical(curve)
    assert ld.scenario_of(loaded) == SCENARIO
    assert ld.start_of(loaded) == START
    drop = ld.schedules.PiecewiseConstant(rates=[0.5, 0.1], times=[10])
    s = ld.SiteSymmetric(1000, "relu", drop, "gradient_flow", weight_decay=0.1)
    toml = ld.write_scenario_file(tmp_path / "case.toml", s, START, solve={"until": 100})
    file = ld.read_scenario_file(toml)
    assert (file.scenario, file.start, file.solve) == (s, START, {"until": 100})
    assert pickle.loads(pickle.dumps(s)) == s


def test_the_keys_of_a_file_are_the_fields():
    assert set(SCENARIOS["site_symmetric"]) == {f.name for f in fields(SCENARIO)} | {"kind"}
    assert set(STARTS_OF["site_symmetric"]) == {f.name for f in fields(START)} | {"kind"}


def test_mistakes_in_a_file_are_named(tmp_path):
    path = tmp_path / "case.toml"
    path.write_text(
        '[scenario]\nkind = "site_symmetric"\nunits = 0\nlearning_rate = 1\nbatch_size = 2\n'
        "[start]\nR = 0.1\nS = 0.0\nQ = 0.2\n[solve]\nuntil = 1\n[simulate]\nN = 100\n"
    )
    with pytest.raises(ld.InputError) as caught:
        ld.read_scenario_file(path)
    text = str(caught.value)
    assert "[scenario] units must be a whole number of at least 1, but it is 0." in text
    assert "[scenario] batch_size = 2 is an unknown key" in text
    assert "[start] C is missing" in text
    path.write_text(
        '[scenario]\nkind = "site_symmetric"\nunits = 3\nlearning_rate = 1\n'
        "[start]\nR = 0.9\nS = 0.0\nQ = 0.2\nC = 0.0\n[solve]\nuntil = 1\n[simulate]\nN = 100\n"
    )
    with pytest.raises(ld.InputError) as caught:
        ld.read_scenario_file(path)
    assert "[start] start must hold overlaps that 3 vectors can have" in str(caught.value)
    assert '[simulate] is not for kind = "site_symmetric"' in str(caught.value)


# Starts.


@pytest.mark.parametrize("K", [1, 2, 5])
def test_full_and_reduced_starts_are_inverse(K):
    start = random_start(K, np.random.default_rng(K))
    np.testing.assert_allclose(ld.SymmetricStart.of(start.full(K)).numbers(), start.numbers(), rtol=1e-15, atol=0)
    assert ld.SiteSymmetric(K, "erf", 0.5).as_start(start) == start


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (
            ld.Start(Q=np.eye(2), R=[[0.1, 0.0], [0.0, 0.2]]),
            "R with one number .* differ from that by 0.05",
        ),
        (ld.Start(Q=np.diag([0.2, 0.3]), R=np.zeros((2, 2))), "alike sites, Q with one number"),
        (ld.Start(Q=np.eye(2), R=np.zeros((2, 3))), "as many student units as teacher units"),
        (ld.Start(Q=np.eye(2), R=np.zeros((2, 2)), w=[1.0, 2.0]), "must have no `w`"),
        (ld.Start(Q=np.eye(2), R=np.zeros((2, 2)), theta=0.1), "must have no `theta`"),
        ({"Q": 1}, "must be an ld.SymmetricStart, a symmetric ld.Start or one row of a result, but it is a dict"),
    ],
)
def test_starts_that_are_not_symmetric_are_refused(start, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.SymmetricStart.of(start)


def test_a_full_start_must_have_the_size_of_the_scenario():
    start = START.full(4)
    assert ld.SiteSymmetric(4, "erf", 0.5).as_start(start) == START
    with pytest.raises(ld.InputError, match=r"must be one of 3 unit\(s\), as the scenario has, but it is one of 4"):
        SCENARIO.as_start(start)


@pytest.mark.parametrize("K", [2, 3, 10])
def test_possible_overlaps_are_those_of_the_full_covariance(K):
    # States that vectors have, moved by a factor about the border of what is possible.
    s, rng = ld.SiteSymmetric(K, "erf", 0.5), np.random.default_rng(K)
    full, seen = s.full(), set()
    for _ in range(40):
        start = start_of(*rng.normal(size=2) / [1, K], 0.0, rng.choice([0.0, 0.3]), K).numbers()
        state = start * np.array([1, 1, *(rng.uniform(0.9, 1.1, 2))])
        R, Q = state[1] + (state[0] - state[1]) * np.eye(K), state[3] + (state[2] - state[3]) * np.eye(K)
        C = np.block([[Q, R], [R, np.eye(K)]])
        possible = bool(np.linalg.eigvalsh(C)[0] >= -1e-10)
        assert s.first_impossible(state[None], 1e-12) == possible
        seen.add(possible)
    assert seen == {True, False}
    assert full.K == K


# What it refuses.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"units": 0}, "`units` must be a whole number of at least 1, but it is 0"),
        ({"activation": ["erf", "relu"]}, "`activation` must be one activation for all units"),
        ({"activation": "sign"}, "`activation` must have a derivative to learn by"),
        ({"learning_rate": -1}, "`learning_rate` must be a finite number above 0"),
        ({"learning_rate": None}, "`learning_rate` must be given"),
        ({"dynamics": "flow"}, "`dynamics` must be"),
        ({"label_noise": -1}, "`label_noise` must be a finite number of at least 0"),
    ],
)
def test_bad_arguments_are_named(arguments, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.SiteSymmetric(**{"units": 3, "activation": "erf", "learning_rate": 0.1} | arguments)


def test_unknown_fields_are_refused():
    with pytest.raises(ld.InputError, match=r"`unit` of replace must be a field .* Did you mean 'units'"):
        SCENARIO.replace(unit=2)


@pytest.mark.parametrize("method", ["overlaps", "weights", "diffusion"])
def test_it_is_not_simulated(method):
    with pytest.raises(ld.InputError, match=r"all sites are alike, and chance breaks that at every finite N"):
        ld.simulate(SCENARIO, START, until=1, N=100, method=method)


def test_it_has_no_fluctuations_and_no_samples():
    with pytest.raises(ld.InputError, match="chance breaks that"):
        ld.fluctuations(SCENARIO, START, until=1)
    with pytest.raises(ld.InputError, match="`samples` must be left out"):
        ld.solve(SCENARIO, START, until=1, samples=1024)


def test_the_plots_take_it(curve):
    assert len(ld.plot.overview(curve).axes) == 3
    assert len(ld.plot.order_parameters(curve, names=NAMES).lines) == 4
