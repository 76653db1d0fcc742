"""Plateaus: curves in closed form, with and without them, noise, replicas, and the escape from the ReLU plateau."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import learndyn as ld

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)


@pytest.fixture(scope="module")
def attributes():
    return ld.solve(PERCEPTRON, ld.Start(Q=0.25, R=0.0), 1, save_at=2).attrs


@pytest.fixture
def curve(attributes):
    """A result with a given eps_g, as if of theory or of a simulation."""

    def make(times, eps_g, engine="theory", **dims):
        names = (*dims, "alpha")
        options = json.dumps({"rtol": 1e-12, "N": 100})
        found = {**attributes, "engine": engine, "options": options}
        return xr.Dataset({"eps_g": (names, eps_g)}, {"alpha": times, **dims}, found)

    return make


def level_between(t, A=2.0, a=1.0, B=1e-6, b=0.2):
    """ln eps_g of a plateau at 0: fallen to with the rate a, left with the rate b."""
    return A * np.exp(-a * t) - B * np.exp(b * t)


def test_entry_exit_and_height_are_those_of_the_curve(curve):
    t = np.linspace(0.0, 85.0, 2001)
    found = ld.plateaus(curve(t, 0.03 * np.exp(level_between(t))))
    assert found.left.values.tolist() == [True]
    entry = brentq(lambda t: level_between(t) - np.log(1.1), 0.0, 40.0)
    exit_ = brentq(lambda t: level_between(t) - np.log(0.9), 40.0, 80.0)
    # In the middle the curve is off its level by exp(-middle) and 1e-6 exp(0.2 middle): less than 1e-2.
    # Linear interpolation is off by u'' dt^2 / 8 in u, u'' = a u': by a dt^2 / 8 in time.
    off = abs(level_between((entry + exit_) / 2))
    assert off < 1e-2
    assert float(found.height[0]) == pytest.approx(0.03, rel=2 * off)
    at = np.log(float(found.height[0]) / 0.03)
    entry = brentq(lambda t: level_between(t) - at - np.log(1.1), 0.0, 40.0)
    exit_ = brentq(lambda t: level_between(t) - at - np.log(0.9), 40.0, 80.0)
    assert float(found.entry[0]) == pytest.approx(entry, abs=t[1] ** 2 / 4)
    assert float(found.exit[0]) == pytest.approx(exit_, abs=t[1] ** 2 / 4)
    assert float(found.resolution[0]) == pytest.approx(t[1])
    assert float(found.length[0]) == float(found.exit[0] - found.entry[0])


def test_coarse_rows_say_how_far_they_may_be_off(curve):
    fine, coarse = (
        ld.plateaus(curve(t, np.exp(level_between(t)))) for t in (np.linspace(0, 85, n) for n in (2001, 40))
    )
    for name in ("entry", "exit"):
        assert abs(float(fine[name][0] - coarse[name][0])) < float(coarse.resolution[0])


def test_several_plateaus_come_in_the_order_of_time(curve):
    def u(t):
        return np.exp(-t) - 2.0 / (1.0 + np.exp(-0.5 * (t - 60.0))) - 2.0 / (1.0 + np.exp(-0.5 * (t - 140.0)))

    t = np.linspace(0.0, 200.0, 4001)
    found = ld.plateaus(curve(t, np.exp(u(t))))
    assert found.plateau.values.tolist() == [1, 2, 3]
    assert found.left.values.tolist() == [True, True, False]
    np.testing.assert_allclose(np.log(found.height), [0.0, -2.0, -4.0], rtol=0, atol=1e-6)
    exits = [brentq(lambda t, h=h: u(t) - h - np.log(0.9), h_low, h_low + 40) for h, h_low in ((0, 20), (-2, 100))]
    np.testing.assert_allclose(found.exit[:2], exits, rtol=0, atol=t[1] ** 2)
    assert float(found.exit[2]) == 200.0


@pytest.mark.parametrize(
    "u",
    [
        lambda t: -t,  # exponential decay
        lambda t: -np.log(1.0 + t),  # 1 / t
        lambda t: -((t - 30.0) ** 2) / 100,  # a maximum
        lambda t: 0.0 * t,
        lambda t: 0.1 * t,  # divergence
        lambda t: -np.sqrt(t),
    ],
)
def test_curves_without_a_plateau_have_none(curve, u):
    t = np.linspace(0.0, 100.0, 501)
    found = ld.plateaus(curve(t, np.exp(u(t))))
    assert found.sizes["plateau"] == 0
    assert set(found.data_vars) == {"entry", "exit", "length", "height", "left", "resolution"}


def test_a_decay_into_rounding_is_none(curve):
    t = np.linspace(0.0, 100.0, 501)
    noise = 1e-15 * np.random.default_rng(1).standard_normal(501)
    assert ld.plateaus(curve(t, np.exp(-t) + noise)).sizes["plateau"] == 0


def test_a_residual_error_is_never_left(curve):
    t = np.linspace(0.0, 30.0, 3001)
    found = ld.plateaus(curve(t, 0.2 + np.exp(-t)))
    assert found.left.values.tolist() == [False]
    assert float(found.exit[0]) == 30.0
    assert float(found.height[0]) == pytest.approx(0.2, rel=1e-6)
    assert float(found.entry[0]) == pytest.approx(-np.log(0.02), abs=1e-4)


@pytest.mark.parametrize(("part", "count"), [(0.97, 0), (1.03, 1)])
def test_three_times_steeper_means_that(curve, part, count):
    # u = exp(-t) comes from 2 w to w, w = ln 1.1, above its last value in the time ln 2 if that value is far below w.
    # The stay must be three times as long.
    start = -np.log(2.2 * np.log(1.1))
    end = brentq(
        lambda end: (
            end + np.log(np.log(1.1) + np.exp(-end))
            - part * 3 * np.log((2 * np.log(1.1) + np.exp(-end)) / (np.log(1.1) + np.exp(-end)))
        ),
        start, 20.0,
    )  # fmt: skip
    t = np.linspace(0.0, end, 4001)
    assert ld.plateaus(curve(t, np.exp(np.exp(-t)))).sizes["plateau"] == count


def test_a_run_that_ends_or_begins_on_a_plateau(curve):
    t = np.linspace(0.0, 85.0, 2001)
    whole = np.exp(level_between(t))
    cut = ld.plateaus(curve(t[t < 50], whole[t < 50]))
    assert (cut.left.values.tolist(), float(cut.exit[0])) == ([False], t[t < 50][-1])
    begun = ld.plateaus(curve(t[t > 20], whole[t > 20]))
    assert (begun.left.values.tolist(), float(begun.entry[0])) == ([True], t[t > 20][0])
    # From the first value to 0.9 of it.
    exact = np.log(-np.log(0.9) / 1e-6) / 0.2
    assert float(begun.exit[0]) == pytest.approx(exact, abs=0.01)


# ---- Simulations


@pytest.mark.parametrize("noise", [0.005, 0.03])
def test_noise_is_averaged_away(curve, noise):
    t = np.linspace(0.0, 85.0, 1701)
    rng = np.random.default_rng(7)
    values = np.exp(level_between(t) + noise * rng.standard_normal((20, len(t))))
    found = ld.plateaus(curve(t, values, engine="overlaps", replica=np.arange(20)))
    clean = ld.plateaus(curve(t, np.exp(level_between(t))))
    assert found.replica.values.tolist() == list(range(20))
    # 0.03 is to be brought below 0.025: by (0.03 / 0.025)^2 = 1.44 rows, rounded up to an odd number.
    assert json.loads(found.attrs["options"])["window"] == {0.005: 1, 0.03: 3}[noise]
    # A row, and half of what is averaged over.
    np.testing.assert_allclose(found.resolution, {0.005: 1.0, 0.03: 2.0}[noise] * t[1])
    # Smoothed noise of a quarter of the tolerance, 0.025, in u = 0.1: at the exit, where u' = 0.2 * 0.1, that is 1.25
    # in time, at the entry 0.25; height and crossing have it each: 5 standard deviations of their sum over 20 replicas.
    allowed = 5 * np.sqrt(2) * min(noise, 0.025)
    assert abs(found.exit - float(clean.exit[0])).max() < allowed / 0.02
    assert abs(found.entry - float(clean.entry[0])).max() < allowed / 0.1 + float(found.resolution.max())


def test_too_much_noise_is_said(curve):
    t = np.linspace(0.0, 85.0, 201)
    values = np.exp(level_between(t) + 0.3 * np.random.default_rng(7).standard_normal(201))
    with pytest.raises(ld.InputError, match=r"must be less noisy .* scatters by 0\.\d+ from row to row"):
        ld.plateaus(curve(t, values, engine="overlaps"))


def test_several_sizes_are_labelled(curve):
    t = np.linspace(0.0, 85.0, 501)
    values = np.exp(np.stack([[level_between(t, B=B)] * 2 for B in (1e-4, 1e-6)]))
    found = ld.plateaus(curve(t, values, engine="overlaps", N=[100, 1000], replica=[0, 1]))
    assert found.N.values.tolist() == [100, 100, 1000, 1000]
    assert found.replica.values.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found.exit[2:].values - found.exit[:2].values, np.log(100) / 0.2, rtol=0, atol=0.5)


def test_replicas_without_a_plateau_are_counted(curve):
    t = np.linspace(0.0, 85.0, 501)
    values = np.exp(np.stack([level_between(t), -t / 10, level_between(t)]))
    runs = curve(t, values, engine="overlaps", replica=[0, 1, 2])
    with pytest.warns(ld.LearndynWarning, match="^1 of 3 replicas have no plateau that can be resolved") as told:
        found = ld.plateaus(runs)
    assert (found.replica.values.tolist(), found.attrs["curves"], found.attrs["without"]) == ([0, 2], 3, 1)
    assert found.attrs["message"] == str(told[0].message)
    assert ld.plateaus(runs.isel(replica=[1])).attrs["without"] == 1
    assert ld.plateaus(runs.isel(replica=[0, 2])).attrs["message"] == "2 plateaus in 2 curves."


def test_the_plateaus_of_a_sweep(curve):
    t = np.linspace(0.0, 85.0, 501)
    values = np.exp(np.stack([-t / 10, level_between(t, B=1e-4), level_between(t)]))
    with pytest.warns(ld.LearndynWarning, match="^1 of 3 curves have no plateau .* lower `steeper`\\.$"):
        found = ld.plateaus(curve(t, values, **{"start.X": [0.2, 1e-4, 1e-6]}))
    assert found["start.X"].values.tolist() == [1e-4, 1e-6]


# ---- The theory


def test_the_relu_plateau_is_left_later_by_its_eigenvalue():
    # Straat (2018) p. 34-36: eps_g = 0.0736129 on the plateau, which is left with lambda = 0.2392367. A mode that
    # decays with 0.0049 is still there (exp(-0.0049 * 60) = 0.75 of it), and changes slope and height by less than 3 %.
    scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), 1.0, "gradient_flow")
    found = [
        ld.plateaus(ld.solve(scenario, ld.Start.near_symmetric(scenario, [0.2, 0.3], X), 90, save_at=901, rtol=1e-10,
                             atol=1e-14))
        for X in (1e-6, 1e-8)
    ]  # fmt: skip
    for result in found:
        assert result.left.values.tolist() == [True]
        assert float(result.height[0]) == pytest.approx(0.0736129, rel=0.03)
    grown = float(found[1].exit[0] - found[0].exit[0])
    assert grown == pytest.approx(np.log(100) / 0.23923669828614813, rel=0.03)


def test_plateaus_are_saved_and_loaded(curve, tmp_path):
    t = np.linspace(0.0, 85.0, 501)
    found = ld.plateaus(curve(t, np.exp(level_between(t))))
    assert ld.load(ld.save(found, tmp_path / "plateaus.nc")).identical(found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"result": 3}, "Argument `result` must be a result of .*, but it is an int"),
        ({"result": xr.Dataset()}, "but it is another dataset"),
        ({"tolerance": 1.5}, "Argument `tolerance` must be below 1"),
        ({"steeper": 1.0}, "Argument `steeper` must be a finite number above 1"),
    ],
)
def test_what_is_refused(curve, changes, message):
    arguments = {"result": curve(np.arange(9.0), np.exp(-np.arange(9.0))), **changes}
    with pytest.raises(ld.InputError, match=message):
        ld.plateaus(arguments.pop("result"), **arguments)
    with pytest.raises(ld.InputError, match="must have at least 8 rows to show a plateau, but it has 5"):
        ld.plateaus(curve(np.arange(5.0), np.exp(-np.arange(5.0))))
    with pytest.raises(ld.InputError, match="but it has 1"):
        ld.plateaus(curve(np.arange(9.0), np.exp(-np.arange(9.0))).isel(alpha=3))
