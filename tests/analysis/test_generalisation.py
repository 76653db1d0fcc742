"""The best time to stop and the best weight decay, found by search, against closed forms and against one another."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import learndyn as ld


@pytest.mark.parametrize("a", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_the_best_weight_decay(a, noise):
    """The search finds a sigma^2 / S^2; a minimum is flat: relative root of rounding over curvature, 1e-6."""
    scenario = ld.FiniteSample(a, 1.5, noise)
    best = ld.optimal_weight_decay(scenario)
    assert np.isclose(best.weight_decay, a * noise**2 / 1.5**2, rtol=1e-6)
    assert np.isclose(best.weight_decay, scenario.best_ridge(), rtol=1e-6)
    assert best.attrs["status"] == "ok"
    # At the optimum the error of the Bayes posterior: S^2 gamma* <1 / (lambda + gamma*)> / 2.
    law, gamma = scenario.spectrum(), scenario.best_ridge()
    assert np.isclose(best.eps_g, 0.5 * 1.5**2 * gamma * (law.weights @ (1 / (law.eigenvalues + gamma))), rtol=1e-12)
    assert ld.scenario_of(best).weight_decay == best.weight_decay


@pytest.mark.parametrize("a", [0.2, 1.0, 4.0])
@pytest.mark.parametrize(("noise", "length", "decay"), [(0.5, 0.0, 0.0), (2.0, 0.7, 0.0), (0.5, 0.0, 0.01)])
def test_the_best_time_is_a_minimum(a, noise, length, decay):
    """The root of the derivative against a search by values alone, good to the root of rounding."""
    scenario = ld.FiniteSample(a, 1.0, noise, weight_decay=decay)
    best = ld.optimal_stopping_time(scenario, length)
    curve = scenario.closed_form(length)

    def error(x):
        return scenario.rows(curve(np.array([math.exp(x)])))["eps_g"][0]

    x = math.log(best.t)
    search = minimize_scalar(error, bounds=(x - 0.5, x + 0.5), method="bounded", options={"xatol": 1e-9})
    assert np.isclose(math.exp(search.x), best.t, rtol=1e-6)
    assert best.eps_g <= search.fun * (1 + 1e-14)
    grid = scenario.rows(curve(np.geomspace(1e-3, 1e6, 2000)))["eps_g"]
    assert best.eps_g <= grid.min()


def test_one_eigenvalue():
    """All directions alike: t* = ln(1 + (S^2 + L^2) / (a sigma^2)), the minimum of a parabola in exp(-t)."""
    scenario = ld.FiniteSample(0.25, 1.2, 0.8, eigenvalues=np.ones(4))
    best = ld.optimal_stopping_time(scenario, 0.5)
    assert np.isclose(best.t, math.log(1 + (1.2**2 + 0.5**2) / (0.25 * 0.8**2)), rtol=1e-12)
    # From 0 stopping then is shrinkage by the best amount, which the best weight decay makes too.
    stopped = ld.optimal_stopping_time(scenario)
    assert np.isclose(stopped.eps_g, scenario.replace(weight_decay=scenario.best_ridge()).final()["eps_g"], rtol=1e-13)


def test_when_not_to_stop():
    """Without noise, and with weight decay of at least a sigma^2 / S^2, learning is best at its end."""
    for scenario in (ld.FiniteSample(0.5), ld.FiniteSample(0.5, 1.0, 0.5, weight_decay=0.125)):
        best = ld.optimal_stopping_time(scenario)
        assert best.t == np.inf
        assert best.attrs["status"] == "at_end"
        assert np.isclose(best.eps_g, scenario.final()["eps_g"], rtol=1e-13, atol=1e-30)
    # Of directions that no example has seen the start is forgotten for ever, more slowly than all else.
    assert ld.optimal_stopping_time(ld.FiniteSample(4.0, 1.0, 0.5, weight_decay=0.01), 0.7).t == np.inf
    # A little less decay, and there is a best time again.
    assert np.isfinite(ld.optimal_stopping_time(ld.FiniteSample(0.5, 1.0, 0.5, weight_decay=0.12)).t)
    early = ld.optimal_stopping_time(ld.FiniteSample(0.5, 1.0, 0.5), until=1.0)
    assert (early.t, early.attrs["status"]) == (1.0, "at_end")


@pytest.mark.parametrize("a", [0.1, 0.5, 1.0, 2.0, 10.0])
def test_early_stopping_loses_little(a):
    """Never better than the best ridge, which is the Bayes estimator; and the end of learning is never better."""
    for noise in (0.1, 0.5, 2.0):
        scenario = ld.FiniteSample(a, 1.0, noise)
        ridge = scenario.replace(weight_decay=scenario.best_ridge()).final()["eps_g"]
        stopped, end = float(ld.optimal_stopping_time(scenario).eps_g), scenario.final()["eps_g"]
        assert ridge <= stopped * (1 + 1e-13)
        assert stopped <= end
        # At most 4.1 % worse anywhere (the largest of 31 x 31 pairs of a and signal to noise is 3.99 %).
        assert stopped < 1.041 * ridge


def test_decay_and_stopping_together():
    """With the best decay for a time, decay at that time is no worse than stopping at it without."""
    scenario = ld.FiniteSample(0.5, 1.0, 0.5)
    best = ld.optimal_weight_decay(scenario, until=8.0)
    for gamma in (0.0, 0.9 * best.weight_decay, 1.1 * best.weight_decay):
        row = ld.solve(scenario.replace(weight_decay=float(gamma)), 0.0, until=8.0, save_at=[8.0])
        assert best.eps_g < row.eps_g[0]


def test_deep_students():
    """The minimum of a dense run, and refusals of what only depth 1 has."""
    scenario = ld.FiniteSample(0.5, 1.0, 0.5, depth=2, eigenvalues=np.linspace(0.2, 2.4, 8))
    best = ld.optimal_stopping_time(scenario, 0.01, until=40)
    near = float(best.t) + np.array([-0.02, 0.0, 0.02])
    run = ld.solve(scenario, 0.01, until=40, save_at=near, rtol=1e-11, atol=1e-13).eps_g.values
    assert run[1] < min(run[0], run[2])
    # The vertex of the parabola: its own error is of third order, some 0.02^2.
    vertex = near[1] + 0.02 * (run[0] - run[2]) / (2 * (run[0] - 2 * run[1] + run[2]))
    assert abs(vertex - best.t) < 1e-3
    with pytest.raises(ld.InputError, match="Argument `until` must be given"):
        ld.optimal_stopping_time(scenario, 0.01)
    with pytest.raises(ld.InputError, match="Argument `depth` must be 1"):
        ld.optimal_weight_decay(scenario, 0.01)


def test_the_surface():
    scenario = ld.FiniteSample(1.0, 1.0, 0.5)
    surface = ld.error_surface(scenario, [0.5, 1.0, 2.0], [1.0, 100.0, np.inf], 0.3)
    for a in (0.5, 1.0, 2.0):
        run = ld.solve(scenario.replace(aspect=a), 0.3, until=100, save_at=[1.0, 100.0])
        for name in ("eps_g", "test_error", "train_error", "R", "Q"):
            assert np.allclose(surface[name].sel(aspect=a)[:2], run[name], rtol=1e-13)
            assert np.isclose(surface[name].sel(aspect=a)[2], scenario.replace(aspect=a).final(0.3)[name], rtol=1e-13)
    # Double descent: at late times the error has its peak at a = 1.
    late = surface.eps_g.sel(t=100.0)
    assert late[1] > max(late[0], late[2])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda f: ld.optimal_stopping_time(ld.SiteSymmetric(2, learning_rate=1.0)), "must be an ld.FiniteSample"),
        (lambda f: ld.optimal_stopping_time(f, until=0.0), "Argument `until` must be later than the start"),
        (lambda f: ld.error_surface(f, [1.0, 0.5], [1.0]), "Argument `aspects` must be a list of increasing numbers"),
        (
            lambda f: ld.error_surface(f, [0.0, 0.5], [1.0]),
            "Argument `aspects` must hold numbers above 0, but the first",
        ),
        (lambda f: ld.error_surface(f, [1.0], []), "Argument `times` must be a list of increasing numbers"),
        (lambda f: ld.error_surface(f, [1.0], [-1.0]), "must not begin before the start"),
        (lambda f: ld.error_surface(f.replace(eigenvalues=[1.0]), [1.0], [1.0]), "but it has its own"),
    ],
)
def test_mistakes(call, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        call(ld.FiniteSample(0.5, 1.0, 0.5))
