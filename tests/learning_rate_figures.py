"""What the figures of the best learning rates must show; a second source for each number."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from outlook_figures import Z, integrated, perceptron, perceptron_error


def time_of(target, eta):
    """When the ReLU perceptron comes to an error with a constant rate."""
    solve: Any = partial(solve_ivp, method="DOP853", rtol=1e-11, atol=1e-14)

    def right(t, z):
        return perceptron(z[0], z[1], eta)

    def reached(t, z):
        return np.log(perceptron_error(z[0], z[1]) / target)

    reached.terminal = True  # type: ignore[attr-defined]
    return solve(right, (0, 60), [0.0, 0.25], events=reached).t_events[0][0]


def check_optimal_learning_rate(figure):
    numbers = figure.numbers
    # eps_g is known to 1e-10, absolutely: to 1e-8 relative to 1e-2. Its logarithm is curved by more than 1, and so a
    # minimum is placed to the root of 2e-8; SciPy's is as exact.
    for name, function, tolerance in (
        ("time(1e-02)", partial(time_of, 1e-2), 1e-4),
        ("error(7)", partial(integrated, 7.0), 2e-4),
    ):
        expected: Any = minimize_scalar(function, bounds=(1.0, 1.4), method="bounded", options={"xatol": 1e-5})
        assert numbers[name] == pytest.approx(expected.x, abs=tolerance)
    assert numbers["rate"] == pytest.approx(1.0, abs=1e-3)
    assert min(value for name, value in numbers.items() if name.startswith(("time", "error"))) > 1.0
    # Means of 20 parts: Student's t with 19 degrees of freedom, P(|t| > 7) = 1e-6, five times.
    for N in (5, 10, 20, 50, 100):
        assert abs(numbers[f"N={N}"] - N / (N + 2)) < Z * numbers[f"N={N}_error"]
        assert numbers[f"N={N}_error"] < 0.25 * 2 / (N + 2)  # it can tell N / (N + 2) from 1


def erf_committee(flat, eta):
    """d(R, Q)/dalpha of two erf units that learn two orthonormal ones, from I3 and I4 of Saad & Solla (1995)."""
    C = np.eye(4)
    C[:2, 2:] = flat[:4].reshape(2, 2)
    C[:2, :2] = [[flat[4], flat[5]], [flat[5], flat[6]]]
    C[2:, :2] = C[:2, 2:].T
    c = np.array([-1.0, -1.0, 1.0, 1.0])

    def I3(u, v, w):
        root = np.sqrt((1 + C[u, u]) * (1 + C[w, w]) - C[u, w] ** 2)
        return 2 / np.pi / root * (C[v, w] * (1 + C[u, u]) - C[u, v] * C[u, w]) / (1 + C[u, u])

    def I4(u, v, p, q):
        L4 = (1 + C[u, u]) * (1 + C[v, v]) - C[u, v] ** 2
        tilted = [
            [
                L4 * C[a, b] - C[v, a] * C[v, b] * (1 + C[u, u]) - C[u, a] * C[u, b] * (1 + C[v, v])
                + C[u, v] * (C[u, a] * C[v, b] + C[u, b] * C[v, a])
                for b in (p, q)
            ]
            for a in (p, q)
        ]  # fmt: skip
        return 4 / np.pi**2 / np.sqrt(L4) * np.arcsin(
            tilted[0][1] / np.sqrt((L4 + tilted[0][0]) * (L4 + tilted[1][1]))
        )  # fmt: skip

    response = np.array([[sum(c[q] * I3(i, b, q) for q in range(4)) for b in range(4)] for i in range(2)])
    dQ = [
        eta * (response[i, k] + response[k, i])
        + eta**2 * sum(c[p] * c[q] * I4(i, k, p, q) for p in range(4) for q in range(4))
        for i, k in ((0, 0), (0, 1), (1, 1))
    ]
    return np.concatenate([eta * response[:, 2:].reshape(-1), dQ])


def erf_error(flat):
    """eps_g = sum c_p c_q I2 / 2."""
    R, Q = flat[:4].reshape(2, 2), np.array([[flat[4], flat[5]], [flat[5], flat[6]]])
    q = 1 + np.diag(Q)
    own = np.arcsin(Q / np.sqrt(np.outer(q, q))).sum() + 2 * np.arcsin(0.5)
    return (own - 2 * np.arcsin(R / np.sqrt(2 * q[:, None])).sum()) / np.pi


def erf_end(rates, until):
    """eps_g of the committee of the figure at the end of equal pieces with these rates."""
    solve: Any = partial(solve_ivp, method="DOP853", rtol=1e-8, atol=1e-11)
    z = np.array([1e-3, 0.0, 0.0, 1e-3, 0.2, 0.0, 0.3])
    for rate in rates:
        z = solve(lambda t, z, rate=rate: erf_committee(z, rate), (0, until / len(rates)), z).y[:, -1]
    return erf_error(z)


def check_optimal_schedule(figure):
    numbers = figure.numbers
    rates = [numbers[f"eta_{piece}"] for piece in range(50)]
    # On a plateau errors grow by its escape, some factor e^4 here: 1e-8 becomes 1e-6 at most.
    assert numbers["eps_g_best"] == pytest.approx(erf_end(rates, 100.0), abs=1e-6)
    assert numbers["eps_g_constant"] == pytest.approx(erf_end([numbers["constant"]], 100.0), abs=1e-6)
    assert numbers["gradient_norm"] < 1e-6
    assert numbers["eps_g_best"] < 0.5 * numbers["eps_g_constant"] < 0.5 * numbers["eps_g_greedy"]
    # At eta -> 0 the greedy rate stands on the plateau of Saad & Solla: (pi / 6 - 2 arcsin(1 / 4)) 2 / pi.
    assert numbers["eps_g_greedy"] == pytest.approx(2 / np.pi * (np.pi / 6 - 2 * np.arcsin(0.25)), rel=0.2)
    assert numbers["eta_greedy"] < 0.02


CHECKS = {
    "2018-optimal-learning-rate": check_optimal_learning_rate,
    "2018-optimal-schedule": check_optimal_schedule,
}
