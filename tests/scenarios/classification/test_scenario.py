"""The nonlinear perceptron as a scenario: its flow against the isotropic equations, forms, observables, round trips."""

import json
import pickle

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import ndtr, owens_t

import learndyn as ld
from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain, start_from_plain, start_to_plain

U = np.sqrt(np.pi / 8.0)
MU, W0 = np.array([0.6, 0.8, 0.0]), np.array([0.0, 0.0, 1.0])
TIMES = [0.0, 1.0, 3.0, 10.0]
RULES = {"SL": ld.Supervised(), "RL": ld.Reinforce()}


def isotropic(rule: str, sigma: float, decay: float):
    """d(mu.w)/dt and d|w|^2/dt for |mu| = 1: equations (18), (19) and (22), (23), with weight decay."""

    def slopes(t, state):
        p, q = state
        V = 1.0 + sigma**2 * U**2 * q
        z, k = U * p / np.sqrt(V), 1.0 / np.sqrt(2.0 * V - 1.0)
        bell = np.exp(-z * z / 2.0) / np.sqrt(V)
        if rule == "SL":
            a, x = 1.0 - ndtr(z), 1.0
        else:
            a, x = 4.0 * owens_t(z, k), 2.0 * (2.0 * ndtr(z * k) - 1.0)
        dp = a - sigma**2 * U * p / np.sqrt(2.0 * np.pi) * bell * x
        dq = 2.0 * p * a - sigma**2 * q / 2.0 * bell * x
        return dp - decay * p, dq - 2.0 * decay * q

    return slopes


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("sigma", "decay"), [(0.0, 0.1), (1.0, 0.0)])
def test_the_flow_has_the_isotropic_projections(rule: str, sigma: float, decay: float):
    task = ld.GaussianClassification(MU, sigma**2, RULES[rule], decay)
    curve = ld.solve(task, W0, until=10, save_at=TIMES, rtol=1e-10, atol=1e-12)
    wanted = solve_ivp(isotropic(rule, sigma, decay), (0, 10), [0.0, 1.0], "DOP853", TIMES, rtol=1e-11, atol=1e-13).y
    # Both solvers keep relative errors of 1e-10 a step, over some hundred steps.
    np.testing.assert_allclose(curve.w.values @ MU, wanted[0], atol=1e-8)
    np.testing.assert_allclose(curve.w_norm**2, wanted[1], atol=1e-8)
    np.testing.assert_allclose(curve.alignment, wanted[0] / np.sqrt(wanted[1]), atol=1e-8)


def covariances() -> dict:
    F = np.array([[0.5, 0.1], [0.0, 0.4], [-0.3, 0.2]])
    d = [0.1, 0.2, 0.3]
    dense = np.diag(d) + F @ F.T
    values, vectors = np.linalg.eigh(dense)
    return {
        "dense": dense,
        "low rank": ld.Covariance(diagonal=d, factor=F),
        "spectrum": ld.Covariance.spectrum(values, vectors),
        "pair": (dense, dense.copy()),
    }


def test_a_covariance_in_any_form_is_the_same_task():
    curves = {
        name: ld.solve(ld.GaussianClassification(MU, given, "supervised"), W0, until=3, save_at=[3.0], rtol=1e-10)
        for name, given in covariances().items()
    }
    assert ld.GaussianClassification(MU, covariances()["pair"], "supervised").structure.forms == ("dense",)
    for curve in curves.values():
        for name in ("w", "alignment", "accuracy", "loss"):
            np.testing.assert_allclose(curve[name], curves["dense"][name], rtol=1e-10)


def test_accuracy_and_alignment_are_those_of_samples():
    # Binomial: |z| < 4 fails by chance once in 16 000 runs; the seed is fixed.
    means = np.array([[0.5, 0.2], [-0.1, -0.7]])
    plus, minus = np.array([[0.5, 0.2], [0.2, 0.4]]), np.array([0.1, 0.9])
    task = ld.GaussianClassification(means, (plus, minus), ld.Supervised(), prior=0.3)
    w, count, rng = np.array([0.4, 1.1]), 200_000, np.random.default_rng(7)
    y = np.where(rng.random(count) < 0.3, 1, -1)
    x = np.where(
        y[:, None] > 0,
        rng.multivariate_normal(means[0], plus, count),
        means[1] + rng.standard_normal((count, 2)) * np.sqrt(minus),
    )
    right = (np.sign(x @ w) == y).mean()
    found = task.of_weights(w)
    accuracy = float(found["accuracy"])
    assert abs(right - accuracy) < 4.0 * np.sqrt(accuracy * (1.0 - accuracy) / count)
    d = (means[0] - means[1]) / 2.0
    np.testing.assert_allclose(found["alignment"], w @ d / np.linalg.norm(w) / np.linalg.norm(d), rtol=1e-14)
    assert task.of_weights(np.zeros(2))["alignment"] == 0.0
    assert task.of_weights(np.zeros(2))["accuracy"] == 0.5


def test_a_start_with_a_covariance_has_its_moments_along_the_run():
    """(27) with 1/2 for 1/4: d tr C/dt = -(1/2) e^{-pi (mu.w)^2 / 16} mu.C.mu - 2 lambda tr C, at sigma = 0."""
    mu, w, C, decay = np.array([1.0, 0.0]), np.array([0.7, -0.3]), np.array([[0.02, 0.005], [0.005, 0.01]]), 0.1
    task = ld.GaussianClassification(mu, 0.0, ld.Supervised(), decay)
    step = 1e-4
    run = ld.solve(
        task, ld.GaussianWeights(w, C), until=2 * step, save_at=[0.0, step, 2 * step], rtol=1e-12, atol=1e-14
    )
    slope = (-3 * run.trace_cov[0] + 4 * run.trace_cov[1] - run.trace_cov[2]) / (2 * step)
    # The difference has an error of step^2 / 3 times the third derivative, which is below 0.1.
    assert abs(float(slope) - -0.015082721005931922) < 1e-9
    np.testing.assert_allclose(run.Cov[0], C, atol=1e-17)
    np.testing.assert_allclose(run.trace_cov, run.variance.sum("input"), rtol=1e-14)
    again = ld.solve(task, run.isel(t=1), until=2 * step, save_at=[2 * step], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(again.Cov[-1], run.Cov[-1], atol=1e-14)


@pytest.mark.parametrize(("sigma", "length"), [(0.5, 6.8283909657647), (1.0, 1.8193571786626865)])
def test_fixed_point_and_stability_by_the_tools_for_any_scenario(sigma: float, length: float):
    """Equation (43), solved in its form (44) without cancellation."""
    task = ld.GaussianClassification([1.0, 0.0], sigma**2, ld.Supervised())
    point = ld.find_fixed_point(task, ld.GaussianWeights([0.9 * length, 0.05]))
    np.testing.assert_allclose(point.w, [length, 0.0], atol=1e-8)
    assert (point.eigenvalues.real < 0).all()
    assert point.attrs["kind"] == "attractive"


def test_round_trips():
    for given in covariances().values():
        task = ld.GaussianClassification([MU, -2 * MU], given, ld.Reinforce(baseline=False), 0.1, prior=0.25)
        assert scenario_from_plain(json.loads(json.dumps(scenario_to_plain(task)))) == task
        assert pickle.loads(pickle.dumps(task)) == task
        assert hash(task.replace()) == hash(task)
        assert task.replace(weight_decay=0.2) != task
    start = ld.GaussianWeights(W0, [0.1, 0.2, 0.3], at=2.0)
    assert start_from_plain(json.loads(json.dumps(start_to_plain(start)))) == start


def test_results_carry_scenario_and_start():
    task, start = ld.GaussianClassification(MU, 1.0, ld.Supervised()), ld.GaussianWeights(W0)
    curve = ld.solve(task, start, until=1, save_at=[0.5, 1.0])
    assert ld.scenario_of(curve) == task
    assert ld.start_of(curve) == start
    slope = ld.drift(task, start)
    later = ld.solve(task, start, until=1e-6, save_at=[1e-6])
    np.testing.assert_allclose((later.w.values[0] - W0) / 1e-6, slope.w, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"means": [0.0, 0.0, 0.0]}, "`means` must be different for the two classes"),
        ({"means": np.ones((3, 3))}, "`means` must have shape (2, n)"),
        ({"means": [1.0, np.nan]}, "`means` must be finite"),
        ({"covariances": np.diag([1.0, -1.0, 1.0])}, "`covariances` must be positive semidefinite"),
        ({"covariances": np.eye(2)}, "`covariances` must be for 3 inputs"),
        ({"covariances": [0.1, 0.2]}, "Write a pair of variances, one a class, as a tuple"),
        ({"covariances": (0.1, 0.2, 0.3)}, "a tuple of 3"),
        ({"covariances": -0.1}, "at least 0"),
        ({"rule": "supervized"}, "Did you mean 'supervised'"),
        ({"rule": None}, "`rule`"),
        ({"rule": ld.Reinforce}, "but it is the class of one. Write ld.Reinforce()."),
        ({"means": ["a"] * 1000}, "rows of equal length, but it is ['a', 'a', 'a', 'a', "),
        ({"weight_decay": -1.0}, "`weight_decay` must be a finite number of at least 0"),
        ({"activation": "erf"}, "`activation` must be"),
        ({"prior": 1.0}, "`prior` must be a number between 0 and 1"),
        ({"learning_rate": 0.0}, "`learning_rate` must be a finite number above 0"),
    ],
)
def test_bad_scenarios_are_refused_in_a_sentence(change: dict, sentence: str):
    given = {"means": MU, "covariances": 1.0, "rule": ld.Supervised()} | change
    with pytest.raises(ld.InputError) as error:
        ld.GaussianClassification(**given)
    assert sentence in str(error.value)
    assert len(str(error.value)) < 400  # a sentence, not a table


def test_averages_that_are_infinite_are_refused():
    task = ld.GaussianClassification([1.0], 1.0, ld.PassiveAggressive())
    with pytest.raises(ld.InputError, match="its mean update is infinite below 2 directions"):
        ld.solve(task, [0.5], until=1)


def test_a_start_of_another_size_is_refused():
    task = ld.GaussianClassification(MU, 1.0, ld.Supervised())
    with pytest.raises(ld.InputError, match=r"`start` must have 3 weights.* start of 3 weights\."):
        ld.solve(task, [0.0, 1.0], until=1)
    with pytest.raises(ld.InputError, match="`samples` must be left out"):
        ld.solve(task, W0, until=1, samples=100)


def test_the_flow_of_the_perceptron_rule_ends_at_zero():
    """Along mu and -mu it is exact: d|w|/dt is a constant."""
    task = ld.GaussianClassification([0.0, 1.0, 0.0], 1.0, ld.Perceptron())
    speed = np.exp(-0.5) / np.sqrt(2 * np.pi) - ndtr(-1.0)
    end = 1.0 / speed  # 12.0
    for options in ({}, {"atol": 1e-6}, {"rtol": 1e-4, "atol": 1e-4}):
        with pytest.warns(ld.LearndynWarning, match=r"ended at t = 1[12]\.\d+: the weights of the perceptron rule"):
            run = ld.solve(task, [0.0, 1.0, 0.0], until=20, **options)
        assert run.attrs["status"] == "not_finite"
        assert json.loads(run.attrs["options"])["steps"] < 1000
        # Where the tolerance hides the weights, that is up to 100 atol of them, it is earlier.
        assert end - 101 * options.get("atol", 1e-8) / speed - 0.1 <= run.t[-1] <= end
        np.testing.assert_allclose(run.w_norm, 1.0 - speed * run.t, rtol=0, atol=1e-3)
        np.testing.assert_allclose(run.accuracy, ndtr(1.0), rtol=0, atol=1e-3)
    swept = ld.sweep(task, [0.0, 1.0, 0.0], over={"prior": [0.5, 0.6]}, until=20)
    assert "the weights of the perceptron rule reached zero" in str(swept.message.values[0])
    assert swept.end[0] == pytest.approx(end, abs=1e-4)
    with pytest.warns(ld.LearndynWarning, match="ended at t"):
        spread = ld.solve(task, ld.GaussianWeights([0.0, 1.0, 0.0], cov=1e-4), until=20)
    assert json.loads(spread.attrs["options"])["steps"] < 1000


def test_weights_that_decay_to_zero_do_not_end_the_flow():
    task = ld.GaussianClassification([0.0, 1.0, 0.0], 0.0, ld.Perceptron(), weight_decay=0.5)
    run = ld.solve(task, [0.0, 1.0, 0.0], until=60, save_at=3)  # no mistakes: w = exp(-t / 2) w(0)
    assert run.attrs["status"] == "ok"
    np.testing.assert_allclose(run.w_norm, np.exp(-0.5 * run.t), rtol=0, atol=1e-8)
    begun = ld.solve(task, [0.0, 0.0, 0.0], until=1, save_at=2)
    assert begun.attrs["status"] == "ok"


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.0])
def test_the_flow_of_the_perceptron_rule_points_inwards(sigma):
    task = ld.GaussianClassification([0.0, 1.0, 0.0], sigma**2, ld.Perceptron())
    x = 1.0 / sigma
    expected = ndtr(-x) - sigma * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    assert expected < 0.0
    for length in (1e-6, 1.0, 100.0):
        found = ld.drift(task, [0.0, length, 0.0]).w.values
        # A difference of two numbers below 2, each of a few roundings.
        np.testing.assert_allclose(found, [0.0, expected, 0.0], rtol=0, atol=1e-14)
