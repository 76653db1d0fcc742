"""The terms of order eta: against the iterated update itself, with and without noise."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

import learndyn as ld
from learndyn.engines.theory import drift_at
from learndyn.scenarios.moments import Form, make_flow


def slope(w):
    """A rotation that damps itself: <f> with A that changes along the way."""
    import jax.numpy as jnp

    return jnp.array([[-0.5, 1.0], [-1.0, -0.3]]) @ w - 0.2 * w * (w @ w)


def scatter(w):
    import jax.numpy as jnp

    return jnp.array([[0.3, 0.1], [0.1, 0.2]]) * (1.0 + 0.5 * w[0] ** 2)


RULE = ld.UpdateRule(2, mean=slope, covariance=scatter)
SILENT = ld.UpdateRule(2, mean=slope, covariance=lambda w: 0.0 * w[:, None] * w)
STARTS = np.array([0.8, -0.6]), np.array([[2.0, 0.5], [0.5, 1.0]])


def iterated(eta, t, spread):
    """Mean and covariance after t / eta updates without noise, the covariance so small that A alone moves it."""
    m, C = STARTS[0], spread * STARTS[1]
    M = np.array([[-0.5, 1.0], [-1.0, -0.3]])
    for _ in range(round(t / eta)):
        A = M - 0.2 * (np.eye(2) * (m @ m) + 2.0 * np.outer(m, m))
        J = np.eye(2) + eta * A
        m, C = m + eta * (M @ m - 0.2 * m * (m @ m)), J @ C @ J.T
    return m, C / spread


def test_steps_of_length_eta():
    """What is left out is of order eta^2; without the terms it is of order eta."""
    t, spread = 2.0, 1e-6
    errors = {True: [], False: []}
    for eta in (0.04, 0.02):
        m, C = iterated(eta, t, spread)
        for terms in (True, False):
            rule = SILENT.replace(learning_rate=eta)
            start = ld.GaussianWeights(STARTS[0], cov=spread * STARTS[1])
            flow = ld.moment_flow(rule, start, t, finite_rate=terms, save_at=2, rtol=1e-10, atol=1e-16)
            row = flow.isel(t=-1)
            errors[terms].append([np.abs(row.w - m).max(), np.abs(row.Cov / spread - C).max()])
    for terms, power in ((True, 2), (False, 1)):
        ratios = np.log2(np.divide(*errors[terms]))
        # Nearer to this power of two than to its neighbours; the curvature's part, `spread`, is far below.
        assert (np.abs(ratios - power) < 0.5).all()
        assert np.min(errors[terms]) > 20 * spread


def test_a_linear_rule_has_the_rate_of_its_steps():
    """f = -w: a step multiplies by 1 - eta: d log<w> / dt = ln(1 - eta) / eta = -(1 + eta/2 + eta^2/3 + ...)."""
    eta = 0.02
    decay = ld.UpdateRule(1, mean=lambda w: -w, covariance=lambda w: 0.09 + 0.0 * w[:, None], learning_rate=eta)
    flow = ld.moment_flow(decay, ld.GaussianWeights([1.0]), until=30, finite_rate=True, save_at=[0, 1, 30], rtol=1e-11)
    rate = np.log(float(flow.w[1, 0]))
    assert rate == pytest.approx(-(1 + eta / 2), rel=1e-9)
    assert eta**2 / 3 < rate - np.log1p(-eta) / eta < eta**2 / 3 / (1 - eta)
    # Stationary: eta s^2 / (2 + eta) in the flow, eta s^2 / (2 - eta) of the steps.
    assert float(flow.trace_cov[-1]) == pytest.approx(eta * 0.09 / (2 + eta), rel=1e-8)


def test_many_runs_scatter_like_this():
    """2 x 10^4 runs at eta = 0.01 from a point: means and covariances by z-scores, false alarm 1e-3 in all.

    What the equations leave out of C is of relative order eta: at most 1 %, a standard error of a variance.
    """
    eta, t, runs = 0.01, 1.5, 20_000
    rng = np.random.Generator(np.random.SFC64(11))
    M = np.array([[-0.5, 1.0], [-1.0, -0.3]])
    L = np.linalg.cholesky([[0.3, 0.1], [0.1, 0.2]])
    w = np.repeat(STARTS[0][None], runs, axis=0)
    for _ in range(round(t / eta)):
        noise = rng.standard_normal((runs, 2)) @ L.T * np.sqrt(1.0 + 0.5 * w[:, :1] ** 2)
        w += eta * (w @ M.T - 0.2 * w * (w**2).sum(1, keepdims=True) + noise)
    rule = RULE.replace(learning_rate=eta)
    row = ld.moment_flow(rule, ld.GaussianWeights(STARTS[0]), t, finite_rate=True, save_at=2).isel(t=-1)
    x = w - w.mean(0)
    products = np.stack([x[:, 0] ** 2, x[:, 0] * x[:, 1], x[:, 1] ** 2], axis=1)
    samples = np.concatenate([w, products], axis=1)
    theory = np.concatenate([row.w, row.Cov.values[np.triu_indices(2)]])
    error = samples.std(0, ddof=1) / np.sqrt(runs)
    z = (samples.mean(0) - theory) / error
    limit = norm.isf(1e-3 / 2 / len(z))
    # A bias of one standard error at most, in the covariances.
    assert (np.abs(z) < limit + np.array([0, 0, 1, 1, 1])).all()
    # Without the terms the covariance is 0, hundreds of standard errors away.
    assert np.min(theory[[2, 4]] / error[[2, 4]]) > 50


@pytest.mark.parametrize("rule", ["supervised", "reinforce"])
def test_scatter_of_the_rules(rule):
    """eta Cov_L(f) in dC/dt at C = 0 is the scatter of single updates: Monte Carlo of f, false alarm 1e-3."""
    eta, n = 0.1, 2
    mu, w = np.array([1.0, 0.2]), np.array([0.7, -0.4])
    scenario = ld.GaussianClassification(mu, 0.6, rule, weight_decay=0.1, learning_rate=eta)
    form = Form(n, "matrix")
    state = form.pack(w, np.zeros((n, 0)))
    slope = drift_at(make_flow(scenario.mean_update(), form), 0.0, state, scenario.values())
    scattered = form.covariance(slope) / eta
    draws = updates_by_hand(rule, mu, 0.6, w, 200_000, np.random.Generator(np.random.SFC64(5)))
    x = draws - draws.mean(0)
    products = np.stack([x[:, 0] ** 2, x[:, 0] * x[:, 1], x[:, 1] ** 2], axis=1)
    z = (products.mean(0) - scattered[np.triu_indices(n)]) / (products.std(0) / np.sqrt(len(x)))
    assert (np.abs(z) < norm.isf(1e-3 / 2 / 6)).all()


def updates_by_hand(rule, mu, variance, w, count, rng):
    """f of single examples: equations (12) and (13) of Schmid & Murray (2024), Phi(sqrt(pi/8) h) as output."""
    y = np.where(rng.random(count) < 0.5, 1.0, -1.0)
    x = y[:, None] * mu + np.sqrt(variance) * rng.standard_normal((count, 2))
    h = x @ w
    up = norm.cdf(np.sqrt(np.pi / 8) * h)
    if rule == "supervised":
        return ((y + 1) / 2 - up)[:, None] * x
    out = np.where(rng.random(count) < up, 1.0, -1.0)
    reward = out * y
    # The baseline is the mean reward at w, over everything.
    baseline = np.mean(y * (2 * up - 1))
    return (out * (reward - baseline) * norm.cdf(-out * np.sqrt(np.pi / 8) * h))[:, None] * x


def test_the_scatter_that_stays():
    """At the fixed point A C + C A^T = -eta Cov_L(f) to leading order: a value from an average over drawn inputs."""
    entries = json.loads((Path(__file__).parent.parent / "data" / "nonlinear_perceptron.json").read_text())["entries"]
    entry = next(entry for entry in entries if entry["id"] == "036")
    given, found = entry["inputs"], entry["outputs"]
    task = ld.GaussianClassification(
        given["mu"], given["sigma"] ** 2, "supervised", weight_decay=given["lam"], learning_rate=given["eta"]
    )
    flow = ld.moment_flow(task, found["w_star"], until=40, finite_rate=True, save_at=2)
    # 5 % as stated with the values: eta = 0.02 in A alone is 2 %.
    np.testing.assert_allclose(flow.variance[-1], np.diag(found["Cov"]), rtol=entry["tolerance"])
    assert abs(flow.Cov.values[-1, 0, 1]) < 1e-9
    # The mean is off the fixed point by C times a second derivative.
    assert 1e-6 < abs(flow.w.values[-1, 0] - found["w_star"][0]) < 2 * flow.trace_cov[-1]
