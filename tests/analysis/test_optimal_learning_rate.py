"""The best constant learning rate, by three criteria, against closed forms, independent runs, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

import learndyn as ld
from learndyn.analysis.learning_rates.search import search
from perceptrons_by_hand import linear_error

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "learning_rates.json").read_text())["constant"]
RELU = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.3)
START = ld.Start(Q=0.25, R=0.0)
NOISE = 0.5
NOISY = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0, label_noise=NOISE)
E0 = 1.25


def close_to_a_minimum(found, expected, curvature, relative):
    """A minimum of a function with an error of `relative` is placed to the root of twice that over its curvature."""
    assert abs(np.log(found / expected)) <= 2 * np.sqrt(2 * relative / curvature) + 1e-7


# ---- The three criteria


@pytest.mark.parametrize("until", [5, 10, 20])
def test_the_error_of_the_relu_perceptron(until):
    best = ld.optimal_learning_rate(RELU, START, until)
    # Five digits are known, and the minimum is placed to 1e-5 (ln eps_g is curved by more than 1, runs err by 1e-10).
    assert best.learning_rate.item() == pytest.approx(VECTORS["error"][str(until)], abs=5e-5 + 3e-5)
    curve = ld.solve(ld.scenario_of(best), START, until, save_at=[until], rtol=1e-12, atol=1e-15)
    # Order parameters of order 1 are off by rtol = 1e-10, and eps_g by no more.
    assert best.value.item() == pytest.approx(curve.eps_g[-1].item(), abs=1e-10)
    assert best.attrs["status"] == "ok"


@pytest.mark.parametrize("target", ["0.01", "0.0001", "0.000001"])
def test_the_time_of_the_relu_perceptron(target):
    best = ld.optimal_learning_rate(RELU, START, 60, criterion="time", target=float(target))
    # Curvature above 12 per unit of time; times are known to 1e-8: sqrt(2e-8 / 12), and half of the last digit.
    assert best.learning_rate.item() == pytest.approx(VECTORS["time"][target], abs=1e-4)
    curve = ld.solve(ld.scenario_of(best), START, best.value.item(), save_at=2, rtol=1e-12, atol=1e-15)
    assert curve.eps_g[-1].item() == pytest.approx(float(target), abs=1e-10)


def test_the_last_decay_of_the_relu_perceptron():
    """-eta/2 and eta (eta - 2) / 2: the slowest is fastest at eta = 1, where they are equal."""
    best = ld.optimal_learning_rate(RELU, START, criterion="rate")
    eta, rate = best.tried.values, best.tried_value.values
    inside = (eta > 0.1) & (eta < 1.9)
    # The Jacobian at a point d off the solution is off by the root of d, 1e-8 at rounding: the kinked maximum as well.
    np.testing.assert_allclose(rate[inside], np.minimum(eta / 2, eta * (2 - eta) / 2)[inside], rtol=0, atol=1e-7)
    assert best.value.item() == pytest.approx(0.5, abs=1e-7)
    assert abs(best.learning_rate.item() - 1.0) < 1e-3  # value = 1/2 - (eta - 1)^2 / 2 above 1


def test_the_error_of_the_linear_perceptron_with_noise():
    best = ld.optimal_learning_rate(NOISY, START, 6.0)
    expected: Any = minimize_scalar(
        lambda eta: linear_error(eta, 6.0, E0, NOISE), bounds=(0.1, 1), method="bounded", options={"xatol": 1e-10}
    )
    close_to_a_minimum(best.learning_rate.item(), expected.x, curvature=0.5, relative=1e-9)
    assert best.value.item() == pytest.approx(expected.fun, rel=1e-9)
    stable = best.tried.values < 2
    exact = linear_error(best.tried.values[stable], 6.0, E0, NOISE)
    np.testing.assert_allclose(best.tried_value.values[stable], exact, rtol=0, atol=1e-9)


def test_the_time_of_the_linear_perceptron_with_noise():
    target = 0.1
    best = ld.optimal_learning_rate(NOISY, START, 50.0, criterion="time", target=target)

    def time(eta):
        return brentq(lambda alpha: linear_error(eta, alpha, E0, NOISE) - target, 0, 50, xtol=1e-12)

    expected: Any = minimize_scalar(time, bounds=(0.2, 0.8), method="bounded", options={"xatol": 1e-9})
    close_to_a_minimum(best.learning_rate.item(), expected.x, curvature=0.5, relative=1e-8)
    assert best.value.item() == pytest.approx(expected.fun, rel=1e-8)


def test_the_last_decay_of_the_linear_perceptron():
    """Modes -eta of R and -eta (2 - eta) of E, noise or not."""
    best = ld.optimal_learning_rate(NOISY, START, criterion="rate", bounds=(0.25, 1.75))
    eta = best.tried.values
    np.testing.assert_allclose(best.tried_value.values, np.minimum(eta, eta * (2 - eta)), rtol=0, atol=1e-9)
    assert best.value.item() == pytest.approx(1.0, abs=1e-8)


def test_a_plateau_against_a_search_by_hand():
    committee = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0)
    start = ld.Start.near_symmetric(committee, Q=[0.2, 0.3], X=1e-3)
    best = ld.optimal_learning_rate(committee, start, 100)
    by_hand = [
        ld.solve(committee.replace(learning_rate=eta), start, 100, save_at=[100]).eps_g[-1].item()
        for eta in np.linspace(0.2, 4.0, 39)
    ]
    assert best.value.item() <= min(by_hand)
    assert abs(best.learning_rate.item() - np.linspace(0.2, 4.0, 39)[np.argmin(by_hand)]) < 0.1


# ---- Bounds, records


def test_bounds_hold_and_are_reported():
    best = ld.optimal_learning_rate(RELU, START, 5, bounds=(0.1, 0.5))
    assert best.learning_rate.item() == pytest.approx(0.5, rel=1e-6)
    assert best.attrs["status"] == "at_bound"
    assert best.tried.values.min() >= 0.1
    assert best.tried.values.max() <= 0.5 * (1 + 1e-12)


def test_a_schedule_in_the_scenario_is_not_looked_at(tmp_path):
    scheduled = RELU.replace(learning_rate=ld.schedules.PowerLaw(0.5, alpha0=10))
    best = ld.optimal_learning_rate(scheduled, START, 5)
    assert best.learning_rate.item() == ld.optimal_learning_rate(RELU, START, 5).learning_rate.item()
    path = ld.save(best, tmp_path / "best.nc")
    assert ld.load(path).identical(best)
    assert ld.scenario_of(best) == RELU.replace(learning_rate=best.learning_rate.item())
    assert ld.start_of(best) == START


@pytest.mark.parametrize("center", [1e-6, 3e-3, 1.0, 4e4])
def test_the_search_finds_a_minimum_far_from_where_it_begins(center):
    found = search(lambda x: 1.0 + np.log(x / center) ** 2, (0.0, np.inf))
    assert found.best == pytest.approx(center, rel=1e-7)
    assert not found.at_bound


def test_the_search_bears_infinity_and_reports_the_ends():
    found = search(lambda x: x if x < 1e-5 else np.inf, (0.0, np.inf))
    assert found.at_bound
    assert found.best <= 1e-8
    assert search(lambda x: np.inf, (0.5, 2.0)).value == np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"until": None}, "Argument `until` must be given for criterion=\"error\""),
        ({"until": -1.0}, "Argument `until` must be later than the start, which is at 0, but it is -1."),
        ({"criterion": "erorr"}, "Did you mean 'error'?"),
        ({"target": 0.1}, "Argument `target` goes with criterion=\"time\""),
        ({"criterion": "time"}, "Argument `target` must be a finite number above 0"),
        ({"criterion": "time", "target": 0.5}, "`target` must be below eps_g of the start, 0.2329, but it is 0.5"),
        ({"criterion": "time", "target": 1e-9}, "none that was tried reaches 1e-09"),
        ({"bounds": (2, 1)}, "must be a pair (least, largest) for learning_rate, but 2 is not below 1."),
        ({"bounds": 2}, "Argument `bounds` must be a pair"),
        ({"bounds": (-1, 1)}, "Argument `bounds` must be a finite number of at least 0"),
        ({"bounds": {"rate": (0, 1)}}, "Argument `bounds` must be for learning_rate, but it has the key 'rate'."),
        ({"bounds": (5, 6)}, "Argument `start` must let learning run to `until` = 500, but it diverges"),
        ({"scenario": 3}, "Argument `scenario` must be a scenario"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_a_sentence(arguments, message):
    until = 500 if arguments.get("bounds") == (5, 6) else 5
    given = {"scenario": RELU, "start": START, "until": until, **arguments}
    with pytest.raises(ld.InputError) as caught:
        ld.optimal_learning_rate(**given)
    assert message in str(caught.value)
