"""What the figures of fixed points, plateaus and learning rates must show, each number with a second source.

Simulations are compared as in `outlook_figures`: Student's t with 19 degrees of freedom, P(|t| > 7) = 1e-6 a time.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import learning_rate_figures
from outlook_figures import Z, perceptron, perceptron_error


def adaptive_end(floor):
    """eps_g and eta at alpha = 3000: the equations of slides 17 to 20 with eta as a third number."""

    def right(t, z):
        R, Q, eta = z
        error = perceptron_error(R, Q) + 0.3**2 / 2
        return [*perceptron(R, Q, eta, noise=0.3), 2.0 * eta * (6.0 * (error - floor) - eta)]

    R, Q, eta = solve_ivp(right, (0, 3000), [0.0, 0.25, 1.0], "DOP853", rtol=1e-11, atol=1e-14).y[:, -1]
    return perceptron_error(R, Q), eta


def check_adaptive_rate(figure):
    numbers = figure.numbers
    for key, floor in (("floor", 0.3**2 / 2), ("no-floor", 0.0)):
        eps_g, eta = adaptive_end(floor)
        # As for the other noisy perceptrons: eps_g is a difference of order parameters known to some 1e-10.
        assert numbers[f"eps_g({key})"] == pytest.approx(eps_g, abs=1e-9)
        assert numbers[f"eta({key})"] == pytest.approx(eta, abs=1e-9)
    assert max(value for name, value in numbers.items() if name.startswith("z_")) < Z
    # c is that of a linear perceptron; what bends is smaller by |J - B| = 2 sqrt(eps_g), 1.2 %, times some constant.
    assert numbers["eta(floor)"] * 3000 == pytest.approx(numbers["c"], rel=5 * 2 * np.sqrt(numbers["eps_g(floor)"]))
    assert numbers["eps_g(floor)"] < 0.01 * numbers["eps_g(no-floor)"] < 0.01 * numbers["eps_g(constant)"]


def check_fixed_points(figure):
    # Vectors perceptron-016 and perceptron-018, and physics of slide 22; the partner to its printed digits.
    expected = {
        "eta_c": 2.0, "eta_sn": 2.2464992231451273, "R_stable": 0.9859532082888485, "Q_stable": 1.1547964074903962,
        "eps_g_stable": 0.04188515229177603,
    }  # fmt: skip
    assert {name: figure.numbers[name] for name in expected} == pytest.approx(expected, abs=1e-8)
    assert figure.numbers["R_sn"] == pytest.approx(0.7778680753799482, abs=1e-5)
    assert figure.numbers["Q_sn"] == pytest.approx(2.956156538739614, abs=1e-4)
    assert figure.numbers["R_partner"] == pytest.approx(0.55796, abs=5e-6)
    assert figure.numbers["Q_partner"] == pytest.approx(37.458, abs=5e-4)
    assert figure.numbers["lambda_stable"] == pytest.approx(-0.0452, abs=5e-5)
    assert figure.numbers["lambda_partner"] > 0


CHECKS = {
    **learning_rate_figures.CHECKS,
    "2018-adaptive-learning-rate": check_adaptive_rate,
    "2018-relu-perceptron-fixed-points": check_fixed_points,
}
