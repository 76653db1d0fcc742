"""Noise on the inputs against weight decay, and the best of noise and stopping, by closed forms and by descent."""

import numpy as np
import pytest
from scipy.optimize import differential_evolution

import learndyn as ld


def test_noise_and_decay_have_one_limit_and_two_speeds():
    """By closed forms and by matrices that descend; noise is faster by v against v - gamma in the rate."""
    v, sigma = np.array([2.5, 1.0]), 0.7
    gamma = ld.equivalent_weight_decay(v, sigma)
    limit = v / (v + sigma**2)
    noisy = ld.LinearModes(v, v, input_noise=sigma)
    half = {"noise": noisy.time_to(1e-3, limit / 2)}
    decayed = [ld.LinearModes(x, x, weight_decay=g) for x, g in zip(v, gamma, strict=True)]
    half["decay"] = np.array([modes.time_to(1e-3, u / 2)[0] for modes, u in zip(decayed, limit, strict=True)])
    # From u_0 to half of the limit in logistic growth: ln(u_inf / u_0 - 1) over the rate.
    for name, rate in (("noise", 2 * v), ("decay", 2 * (v - gamma))):
        np.testing.assert_allclose(half[name], np.log(limit / 1e-3 - 1.0) / rate, rtol=1e-12)
    # What is left at t = 40 is below e^(-2 * 0.67 * 40); descent ends at the root of the same gradient.
    np.testing.assert_allclose(noisy.strengths(1e-3, [40.0])[0], limit, rtol=1e-12)
    for mode, modes in enumerate(decayed):
        assert modes.strengths(1e-3, [40.0])[0, 0] == pytest.approx(limit[mode], rel=1e-12)
        for options in ({"input_noise": sigma}, {"weight_decay": gamma[mode]}):
            task = ld.DeepLinear.autoencoder(v, learning_rate=0.02, **options)
            start = ld.LinearWeights.decoupled(task, u=1e-3)
            run = ld.simulate(task, start, 40.0, save_at=[40.0])
            assert run.u.values[0, 0, mode] == pytest.approx(limit[mode], rel=1e-12)


def test_examples_with_noise_learn_what_the_expected_gradient_does():
    """Mean over 40 runs of one example a step, at a small rate, against the closed form."""
    task = ld.DeepLinear.autoencoder([2.0, 0.7], input_noise=0.6, learning_rate=2e-3)
    start = ld.LinearWeights.decoupled(task, u=0.1)
    runs = ld.simulate(task, start, 3.0, replicas=40, method="samples", save_at=[1.0, 3.0], seed=3)
    theory = ld.solve(task, start, 3.0, save_at=[1.0, 3.0], method="closed_form")
    averaged = ld.mean_and_error(runs)
    # The mean differs from theory by O(eta): eta times the variance of x (6 for a fourth moment) and time.
    bias = 2e-3 * 6 * 2
    assert (np.abs(averaged.u - theory.u) < 5 * averaged.u_error + bias).all()
    assert (averaged.u_error > 1e-4).all()


def test_one_mode_is_made_perfect_by_either():
    """Signal and noise of variance 1/2 each: u = 1/2, by sigma = 1 in the end, or at the time when u passes 1/2."""
    sample, population = ld.LinearModes(1.0, 1.0), ld.LinearModes(0.5, 1.0, least_loss=0.125)
    best = ld.optimal_denoising(sample, 0.01, until=200.0, population=population)
    np.testing.assert_allclose(best.loss, 0.125, rtol=1e-12)
    # A minimum is found where the loss is flat to 1e-16: (u - 1/2)^2 / 2.
    assert float(best.input_noise.sel(strategy="noise")) == pytest.approx(1.0, abs=1e-6)
    assert float(best.t.sel(strategy="stopping")) == pytest.approx(float(sample.time_to(0.01, 0.5)[0]), abs=1e-6)
    assert float(best.input_noise.sel(strategy="stopping")) == 0.0
    assert float(best.t.sel(strategy="noise")) == 200.0


def test_the_best_of_both_is_the_best_there_is():
    """Against a search that draws its points, over a loss written from the flow's closed form."""
    s, beta, least = np.array([2.5, 1.2, 0.9, 0.6]), np.array([2.5, 1.2, 0.9, 0.6]), 0.3
    clean_s, clean_beta = np.array([1.9, 0.8, 0.3, 0.05]), np.array([2.4, 1.3, 0.8, 0.55])

    def loss(point):
        sigma, t = point
        E = np.exp(2.0 * s * t)
        u = s * E / ((beta + sigma**2) * (E - 1.0) + s / 0.01)
        return least + float((clean_beta * (u - clean_s / clean_beta) ** 2).sum() / 2.0)

    sample, population = ld.LinearModes(s, beta), ld.LinearModes(clean_s, clean_beta, least_loss=least)
    best = ld.optimal_denoising(sample, 0.01, until=30.0, population=population)
    drawn = differential_evolution(loss, [(0.0, 3.0), (0.0, 30.0)], rng=np.random.default_rng(1), tol=1e-12)
    found = best.sel(strategy="both")
    assert float(found.loss) <= drawn.fun + 1e-10
    assert loss((float(found.input_noise), float(found.t))) == pytest.approx(float(found.loss), rel=1e-12)
    assert float(found.loss) < best.loss.values[:2].min()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sample": 1.0}, "`sample` must be an ld.LinearModes"),
        ({"population": ld.LinearModes([1.0, 2.0])}, "`population` must have 1 modes"),
        ({"until": 0.0}, "`until` must be"),
        ({"sample": ld.LinearModes(1.0, depth=3)}, "closed form"),
    ],
)
def test_refusals(change, words):
    given = {"sample": ld.LinearModes(1.0), "start": 0.1, "until": 5.0, "population": ld.LinearModes(1.0)} | change
    with pytest.raises(ld.InputError, match=words):
        ld.optimal_denoising(**given)


def test_variances_must_be_positive():
    with pytest.raises(ld.InputError, match="`variance` must hold numbers above 0"):
        ld.equivalent_weight_decay([1.0, 0.0], 0.3)
