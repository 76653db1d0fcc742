"""What the figures of the future work of 2019 must show, each number with a second source.

Trees are integrated once more, by SciPy, with averages of one branch by Gauss-Hermite quadrature (erf) or in closed
form (ReLU). Residual errors are held against the best that two units of the other kind can do, found by minimising
eps_g over a one-dimensional integral: at a finite learning rate descent ends above it, by a part of at most eta K.
Simulations are compared as in the figures of 2018: Student's t with 19 degrees of freedom, P(|t| > 7) = 1e-6 a time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares
from scipy.special import erf

from outlook_figures import perceptron, perceptron_error

Z = 7.0
ETA = 0.1


def relu_branch(R, Q):
    """dR, dQ of a perceptron with eta = 0.1; <g'(x) y>, <g'(x) x>; <g'^2>, <g' e>, <e>, <e^2>, e = g(y) - g(x)."""
    own = perceptron(R, Q, ETA)
    length = np.sqrt(Q)
    on_y, on_x = R / length / np.sqrt(2 * np.pi), length / np.sqrt(2 * np.pi)
    mean = (1 - length) / np.sqrt(2 * np.pi)
    active = (1 + R / length) / (2 * np.sqrt(2 * np.pi)) - length / np.sqrt(2 * np.pi)
    return own, on_y, on_x, 0.5, active, mean, 2 * perceptron_error(R, Q)


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def erf_branch(R, Q):
    """The same for erf; whose averages of odd order vanish."""
    u, v, weight = NODES[:, None], NODES[None, :], WEIGHTS[:, None] * WEIGHTS[None, :]
    x = np.sqrt(Q) * u
    y = R / np.sqrt(Q) * u + np.sqrt(1 - R**2 / Q) * v
    e, slope = erf(y / np.sqrt(2)) - erf(x / np.sqrt(2)), np.sqrt(2 / np.pi) * np.exp(-(x**2) / 2)

    def mean(f):
        return float((weight * f).sum())

    own = [ETA * mean(slope * e * y), 2 * ETA * mean(slope * e * x) + ETA**2 * mean(slope**2 * e**2)]
    return np.array(own), 0.0, 0.0, mean(slope**2), 0.0, 0.0, mean(e**2)


def tree_errors(branch, times):
    """eps_g of a tree of two units from R = 0, Q = (0.2, 0.3)."""

    def parts(z):
        return [branch(z[2 * i], z[2 * i + 1]) for i in (0, 1)]

    def right(t, z):
        both = parts(z)
        found = []
        for (own, on_y, on_x, square, active, *_), (*_, mean, power) in (both, both[::-1]):
            # The error is e of this branch and that of the other, which is independent of it.
            second = 2 * active * mean + square * power
            found += [own[0] + ETA * on_y * mean, own[1] + 2 * ETA * on_x * mean + ETA**2 * second]
        return found

    solution: Any = partial(solve_ivp, method="DOP853", rtol=1e-10, atol=1e-13)(
        right, (0, times[-1]), [0.0, 0.2, 0.0, 0.3], t_eval=times
    )
    errors = []
    for z in solution.y.T:
        (*_, mean_1, power_1), (*_, mean_2, power_2) = parts(z)
        errors.append((power_1 + power_2) / 2 + mean_1 * mean_2)
    return errors


def check_tree(figure):
    numbers = figure.numbers
    for name, branch in (("relu", relu_branch), ("erf", erf_branch)):
        found = [numbers[f"tree_{name}(20)"], numbers[f"tree_{name}(60)"], numbers[f"tree_{name}"]]
        # The solver's tolerances, 1e-8 relative, and the 60-point quadrature of an entire function.
        assert found == pytest.approx(tree_errors(branch, [20, 60, 120]), abs=1e-7)
        assert numbers[f"z_{name}"] < Z
        # The fully connected network is still on its plateau.
        assert numbers[f"full_{name}"] > 10 * numbers[f"tree_{name}"]


Y = np.linspace(-9, 9, 1801)
DENSITY = np.exp(-(Y**2) / 2) / np.sqrt(2 * np.pi) * (Y[1] - Y[0])
RELU, ERF = (lambda x: np.maximum(x, 0.0)), (lambda x: erf(x / np.sqrt(2)))


def smallest_error(g, target, shape, count):
    """The smallest <(target - shape)^2> / 2 over the parameters of a shape, by least squares from 10 random points."""

    def residuals(q):
        return np.sqrt(DENSITY) * (target(Y) - shape(q, g))

    rng = np.random.default_rng(0)
    return min(least_squares(residuals, rng.standard_normal(count), method="lm").cost for _ in range(10))


def free(q, g):
    """Two units with output weights."""
    return q[0] * g(q[2] * Y) + q[1] * g(q[3] * Y)


def with_biases(q, g):
    """Two units with output weights and biases."""
    return q[0] * g(q[2] * Y + q[4]) + q[1] * g(q[3] * Y + q[5])


def check_relu_learns_erf(figure):
    numbers = figure.numbers
    # One effective unit, a <y erf(y / sqrt 2)> / 2 = a / (2 sqrt pi): smallest at a = 1 / sqrt pi. Both signs: linear.
    best = {"first layer": (1 / 3 - 1 / (2 * np.pi)) / 2, "and w": (1 / 3 - 1 / np.pi) / 2}
    best["and w, biases"] = smallest_error(RELU, ERF, with_biases, 6)
    assert smallest_error(RELU, ERF, free, 4) == pytest.approx(best["and w"], rel=1e-5)
    for freedom, error in best.items():
        assert error * (1 - 1e-6) < numbers[f"eps_g({freedom})"] < error * (1 + 2 * ETA)
        assert numbers[f"z({freedom})"] < Z


def check_erf_learns_relu(figure):
    numbers = figure.numbers
    # Odd students: what is left of max(y, 0) = y / 2 + |y| / 2 is the even part, <y^2> / 8; they reach it only with
    # infinite w, so that no part of eta bounds the distance: half of the step from w = 1 does.
    alone = smallest_error(ERF, RELU, lambda q, g: g(q[0] * Y) + g(q[1] * Y), 2)
    assert alone < numbers["eps_g(first layer)"] < alone * (1 + 2 * ETA)
    assert 0.125 < numbers["eps_g(and w)"] < numbers["eps_g(first layer)"]
    # The bend is learned after a plateau; what two units can do at most is approached slowly, w grows.
    assert smallest_error(ERF, RELU, with_biases, 6) < numbers["eps_g(and w, biases)"] < 0.1 * 0.125
    assert max(numbers[f"z({freedom})"] for freedom in ("first layer", "and w", "and w, biases")) < Z


def bias_curvature():
    """Smallest eigenvalue of the Hessian of eps_g at the solution, ReLU with biases (1/2, -1/2), T = I.

    H = <f f^T> of the features f = theta(y_i + phi_i) (y_1, y_2, xi_perp, 1) of both units, by sums over a fine grid.
    """
    line = np.linspace(-8, 8, 1601)
    y_1, y_2 = np.meshgrid(line, line, indexing="ij")
    weight = np.exp(-(y_1**2 + y_2**2) / 2) / (2 * np.pi) * (line[1] - line[0]) ** 2
    active = [y_1 + 0.5 > 0, y_2 - 0.5 > 0]
    features = [on * f for on in active for f in (y_1, y_2, np.ones_like(y_1))]
    inside = np.array([[(weight * f * g).sum() for g in features] for f in features])
    # A direction outside of the plane has variance 1 whatever y is.
    across = np.array([[(weight * a * b).sum() for b in active] for a in active])
    return min(np.linalg.eigvalsh(inside)[0], np.linalg.eigvalsh(across)[0])


def check_biases(figure):
    numbers = figure.numbers
    # eps_g = d^T H d / 2 bounds the distance d of weights and biases from those of the teacher; half of the smallest
    # eigenvalue leaves room for the next order.
    off = np.sqrt(4 * numbers["eps_g(learned)"] / bias_curvature())
    assert abs(numbers["theta_1"] - 0.5) < off
    assert abs(numbers["theta_2"] + 0.5) < off
    assert off < 0.2
    # Most of the way from theta_2 = 0.28 on the plateau is done, and the error is not that without biases.
    assert numbers["eps_g(learned)"] < 1e-2 * numbers["eps_g(absent)"]
    assert max(numbers["z(learned)"], numbers["z(absent)"]) < Z


def check_complex(figure, K):
    numbers = figure.numbers
    # Without noise the rule is found; under noise dropout is ahead at first.
    assert numbers["noiseless(5000)"] < 1e-2 * numbers["noiseless(300)"]
    assert numbers["dropout(300)"] < 0.5 * min(numbers["none(300)"], numbers["decay(300)"])
    # At last the student without dropout has specialised, and one with dropout has not.
    assert numbers["none(5000)"] < numbers["dropout(5000)"]
    assert numbers["spread_dropout"] < 1e-6 < 0.3 < numbers["spread_none"]
    # Long surplus units are steps: Q_ii = 10 or more, against less than 1 of the student without noise.
    assert numbers["Q_noiseless"] < 1.1 < 10 < numbers["Q_none"]
    # Mean of six runs: Student's t with 5 degrees of freedom, P(|t| > 25) = 2e-6.
    assert all(numbers[f"z_{name}"] < 25 for name in ("none", "decay", "dropout") if K == 5)


def check_noise(figure):
    numbers = figure.numbers
    for K in (1, 2, 3, 5, 8):
        # Goldt et al. (2019), to leading order in eta.
        law = (K - 1 + 1 / np.sqrt(3)) / (2 * np.pi)
        assert numbers[f"law({K})"] == pytest.approx(law, rel=1e-12)
        off = [numbers[f"floor({K},{eta:g})"] / law - 1 for eta in (0.2, 0.05, 0.0125)]
        assert abs(off[0]) > abs(off[2])
        # The next order is eta times a number that grows with K.
        assert abs(off[2]) < 0.0125 * K + 0.01
    # Excess noise grows with every unit.
    assert numbers["floor(8,0.2)"] > numbers["floor(5,0.2)"] > numbers["floor(3,0.2)"]


def check_regularisation(figure):
    numbers = figure.numbers
    for noise in (0.1, 1):
        assert max(numbers[f"z({noise:g}, {name})"] for name in ("none", "decay", "dropout")) < Z
    low, high = "0.03", "2"
    for option, off, values in (("weight_decay", "0", ("0.003", "0.01", "0.03")),
                                ("dropout_keep", "1", ("0.99", "0.95", "0.8"))):  # fmt: skip
        plain = [numbers[f"{option}({off}, {noise})"] for noise in (low, high)]
        # Little noise: each costs, the stronger the more. Much: a mild one pays.
        costs = [numbers[f"{option}({value}, {low})"] for value in values]
        assert plain[0] < costs[0] < costs[1] < costs[2]
        assert min(numbers[f"{option}({value}, {high})"] for value in values[:2]) < plain[1]
    # Without noise a unit under decay shrinks against the slope of its error: to first order in lambda the error is
    # quadratic in it.
    ratio = numbers["weight_decay(0.01, 0.03)"] / numbers["weight_decay(0.003, 0.03)"]
    assert 4 < ratio < (0.01 / 0.003) ** 2


CHECKS = {
    "2019-biases": check_biases,
    "2019-complex-students-k10-m2": partial(check_complex, K=10),
    "2019-complex-students-k5-m1": partial(check_complex, K=5),
    "2019-complex-students-noise": check_noise,
    "2019-erf-learns-relu": check_erf_learns_relu,
    "2019-regularisation": check_regularisation,
    "2019-relu-learns-erf": check_relu_learns_erf,
    "2019-tree": check_tree,
}
