"""What figures 1 to 4 of Schmid & Murray must show; a second source for each number.

The sources are a program of the printed equations (isotropic_perceptron), test vectors of the same equations
(data/nonlinear_perceptron.json), and the curves that the authors published, which the figures themselves compare with.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, ndtr
from scipy.stats import binom, t

from isotropic_perceptron import d_phi, general_path, phi
from nonlinear_perceptron import vector


def check_perceptron(figure):
    apart = minimize_scalar(lambda z: expit(z) - phi(z), bounds=(0.0, 6.0), method="bounded", options={"xatol": 1e-9})
    # On a grid of spacing h = 0.005 a maximum is up to |f''| h^2 / 8 too low, with |f''| < 0.1.
    assert figure.numbers["largest_difference"] == pytest.approx(-apart.fun, abs=0.1 * 0.005**2 / 8)
    assert figure.numbers["at_z"] == pytest.approx(apart.x, abs=0.005)


def check_inputs(figure):
    mu, variances = np.array([1.0, 0.6]), np.full(2, 0.35)
    w = general_path([-0.5, 1.0], mu, variances, [4.0])[0, 0]
    accuracy = ndtr(w @ mu / np.sqrt(w**2 @ variances))
    # The solver's rtol 1e-8.
    assert figure.numbers["accuracy"] == pytest.approx(accuracy, abs=1e-7)
    assert figure.numbers["alignment"] == pytest.approx(w @ mu / np.linalg.norm(w) / np.linalg.norm(mu), abs=1e-7)
    # The drawn inputs, of a fixed seed: two-sided binomial bounds of 1e-4.
    low, high = binom.ppf((5e-5, 1 - 5e-5), 300, accuracy)
    assert low <= figure.numbers["right"] <= high


def check_distribution(figure):
    # The exact second moments of the pushed-forward Gaussian, by Gauss-Hermite quadrature of 16 x 16 nodes.
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    starts = np.array([-1.2, 1.6]) + np.sqrt(0.12) * np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    weights = np.outer(weights, weights).ravel() / weights.sum() ** 2
    paths = general_path(starts, np.array([1.0, 0.0]), np.full(2, 0.25), [2.0, 6.0, 20.0], decay=0.1)
    for time, W in zip((2, 6, 20), paths, strict=True):
        exact = float((weights @ W**2 - (weights @ W) ** 2).sum())
        numbers = figure.numbers
        # Student's t with 7 degrees of freedom, one for each copy but one: P(|t| > 12) = 6e-6, three times.
        assert abs(numbers[f"ensemble({time})"] - exact) < 12 * numbers[f"error({time})"]
        # What equations (10), (11) leave out is of relative order Cov(0), in units in which phi varies over 1.
        assert numbers[f"trace_cov({time})"] == pytest.approx(exact, rel=0.12)
    assert figure.numbers["trace_cov(0)"] == pytest.approx(0.24, rel=1e-14)


def fixed_point_of(rule):
    """|w*| at lambda = 0.1, sigma = 0, and the slope of the drift along mu there."""
    W = vector("019")[1][f"w_{rule}"]
    slope = -d_phi(W) if rule == "SL" else 2 * d_phi(W) * (1 - 2 * phi(W))
    return W, slope - 0.1


def check_field(rule):
    def check(figure):
        W, slope = fixed_point_of(rule)
        # Newton's last step is far below 1e-9.
        assert figure.numbers["w_star"] == pytest.approx(W, abs=1e-9)
        found = [figure.numbers["eigenvalue_1"], figure.numbers["eigenvalue_2"]]
        assert found == pytest.approx(sorted([-0.1, slope], reverse=True), abs=1e-8)
        # w_2 decays as e^(-lambda t) exactly, and much slower than w_1; from 2.7 at most.
        assert figure.numbers["farthest_end"] == pytest.approx(2.7 * np.exp(-6.0), rel=1e-5)

    return check


def check_curves(figure):
    numbers = figure.numbers
    # Two sigmas and two figures of 80 times, each with the probability 1e-6 of a Student t with 9 degrees of freedom.
    bound = t.isf(0.5e-6, 9)
    for sigma in ("0.1", "1"):
        # The authors' files, at the sigma that they hold; their own accuracy is below 4e-7.
        assert numbers[f"published({sigma})"] < 1e-6
        # The gap is that of the two sigmoid functions, and of order eta.
        assert numbers[f"z_order_eta({sigma})"] < bound
    assert numbers["z(0.1)"] > bound
    assert numbers["z_logistic(0.1)"] < bound
    # Both sigmoids have slopes within 0.02 of each other: alignments differ by at most so much.
    assert max(numbers[f"gap_of_theories({sigma})"] for sigma in ("0.1", "1")) < 0.02
    assert numbers["gap_logistic(0.1)"] < 0.5 * numbers["gap(0.1)"]


def check_fixed_point(figure):
    numbers = figure.numbers
    for rule in ("SL", "RL"):
        # find_fixed_point: a drift of 1e-10 relative to |J| (1 + |z|), |z| < 8.
        assert numbers[f"difference_{rule}"] < 1e-9
        for number, decay in (("019", "0.1"), ("020", "0.01"), ("021", "0.0001")):
            assert numbers[f"w_star_{rule}({decay})"] == pytest.approx(vector(number)[1][f"w_{rule}"], abs=1e-9)
        # Implicit differentiation of pull(W) = lambda W; a fit over two points to both sides adds (0.9)^2 W''' / 10.
        W = vector("021")[1][f"w_{rule}"]
        slope = d_phi(W) if rule == "SL" else -2 * d_phi(W) * (1 - 2 * phi(W))
        assert numbers[f"slope_{rule}"] == pytest.approx(-1e-4 * W / (slope + 1e-4), abs=5e-3)


def check_times(number, name, values):
    def check(figure):
        inputs, outputs, tolerance = vector(number)
        for rule in ("SL", "RL"):
            expected = dict(zip(inputs[name], outputs[f"t_{rule}"], strict=True))
            for value in values:
                # sigma = 0 stands there as 1e-8.
                closest = min(expected, key=lambda known, value=value: abs(known - value))
                assert figure.numbers[f"{rule}({value:g})"] == pytest.approx(expected[closest], abs=2 * tolerance)
            # The authors rounded up to a multiple of 0.005; what their grid adds is their solver's error.
            assert figure.numbers[f"smallest_rounding_{rule}"] > -1e-6
            assert figure.numbers[f"largest_rounding_{rule}"] < 0.005 + 1e-6

    return check


def check_isotropic_noise(figure):
    check_times("026", "sigma", (0.0, 0.5, 3.0))(figure)
    # Noise makes supervised learning faster; reinforcement learning first by a little, then slower.
    assert figure.numbers["at_smallest_SL"] == 3.0
    assert 0.0 < figure.numbers["at_smallest_RL"] < 0.5


def check_anisotropic_noise(figure):
    check_times("031", "eps", (-0.9, 0.5, 0.9))(figure)
    assert figure.numbers["at_smallest_SL"] == figure.numbers["at_smallest_RL"] == -0.9


def check_directions(figure):
    for epsilon in (0.5, -0.5):
        assert figure.numbers[f"accuracy({epsilon:g})"] == pytest.approx(ndtr(1 / np.sqrt(1 + epsilon)), abs=1e-12)


def check_variance(apart):
    """`apart`: how far the authors' coefficient 1 is from the 1/2 of equation (10), printed with two digits."""

    def check(figure):
        for sigma, largest in zip(("0", "0.5", "1"), apart, strict=True):
            half_a_digit = 0.5 * 10.0 ** (np.floor(np.log10(largest)) - 1)
            assert abs(figure.numbers[f"published({sigma})"] - largest) < half_a_digit + 0.2 * largest
        for time in ("5", "20"):
            falling = [figure.numbers[f"trace_cov({sigma}, {time})"] for sigma in ("0", "0.5", "1")]
            assert falling == sorted(falling, reverse=True)

    return check


CHECKS = {
    "schmid2024/1a": check_perceptron,
    "schmid2024/1b": check_inputs,
    "schmid2024/1c": check_distribution,
    "schmid2024/2a": check_field("SL"),
    "schmid2024/2b": check_field("RL"),
    "schmid2024/2c": check_curves,
    "schmid2024/2d": check_curves,
    "schmid2024/2e": check_fixed_point,
    "schmid2024/3a": check_isotropic_noise,
    "schmid2024/3b": check_directions,
    "schmid2024/3c": check_anisotropic_noise,
    "schmid2024/4a": check_variance((4e-6, 2.8e-5, 1.8e-4)),
    "schmid2024/4b": check_variance((2.9e-4, 6.2e-4, 1.8e-3)),
}
