"""The greedy learning rate against closed forms and differences, as feedback, and where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest

import learndyn as ld
from learndyn.analysis.learning_rates.greedy import _best, _local
from learndyn.analysis.learning_rates.problem import Problem
from perceptrons_by_hand import erf_drift, erf_error, linear_optimum

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "learning_rates.json").read_text())
START = ld.Start(Q=0.25, R=0.0)
NOISE = 0.5
LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.3, label_noise=NOISE)
ERF = ld.StudentTeacher(ld.Student(1, "erf"), ld.Teacher(1, "erf"), learning_rate=0.7, label_noise=NOISE)
RELU = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=2.0)


def network(units, activation):
    return ld.StudentTeacher(ld.Student(units, activation), ld.Teacher(units, activation), learning_rate=2.0)


@pytest.mark.parametrize("case", VECTORS["greedy"]["cases"], ids=str)
def test_vectors(case):
    scenario = network(len(case["R"]), case["activation"])
    start = scenario.as_start(ld.Start(Q=case["Q"], R=case["R"]))
    problem = Problem.of(scenario, start, 1.0, ("learning_rate",))
    a, b, off_parabola = _local(problem, np.zeros(1), problem.state[None])[0]
    assert -a / (2 * b) == pytest.approx(case["eta"], abs=1e-6)
    assert off_parabola < 1e-14


def test_the_linear_perceptron_with_noise_follows_its_closed_form():
    """There the greedy rate is the best for every end."""
    curve = ld.greedy_schedule(LINEAR, START, until=40.0, rtol=1e-11, atol=1e-14)
    E, eta = linear_optimum(curve.alpha.values, 1.25, NOISE)
    # The order parameters are of order 1: E is off by some rtol of that, and eta by that over s^2.
    np.testing.assert_allclose(2 * curve.eps_g, E, rtol=0, atol=2e-10)
    np.testing.assert_allclose(curve.learning_rate, eta, rtol=0, atol=2e-10 / NOISE**2)


def test_the_relu_perceptron_as_feedback():
    curve = ld.greedy_schedule(RELU, START, until=5.0, rtol=1e-10, atol=1e-13)
    assert curve.eps_g[-1].item() == pytest.approx(VECTORS["until_5"]["eps_g_greedy"], abs=2e-9)
    np.testing.assert_allclose(curve.learning_rate, -curve.slope / (2 * curve.curvature), rtol=1e-12)
    assert VECTORS["continuous"]["eps_g"] < curve.eps_g[-1].item() < VECTORS["until_5"]["eps_g_constant"]
    # Above 1 everywhere, and 1 at the end.
    assert (curve.learning_rate > 1.0).all()


def test_slope_and_curvature_of_the_erf_perceptron():
    """d eps_g / dalpha at two rates by differences of closed forms along the drift, at some states."""
    R, Q = np.array([0.0, 0.3, 0.6, 0.9]), np.array([0.25, 0.4, 0.5, 1.1])
    problem = Problem.of(ERF, ERF.as_start(START), 1.0, ("learning_rate",))
    a, b, _ = _local(problem, np.zeros(4), np.stack([R, Q], axis=1)).T
    h = 1e-5

    def slope(eta):
        dR, dQ = erf_drift(R, Q, eta, NOISE)
        return (erf_error(R + h * dR, Q + h * dQ) - erf_error(R - h * dR, Q - h * dQ)) / (2 * h)

    one, two = slope(1.0), slope(2.0)
    # Rounding over h, 1e-11, and the third derivative times h^2, 1e-10.
    np.testing.assert_allclose(b, 0.5 * two - one, rtol=0, atol=1e-9)
    np.testing.assert_allclose(a, 2 * one - 0.5 * two, rtol=0, atol=1e-9)


def test_bounds_hold():
    curve = ld.greedy_schedule(LINEAR, START, until=5.0, bounds=(0.5, 0.7))
    assert curve.learning_rate[0].item() == 0.7
    assert curve.learning_rate[-1].item() == 0.5
    free = ld.greedy_schedule(LINEAR, START, until=5.0)
    assert curve.eps_g[-1].item() > free.eps_g[-1].item()


def test_the_rate_within_bounds_is_the_least_by_hand():
    rng = np.random.default_rng(5)
    grid = np.linspace(0.2, 1.5, 1301)
    for a, b in rng.normal(size=(50, 2)):
        found = _best(np, a, b, 0.2, 1.5)
        assert found * a + found**2 * b <= (grid * a + grid**2 * b).min() + 1e-12


def test_a_start_without_a_best_rate_needs_bounds_and_warns():
    """d eps_g / dQ = 1/4 - sqrt(Q - R^2) / (4 pi Q) of the relu perceptron is below 0 for R = 0, Q < 1 / pi^2."""
    start = ld.Start(Q=0.1, R=0.0)
    with pytest.raises(ld.InputError, match=r"Argument `bounds` must be given for this start, but it is missing"):
        ld.greedy_schedule(RELU, start, until=0.1)
    with pytest.warns(ld.LearndynWarning, match="has no largest value at alpha = 0"):
        curve = ld.greedy_schedule(RELU, start, until=0.1, bounds=(0, 2), save_at=3)
    assert curve.attrs["status"] == "no_minimum"
    assert curve.learning_rate[0].item() == 2.0
    assert ld.greedy_schedule(RELU, ld.Start(Q=0.103, R=0.0), until=0.1).attrs["status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": LINEAR.replace(dynamics="gradient_flow")}, "must have an eps_g whose decrease is a parabola"),
        ({"scenario": LINEAR.replace(rule=ld.Momentum(0.5))}, "must have an eps_g whose decrease is a parabola"),
        ({"until": 0.0}, "Argument `until` must be later than the start"),
        ({"bounds": (1.0, 0.0)}, "Argument `bounds` must be"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments, message):
    given = {"scenario": LINEAR, "start": START, "until": 1.0, **arguments}
    with pytest.raises(ld.InputError) as caught:
        ld.greedy_schedule(**given)
    assert message in str(caught.value)
