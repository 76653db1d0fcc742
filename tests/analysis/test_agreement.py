"""Fluctuations against the exact chain: sqrt(N) std at N = 10^3 ... 10^5, the exponent -1/2, the 1/N shift of means."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

import learndyn as ld
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher.flow import drift_function

SIZES = [1000, 5000, 25_000]
# Sizes and replicas at which a shift of order 1/N stands out of the noise.
SMALL = {12: 60_000, 24: 70_000, 48: 90_000}
# Standard errors. 18 order parameters in the five cases, each compared at three sizes, in its exponent and its shift:
# 90 comparisons at 6.8e-6 (normal), false alarm 6.1e-4.
LIMIT = 4.5


def perceptron(name, eta):
    scenario = ld.StudentTeacher(ld.Student(1, name), ld.Teacher(1, name), learning_rate=eta)
    return scenario, ld.Start(Q=0.25, R=0.0)


def committee(name, K, M, eta):
    scenario = ld.StudentTeacher(ld.Student(K, name), ld.Teacher(M, name), learning_rate=eta)
    return scenario, ld.Start.near_symmetric(scenario, Q=np.linspace(0.2, 0.4, K), X=0.15)


CASES = {
    "relu perceptron": (*perceptron("relu", 0.5), 2.0),
    "erf perceptron": (*perceptron("erf", 1.0), 2.0),
    "linear perceptron": (*perceptron("linear", 0.3), 2.0),
    "erf K=2, M=2": (*committee("erf", 2, 2, 0.5), 1.0),
    "relu K=2, M=1": (*committee("relu", 2, 1, 0.3), 1.0),
}

# As in CASES, with learning rates so large that the shift is 1 to 3 times the standard deviation (both times their
# powers of N): 10 and more standard errors of the fit.
SHIFTED = {
    "relu perceptron": (*perceptron("relu", 2.0), 2.0),
    "erf perceptron": (*perceptron("erf", 2.5), 1.0),
    "linear perceptron": (*perceptron("linear", 1.0), 1.0),
    "erf K=2, M=2": (*committee("erf", 2, 2, 1.5), 1.0),
    "relu K=2, M=1": (*committee("relu", 2, 1, 1.0), 2.0),
}


def samples(result, N):
    """R row by row, then the upper triangle of Q, of each replica: (replicas, parameters)."""
    rows = result.sel(N=N).isel(alpha=-1)
    Q = rows.Q.values[:, *np.triu_indices(rows.sizes["student"])]
    return np.hstack([rows.R.values.reshape(len(Q), -1), Q])


def theory(result, suffix):
    row = result.isel(alpha=-1)
    Q = row[f"Q{suffix}"].values[np.triu_indices(row.sizes["student"])]
    return np.concatenate([row[f"R{suffix}"].values.ravel(), Q])


def errors(result, suffix):
    """Standard errors of the theory where its diffusion is sampled."""
    name = f"{suffix}_error"
    return theory(result, name) if f"R{name}" in result else 0.0


@pytest.mark.parametrize("name", CASES)
def test_standard_deviations_fall_as_the_root_of_n_to_the_value_of_the_theory(name):
    """Three N with 800 replicas: each std within 2.5 % (one standard error) and 1/N of the theory."""
    scenario, start, until = CASES[name]
    spread = theory(fluctuations := ld.fluctuations(scenario, start, until, save_at=[until], seed=1), "_std")
    runs = ld.simulate(scenario, start, until, N=SIZES, replicas=800, save_at=[until], seed=7, progress=False)
    logs = []
    for N in SIZES:
        x = samples(runs, N)
        deviation = x - x.mean(0)
        std = x.std(0, ddof=1)
        kurtosis = (deviation**4).mean(0) / (deviation**2).mean(0) ** 2
        error = std * np.sqrt((kurtosis - 1) / (4 * len(x)))  # of a standard deviation
        logs.append((np.log(std), error / std))
        z = (std * np.sqrt(N) - spread) / np.hypot(error * np.sqrt(N), errors(fluctuations, "_std"))
        assert np.abs(z).max() < LIMIT, (N, z)
    # The slope of log std over log N, by least squares over the three sizes (equally spaced: the outer two decide).
    slope = (logs[2][0] - logs[0][0]) / np.log(SIZES[2] / SIZES[0])
    slope_error = np.hypot(logs[2][1], logs[0][1]) / np.log(SIZES[2] / SIZES[0])
    assert (np.abs(slope + 0.5) < LIMIT * slope_error).all(), (slope, slope_error)
    assert slope_error.max() < 0.02


def extrapolated_shift(scenario, start, until, seed):
    """N (mean - limit) for N to infinity, and its standard error, from the chain: fits of 1, 1/N, 1/N^2 through SMALL.

    Three sizes that double: Richardson's weights 1/3, -2, 8/3. A term b / N^3 leaves b / (12 * 24 * 48) = b / 1.4e4.
    """
    limit = theory(ld.solve(scenario, start, until, save_at=[until], rtol=1e-11, atol=1e-13), "")
    found, errors_of = [], []
    for N, replicas in SMALL.items():
        runs = ld.simulate(scenario, start, until, N=[N], replicas=replicas, save_at=[until], seed=seed, progress=False)
        x = samples(runs, N)
        found.append(N * (x.mean(0) - limit))
        errors_of.append(N * x.std(0, ddof=1) / np.sqrt(replicas))
    weights = np.array([1 / 3, -2.0, 8 / 3])
    return weights @ np.array(found), np.sqrt(weights**2 @ np.array(errors_of) ** 2)


@pytest.mark.parametrize("name", SHIFTED)
def test_means_are_shifted_by_the_term_of_order_one_over_n(name):
    scenario, start, until = SHIFTED[name]
    fluctuations = ld.fluctuations(scenario, start, until, save_at=[until], seed=1)
    shift = theory(fluctuations, "_shift")
    fitted, error = extrapolated_shift(scenario, start, until, seed=3)
    error = np.hypot(error, errors(fluctuations, "_shift"))
    assert (np.abs(fitted - shift) < LIMIT * error).all(), (fitted, shift, error)
    # The test has power: it would see a shift that is half of this one.
    assert (np.abs(shift) / error).max() > 10


def test_the_shift_of_the_linear_perceptron_is_exact_and_met_by_the_chain():
    """Two of the three terms, at eta = 1; the third is 0 for a linear flow.

    E = |J - B|^2 = Q - 2 R + 1 decays as exp(N ln(1 + (eta^2 - 2 eta) / N + 2 eta^2 / N^2) alpha) in the mean, so that
    the shift of <E> is alpha [2 eta^2 - (eta^2 - 2 eta)^2 / 2] E: the first term from the length of the inputs, the
    second from the discrete updates; the third, from the curvature of the drift, is 0 for a linear flow. For eta = 1:
    2 and -1/2.
    """
    scenario, start = perceptron("linear", 1.0)
    row = ld.fluctuations(scenario, start, 1.5, save_at=[1.5]).isel(alpha=-1)
    shift = (row.Q_shift - 2.0 * row.R_shift.values).item()
    E = 1.25 * np.exp(-1.5)
    np.testing.assert_allclose(shift, 1.5 * (2.0 - 0.5) * E, rtol=1e-5)
    # And the mean of the chain itself.
    N, replicas = 40, 100_000
    end = ld.simulate(scenario, start, 1.5, N=N, replicas=replicas, save_at=[1.5], seed=5, progress=False).isel(
        alpha=-1
    )
    sample = (end.Q - 2.0 * end.R.values + 1.0).values.ravel()
    exact = 1.25 * (1.0 - 1.0 / N + 2.0 / N**2) ** (1.5 * N)
    assert abs(sample.mean() - exact) < LIMIT * sample.std() / np.sqrt(replicas)
    assert abs(sample.mean() - E) > 3 * sample.std() / np.sqrt(replicas)


def shift_of_terms(scenario, start, until, factors, points=401):
    """The shift by an integration of its own, with the three terms of its equation multiplied by ``factors``.

    dm/dalpha = J m + f1 2 d<b>(C (1 + t))/dt - f2 (F . grad) F / 2 + f3 P : grad^2 F / 2, with all derivatives of the
    NumPy drift by central differences (steps 1e-4: errors of 1e-7) and P from `ld.fluctuations`.
    """
    times = np.linspace(start.at, until, points)
    path = ld.fluctuations(scenario, start, until, save_at=times, rtol=1e-8)
    P = CubicSpline(times, path.covariance.values)
    values, h = scenario.values(), 1e-4
    whole = drift_function(scenario.structure, NUMPY)
    first_order = drift_function(scenario.replace(dynamics="gradient_flow").structure, NUMPY)

    def F(z):
        return whole(0.0, z, values)

    def length_term(z):
        def square(t):
            scaled = (0.0, (1.0 + t) * z, values | {"T": (1.0 + t) * values["T"]})
            return whole(*scaled) - first_order(*scaled)

        return (square(h) - square(-h)) / h

    steps = h * np.eye(2)

    def right(alpha, y):
        z, m = y[:2], y[2:]
        J = np.array([(F(z + s) - F(z - s)) / (2 * h) for s in steps]).T
        second = np.array([[F(z + a + b) - F(z + a - b) - F(z - a + b) + F(z - a - b) for b in steps] for a in steps])
        curvature = np.einsum("ab,abi->i", P(alpha), second) / (4 * h * h)
        terms = np.array([length_term(z), -0.5 * J @ F(z), 0.5 * curvature])
        return np.concatenate([F(z), J @ m + factors @ terms])

    y = np.concatenate([scenario.initial_state(start), np.zeros(2)])
    return solve_ivp(right, (start.at, until), y, rtol=1e-8, atol=1e-10).y[2:, -1]


def test_the_shift_has_its_three_terms_in_an_integration_of_its_own():
    """ReLU perceptron at eta = 2: the sum agrees, and each term is more than 2 % of the largest shift."""
    scenario, start, until = SHIFTED["relu perceptron"]
    shift = theory(ld.fluctuations(scenario, start, until, save_at=[until]), "_shift")
    np.testing.assert_allclose(shift_of_terms(scenario, start, until, np.ones(3)), shift, rtol=1e-4, atol=1e-4)
    for term in range(3):
        without = shift_of_terms(scenario, start, until, np.ones(3) - np.eye(3)[term])
        assert np.abs(without - shift).max() > 0.02 * np.abs(shift).max(), term
