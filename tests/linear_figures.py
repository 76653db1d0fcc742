"""What the figures of Pretorius (2017) must show: each number from a second source.

The sources are the printed equations, loops and quadratures written here, and test vectors of the same equations.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import t as student_t


def flow_of_scalar(w_1, w_2, rate, steps):
    """Descent on (1 - w_2 w_1)^2 / 2, step by step."""
    path = [(w_1, w_2)]
    for _ in range(steps):
        error = 1.0 - w_2 * w_1
        w_1, w_2 = w_1 + rate * error * w_2, w_2 + rate * error * w_1
        path.append((w_1, w_2))
    return np.array(path)


def first_order_gap(a, u_0, rate):
    """The largest distance of descent from logistic growth to a, to first order in the rate.

    Steps of dw/dt = f(w) = w (a - w^2) are behind the flow by the time (rate / 2) ln[f(w) / f(w_0)], w^2 = u.
    """
    u = u_0 + (max(a, 0.0) - u_0) * np.linspace(0.0, 1.0, 10_001)[1:-1]
    late = rate / 2 * np.log(np.sqrt(u / u_0) * (a - u) / (a - u_0))
    return np.abs(2 * u * (a - u) * late).max()


def check_loss_surface(figure):
    numbers = figure.numbers
    for index, start in enumerate(((-1.3, 1.55), (1.15, -1.5), (0.05, 0.02)), 1):
        # The flow is descent in 1000 times smaller steps, up to their first order.
        coarse, fine = flow_of_scalar(*start, 0.1, 120), flow_of_scalar(*start, 1e-4, 120_000)[::1000]
        apart = np.linalg.norm(coarse - fine, axis=1).max()
        assert numbers[f"distance_{index}"] == pytest.approx(apart, rel=0.01)
        assert numbers[f"u_{index}_descent"] == pytest.approx(coarse[-1].prod(), abs=1e-12)
        assert numbers[f"u_{index}"] == pytest.approx(fine[-1].prod(), abs=1e-4)
        # Rounding of squares up to 2.4.
        assert numbers[f"conserved_{index}"] < 1e-13


def check_scalar_dynamics(figure):
    # The test vector of equation (2) at x = y = 1, u_0 = 0.01, rate 0.01.
    expected = {
        10: 0.012187045127551076, 50: 0.026723630989395224, 100: 0.06945315965638048, 200: 0.35546098713664687,
        400: 0.9678567044042413,
    }  # fmt: skip
    for time, u in expected.items():
        assert figure.numbers[f"u(0.01, {time})"] == pytest.approx(u, abs=1e-10)
    # Descent itself, whose distance from theory is of first order.
    for rate in (0.01, 0.02, 0.05):
        u = flow_of_scalar(0.1, 0.1, rate, 500).prod(1)
        E = np.exp(2 * rate * np.arange(501))
        assert figure.numbers[f"gap({rate:g})"] == pytest.approx(np.abs(u - E / (E - 1 + 100)).max(), abs=1e-12)
        # The next order: rate * ln(s / u_0) = 0.05 * 4.6.
        assert figure.numbers[f"gap({rate:g})"] == pytest.approx(first_order_gap(1.0, 0.01, rate), rel=0.23)


def check_items(figure):
    items = np.array([[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]], dtype=float)
    for name, matrix in (("", items), ("centred_", items - items.mean(1, keepdims=True))):
        s = np.linalg.svd(matrix, compute_uv=False)
        found = [value for key, value in figure.numbers.items() if key.startswith(f"{name}s_")]
        # The centred matrix has a fourth singular value of 0.
        np.testing.assert_allclose(found, s[: len(found)], rtol=0, atol=1e-14)
        assert np.abs(s[len(found) :]).max(initial=0.0) < 1e-14
        assert max(figure.numbers[f"{name}error"], figure.numbers[f"{name}off"]) < 1e-15 * 10


def check_modes(figure):
    numbers = figure.numbers
    # Nodes over a pair of leaves, of four, of all: s^2 of the contrasts is a sum over the nodes below.
    for name, values in (("items", (np.sqrt(3), 1.0)), ("tree", (np.sqrt(15), np.sqrt(7), np.sqrt(3), 1.0))):
        for order, s in enumerate(values, 1):
            assert numbers[f"{name}_s_{order}"] == pytest.approx(s, abs=1e-12)
            # The time to s / 2 in logistic growth; interpolated in steps of 0.025.
            half = np.log(s / 0.01 - 1) / (2 * s)
            assert numbers[f"{name}_half_{order}"] == pytest.approx(half, abs=s**2 * 0.025**2)
        # To first order in the rate, and a tenth more for the next, rate * s ln(s / u_0) < 0.05.
        rate = {"items": 0.01, "tree": 0.002}[name]
        assert numbers[f"{name}_gap"] < 1.1 * first_order_gap(values[0], 0.01, rate)
    # Random weights learn the same; the last modes are still on their way.
    assert numbers["items_random"] < 0.1


def check_weight_decay(figure):
    numbers = figure.numbers
    for decay in (0.0, 0.3, 0.6, 0.9, 1.1):
        for time in (1.0, 4.0, 12.0):
            # The printed equation.
            a = 1.0 - decay
            E = np.exp(2 * a * time)
            assert numbers[f"u({decay:g}, {time:g})"] == pytest.approx(a * E / (E - 1 + a / 0.2), abs=1e-12)
        # To first order in the rate 0.01, and a tenth more for the next.
        assert numbers[f"gap({decay:g})"] < 1.1 * first_order_gap(1.0 - decay, 0.2, 0.01)
        # s - u at the end; what is left after t = 2000 at s - lambda = 0.02 is below e^-80.
        assert numbers[f"threshold({decay:g})"] == pytest.approx(decay, abs=1e-12)


def check_dropout(figure):
    numbers = figure.numbers
    cases = [(f"p={p:g}", p, 0.01) for p in (0.2, 0.4, 0.6, 0.8)]
    cases += [(f"eps={epsilon:g}", 0.6, epsilon) for epsilon in (0.3, 0.2, 0.1, 0.03, 0.01)]
    for at, keep, epsilon in cases:
        # By quadrature of du / (2 p u (1 - u)).
        time = quad(lambda u, keep=keep: 1 / (2 * keep * u * (1 - u)), epsilon, 1 - epsilon, epsabs=1e-12)[0]
        assert numbers[f"theory({at})"] == pytest.approx(time, rel=1e-9)
        mean, error = numbers[f"time({at})"], numbers[f"error({at})"]
        # Four standard errors, and the rate's term: it shifts the time by about a step, eta / p.
        assert abs(mean - time) < 4 * error + 2e-3 / keep
        # The bound: the mean less four standard errors is below it.
        assert mean - 4 * error < np.log(1 / epsilon) / keep
    # Of the tightest: by that much the bound is above the mean at eps = 0.3.
    assert numbers["time(eps=0.3)"] + 4 * numbers["error(eps=0.3)"] < np.log(1 / 0.3) / 0.6
    assert numbers["bound"] == pytest.approx(np.log(100) / 0.6, rel=1e-12)
    # Four units: s p / (p + (1 - p) / 4); 200 runs with fluctuations of sqrt(eta) each, and terms of order eta.
    assert numbers["four_units"] == pytest.approx(0.6 / 0.7, abs=4 * np.sqrt(2e-3 / 200) + 10 * 2e-3)


def check_autoencoders(figure):
    numbers = figure.numbers
    for v in (2.0, 1.0, 0.4):
        limit = v / (v + 0.5)
        assert numbers[f"limit({v:g})"] == pytest.approx(limit, rel=1e-14)
        gamma = v * 0.5 / (v + 0.5)
        for name, rate in (("noise", 2 * v), ("decay", 2 * (v - gamma))):
            half = np.log(limit / 0.01 - 1) / rate
            # Interpolated in steps of 0.025.
            assert numbers[f"half_{name}({v:g})"] == pytest.approx(half, abs=rate * 0.025**2)
        # One example a step: fluctuations of sqrt(eta v / 20), and their mean effect of order eta v^2.
        assert numbers[f"apart({v:g})"] < 5 * np.sqrt(5e-3 * v / 20) + 5e-3 * v**2
    best = numbers["loss_both"]
    # Nothing on the grid of the picture is better, and each alone is at most as good.
    assert best <= min(numbers["grid"], numbers["loss_noise"], numbers["loss_stopping"]) + 1e-10
    assert numbers["grid"] == pytest.approx(best, rel=1e-3)
    assert numbers["loss_stopping"] < 0.5 * numbers["plain"]


def check_generalisation(figure):
    numbers = figure.numbers
    for aspect in (0.25, 0.5, 1.0, 2.0):
        t, error = numbers[f"t_best({aspect:g})"], numbers[f"best({aspect:g})"]
        # By quadrature over Marchenko and Pastur's law, at the time and beside it.
        values = [error_at(aspect, time) for time in (0.98 * t, t, 1.02 * t)]
        assert values[1] == pytest.approx(error, rel=1e-7)
        assert values[1] < min(values[0], values[2])
        # Ten samples, nine times, n = 100: Student's t of 9 degrees of freedom, P = 1e-6 for each; the samples' own
        # mean differs by O(1 / n), less than a standard error.
        assert numbers[f"z({aspect:g})"] < student_t.isf(0.5e-6, 9)
    # a = 1 with sigma^2 = 1/4: the best decay is 1/4, after which stopping gains nothing.
    assert numbers["end(0.25)"] == pytest.approx(numbers["least(0.25)"], rel=1e-6)
    others = [numbers[f"{name}({decay})"] for name in ("end", "least") for decay in ("0", "0.05", "1")]
    assert numbers["end(0.25)"] < min(others)
    assert numbers["end(0)"] > 3 * numbers["least(0)"]
    # Stopping does nearly as well as the best decay, which is the best of all linear estimators.
    assert 1.0 < numbers["largest_gain"] < 1.05


def error_at(aspect, time, noise=0.25):
    """sigma^2 / 2 + (1/2) <e^{-2 x t} + a sigma^2 (1 - e^{-x t})^2 / x> of eigenvalues x of X X^T / p, w(0) = 0."""
    low, high = (1 - np.sqrt(aspect)) ** 2, (1 + np.sqrt(aspect)) ** 2

    def term(angle):
        # x = middle + half cos(angle): the root of the density is smooth in the angle.
        x = (low + high) / 2 + (high - low) / 2 * np.cos(angle)
        density = ((high - low) / 2 * np.sin(angle)) ** 2 / (2 * np.pi * aspect * max(x, 1e-300))
        left = np.exp(-x * time)
        return density * (left**2 + aspect * noise * (1 - left) ** 2 / max(x, 1e-300))

    unseen = max(0.0, 1 - 1 / aspect)
    return noise / 2 + 0.5 * (quad(term, 0.0, np.pi, epsabs=1e-11, limit=200)[0] + unseen)


CHECKS = {
    "pretorius2017/autoencoders": check_autoencoders,
    "pretorius2017/dropout-bound": check_dropout,
    "pretorius2017/generalisation": check_generalisation,
    "pretorius2017/items-and-properties": check_items,
    "pretorius2017/loss-surface": check_loss_surface,
    "pretorius2017/modes": check_modes,
    "pretorius2017/scalar-dynamics": check_scalar_dynamics,
    "pretorius2017/weight-decay": check_weight_decay,
}
